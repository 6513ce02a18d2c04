"""Remedies that change the steps: how long they are, how many, of how many rows."""

import math

from rounds.plan import Plan, usual_patience
from rounds.prescription.remedies.remedy import Change, Remedy, highest, setting

SOUND_BATCH = 32  # rows: small enough for many steps in an epoch of a small table
SOUND_RATE = 3e-3  # Adam's middle ground on scaled inputs, between the rates that a population averages


def sound_rate(plan: Plan) -> list[Change]:
    """What is usual: adaptive steps of middling size, whose length falls slowly."""
    optimizer: Change = {"optimizer": "adamw", "momentum": 0.9, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8}
    return [{"learning_rate": SOUND_RATE, **optimizer, "schedule": "cosine"}]


SOUND = Remedy(
    "set the optimizer's numbers back", sound_rate, "steps have a sensible length", against={"not-learning": 1}
)


def _rate_doses(plan: Plan, factors: tuple[float, ...]) -> list[Change]:
    """What is usual first, then rates by how near they are to that."""
    rates = sorted(
        (highest(plan.learning_rate) * factor for factor in factors), key=lambda rate: abs(math.log(rate / SOUND_RATE))
    )
    return sound_rate(plan) + [{"learning_rate": rate} for rate in rates]


def _lower_rate(plan: Plan) -> list[Change]:
    return _rate_doses(plan, (1 / 10, 1 / 100, 1 / 1000))


LOWER_RATE = Remedy(
    "lower the learning rate",
    _lower_rate,
    "losses fall instead of jumping",
    against={
        "learning-rate-too-high": 1,
        "diverged": 1,
        "unstable": 1,
        "unscaled-inputs": 2,
        "plateau": 2,
        "dead-units": 3,
    },
)


def _higher_rate(plan: Plan) -> list[Change]:
    return _rate_doses(plan, (10.0, 100.0))


HIGHER_RATE = Remedy(
    "raise the learning rate",
    _higher_rate,
    "losses fall within the epochs that there are",
    against={"learning-rate-too-low": 1, "still-improving": 2},
)
CLIP = setting(
    {"clip_norm": 1.0},
    against={"exploding-gradients": 1, "learning-rate-too-high": 2, "diverged": 2, "unstable": 2},
)
COSINE = setting({"schedule": "cosine"}, against={"decayed-too-early": 1, "plateau": 1})


def _longer(plan: Plan) -> list[Change]:
    to_the_end = plan.keep_best == "none" and not plan.patience
    return [
        {"epochs": n, "warmup_epochs": round(0.03 * n, 2), "patience": 0 if to_the_end else usual_patience(n)}
        for n in (4 * plan.epochs, 16 * plan.epochs)
    ]


LONGER = Remedy(
    "train longer",
    _longer,
    "the loss goes on falling",
    against={"still-improving": 1, "learning-rate-too-low": 2, "underfitting": 3, "not-learning": 4},
)


def _larger_batches(plan: Plan) -> list[Change]:
    return [{"batch_size": size} for size in (32, 128) if isinstance(plan.batch_size, int) and size > plan.batch_size]


LARGER_BATCHES = Remedy(
    "use larger minibatches",
    _larger_batches,
    "statistics of a minibatch are those of the patients",
    against={"tiny-batch-statistics": 1},
)


def _smaller_batches(plan: Plan) -> list[Change]:
    """More steps in the same epochs."""
    large = plan.batch_size == "all" or plan.batch_size > SOUND_BATCH
    return [{"batch_size": SOUND_BATCH}] if large and plan.network == "keras" else []


SMALLER_BATCHES = Remedy(
    "use smaller minibatches",
    _smaller_batches,
    "more steps are taken within the same epochs",
    against={"still-improving": 3, "not-learning": 5},
)
MANY_ROWS = setting({"batch_size": 128}, against={"unstable": 3})


def keep_best(plan: Plan) -> list[Change]:
    """Early stopping, where the last epoch is kept whatever validation says."""
    return [{"keep_best": "loss", "patience": usual_patience(plan.epochs)}] if plan.keep_best == "none" else []


KEEP_BEST = Remedy(
    "keep the best epoch, not the last", keep_best, "validation stays where it was best", against={"overfitting": 1}
)
