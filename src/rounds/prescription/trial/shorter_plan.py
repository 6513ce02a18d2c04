"""A plan's training made shorter or longer, all that is counted in epochs with it."""

import math

from rounds.plan import Plan


def stretched(plan: Plan, share: float) -> Plan:
    """The plan for `share` times its epochs: warm-up, patience and decays keep their place in the training.

    >>> brief = stretched(Plan(epochs=30, warmup_epochs=3.0, decay_epochs=(15.0,), patience=6), 1 / 3)
    >>> brief.epochs, brief.warmup_epochs, brief.decay_epochs, brief.patience
    (10, 1.0, (5.0,), 2)
    """
    warmup = plan.warmup_epochs
    warmed = tuple(share * w for w in warmup) if isinstance(warmup, tuple) else share * warmup
    return plan.change(
        epochs=max(1, math.ceil(share * plan.epochs - 1e-9)),
        patience=math.ceil(share * plan.patience - 1e-9),
        warmup_epochs=warmed,
        decay_epochs=tuple(share * d for d in plan.decay_epochs),
    )
