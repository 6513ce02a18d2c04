"""What counts: whether a planted fault hurts, whether a run alarms, and whether its first alarm names the cause.

Written down before a rule was run on the ward, with the acceptable diagnoses of `faults.py` and the halves of
`tasks.py`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

from benchmarks.ward.wings import BY_NAME, FRESH_SEEDS

# A planted fault hurts where test rows lose at least this share of a constant prediction's error (rmse or log loss),
# on average over fresh seeds, and something on each of them. Where nothing can be predicted any more, all is lost.
HURTS = 0.05
LOST = 1.0
# To reach on the reported half.
DETECTED, NAMED, ALARMS = 0.95, 0.92, 0.02

Group = Literal["faulty", "healthy", "harmless", "no control"]
Scores = dict[str, float | None]


@dataclass(frozen=True)
class Said:
    """What somebody (Rounds, an anchor) says of one run: codes of its alarms, the first one first."""

    alarms: tuple[str, ...]


def error_share(scores: Scores) -> float:
    """Error on clean test rows as a share of a constant's; 1 + LOST where no network was left."""
    clean, constant = scores["clean"], scores["constant"]
    assert constant is not None
    return 1.0 + LOST if clean is None else min(clean / constant, 1.0 + LOST)


def harms(runs: Iterable[dict[str, Any]]) -> dict[tuple[str, int], tuple[float, ...]]:
    """Loss of each (fault, severity) beside the good plan, by fresh seed, from the runs of one task."""
    fresh = [run for run in runs if run["fresh"]]
    good = {run["seed"]: error_share(run["scores"]) for run in fresh if run["name"] not in BY_NAME}
    found: dict[tuple[str, int], list[float]] = {}
    for run in fresh:
        if run["name"] in BY_NAME:
            lost = error_share(run["scores"]) - good[run["seed"]]
            found.setdefault((run["name"], run["severity"]), []).append(lost)
    return {key: tuple(values) for key, values in found.items()}


def good_by_seed(runs: Iterable[dict[str, Any]]) -> dict[int, float]:
    """Median error of the good plans that rules look at, by seed, from the runs of one task."""
    found: dict[int, list[float]] = {}
    for run in runs:
        if run["name"] not in BY_NAME and not run["fresh"]:
            found.setdefault(run["seed"], []).append(error_share(run["scores"]))
    return {seed: median(shares) for seed, shares in found.items()}


def hurts(lost: tuple[float, ...]) -> bool:
    """Whether these losses, a fresh seed each, count as harm.

    >>> hurts((0.2, 0.1)), hurts((0.2, -0.01)), hurts((0.01, 0.02))
    (True, False, False)
    """
    return sum(lost) / len(lost) >= HURTS and min(lost) > 0


def groups(runs: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], Group]]:
    """Each run that rules look at, of one task, with what it counts as."""
    harm = harms(runs)
    for run in runs:
        if not run["fresh"] and _decided(run, harm):
            yield run, _group(run, harm)


def _decided(run: dict[str, Any], harm: dict[tuple[str, int], tuple[float, ...]]) -> bool:
    """Whether the fresh seeds that say what the run counts as were trained yet."""
    fault = BY_NAME.get(run["name"])
    return (
        fault is None
        or fault.harm == "optimism"
        or len(harm.get((run["name"], run["severity"]), ())) == len(FRESH_SEEDS)
    )


def _group(run: dict[str, Any], harm: dict[tuple[str, int], tuple[float, ...]]) -> Group:
    fault = BY_NAME.get(run["name"])
    if fault is not None and (fault.harm == "optimism" or hurts(harm[run["name"], run["severity"]])):
        return "faulty"
    if error_share(run["scores"]) >= 1.0:
        return "no control"
    return "healthy" if fault is None else "harmless"
