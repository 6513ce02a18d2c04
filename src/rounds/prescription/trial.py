"""A controlled trial: members with and without a change, from the same weights, on the same folds and minibatches.

Screening follows successive halving: every arm trains on one fold, and the better half go on to others unless the
first fold leaves no doubt. The winner is then confirmed with fresh seeds on patients who chose nothing, and that effect
is the one that counts: the winning arm's own is flattered by having won.
"""

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rounds.inference.constant import constant_predictions
from rounds.metrics import main_metric
from rounds.metrics.table import score
from rounds.metrics.worth import SMALLEST_WORTHWHILE_SHARE
from rounds.plan import Plan
from rounds.prescription.arms import effects_of, try_arms
from rounds.prescription.bed import Bed
from rounds.prescription.effect import Effect
from rounds.prescription.remedy import Prescription, treated
from rounds.training.pool import Progress

FRESH_SEED = 7919  # added to the seed for confirmation: other weights, orders and masks
# Patients who confirm, at least. A convention: below, an interval over patients is itself a matter of luck.
FEWEST_CONFIRMING = 20
CUT_SHORT = "the time was up before the trial ended"
WEAKER = "the weaker half in the first fold"


@dataclass(frozen=True)
class Arm:
    """One dose and what came of it; effect on the folds that choose, confirmed on patients who did not."""

    prescription: Prescription
    screened: Effect | None = None
    effect: Effect | None = None
    confirmed: Effect | None = None
    verdict: str = "dropped"
    reason: str = ""

    @property
    def best_known(self) -> Effect | None:
        """The effect on the most patients who had a say in choosing."""
        return self.effect or self.screened


@dataclass(frozen=True)
class Trial:
    """Every arm, the kept one (if any), and the network-epochs that were spent."""

    arms: tuple[Arm, ...]
    kept: Arm | None = None
    member_epochs: int = 0


def run_trial(bed: Bed, plan: Plan, prescriptions: list[Prescription]) -> Generator[Progress, None, Trial]:
    """Tries every prescription on `plan`; yields progress."""
    trial = yield from _choose(bed, plan, tuple(Arm(p) for p in prescriptions))
    if bed.over:
        return _cut_short(trial)
    best = max(range(len(trial.arms)), key=lambda i: _rank(trial.arms[i].effect))
    won = trial.arms[best]
    if _rank(won.effect) <= 0:
        return trial
    confirmed, spent = yield from _confirm(bed, plan, won)
    arms = (*trial.arms[:best], confirmed, *trial.arms[best + 1 :])
    trial = Trial(arms, confirmed if confirmed.verdict == "kept" else None, trial.member_epochs + spent)
    return _cut_short(trial) if bed.over else trial


def _choose(bed: Bed, plan: Plan, arms: tuple[Arm, ...]) -> Generator[Progress, None, Trial]:
    """All arms on one fold, the better half on the other folds that choose."""
    plans = [plan, *(treated(plan, arm.prescription.change) for arm in arms)]
    numbers = list(range(1, len(plans)))
    first, *others = bed.choosing.items()
    tried = yield from try_arms(bed, plans, dict([first]), "screen")
    screened = effects_of(bed, tried, plans, numbers, len(arms))
    arms = tuple(replace(arm, screened=e, reason=WEAKER) for arm, e in zip(arms, screened, strict=True))
    going_on = sorted(sorted(numbers, key=lambda i: -_rank(arms[i - 1].screened))[: -(-len(arms) // 2)])
    if others and not bed.over and not any(arms[i - 1].screened.helps for i in going_on):  # type: ignore[union-attr]
        again = [0, *going_on]
        more = yield from try_arms(bed, [plans[i] for i in again], dict(others), "choose")
        tried = tried.joined(more, again)
    effects = dict(zip(going_on, effects_of(bed, tried, plans, going_on, len(arms)), strict=True))
    why = "did not win on the folds that choose"
    chosen = (replace(a, effect=effects[i], reason=why) if i in effects else a for i, a in enumerate(arms, start=1))
    return Trial(tuple(chosen), None, tried.spent)


def _rank(effect: Effect | None) -> float:
    return float(effect.value) if effect is not None and np.isfinite(effect.value) else -np.inf


def _confirm(bed: Bed, plan: Plan, arm: Arm) -> Generator[Progress, None, tuple[Arm, int]]:
    held = bed.confirming
    patients = len(np.unique(bed.patients[np.concatenate(list(held.values()))]))
    if patients < FEWEST_CONFIRMING:
        few = f"{patients} patients are left to confirm it, too few to tell (at least {FEWEST_CONFIRMING})"
        return replace(arm, reason=few), 0
    fresh = plan.change(seed=fresh_seed(plan, bed))
    plans = [fresh, treated(fresh, arm.prescription.change)]
    tried = yield from try_arms(bed, plans, held, "confirm", bed.confirming_seeds)
    effect = effects_of(bed, tried, plans, [1], 1)[0]
    least = smallest_worthwhile(bed)
    verdict = "kept" if effect.helps and effect.value >= least else "dropped"
    why = "confirmed"
    if verdict == "dropped":
        why = f"confirmed, but less than the smallest worthwhile {least:.3g}," if effect.helps else "not confirmed"
    reason = f"{why} with fresh seeds on {patients:,} other patients, at this budget"
    return replace(arm, confirmed=effect, verdict=verdict, reason=reason), tried.spent


def fresh_seed(plan: Plan, bed: Bed) -> int:
    """The seed of a round's confirmation."""
    return plan.seed + FRESH_SEED * (bed.round + 1)


def _cut_short(trial: Trial) -> Trial:
    """Arms of a trial that the clock ended: slabs that began late are no match for those that began early."""
    arms = tuple(replace(arm, verdict="dropped", reason=CUT_SHORT) for arm in trial.arms)
    return Trial(arms, None, trial.member_epochs)


def smallest_worthwhile(bed: Bed) -> float:
    """In the main metric, from the constant's score on development rows; for r2, whose constant is 0, of its span."""
    task, material = bed.task, bed.material
    observed = material.targets[material.learned]
    constant = constant_predictions(task, material, len(observed))
    value = abs(score(task, observed, constant)[main_metric(task)])
    return SMALLEST_WORTHWHILE_SHARE * (value if value > SMALLEST_WORTHWHILE_SHARE else 1.0)


def arm_record(trial: Trial, arm: Arm, plan: Plan, bed: Bed) -> dict[str, Any]:
    """One entry of prescriptions.json."""
    after = treated(plan, arm.prescription.change)
    change = {k: [_plain(old), _plain(new)] for k, (old, new) in plan.difference(after).items()}
    shown = arm.confirmed or arm.best_known
    chosen_by = {"folds": sorted(bed.choosing), "seed": plan.seed}
    confirmed_on = {"folds": sorted(bed.confirming), "seed": fresh_seed(plan, bed), "seeds": bed.confirming_seeds}
    return {
        "round": bed.round, "finding": arm.prescription.finding, "remedy": arm.prescription.remedy, "change": change,
        "expects": arm.prescription.expects, "metric": main_metric(bed.task),
        "control": chosen_by, "treated": chosen_by,
        "effect": shown.record() if shown else None,
        "chosen_by": arm.best_known.record() if arm.best_known else None,
        "confirmed": arm.confirmed.record() if arm.confirmed else None,
        "confirmed_on": confirmed_on,
        "smallest_worthwhile": smallest_worthwhile(bed), "remedies_tried": len(trial.arms),
        "verdict": arm.verdict, "reason": arm.reason,
    }  # fmt: skip


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
