"""Every rule there is: each record in a file of `data_rules` or of `training_rules`, causes before symptoms."""

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from rounds.examination import data_rules, training_rules
from rounds.examination.data_rules.evidence import DataEvidence
from rounds.examination.rule import Rule
from rounds.examination.run import Run


@cache
def rules_of_data() -> tuple[Rule[DataEvidence], ...]:
    """Rules that read a table and its split before training; an error of theirs can be overruled by --allow."""
    return _rules_in(data_rules)


@cache
def rules_of_training() -> tuple[Rule[Run], ...]:
    """Rules that read curves, measures and scores."""
    return _rules_in(training_rules)


def every_rule() -> tuple[Rule[Any], ...]:
    """Those of data, then those of training."""
    return (*rules_of_data(), *rules_of_training())


def rule_of(code: str) -> Rule[Any] | None:
    """The rule that makes this finding; None for a code that no rule has (any more).

    >>> rule_of("overfitting").question
    'training'
    """
    return next((rule for rule in every_rule() if rule.code == code), None)


def _rules_in(package: ModuleType) -> tuple[Rule[Any], ...]:
    """By `place`; a rule that one file imports from another counts once."""
    found = {rule.code: rule for file in iter_modules(package.__path__) for rule in _rules_of(package, file.name)}
    return tuple(sorted(found.values(), key=lambda rule: (rule.place, rule.code)))


def _rules_of(package: ModuleType, name: str) -> Iterator[Rule[Any]]:
    content = vars(import_module(f"{package.__name__}.{name}"))
    return (value for value in content.values() if isinstance(value, Rule))
