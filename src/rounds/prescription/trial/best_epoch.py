"""The best epoch in place of the last: the one remedy whose networks are there already, so that its trial trains none.

Where the last epoch is kept, training leaves snapshots of the best one beside it (`best_snapshots`). The remedy is
judged as it would be used: the networks of each fold averaged, on the patients whom they never saw, each half of
these at the epochs that the other half chose, since whoever chooses an epoch by its loss sees it too favourably. No arm
is chosen, so that every patient can confirm; and it is these very networks that stay, not others of other luck, so that
the interval is over patients. The patients who judge are those on whom the last epoch was found too high, which favours
every other epoch: the error probability is divided by SAME_PATIENTS for it.
"""

import numpy as np

from rounds.examination.finding import HEALTHY
from rounds.plan import Plan, usual_patience
from rounds.prescription.remedies.optimizer import keep_best
from rounds.prescription.remedies.remedy import Prescription, treated
from rounds.prescription.trial.arms import Tried, arm_predictions, effects_of
from rounds.prescription.trial.design import TrialDesign
from rounds.prescription.trial.effect import Effect, Pair
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

# After an alarm that nothing but luck raised, what is left without that luck favours another epoch in 2 to 7 % of
# trials at the usual error probability (six simulated kinds of curves), in fewer than 5 % at half of it.
SAME_PATIENTS = 2
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
    if prescription.finding != HEALTHY:
        effect = without_luck_of_alarm(effect)
    least, patients = smallest_worthwhile_effect(design), len(np.unique(design.patients[tried.rows[ALL]]))
    kept = worthwhile(effect, least) and patients >= FEWEST_CONFIRMING
    said = confirmation_words(effect, least)
    reason = f"{said} on {patients:,} patients at the epochs that others chose; nothing was trained"
    arm = Arm(prescription, confirmed=effect, verdict="kept" if kept else "dropped", reason=reason)
    parts = (with_best_epochs(trained, like),) if kept else ()
    folds, seeds = tuple(sorted({m.fold for m in members})), tuple(sorted({m.seed for m in members}))
    return Trial((arm,), arm if kept else None, parts=parts, confirmed_on=folds, seeds=seeds, looks=1)


def without_luck_of_alarm(effect: Effect) -> Effect:
    """The effect, given that there would have been no alarm had it come out smaller than its standard error.

    Effects that were looked at because they are large stand too high on average, for those that luck lowered are never
    seen. Conditional maximum likelihood (Zöllner and Pritchard 2007, American Journal of Human Genetics 80:605) takes
    away what luck adds: most of it near one standard error, nothing far above; an effect below 0 stays as it is.

    >>> effects = [Effect(value, value - 2, value + 2) for value in (-0.5, 1.2, 1.6, 2.0, 3.0, 5.0)]
    >>> [round(without_luck_of_alarm(effect).value, 1) for effect in effects]
    [-0.5, 0.0, 0.3, 1.5, 2.9, 5.0]
    >>> effect = without_luck_of_alarm(Effect(0.8, -0.2, 1.8))
    >>> round(effect.value, 2), round(effect.low, 2), round(effect.high, 2)
    (0.17, -0.83, 1.17)
    """
    left = effect.error * _likeliest_mean(effect.value / effect.error) if effect.error > 0 else effect.value
    return Effect(left, effect.low - effect.value + left, effect.high - effect.value + left)


def _likeliest_mean(seen: float) -> float:
    """Of normal values of standard error 1 that are seen where they exceed 1; at least 0 of what is above 0."""
    from scipy.optimize import brentq

    if seen <= _mean_of_seen(0.0):
        return min(seen, 0.0)
    return float(brentq(lambda mean: _mean_of_seen(mean) - seen, 0.0, seen))


def _mean_of_seen(mean: float) -> float:
    from scipy.stats import norm

    return mean + float(np.exp(norm.logpdf(1 - mean) - norm.logsf(1 - mean)))


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
