"""Schedules of the learning rate: pure functions of the position in training, drawn in the report as trained."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from rounds.networks.user_model.outputs import UserTraining
from rounds.plan import REFERENCE_BATCH, Plan

Settings = dict[str, jax.Array]

# One-cycle: Smith and Topin 2018 (arXiv:1708.07120), with the shares that fastai and PyTorch use.
ONE_CYCLE_RISE, ONE_CYCLE_START, ONE_CYCLE_END = 0.3, 1 / 25, 1 / 25e4


def learning_rate_at(
    plan: Plan, settings: Settings, position: jax.Array, user: UserTraining | None = None
) -> jax.Array:
    """Learning rate at `position` (epochs since the start, fractions allowed), without the plateau's factor.

    rate = learning_rate * min(1, position / warmup_epochs) * shape(position), times batch_size / REFERENCE_BATCH
    with ``scale_learning_rate_with_batch`` (Goyal et al. 2017, arXiv:1706.02677; full batches have no N to scale by).
    """
    warmup = settings["warmup_epochs"]
    rise = jnp.where(warmup > 0, jnp.minimum(1.0, position / jnp.maximum(warmup, 1e-9)), 1.0)
    if user is not None and user.factor is not None:
        return settings["learning_rate"] * user.factor(position)
    return settings["learning_rate"] * batch_factor(plan) * rise * _COURSES[plan.schedule](plan, settings, position)


def batch_factor(plan: Plan) -> float:
    """By how much the rule of thumb "batch x N -> learning rate x N" changes the rate."""
    if not plan.scale_learning_rate_with_batch or plan.batch_size == "all":
        return 1.0
    return plan.batch_size / REFERENCE_BATCH


def cycle_ends(plan: Plan) -> tuple[int, ...]:
    """Epochs done when a cycle of the cyclic schedule has ended (its last epoch boundary); none for other schedules.

    Cycles are equal parts of all epochs, whatever a member's warm-up, which may be swept: it rises within the first.
    The snapshots taken there make an ensemble of one training (Huang et al. 2017, arXiv:1704.00109).

    >>> cycle_ends(Plan(schedule="cyclic", cycles=3, epochs=33, warmup_epochs=3))
    (11, 22, 33)
    """
    if plan.schedule != "cyclic" or plan.cycles < 2:
        return ()
    ends = {plan.epochs * cycle // plan.cycles for cycle in range(1, plan.cycles + 1)}
    return tuple(sorted(ends - {0}))


def _progress(plan: Plan, settings: Settings, position: jax.Array) -> jax.Array:
    warmup = settings["warmup_epochs"]
    return jnp.clip((position - warmup) / jnp.maximum(plan.epochs - warmup, 1e-9), 0.0, 1.0)


def _constant(plan: Plan, settings: Settings, position: jax.Array) -> jax.Array:
    return jnp.ones_like(position)


def _step(plan: Plan, settings: Settings, position: jax.Array) -> jax.Array:
    passed = sum(jnp.where(position >= epoch, 1.0, 0.0) for epoch in plan.decay_epochs)
    return jnp.asarray(settings["decay_factor"] ** passed)


def _cosine(plan: Plan, settings: Settings, position: jax.Array) -> jax.Array:
    return 0.5 * (1 + jnp.cos(jnp.pi * _progress(plan, settings, position)))


def _linear(plan: Plan, settings: Settings, position: jax.Array) -> jax.Array:
    return 1 - _progress(plan, settings, position)


def _inverse_sqrt(plan: Plan, settings: Settings, position: jax.Array) -> jax.Array:
    return 1 / jnp.sqrt(jnp.maximum(1.0, position - settings["warmup_epochs"] + 1))


def _cyclic(plan: Plan, settings: Settings, position: jax.Array) -> jax.Array:
    """Cosine from 1 to 0 in each cycle, then back to 1 (SGDR, Loshchilov and Hutter 2017, arXiv:1608.03983)."""
    cycle = position / plan.epochs * plan.cycles
    within = jnp.where(cycle >= plan.cycles, 1.0, cycle - jnp.floor(cycle))
    return 0.5 * (1 + jnp.cos(jnp.pi * within))


def _one_cycle(plan: Plan, settings: Settings, position: jax.Array) -> jax.Array:
    progress = _progress(plan, settings, position)
    up = jnp.clip(progress / ONE_CYCLE_RISE, 0.0, 1.0)
    down = jnp.clip((progress - ONE_CYCLE_RISE) / (1 - ONE_CYCLE_RISE), 0.0, 1.0)
    rising = ONE_CYCLE_START + (1 - ONE_CYCLE_START) * 0.5 * (1 - jnp.cos(jnp.pi * up))
    falling = ONE_CYCLE_END + (1 - ONE_CYCLE_END) * 0.5 * (1 + jnp.cos(jnp.pi * down))
    return jnp.where(progress < ONE_CYCLE_RISE, rising, falling)


_COURSES: dict[str, Callable[[Plan, Settings, jax.Array], jax.Array]] = {
    "constant": _constant,
    "step": _step,
    "cosine": _cosine,
    "linear": _linear,
    "inverse_sqrt": _inverse_sqrt,
    "cyclic": _cyclic,
    "one_cycle": _one_cycle,
    "plateau": _constant,  # the factor lives in each member's state
}
