"""Snapshots of the best epoch by three choosers: beside the last epoch where that is kept, so that what the best would
have been costs no training, and in trials, where nobody judges a network at an epoch that they chose.

Who chooses an epoch by its loss may not judge it on the same patients. So there are three snapshots: of the epoch that
all held-out rows choose, as `keep_best` with a patience would have kept it, and of those that either half of their
patients chooses, which the other half can judge.
"""

import jax
import jax.numpy as jnp

from rounds.plan import Plan
from rounds.training.compiled.schedule import cycle_ends
from rounds.training.compiled.state import BestSnapshots, Weights

EVERYBODY, FIRST_HALF, SECOND_HALF = range(3)  # who chose a snapshot: all held-out rows, or half of their patients


def has_best_snapshots(plan: Plan) -> bool:
    """Whether members of the plan keep their last epoch, and would predict by another if they kept the best: those of
    several cycles predict by their cycles' ends.

    >>> has_best_snapshots(Plan()), has_best_snapshots(Plan(keep_best="none"))
    (False, True)
    """
    return plan.keep_best == "none" and not cycle_ends(plan)


def begin_best_snapshots(weights: Weights) -> BestSnapshots:
    """Before the first epoch: the weights as they were drawn, which any epoch is better than."""
    thrice = jax.tree.map(lambda leaf: jnp.stack([leaf] * 3), weights)
    return BestSnapshots(thrice, jnp.full(3, jnp.inf), jnp.zeros(3, jnp.int32))


def keep_best_snapshots(
    best_snapshots: BestSnapshots, shown: Weights, values: jax.Array, alive: jax.Array, patience: int
) -> BestSnapshots:
    """After an epoch: the weights as they are shown where they are better than any before.

    values: by which each of the three compares epochs, lower is better [3]; alive: whether the member still trained,
    and its loss is finite.
    """
    better = alive & (best_snapshots.waited < patience) & (values < best_snapshots.value)

    def kept(new: jax.Array, old: jax.Array) -> jax.Array:
        return jnp.where(better.reshape(3, *[1] * new.ndim), new, old)

    weights = jax.tree.map(kept, shown, best_snapshots.weights)
    return BestSnapshots(
        weights, jnp.where(better, values, best_snapshots.value), jnp.where(better, 0, best_snapshots.waited + 1)
    )


def selectors_of(weights: jax.Array, patient_half: jax.Array) -> jax.Array:
    """Which held-out rows each chooser asks, [3, V]; weights, patient_half: [V] 0/1."""
    return jnp.stack([weights, weights * (1 - patient_half), weights * patient_half])
