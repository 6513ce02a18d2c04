"""The best epoch in place of the last: the one remedy whose networks are there already, so that its trial trains none.

Where the last epoch is kept, training leaves snapshots of the best one beside it (`best_snapshots`). The remedy is
judged as it would be used: the networks of each fold averaged, on the patients whom they never saw, each half of
these at the epochs that the other half chose, since whoever chooses an epoch by its loss sees it too favourably. No arm
is chosen, so that every patient can confirm; and it is these very networks that stay, not others of other luck, so that
the interval is over patients. The patients who judge are those on whom the last epoch was found too high, which favours
every other epoch: the error probability is divided by SAME_PATIENTS for it.
"""

import numpy as np

from rounds.plan import Plan, usual_patience
from rounds.prescription.remedies.optimizer import keep_best
from rounds.prescription.remedies.remedy import Prescription, treated
from rounds.prescription.trial.arms import Tried, arm_predictions, effects_of
from rounds.prescription.trial.design import TrialDesign
from rounds.prescription.trial.effect import Pair
from rounds.prescription.trial.trial import (
    FEWEST_CONFIRMING,
    Arm,
    Trial,
    confirmation_words,
    smallest_worthwhile_effect,
    worthwhile,
)
from rounds.training.compiled.best_snapshots import FIRST_HALF, SECOND_HALF
from rounds.training.population.build import Population, Trained
from rounds.training.population.members import WHOLE_DEVELOPMENT, Member
from rounds.training.result.best_epoch import at_epoch_of, with_best_epochs

# After an alarm that nothing but luck raised, intervals at the usual error leave 5 to 12 % of trials in favour of
# another epoch, and at a quarter of it 2 to 3 % (by simulation, tests/prescription/test_last_epoch.py).
SAME_PATIENTS = 4
ALL = Pair(0)  # one pair of arms: all networks, with and without


def read_off(trained: Trained, prescriptions: list[Prescription]) -> Prescription | None:
    """The prescription whose networks these members have left beside their own; None where there is none."""
    plans = [trained.population.plans[i] for i in sorted({result.slab.plan for result in trained.results})]
    if not all(result.best_snapshots for result in trained.results) or not _is_one_change(plans):
        return None
    return next((p for p in prescriptions if p.change == keep_best(plans[0])[0]), None)


def _is_one_change(plans: list[Plan]) -> bool:
    """Whether the change of the first plan makes of every plan another one, with the patience of its snapshots."""
    change = keep_best(plans[0])[0]
    same = {usual_patience(plan.epochs) for plan in plans} == {change["patience"]}
    return same and len({treated(plan, change) for plan in plans}) == len(plans)


def try_best_epoch(design: TrialDesign, trained: Trained, prescription: Prescription, like: Population) -> Trial:
    """The trial of `prescription` on networks that are there; like: the population that would follow it."""
    members = [m for m in trained.population.members if m.outer == WHOLE_DEVELOPMENT]
    plan, tried = trained.population.plans[0], _crossed(design, trained, members)
    effect = effects_of(design, tried, [plan, treated(plan, prescription.change)], [1], SAME_PATIENTS)[0]
    least, patients = smallest_worthwhile_effect(design), len(np.unique(design.patients[tried.rows[ALL]]))
    kept = worthwhile(effect, least) and patients >= FEWEST_CONFIRMING
    said = confirmation_words(effect, least)
    reason = f"{said} on {patients:,} patients at the epochs that others chose; nothing was trained"
    arm = Arm(prescription, confirmed=effect, verdict="kept" if kept else "dropped", reason=reason)
    parts = (with_best_epochs(trained, like),) if kept else ()
    folds, seeds = tuple(sorted({m.fold for m in members})), tuple(sorted({m.seed for m in members}))
    return Trial((arm,), arm if kept else None, parts=parts, confirmed_on=folds, seeds=seeds, looks=1)


def _crossed(design: TrialDesign, trained: Trained, members: list[Member]) -> Tried:
    """What the networks of each fold say on average of its patients: at their last epochs (0), and at the epochs that
    the other half of the fold's patients chose (1)."""
    parts: list[np.ndarray] = []
    says: dict[int, list[np.ndarray]] = {0: [], 1: []}
    for half, selector in ((0, SECOND_HALF), (1, FIRST_HALF)):
        rows = {Pair(m.fold): _of_half(design, m.fold, half) for m in members}
        for arm, networks in enumerate((trained, at_epoch_of(trained, selector))):
            made = arm_predictions(networks, design.fold_data, rows, {m.number: (arm, Pair(m.fold)) for m in members})
            says[arm] += [made[arm, pair] for pair in rows]
        parts += rows.values()
    return Tried({ALL: np.concatenate(parts)}, {(arm, ALL): np.concatenate(some) for arm, some in says.items()})


def _of_half(design: TrialDesign, fold: int, half: int) -> np.ndarray:
    held = design.fold_data.folds[fold].held
    return held[design.fold_data.patient_half[held] == half]
