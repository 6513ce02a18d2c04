"""Rounds: examine, prescribe, try against a control, keep what helped, come back and look again."""

import time
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from rounds.data.dataset import Dataset, Split
from rounds.errors import RunFolderError
from rounds.examination.examine import examine
from rounds.examination.finding import Examination, Finding
from rounds.examination.population import run_of
from rounds.plan import Plan
from rounds.prescription.bed import Bed
from rounds.prescription.remedies import described, prescribe
from rounds.prescription.remedy import Change, Prescription, treated
from rounds.prescription.trial import Trial, arm_record, run_trial
from rounds.training.material import make_materials, scaling_of
from rounds.training.pool import Progress
from rounds.training.population import sweep
from rounds.training.run import Population, Trained, make_population, train_to_end
from rounds.training.stage import Stage

Event = Stage | Progress


@dataclass(frozen=True)
class Circumstances:
    """What stays the same from round to round. members: how many the user wants (None: all settings on all folds,
    with so many seeds); ends: when training has to end, on the monotonic clock; folder: of checkpoints."""

    dataset: Dataset
    split: Split
    members: int | None
    seeds: int
    ends: float
    folder: Path

    def minutes_left(self) -> float | None:
        return None if np.isinf(self.ends) else max((self.ends - time.monotonic()) / 60, 0.0)

    def count(self, plans: list[Plan]) -> int | None:
        """Networks of a population of these plans; None: a seed of each setting on each fold."""
        if self.members is not None or self.seeds == 1:
            return self.members
        return self.seeds * len(self.split.folds) * sum(len(sweep(plan)) for plan in plans)


@dataclass(frozen=True)
class Stay:
    """populations: of round 0 and of each round that kept a remedy; entries: of prescriptions.json; examinations: of
    every look; member_epochs: spent in trials; ended: why there was no further round, in words."""

    populations: tuple[Trained, ...]
    entries: tuple[dict[str, Any], ...] = ()
    examinations: tuple[Examination, ...] = ()
    member_epochs: int = 0
    tried: frozenset[str] = field(default_factory=frozenset)
    ended: str = ""

    @property
    def trained(self) -> Trained:
        """The population that is handed over."""
        return self.populations[-1]

    @property
    def rounds(self) -> int:
        """Rounds in which something was tried."""
        return max((int(entry["round"]) for entry in self.entries), default=0)


@dataclass(frozen=True)
class Visit:
    """What the next round is about."""

    number: int
    finding: Finding
    prescriptions: list[Prescription]


def look(given: Circumstances, found: Stay, rounds: int) -> tuple[Stay, Visit | None]:
    """Examines the population, and says what to try next; None when the stay is over (`Stay.ended` says why)."""
    number = len(found.examinations) + 1
    if found.ended or number > rounds:
        return replace(found, ended=found.ended or f"{rounds} rounds were asked for"), None
    examination = examine(run_of(found.trained, number - 1))
    found = replace(found, examinations=(*found.examinations, examination))
    if not examination.alarms:
        return replace(found, ended="nothing alarms any more" if number > 1 else "nothing alarms"), None
    if given.minutes_left() == 0.0:
        return replace(found, ended="the time is spent"), None
    finding, prescriptions = _next_prescriptions(examination, found)
    if finding is None:
        return replace(found, ended="nothing is left to try"), None
    return found, Visit(number, finding, prescriptions)


def _next_prescriptions(examination: Examination, found: Stay) -> tuple[Finding | None, list[Prescription]]:
    """The first finding against which something is left to try: causes come before what follows from them."""
    plan = found.trained.population.plans[0]
    for finding in examination.alarms:
        prescriptions = prescribe(finding.code, plan, found.tried)
        if prescriptions:
            return finding, prescriptions
    return None, []


def treat(given: Circumstances, found: Stay, visit: Visit) -> Generator[Event, None, Stay]:
    """Tries what was prescribed, and trains a population with what was kept.

    A disk that fills ends the stay: what was trained before is judged and handed over.
    """
    try:
        return (yield from _treat(given, found, visit))
    except RunFolderError as error:
        lost = [_untried(visit, f"broken off: {error}")] if found.rounds < visit.number else []
        return replace(found, entries=(*found.entries, *lost), ended=f"round {visit.number} was broken off: {error}")


def _untried(visit: Visit, reason: str) -> dict[str, Any]:
    return {
        "round": visit.number, "finding": visit.finding.code, "remedy": visit.prescriptions[0].remedy, "change": {},
        "control": {}, "treated": {}, "effect": None, "verdict": "dropped", "reason": reason,
    }  # fmt: skip


def _treat(given: Circumstances, found: Stay, visit: Visit) -> Generator[Event, None, Stay]:
    population = found.trained.population
    number, prescriptions = visit.number, visit.prescriptions
    yield Stage(f"round {number}: trying {len(prescriptions)} remedies against {visit.finding.code}")
    scaling = scaling_of(population.plans[0])
    bed = Bed(given.dataset, given.split, population.materials[0], scaling, number, given.folder, given.ends)
    plan = at_best_settings(found.trained)
    trial = yield from run_trial(bed, plan, prescriptions)
    found = _noted(found, trial, plan, bed)
    if trial.kept is None:
        return found
    better = make_treated(given, population, trial.kept.prescription.change)
    yield Stage(f"round {number}: training with {trial.kept.prescription.remedy}", better)
    trained = yield from train_to_end(better, given.folder / f"round_{number}", given.minutes_left())
    if not complete(trained) and complete(found.trained):
        return replace(found, entries=_unfinished(found.entries, number), ended="the time is spent")
    return replace(found, populations=(*found.populations, trained))


def at_best_settings(trained: Trained) -> Plan:
    """The main plan with one value for each setting that is swept: that of its best members on validation. Arms are
    compared there, so that a trial costs no more than one value needs."""
    plan = trained.population.plans[0]
    settings = sweep(plan)
    if len(settings) == 1:
        return plan
    values: dict[int, list[float]] = {}
    for result in trained.results:
        best = np.asarray(result.records[-1].best_value)
        for g, group in enumerate(result.slab.groups):
            for i, m in enumerate(group):
                if m is not None and m.plan == 0:
                    values.setdefault(settings.index(m.settings), []).append(float(best[g, i]))
    chosen = settings[min(values, key=lambda i: float(np.median(values[i])))]
    swept = {name: chosen[name] for name in chosen if isinstance(getattr(plan, name), tuple)}
    return treated(plan, swept)


def complete(trained: Trained) -> bool:
    """Whether every slab came to its end, instead of being cut short by the clock."""
    plans = trained.population.plans
    return all(
        len(r.records) >= plans[r.slab.plan].epochs or not np.asarray(r.records[-1].running).any()
        for r in trained.results
    )


def _unfinished(entries: tuple[dict[str, Any], ...], number: int) -> tuple[dict[str, Any], ...]:
    """A kept remedy whose networks the clock cut short is not handed over."""
    why = "confirmed, but the time was up before the networks with it were trained: those of before are handed over"
    kept = {"round": number, "verdict": "kept"}
    return tuple({**e, "verdict": "dropped", "reason": why} if e | kept == e else e for e in entries)


def _noted(found: Stay, trial: Trial, plan: Plan, bed: Bed) -> Stay:
    entries = [arm_record(trial, arm, plan, bed) for arm in trial.arms]
    return replace(
        found, entries=(*found.entries, *entries), member_epochs=found.member_epochs + trial.member_epochs,
        tried=found.tried | {described(arm.prescription.change) for arm in trial.arms},
    )  # fmt: skip


def make_treated(given: Circumstances, population: Population, change: Change) -> Population:
    """The population with every plan changed.

    Small data is judged by members that chose nothing on their own patients: there the plans as they were stay in the
    population, and each judging fold decides anew, on its own validation patients, which are averaged.
    """
    plans = list(dict.fromkeys(treated(plan, change) for plan in population.plans))
    materials = list(population.materials)
    if scaling_of(plans[0]) != scaling_of(population.plans[0]):
        materials = make_materials(given.dataset, given.split, scaling_of(plans[0]))
    elif given.split.kind == "out-of-fold":
        plans += [plan for plan in population.plans if plan not in plans]
    return make_population(plans, population.task, materials, given.count(plans))
