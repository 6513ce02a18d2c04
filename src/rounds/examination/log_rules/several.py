"""Several runs side by side: folds or seeds of one configuration, or a sweep of learning rates."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from rounds.examination.finding import SEVERITIES, Finding, Threshold
from rounds.examination.log_rules.evidence import validation_curve
from rounds.examination.logs.logged_run import LoggedRun

Together = Literal["folds", "seeds"]
TOGETHER: tuple[Together, ...] = ("folds", "seeds")
MAJORITY = 0.5  # share of folds or seeds in which a finding must be seen to hold for the configuration
BEHIND = Threshold("behind the best learning rate", 0.05, "share of the best rate's lowest validation loss")
_NOT_SETTINGS = ("seed", "random_state", "fold", "kfold")


def taken_together(runs: Sequence[LoggedRun]) -> Together | None:
    """Whether the logs themselves say that they are folds or seeds of one configuration.

    They do by a column of that name, or by the same hyperparameters (some are known) and the same number of points.
    """
    if len(runs) < 2:
        return None
    if all(run.varies in ("fold", "kfold") for run in runs):
        return "folds"
    if all(run.varies == "seed" for run in runs):
        return "seeds"
    settings = [{k: v for k, v in run.settings.items() if k not in _NOT_SETTINGS} for run in runs]
    differ = len({(run.settings.get("seed"), run.settings.get("fold")) for run in runs}) == len(runs)
    same = all(s == settings[0] for s in settings) and len({run.points for run in runs}) == 1
    if not (settings[0] and differ and same):
        return None
    return "folds" if "fold" in runs[0].settings else "seeds"


def of_configuration(found: Sequence[Finding], count: int, together: Together) -> tuple[Finding, ...]:
    """Findings of single runs as findings of their configuration: what fewer than half of them show is a note."""
    by_code: dict[str, list[Finding]] = defaultdict(list)
    for finding in found:
        by_code[finding.code].append(finding)
    return tuple(_together(same, count, together) for same in by_code.values())


def _together(same: list[Finding], count: int, together: Together) -> Finding:
    worst = min(same, key=lambda f: SEVERITIES.index(f.severity))
    members = tuple(sorted(m for f in same for m in f.members))
    often = len(members) > MAJORITY * count
    words = f"In {len(members)} of {count} {together}: {worst.explanation}"
    return replace(
        worst,
        explanation=words,
        members=members,
        severity=worst.severity if often else "note",
        evidence={**worst.evidence, "runs": len(members), "of": count},
    )


def rates_too_high(runs: Sequence[LoggedRun]) -> Finding | None:
    """Learning rates above the best one whose runs end worse: the sweep did its work, a note."""
    by_rate: dict[float, list[tuple[int, float]]] = defaultdict(list)
    for number, run in enumerate(runs):
        curve = validation_curve(run)
        if curve is not None and "learning_rate" in run.settings:
            by_rate[run.settings["learning_rate"]].append((number, curve.lowest))
    if len(by_rate) < 2 or len({run.loss.judged.column for run in runs}) > 1:
        return None
    levels = {rate: float(np.median([value for _, value in found])) for rate, found in by_rate.items()}
    best = min(levels, key=lambda rate: levels[rate])
    worse = sorted(r for r in levels if r > best and levels[r] - levels[best] >= BEHIND.value * abs(levels[best]))
    if not worse:
        return None
    members = tuple(number for rate in worse for number, _ in by_rate[rate])
    return Finding(
        "training",
        "learning-rate-too-high",
        "The learning rate is too high",
        "note",
        f"At a learning rate of {worse[0]:g} the lowest validation loss is {levels[worse[0]]:.4g}, at {best:g} it is "
        f"{levels[best]:.4g}.",
        {"learning_rate": worse[0], "best_rate": best},
        0.7,
        remedies=(f"train at {best:g}",),
        members=members,
        thresholds=(BEHIND,),
    )


def spread(runs: Sequence[LoggedRun]) -> str:
    """Mean and standard deviation of the lowest validation losses, in words; empty for one."""
    lowest = [c.best[1] for run in runs if (c := validation_curve(run)) is not None]
    if len(lowest) < 2:
        return ""
    deviation = float(np.std(lowest, ddof=1))
    return f"Best validation {np.mean(lowest):.4g}, standard deviation {deviation:.2g} over {len(lowest)} runs."
