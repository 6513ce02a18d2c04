"""Networks that learn from training and validation patients together, when cross-validation says that it pays.

A member gives up a fold of its patients to know when to stop. Trained for as many epochs as members needed, without
looking, it can learn from all of them. Whether that is better is tried on folds that neither kind has seen.
"""

from collections.abc import Generator
from dataclasses import dataclass, replace

import numpy as np

from rounds.metrics import main_metric
from rounds.plan import Plan
from rounds.prescription.trial.arms import Tried, effects_of, try_arms
from rounds.prescription.trial.design import TrialDesign
from rounds.prescription.trial.effect import Pair
from rounds.prescription.trial.shorter_plan import stretched
from rounds.prescription.trial.trial import smallest_worthwhile_effect
from rounds.run_folder.prescriptions import ComparedNetworks, PrescriptionRecord
from rounds.training.pool import Progress
from rounds.training.population.build import Population, Trained, make_population
from rounds.training.population.fold_data import FoldData
from rounds.training.slab import Rows

REMEDY = "learn from validation patients too"
INNER = 2  # members a fold and kind: those that stop by two of the other folds, and as many that stop by none
MOST_FOLDS = 4  # that judge: more would narrow the interval little beside their cost


@dataclass(frozen=True)
class Refit:
    """entry: of prescriptions.json; kept: whether it pays; spent: member-epochs."""

    entry: PrescriptionRecord
    kept: bool
    spent: int


def try_refit(
    design: TrialDesign, trained: Trained, plan: Plan, finding: str
) -> Generator[Progress, None, Refit | None]:
    """Members that stop by a fold beside members that learned from it, judged on a fold that both never saw.

    plan: the population's main one at a single setting. None where there are too few folds, or the time was up.
    """
    folds = sorted(design.fold_data.folds)
    if len(folds) < INNER + 1:
        return None
    chosen = folds[:MOST_FOLDS]
    blind = without_looking(plan, typical_epochs(trained, 0))
    tried = Tried({Pair(f): design.fold_data.folds[f].held for f in chosen}, {})
    for arm, (some, all_of_them) in enumerate(((plan, False), (blind, True))):
        places, held = _places(design, chosen, all_of_them)
        made = yield from try_arms(places, [some], held, f"refit_{arm}")
        tried = tried.joined(_averaged(made, chosen, len(folds)), [arm])
    if design.over:
        return None
    (effect,) = effects_of(design, tried, [plan, blind], [1], 1)
    least = smallest_worthwhile_effect(design)
    kept = effect.helps and effect.value >= least
    why = "better on folds that neither kind has seen" if kept else "not clearly better on folds that neither kind saw"
    compared = ComparedNetworks(folds=tuple(chosen), seed=plan.seed)
    entry = PrescriptionRecord(
        round=design.round,
        finding=finding,
        remedy=REMEDY,
        change={"epochs": (plan.epochs, blind.epochs)},
        expects="more patients to learn from",
        metric=main_metric(design.task),
        control=compared,
        treated=compared,
        effect=effect.record(),
        smallest_worthwhile=least,
        remedies_tried=1,
        verdict="kept" if kept else "dropped",
        reason=why,
    )
    return Refit(entry, kept, tried.spent)


def _places(design: TrialDesign, chosen: list[int], all_of_them: bool) -> tuple[TrialDesign, dict[int, np.ndarray]]:
    """A trial design: members of fold `f * K + g` never see fold f, and stop by fold g or (all) learn from it."""
    folds = design.fold_data.folds
    made, held = {}, {}
    for f in chosen:
        learned = np.setdiff1d(design.fold_data.learned, folds[f].held)
        for g in [g for g in sorted(folds) if g != f][:INNER]:
            train = learned if all_of_them else np.setdiff1d(learned, folds[g].held)
            made[f * len(folds) + g] = Rows(train, folds[g].held)
            held[f * len(folds) + g] = folds[f].held
    return replace(design, fold_data=replace(design.fold_data, folds=made)), held


def _averaged(made: Tried, chosen: list[int], count: int) -> Tried:
    """Predictions for each fold, averaged over the members that never saw it."""
    each = {f: [p for (_, pair), p in made.predictions.items() if pair.fold // count == f] for f in chosen}
    return Tried({}, {(0, Pair(f)): np.mean(predictions, axis=0) for f, predictions in each.items()}, made.spent)


def typical_epochs(trained: Trained, plan: int) -> int:
    """Median epochs that the best snapshots of a plan's members needed."""
    best = []
    for member in trained.population.members:
        if member.plan == plan:
            result, place = trained.place(member)
            best.append(int(result.records[-1].best_epoch[place]) + 1)
    return max(int(np.median(best)), 1)


def without_looking(plan: Plan, epochs: int) -> Plan:
    """The plan for so many epochs, whose last is kept whatever validation says."""
    return stretched(plan, epochs / plan.epochs).change(patience=0, keep_best="none")


def trial_cost(design: TrialDesign, plan: Plan) -> int:
    """Member-epochs of the trial, at most."""
    return 2 * INNER * min(len(design.fold_data.folds), MOST_FOLDS) * plan.epochs


def make_refitted(trained: Trained, count: int | None) -> Population:
    """The chosen population, without holding any development patient back; count: of its members."""
    population = trained.population
    plans = [without_looking(plan, typical_epochs(trained, i)) for i, plan in enumerate(population.plans)]
    return make_population(plans, population.task, [_whole(population.folds_data[0])], count, model=population.model)


def _whole(fold_data: FoldData) -> FoldData:
    folds = {f: Rows(fold_data.learned, rows.held) for f, rows in fold_data.folds.items()}
    return replace(fold_data, folds=folds)
