"""Small mistakes planted in the most important functions, one at a time: tests that none of them fails are too weak.

    python -m tests.mutations [NAME ...] [--most N]

Each mutant swaps a comparison or an operation, changes a number by one, or turns a condition round; the tests of the
function and the examples of its module run on it in this process. Prints a Markdown table and every survivor with its
line (`tests/mutations.md` is that table, with why each survivor is none or may stay).
"""

import argparse
import ast
import contextlib
import inspect
import io
import signal
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from types import CodeType
from typing import Any

import numpy as np
import pytest

SECONDS = 120  # after which a mutant counts as found: it may never end

# module:function (or Class.method) -> the tests that should fail when it is wrong
TARGETS = {
    "rounds.files:write_whole": ("tests/test_files.py",),
    "rounds.files:new_folder": ("tests/test_files.py",),
    "rounds.files:existing_folder": ("tests/test_files.py",),
    "rounds.data.splitting:split_dataset": ("tests/data/test_splitting.py",),
    "rounds.data.preparation.encoding:NumberEncoding.encode": ("tests/data/test_preparation.py",),
    "rounds.data.preparation.encoding:LevelEncoding.fit": ("tests/data/test_preparation.py",),
    "rounds.target_scale:TargetScale.with_smearing": ("tests/data/test_target.py",),
    "rounds.data.roles.personal:personal_kind": ("tests/data/test_personal.py",),
    "rounds.metrics.ranking:_area_under_roc": ("tests/metrics/test_metrics.py",),
    "rounds.metrics.numbers:r2": ("tests/metrics/test_metrics.py",),
    "rounds.metrics.probabilities:log_loss": ("tests/metrics/test_metrics.py",),
    "rounds.statistics.intervals:_interval": ("tests/statistics/test_intervals.py",),
    "rounds.statistics.small_cells:shown_cells": ("tests/statistics/test_small_cells.py",),
    "rounds.statistics.differences:_of_shares": ("tests/statistics/test_differences.py",),
    "rounds.ensemble.members:weighted_outputs": ("tests/ensemble/test_weights.py",),
    "rounds.training.batches.orders:epoch_order": ("tests/training/test_orders.py",),
    "rounds.training.compiled.schedule:cycle_ends": (
        "tests/training/test_cycles.py",
        "tests/training/test_schedule.py",
    ),
    "rounds.training.compiled.objective:penalty": ("tests/training/test_objective.py",),
    "rounds.training.compiled.optimizer:clip_gradients": ("tests/training/test_optimizer.py",),
    "rounds.prescription.trial.best_epoch:without_luck_of_alarm": (),
    "rounds.prescription.trial.best_epoch:_likeliest_mean": (),
    "rounds.prescription.trial.effect:paired_effect": ("tests/prescription/test_effect.py",),
    "rounds.prescription.trial.effect:_reach": ("tests/prescription/test_effect.py",),
}


@dataclass(frozen=True)
class Mutant:
    """line: in its file; change: what was done, in words; code: of the changed function."""

    line: int
    change: str
    code: CodeType


_SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.And: ast.Or,
    ast.Or: ast.And,
}


def changes(definition: ast.FunctionDef) -> Iterator[tuple[int, str, Callable[[], None], Callable[[], None]]]:
    """(line, words, do, undo) of every change that can be made in a function's body (defaults are not in its code)."""
    for node in (node for part in definition.body for node in ast.walk(part)):
        line = getattr(node, "lineno", 0)
        for name, value in ast.iter_fields(node):
            held = value if isinstance(value, list) else [value]
            for place, old in enumerate(held):
                if type(old) in _SWAPS:
                    new = _SWAPS[type(old)]()
                    words = f"{type(old).__name__} -> {type(new).__name__}"
                    yield line, words, *_setters(node, name, place if isinstance(value, list) else None, old, new)
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            new_value = node.value + 1
            yield line, f"{node.value} -> {new_value}", *_setters(node, "value", None, node.value, new_value)
        if isinstance(node, ast.If | ast.IfExp | ast.While):
            turned = ast.copy_location(ast.UnaryOp(ast.Not(), node.test), node.test)
            yield line, "condition turned round", *_setters(node, "test", None, node.test, turned)


def _setters(node: ast.AST, name: str, place: int | None, old: Any, new: Any) -> tuple[Callable[[], None], ...]:
    def put(value: Any) -> Callable[[], None]:
        def act() -> None:
            if place is None:
                setattr(node, name, value)
            else:
                getattr(node, name)[place] = value

        return act

    return put(new), put(old)


def function_of(path: str) -> Any:
    """The plain function that module:name or module:Class.method names, under its decorators."""
    module, _, name = path.partition(":")
    found: Any = import_module(module)
    for part in name.split("."):
        found = inspect.getattr_static(found, part)
        found = getattr(found, "__func__", found)
    return inspect.unwrap(found)


def mutants(function: Any) -> list[Mutant]:
    """Every mutant of a function that compiles."""
    first = inspect.getsourcelines(function)[1]
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    definition = tree.body[0]
    assert isinstance(definition, ast.FunctionDef)
    definition.decorator_list = []
    if isinstance(definition.body[0], ast.Expr) and isinstance(definition.body[0].value, ast.Constant):
        definition.body[0].value.value = ""  # the docstring holds no code
    made = []
    for line, words, do, undo in list(changes(definition)):
        do()
        code = compile(ast.fix_missing_locations(tree), inspect.getfile(function), "exec")
        undo()
        inner = next(c for c in code.co_consts if isinstance(c, CodeType) and c.co_name == function.__name__)
        made.append(Mutant(first + line - 1, words, inner))
    return made


def is_found(function: Any, mutant: Mutant, tests: tuple[str, ...]) -> bool:
    """Whether the tests fail on the mutant."""
    kept, function.__code__ = function.__code__, mutant.code
    signal.signal(signal.SIGALRM, _give_up)
    signal.alarm(SECONDS)
    try:
        if "jax" in sys.modules:
            sys.modules["jax"].clear_caches()
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            examples = inspect.getfile(function)
            return pytest.main(["-x", "-q", "-n", "0", "-p", "no:cacheprovider", *tests, examples]) != 0
    except TimeoutError:
        return True
    finally:
        signal.alarm(0)
        function.__code__ = kept


def _give_up(*_: object) -> None:
    raise TimeoutError


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("names", nargs="*", help="parts of the names of functions (all where none is given)")
    parser.add_argument("--most", type=int, default=12, help="mutants a function, evenly taken")
    options = parser.parse_args()
    print("| function | mutants | found | survivors |\n| --- | --- | --- | --- |")
    for path, tests in TARGETS.items():
        if options.names and not any(name in path for name in options.names):
            continue
        function = function_of(path)
        every = mutants(function)
        some = [every[i] for i in np.unique(np.linspace(0, len(every) - 1, min(options.most, len(every))).astype(int))]
        left = [m for m in some if not is_found(function, m, tests)]
        shown = "; ".join(f"line {m.line}: {m.change}" for m in left) or "none"
        print(f"| `{path.removeprefix('rounds.')}` | {len(some)} | {len(some) - len(left)} | {shown} |", flush=True)


if __name__ == "__main__":
    main()
