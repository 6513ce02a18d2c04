"""The thresholds of harm set anew with each table left out, and what they are worth on it.

Everything else that rules stand on stays as it is; harm decides what alarms, and so most of all three rates.
"""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import astuple, dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.ward.outcome import ALARMS, DETECTED, NAMED, Group
from benchmarks.ward.verdicts import judged_runs
from benchmarks.ward.wings import BY_NAME
from rounds.examination import harm
from rounds.examination.examine import examine_run

# Values that are tried, by the name of the threshold in rounds.examination.harm.
TRIED: dict[str, tuple[float, ...]] = {
    "WORSE": (0.06, 0.08),
    "BESIDE_CAUSE": (0.04, 0.05, 0.06, 0.07, 0.08),
    "BEHIND_TREES": (0.08, 0.1),
}
Choice = tuple[float, ...]
CHOICES: tuple[Choice, ...] = tuple(c for c in product(*TRIED.values()) if c[1] <= c[0])


@dataclass(frozen=True)
class Counts:
    """Faulty runs, those detected, those whose first finding is acceptable; controls, those with an alarm."""

    faulty: int = 0
    detected: int = 0
    named: int = 0
    controls: int = 0
    alarms: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    @property
    def rates(self) -> tuple[float, float, float]:
        """Shares detected, named, and of controls with an alarm."""
        return self.detected / self.faulty, self.named / self.faulty, self.alarms / self.controls

    @property
    def shortfall(self) -> tuple[float, float]:
        """How much is missing of what is to be reached, in all; then alarms, which decide between equals.

        >>> Counts(100, 95, 90, 100, 3).shortfall
        (0.0, 0.03)
        """
        detected, named, alarms = self.rates
        missing = max(DETECTED - detected, 0.0) + max(NAMED - named, 0.0) + max(alarms - ALARMS, 0.0)
        return round(missing, 9), alarms


@dataclass(frozen=True)
class LeftOut:
    """One task, the thresholds chosen on all others, and what they are worth on it."""

    task: str
    choice: Choice
    counts: Counts


def left_out(tasks: tuple[str, ...], folder: Path) -> list[LeftOut]:
    """Each task once."""
    with ProcessPoolExecutor(2) as pool:
        counted = dict(zip(tasks, pool.map(partial(counts_of, folder=folder), tasks), strict=True))
    return [_left_out(task, counted) for task in tasks]


def _left_out(task: str, counted: dict[str, dict[Choice, Counts]]) -> LeftOut:
    others = [counts for name, counts in counted.items() if name != task]
    best = min(CHOICES, key=lambda choice: sum((c[choice] for c in others), Counts()).shortfall)
    return LeftOut(task, best, counted[task][best])


def counts_of(task: str, folder: Path) -> dict[Choice, Counts]:
    """Of one task, by thresholds."""
    found = dict.fromkeys(CHOICES, Counts())
    for run in judged_runs(task, folder):
        found = {choice: found[choice] + counts for choice, counts in by_choice(*run).items()}
    return found


def by_choice(about: dict[str, Any], group: Group, run: harm.Run) -> dict[Choice, Counts]:
    """Of one run; rules are asked once for each answer to whether it was harmed."""
    known: dict[str, Counts] = {}
    found = {}
    for choice in CHOICES:
        with _set_to(choice):
            answer = repr((harm.harm(run), harm.harm(run, alone=True)))
            if answer not in known:
                known[answer] = _counted(about, group, run)
        found[choice] = known[answer]
    return found


@contextmanager
def _set_to(choice: Choice) -> Iterator[None]:
    with ExitStack() as stack:
        for name, value in zip(TRIED, choice, strict=True):
            stack.enter_context(patch.object(harm, name, replace(getattr(harm, name), value=value)))
        yield


def _counted(about: dict[str, Any], group: Group, run: harm.Run) -> Counts:
    if group == "no control":
        return Counts()
    alarms = examine_run(run).alarms
    if group != "faulty":
        return Counts(controls=1, alarms=int(bool(alarms)))
    named = bool(alarms) and alarms[0].code in BY_NAME[about["name"]].acceptable
    return Counts(faulty=1, detected=int(bool(alarms)), named=int(named))
