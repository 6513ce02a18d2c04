"""Rounds: examine, prescribe, try against a control, keep what helped, come back and look again."""

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from rounds.data.dataset import Dataset, Split
from rounds.errors import RunFolderError
from rounds.examination.examine import examine_run
from rounds.examination.finding import HEALTHY, Examination
from rounds.examination.sources.population import LinearByFold, run_of, same_linear_by_fold
from rounds.examination.while_training.lost import hopeless_in
from rounds.plan import Plan
from rounds.prescription.budget import affordable, allowance, cost_of
from rounds.prescription.interrupted import (
    NOT_AHEAD,
    ahead_on_validation,
    as_cut_short,
    as_dropped,
    as_untried,
    complete,
)
from rounds.prescription.record import arm_record
from rounds.prescription.remedies.oddities import against_oddities, with_the_usual
from rounds.prescription.remedies.opposites import Contradiction, contradictions
from rounds.prescription.remedies.prescribe import prescribe
from rounds.prescription.remedies.remedy import Change, Prescription, described, treated
from rounds.prescription.trial.best_epoch import read_off, try_best_epoch
from rounds.prescription.trial.design import TrialDesign, confirming_networks, members_a_look
from rounds.prescription.trial.fewer_patients import REMEDY, asked_members, try_fewer_patients
from rounds.prescription.trial.refit import make_refitted, trial_cost, try_refit
from rounds.prescription.trial.trial import Trial, run_trial
from rounds.run_folder.prescriptions import PrescriptionRecord
from rounds.training.pool import Progress
from rounds.training.population.build import Population, Trained, make_population, train_to_end
from rounds.training.population.fold_data import make_folds_data, scaling_of
from rounds.training.population.members import sweep
from rounds.training.population.reuse import gathered, of_plans, without
from rounds.training.result.progress import Stage
from rounds.training.result.tables import member_epochs

Event = Stage | Progress
SPENT = "what is left of the epochs that all rounds may take is too little for another trial"
MOST_ASKING = 1 / 3  # of the networks of a population that has no fault: more would be a poor bargain for a sentence


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
class Loop:
    """populations: of round 0 and of each round that kept a remedy; entries: of prescriptions.json; examinations: of
    every look; member_epochs: spent in trials; ended: why there was no further round, in words; patients_tried: whether
    more patients would help was asked; contradictions: findings that were set aside, as they ask for the opposite;
    refitted: networks that learned from validation patients too, where that pays; reused: member-epochs of networks
    that stand in more than one place, and were trained once; owned: how many plans of each population, from the first,
    are treated further (None: all; the others are those of before, kept beside them); seen: the population of the last
    look, and the models that it was held against."""

    populations: tuple[Trained, ...]
    entries: tuple[PrescriptionRecord, ...] = ()
    examinations: tuple[Examination, ...] = ()
    member_epochs: int = 0
    tried: frozenset[str] = field(default_factory=frozenset)
    ended: str = ""
    patients_tried: bool = False
    contradictions: tuple[Contradiction, ...] = ()
    refitted: Trained | None = None
    reused: int = 0
    owned: tuple[int | None, ...] = (None,)
    seen: tuple[Population, LinearByFold] | None = None

    @property
    def treated_plans(self) -> int | None:
        """How many plans of the last population are treated further."""
        return self.owned[-1]

    @property
    def known_linear_by_fold(self) -> LinearByFold | None:
        """What this population is held against, where that was fitted before."""
        return self.seen[1] if self.seen and same_linear_by_fold(self.seen[0], self.trained.population) else None

    @property
    def in_populations(self) -> int:
        """Member-epochs spent in populations, beside those in trials."""
        all_of_them = (*self.populations, *((self.refitted,) if self.refitted else ()))
        return sum(map(member_epochs, all_of_them)) - self.reused

    @property
    def left(self) -> float:
        """Member-epochs that the rounds may still take."""
        return allowance(self.populations[0].population) - self.in_populations - self.member_epochs

    @property
    def trained(self) -> Trained:
        """The chosen population."""
        return self.populations[-1]

    @property
    def own(self) -> Trained:
        """Of the chosen population, the members of its own plans: what is looked at. The plans of before
        that are kept beside them have been looked at, and are still as ill as they were."""
        return of_plans(self.trained, self.treated_plans)

    @property
    def rounds(self) -> int:
        """Rounds in which something was tried."""
        return max((entry.round for entry in self.entries), default=0)


@dataclass(frozen=True)
class Round:
    """What the next round is about; nothing to try: only whether more patients would help."""

    number: int
    finding: str
    prescriptions: list[Prescription]

    @property
    def asks_for_patients(self) -> bool:
        """Against overfitting more patients come first; where nothing alarms, they are what is left to ask. While
        something is broken, what patients are worth cannot be decided."""
        return self.finding in ("overfitting", HEALTHY)

    @property
    def about(self) -> str:
        """What is tried, in words."""
        return "usual choices in place of odd ones" if self.finding == HEALTHY else f"remedies against {self.finding}"


def look(given: Circumstances, found: Loop, rounds: int) -> tuple[Loop, Round | None]:
    """Examines the population, and says what to try next; None when the rounds are over (`Loop.ended` says why)."""
    number = len(found.examinations) + 1
    if found.ended or number > rounds:
        asked = "1 round was asked for" if rounds == 1 else f"{rounds} rounds were asked for"
        return replace(found, ended=found.ended or asked), None
    run = run_of(found.own, len(found.populations) - 1, found.known_linear_by_fold)
    examination = examine_run(run)
    seen = (found.trained.population, run.linear_by_fold)
    found = replace(found, examinations=(*found.examinations, examination), seen=seen)
    if given.minutes_left() == 0.0:
        return replace(found, ended="the time is spent"), None
    population = found.trained.population
    plan, task = population.plans[0], population.task
    if not examination.alarms:
        oddities = _within(found, against_oddities(plan, task, found.tried))
        ask = not found.patients_tried and _affordable(population)
        ended = "" if oddities else f"nothing to treat alarms{' any more' if number > 1 else ''}"
        return replace(found, ended=ended), Round(number, HEALTHY, oddities) if ask or oddities else None
    prescriptions = prescribe(examination, plan, found.tried)
    code = prescriptions[0].finding if prescriptions else examination.alarms[0].code
    prescriptions = with_the_usual(prescriptions, plan, against_oddities(plan, task, found.tried, code))
    if not prescriptions:
        return replace(found, ended="nothing is left to try"), None
    prescriptions = _within(found, prescriptions)
    if not prescriptions:
        return replace(found, ended=SPENT), None
    treated = prescriptions[0].finding
    others = [f.code for f in examination.alarms if f.code != treated]
    opposed = contradictions(treated, others, plan, number)
    found = replace(found, contradictions=(*found.contradictions, *opposed))
    return found, Round(number, treated, prescriptions)


def _within(found: Loop, prescriptions: list[Prescription]) -> list[Prescription]:
    """Those that can be tried, and followed by a population with the one that helps, for what is left to spend; one
    whose networks are there already costs nothing."""
    plan, folds = found.trained.population.plans[0], len(found.trained.population.folds_data[0].folds)
    free = read_off(found.own, prescriptions)

    def second_look(prescription: Prescription) -> float:
        return float((plan.epochs + treated(plan, prescription.change).epochs) * members_a_look(folds))

    dear = [p for p in prescriptions if p is not free]
    within = affordable(dear, plan, found.left, _cost_after(found, len(dear)), second_look)
    return [p for p in prescriptions if p is free or p in within]


def _cost_after(found: Loop, arms: int) -> Callable[[Prescription], float]:
    """Member-epochs of what follows the screening of a prescription among so many: its rival's whole training,
    confirmation with the change and without, and the population, whose first networks are those that confirm."""
    population, plan = found.trained.population, found.trained.population.plans[0]
    plans, folds = population.plans[: found.treated_plans], len(population.folds_data[0].folds)
    confirming = confirming_networks(folds, len(sweep(plan)), arms)

    def after(prescription: Prescription) -> float:
        epochs = treated(plan, prescription.change).epochs
        whole = cost_of(population, [treated(each, prescription.change) for each in plans])
        return max(whole, confirming * epochs) + confirming * plan.epochs + epochs

    return after


def _still_to_train(found: Loop, prescription: Prescription, design: TrialDesign) -> float:
    """Member-epochs of a population with a prescription that its trial has not spent yet: the networks with the change
    that confirm at all settings (which may be fewer with it) are of that population."""
    population = found.trained.population
    plans = [treated(plan, prescription.change) for plan in population.plans[: found.treated_plans]]
    share = len(sweep(plans[0])) / len(sweep(population.plans[0]))
    trained = share * design.networks_a_look * len(design.confirming) * plans[0].epochs
    return max(cost_of(population, plans) - trained, 0.0)


def _affordable(population: Population) -> bool:
    """Whether asking for more patients costs little beside the training itself."""
    return asked_members(len(population.folds_data[0].folds)) <= MOST_ASKING * len(population.members)


def treat(given: Circumstances, found: Loop, this_round: Round) -> Generator[Event, None, Loop]:
    """Tries what was prescribed, and trains a population with what was kept.

    A disk that fills ends the rounds: what was trained before is scored and kept.
    """
    try:
        return (yield from _treat(given, found, this_round))
    except RunFolderError as error:
        return broken_off(given, found, this_round, error)


def broken_off(given: Circumstances, found: Loop, this_round: Round, error: RunFolderError) -> Loop:
    """The loop that a disk without room ended, with all that is known; its checkpoints stay until all is written."""
    said = f"broken off: {error}"
    if any((e.round, e.verdict) == (this_round.number, "kept") for e in found.entries):
        entries = as_dropped(found.entries, this_round.number, f"confirmed, but its networks were {said}")
    else:
        named = this_round.prescriptions[0].remedy if this_round.prescriptions else REMEDY
        entries = (*found.entries, as_untried(this_round.number, this_round.finding, named, said))
    return replace(found, entries=entries, ended=f"round {this_round.number} was {said}")


def _treat(given: Circumstances, found: Loop, this_round: Round) -> Generator[Event, None, Loop]:
    best = read_off(found.own, this_round.prescriptions)
    if best is None:
        return (yield from _treat_by_training(given, found, this_round))
    yield Stage(f"round {this_round.number}: comparing the best epochs with the last")
    like, _ = make_treated(given, found, best.change)
    design = _design(given, found, this_round.number)
    trial = try_best_epoch(design, found.own, best, like)
    found = _noted(found, trial, found.trained.population.plans[0], design)
    if trial.kept is not None:
        return (yield from _follow(given, found, trial, this_round))
    others = [p for p in this_round.prescriptions if p is not best]
    return (yield from _treat_by_training(given, found, replace(this_round, prescriptions=others)))


def _treat_by_training(given: Circumstances, found: Loop, this_round: Round) -> Generator[Event, None, Loop]:
    population, number = found.trained.population, this_round.number
    if this_round.asks_for_patients and not found.patients_tried and _affordable(population):
        found = yield from _ask_for_patients(given, found, this_round)
    prescriptions = _within(found, this_round.prescriptions)
    if not prescriptions:
        return found
    yield Stage(f"round {number}: trying {len(prescriptions)} {this_round.about}")
    plan = at_best_settings(found.trained)
    design = _design(given, found, number).for_arms(len(prescriptions))
    design = replace(design, most=found.left - max(_still_to_train(found, p, design) for p in prescriptions))
    try:
        trial = yield from run_trial(design, plan, prescriptions)
    except RunFolderError as error:
        return broken_off(given, found, this_round, error)
    found = _noted(found, trial, plan, design)
    return found if trial.kept is None else (yield from _follow(given, found, trial, this_round))


def _follow(given: Circumstances, found: Loop, trial: Trial, this_round: Round) -> Generator[Event, None, Loop]:
    """Trains a population with what was kept; what the trial, or the population before, has trained is taken over."""
    number = this_round.number
    assert trial.kept is not None
    fresh = {} if trial.control is None else {"seed": trial.control.seed}  # the networks that confirmed go on
    whole, treated_plans = make_treated(given, found, {**trial.kept.prescription.change, **fresh})
    parts = [found.trained, *trial.parts]
    better = without(whole, parts)
    yield Stage(f"round {number}: training with {trial.kept.prescription.remedy}", better if better.works else None)
    place = given.folder / f"round_{number}"
    try:
        trained = yield from train_to_end(better, place, given.minutes_left(), hopeless_in(better))
    except RunFolderError as error:
        return broken_off(given, found, this_round, error)
    joined = gathered(whole, [trained, *parts])
    if given.minutes_left() == 0.0 and not complete(trained) and complete(found.trained):
        ahead = ahead_on_validation(of_plans(joined, treated_plans), found.own)
        entries = as_cut_short(found.entries, number) if ahead else as_dropped(found.entries, number, NOT_AHEAD)
        found = replace(found, entries=entries, ended="the time is spent")
        if not ahead:
            return found
    reused = found.reused + member_epochs(joined) - member_epochs(trained)
    return replace(found, populations=(*found.populations, joined), reused=reused, owned=(*found.owned, treated_plans))


def _design(given: Circumstances, found: Loop, number: int) -> TrialDesign:
    population = found.trained.population
    return TrialDesign(
        given.dataset,
        given.split,
        population.folds_data[0],
        scaling_of(population.plans[0]),
        number,
        given.folder,
        given.ends,
        population.model,
        found.trained,
    )


def _ask_for_patients(given: Circumstances, found: Loop, this_round: Round) -> Generator[Event, None, Loop]:
    yield Stage(f"round {this_round.number}: learning from fewer patients")
    design, plan = _design(given, found, this_round.number), at_best_settings(found.trained)
    entry, spent = yield from try_fewer_patients(design, plan, this_round.finding)
    entries = found.entries if entry is None else (*found.entries, entry)
    return replace(found, entries=entries, patients_tried=True, member_epochs=found.member_epochs + spent)


def refit(given: Circumstances, found: Loop) -> Generator[Event, None, Loop]:
    """Lets networks learn from validation patients too, where all patients were clearly better than half of them and
    cross-validation says that it pays. A disk that fills, or the clock, leaves the networks as they are."""
    asked = next((e for e in reversed(found.entries) if e.remedy == REMEDY and e.effect), None)
    if asked is None or asked.effect is None or asked.effect.low <= 0 or given.minutes_left() == 0.0:
        return found
    design, plan = _design(given, found, asked.round), at_best_settings(found.trained)
    population = found.trained.population
    if trial_cost(design, plan) + cost_of(population, list(population.plans)) > found.left:
        return found
    yield Stage("trying to learn from validation patients too")
    try:
        made = yield from try_refit(design, found.trained, plan, asked.finding)
        if made is None:
            return found
        spent = found.member_epochs + made.spent
        found = replace(found, entries=(*found.entries, made.entry), member_epochs=spent)
        if not made.kept:
            return found
        population = make_refitted(found.trained, given.count(list(population.plans)))
        yield Stage("training on validation patients too", population)
        trained = yield from train_to_end(population, given.folder / "refit", given.minutes_left())
    except RunFolderError as error:
        return replace(found, ended=f"{found.ended}; learning from validation patients was broken off: {error}")
    return replace(found, refitted=trained) if complete(trained) else found


def at_best_settings(trained: Trained) -> Plan:
    """The main plan with one value for each setting that is swept: that of its best members on validation. Arms are
    screened there, so that each costs no more than one value needs."""
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


def _noted(found: Loop, trial: Trial, plan: Plan, design: TrialDesign) -> Loop:
    """What lost to a winner that was not confirmed may be tried again."""
    entries = [arm_record(trial, arm, plan, design) for arm in trial.arms]
    settled = [a for a in trial.arms if a.confirmed] if trial.kept is None and trial.best is not None else trial.arms
    return replace(
        found,
        entries=(*found.entries, *entries),
        member_epochs=found.member_epochs + trial.member_epochs,
        tried=found.tried | {described(arm.prescription.change) for arm in settled},
    )


def make_treated(given: Circumstances, found: Loop, change: Change) -> tuple[Population, int]:
    """(the population with every plan changed, how many of its plans these are).

    Small data is judged by members that chose nothing on their own patients: there the plans as they were stay in the
    population, and each judging fold decides again, on its own validation patients, which are averaged.
    """
    population = found.trained.population
    plans = list(dict.fromkeys(treated(plan, change) for plan in population.plans[: found.treated_plans]))
    treated_plans = len(plans)
    folds_data = list(population.folds_data)
    if scaling_of(plans[0]) != scaling_of(population.plans[0]):
        folds_data = make_folds_data(given.dataset, given.split, scaling_of(plans[0]))
    elif given.split.kind == "out-of-fold":
        plans += [plan for plan in population.plans if plan not in plans]
    return make_population(
        plans, population.task, folds_data, given.count(plans), model=population.model
    ), treated_plans
