"""Every rule there is: each record in a file of `data_rules`, `training_rules` or `log_rules`, by its place."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from rounds.examination import data_rules, log_rules, training_rules
from rounds.examination.rule import Rule

if TYPE_CHECKING:  # a log is examined without the libraries that tables and runs need
    from rounds.examination.data_rules.evidence import DataEvidence
    from rounds.examination.logs.logged_run import LoggedRun
    from rounds.examination.run import Run

Record = TypeVar("Record")


@cache
def rules_of_data() -> "tuple[Rule[DataEvidence], ...]":
    """Rules that read a table and its split before training; an error of theirs can be overruled by --allow."""
    return _in_order(records_in(data_rules, Rule))


@cache
def rules_of_training() -> "tuple[Rule[Run], ...]":
    """Rules that read curves, measures and scores."""
    return _in_order(records_in(training_rules, Rule))


@cache
def rules_of_logs() -> "tuple[Rule[LoggedRun], ...]":
    """Rules that read what another tool logged of one training; their codes are those of training, where they say the
    same."""
    return _in_order(records_in(log_rules, Rule))


def every_rule() -> tuple[Rule[Any], ...]:
    """Those of data, then those of training: what is asked of one of Rounds' own runs."""
    return (*rules_of_data(), *rules_of_training())


def rule_of(code: str) -> Rule[Any] | None:
    """The rule that makes this finding; None for a code that no rule has (any more).

    >>> rule_of("overfitting").question
    'training'
    """
    return next((rule for rule in every_rule() if rule.code == code), None)


def records_in(package: ModuleType, kind: type[Record]) -> list[Record]:
    """Every record of this kind in the files of a package: what stands in a file needs no list that names it."""
    files = [import_module(f"{package.__name__}.{file.name}") for file in iter_modules(package.__path__)]
    found = [value for file in files for value in vars(file).values() if isinstance(value, kind)]
    return list({id(value): value for value in found}.values())  # what one file imports from another counts once


def _in_order(rules: list[Rule[Any]]) -> tuple[Rule[Any], ...]:
    return tuple(sorted(rules, key=lambda rule: (rule.place, rule.code)))
