"""Rounds: examine, prescribe, try against a control, keep what helped, come back and look again."""

import time
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from rounds.data.dataset import Dataset, Split
from rounds.examination.examine import examine
from rounds.examination.finding import Examination, Finding
from rounds.examination.population import run_of
from rounds.plan import Plan
from rounds.prescription.remedies import described, prescribe
from rounds.prescription.remedy import Change, Prescription, treated
from rounds.prescription.trial import Bed, Trial, arm_record, run_trial
from rounds.training.material import Material, make_materials, scaling_of
from rounds.training.pool import Progress
from rounds.training.run import Population, Trained, make_population, train_to_end
from rounds.training.stage import Stage

Event = Stage | Progress


@dataclass(frozen=True)
class Circumstances:
    """What stays the same from round to round. members: how many are handed over (None: all settings on all folds);
    ends: when training has to end, on the monotonic clock; folder: of checkpoints."""

    dataset: Dataset
    split: Split
    members: int | None
    ends: float
    folder: Path

    def minutes_left(self) -> float | None:
        return None if np.isinf(self.ends) else max((self.ends - time.monotonic()) / 60, 0.0)


@dataclass(frozen=True)
class Stay:
    """populations: of round 0 and of each round that kept a remedy; entries: of prescriptions.json; examinations: of
    every round; member_epochs: spent in trials."""

    populations: tuple[Trained, ...]
    entries: tuple[dict[str, Any], ...] = ()
    examinations: tuple[Examination, ...] = ()
    member_epochs: int = 0
    tried: frozenset[str] = field(default_factory=frozenset)

    @property
    def trained(self) -> Trained:
        """The population that is handed over."""
        return self.populations[-1]


def stay(given: Circumstances, first: Trained, rounds: int) -> Generator[Event, None, Stay]:
    """At most so many rounds; ends when nothing alarms, nothing is left to try, or the time is spent."""
    found = Stay((first,))
    for number in range(1, rounds + 1):
        examination = examine(run_of(found.trained, number - 1))
        found = replace(found, examinations=(*found.examinations, examination))
        finding, prescriptions = _next_prescriptions(examination, found)
        if finding is None or given.minutes_left() == 0.0:
            break
        found = yield from _round(given, found, number, prescriptions)
    return found


def _next_prescriptions(examination: Examination, found: Stay) -> tuple[Finding | None, list[Prescription]]:
    """The first finding against which something is left to try: causes come before what follows from them."""
    plan = found.trained.population.plans[0]
    for finding in examination.alarms:
        prescriptions = prescribe(finding.code, plan, found.tried)
        if prescriptions:
            return finding, prescriptions
    return None, []


def _round(
    given: Circumstances, found: Stay, number: int, prescriptions: list[Prescription]
) -> Generator[Event, None, Stay]:
    population = found.trained.population
    yield Stage(f"round {number}: trying {len(prescriptions)} remedies against {prescriptions[0].finding}")
    bed = Bed(
        given.dataset, given.split, _handed_over(population), scaling_of(population.plans[0]), number, given.folder,
        given.minutes_left(),
    )  # fmt: skip
    trial = yield from run_trial(bed, population.plans[0], prescriptions)
    found = _noted(found, trial, population.plans[0], bed)
    if trial.kept is None:
        return found
    better = make_treated(given, population, trial.kept.prescription.change)
    yield Stage(f"round {number}: training with {trial.kept.prescription.remedy}", better)
    trained = yield from train_to_end(better, given.folder / f"round_{number}", given.minutes_left())
    return replace(found, populations=(*found.populations, trained))


def _noted(found: Stay, trial: Trial, plan: Plan, bed: Bed) -> Stay:
    entries = [arm_record(trial, arm, plan, bed) for arm in trial.arms]
    return replace(
        found, entries=(*found.entries, *entries), member_epochs=found.member_epochs + trial.member_epochs,
        tried=found.tried | {described(arm.prescription.change) for arm in trial.arms},
    )  # fmt: skip


def _handed_over(population: Population) -> Material:
    return population.materials[0]


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
    return make_population(plans, population.task, materials, given.members)
