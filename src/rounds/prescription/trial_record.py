"""What prescriptions.json says of a trial."""

from typing import Any

from rounds.metrics import main_metric
from rounds.plan import Plan
from rounds.prescription.bed import Bed
from rounds.prescription.remedy import treated
from rounds.prescription.trial import Arm, Trial, smallest_worthwhile
from rounds.training.population import make_members


def arm_record(trial: Trial, arm: Arm, plan: Plan, bed: Bed) -> dict[str, Any]:
    """One entry of prescriptions.json; seeds are those of single networks."""
    after = treated(plan, arm.prescription.change)
    change = {k: [_plain(old), _plain(new)] for k, (old, new) in plan.difference(after).items()}
    shown = arm.confirmed or arm.best_known
    folds = sorted(bed.choosing)[:1] if arm.effect is None else sorted(trial.folds)
    chosen_by = {"folds": folds, "seeds": _seeds(plan, folds, 1)}
    return {
        "round": bed.round, "finding": arm.prescription.finding, "remedy": arm.prescription.remedy, "change": change,
        "expects": arm.prescription.expects, "metric": main_metric(bed.task),
        "control": chosen_by, "treated": chosen_by,
        "effect": shown.record() if shown else None,
        "chosen_by": arm.best_known.record() if arm.best_known else None,
        "confirmed": arm.confirmed.record() if arm.confirmed else None,
        "confirmed_on": _confirmed_on(trial, plan, bed) if arm.confirmed else None,
        "smallest_worthwhile": smallest_worthwhile(bed), "remedies_tried": len(trial.arms),
        "verdict": arm.verdict, "reason": arm.reason,
    }  # fmt: skip


def _confirmed_on(trial: Trial, plan: Plan, bed: Bed) -> dict[str, Any]:
    folds = sorted(bed.confirming)
    seeds = [s for seed in trial.seeds for s in _seeds(plan.change(seed=seed), folds, bed.seeds_a_look)]
    return {"folds": folds, "seeds": seeds, "looks": len(trial.seeds)}


def _seeds(plan: Plan, folds: list[int], each: int) -> list[int]:
    """Of the networks of a plan at one setting, on these folds."""
    return [m.seed for m in make_members([plan], tuple(folds), (), each * len(folds))]


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
