"""Remedies that hold a network back, or let it go: penalties, dropout, noise, augmentation."""

from rounds.examination.training_rules.images_and_recordings import AUGMENTING
from rounds.plan import Plan
from rounds.prescription.remedies.remedy import Change, Remedy, highest, setting


def weaker_penalties(plan: Plan) -> list[Change]:
    """Penalties first, dropout with them, and at last what blurs inputs and outcomes."""
    free: Change = {"l1": 0.0, "l2": 0.0, "weight_decay": min(highest(plan.weight_decay), 1e-2)}
    dropped: Change = {**free, "dropout": min(highest(plan.dropout), 0.1)}
    blurs = {name: min(highest(getattr(plan, name)), 0.1) for name in ("input_noise", "mixup", "label_smoothing")}
    return [free, dropped, {**dropped, **blurs}]


WEAKER_PENALTIES = Remedy(
    "weaken the penalties",
    weaker_penalties,
    "training loss falls again",
    against={"over-regularized": 1, "validation-better": 1, "underfitting": 2, "not-learning": 5},
)


def _augment(plan: Plan) -> list[Change]:
    """Patients that might have been: numbers with a little noise, or two patients mixed (Zhang et al. 2018)."""
    noise = [{"input_noise": 0.1}] if highest(plan.input_noise) < 0.1 else []
    return noise + ([{"mixup": 0.2}] if highest(plan.mixup) == 0 else [])


AUGMENT = Remedy("augment the patients", _augment, "validation comes closer to training", against={"overfitting": 2})


def _drop_more(plan: Plan) -> list[Change]:
    return [{"dropout": rate} for rate in (0.3, 0.5) if rate > highest(plan.dropout)]


DROP_MORE = Remedy(
    "drop more units",
    _drop_more,
    "validation comes closer to training",
    against={"overfitting": 3, "no-better-than-baseline": 3},
)


def _penalise(plan: Plan) -> list[Change]:
    decay: Change = {"weight_decay": max(10 * highest(plan.weight_decay), 0.1)}
    return [{"l2": max(10 * highest(plan.l2), 1e-3)}, *([decay] if plan.optimizer == "adamw" else [])]


PENALISE = Remedy(
    "penalise large weights", _penalise, "validation comes closer to training", against={"overfitting": 4}
)


def _weaker_augmentation(plan: Plan) -> list[Change]:
    amounts = {name: highest(getattr(plan, name)) for name in AUGMENTING}
    used = {name: amount for name, amount in amounts.items() if amount > 0}
    return [dict.fromkeys(used, 0.0), {name: amount / 3 for name, amount in used.items()}] if used else []


WEAKER_AUGMENTATION = Remedy(
    "weaken augmentation",
    _weaker_augmentation,
    "training loss falls, and validation with it",
    against={"augmentation-too-strong": 1},
)
SMOOTH_LABELS = setting({"label_smoothing": 0.1}, against={"label-noise": 1})
