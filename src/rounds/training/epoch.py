"""One epoch of one member: its steps, then validation, the snapshot, and whether to go on."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rounds.training.member import EpochRecord, MemberState, Recipe, Settings, SlabData, Weights
from rounds.training.objective import MATCHING_ACTIVATION, example_loss
from rounds.training.schedule import learning_rate_at
from rounds.training.step import take_step
from rounds.training.validation import Judged, is_higher_better, judge, metric_names

VALIDATION_CHUNK = 4096  # rows predicted at once: bounds the memory of validation, not its result
_ACTIVATIONS = {"sigmoid": jax.nn.sigmoid, "softmax": jax.nn.softmax, "exponential": jnp.exp}


class Epoch(NamedTuple):
    """What an epoch is judged by: weights as they are shown, validation metrics, mean loss, last gradient's norm."""

    shown: Weights
    validation: jax.Array
    loss: jax.Array
    gradient_norm: jax.Array
    number: jax.Array


def train_epoch(
    recipe: Recipe,
    state: MemberState,
    settings: Settings,
    data: SlabData,
    order: jax.Array,
    held: jax.Array,
    number: jax.Array,
) -> tuple[MemberState, EpochRecord]:
    """One pass over `order` [S, B], then validation on the rows `held` [V] (NO_ROW weighs nothing)."""
    steps = order.shape[0]
    positions = number + (jnp.arange(steps, dtype=jnp.float32) + 1.0) / steps

    def step(
        carry: tuple[Any, ...], drawn: tuple[jax.Array, jax.Array]
    ) -> tuple[tuple[Any, ...], tuple[jax.Array, ...]]:
        return take_step(recipe, carry, settings, data, drawn, (state.running, state.rate_factor))

    carry = (state.weights, state.optimizer, state.average)
    carry, (losses, penalties, own, norms) = jax.lax.scan(step, carry, (order, positions))
    weights, optimizer, average = carry
    shown = Weights(average, weights.state) if "ema" in recipe.switches else weights
    validation = _validate(recipe, shown, data, held)
    state = state._replace(weights=weights, optimizer=optimizer, average=average)
    state = _judge_epoch(recipe, state, settings, Epoch(shown, validation, jnp.mean(losses), norms[-1], number))
    rate = learning_rate_at(recipe.plan, settings, positions[-1]) * state.rate_factor
    return state, EpochRecord(
        losses, penalties, own, validation, rate, norms[-1], state.running, state.best_epoch, state.best_value
    )


def _outputs(recipe: Recipe, weights: Weights, data: SlabData, rows: jax.Array) -> jax.Array:
    """Raw outputs of the network in test mode for rows [V], a chunk at a time, [V, T]."""
    count = rows.shape[0]
    chunk = min(VALIDATION_CHUNK, count)
    padded = jnp.pad(rows, (0, -count % chunk)).reshape(-1, chunk)

    def one_chunk(some: jax.Array) -> jax.Array:
        outputs, _ = recipe.functional.apply(weights.trainable, weights.state, [x[some] for x in data.inputs], False)
        return outputs

    outputs = one_chunk(padded[0])[None] if padded.shape[0] == 1 else jax.lax.map(one_chunk, padded)
    return outputs.reshape(-1, outputs.shape[-1])[:count]


def _activated(recipe: Recipe, outputs: jax.Array) -> jax.Array:
    if not recipe.logits:
        return outputs
    return _ACTIVATIONS[MATCHING_ACTIVATION[recipe.loss]](outputs)


def _validate(recipe: Recipe, weights: Weights, data: SlabData, held: jax.Array) -> jax.Array:
    outputs = _outputs(recipe, weights, data, held)
    targets = data.targets[held]
    losses = example_loss(recipe.loss, recipe.logits)(outputs, targets)
    observed, predicted = targets, _activated(recipe, outputs)
    if not recipe.task.is_classification:
        observed, predicted = (_in_unit(recipe, data, x) for x in (observed, predicted))
    judged = Judged(losses, observed, predicted, jnp.where(held >= 0, 1.0, 0.0))
    return judge(judged, recipe.task.kind, recipe.plan.metrics)


def _in_unit(recipe: Recipe, data: SlabData, scaled: jax.Array) -> jax.Array:
    unscaled = scaled * data.spread + data.mean
    return jnp.expm1(unscaled) if recipe.power_scale else unscaled


def _judge_epoch(
    recipe: Recipe,
    state: MemberState,
    settings: Settings,
    epoch: Epoch,
) -> MemberState:
    """Keeps the best snapshot, counts the epochs without improvement, stops what diverged, converged or waited long."""
    plan = recipe.plan
    value = _value_to_keep(recipe, epoch.validation)
    better = state.running & jnp.isfinite(epoch.loss) & (value < state.best_value if value is not None else True)
    best = jax.tree.map(lambda new, old: jnp.where(better, new, old), epoch.shown, state.best)
    waited = jnp.where(better, 0, state.waited + 1)
    running = state.running & jnp.isfinite(epoch.loss)
    if plan.patience > 0:
        running &= waited < plan.patience
    if plan.convergence > 0:
        running &= epoch.gradient_norm >= plan.convergence
    factor, rate_waited = state.rate_factor, state.rate_waited
    if plan.schedule == "plateau":
        rate_waited = jnp.where(better, 0, rate_waited + 1)
        decayed = rate_waited >= plan.plateau_epochs
        factor = jnp.where(decayed, factor * settings["decay_factor"], factor)
        rate_waited = jnp.where(decayed, 0, rate_waited)
    return state._replace(
        best=best,
        best_value=jnp.where(better, epoch.validation[0] if value is None else value, state.best_value),
        best_epoch=jnp.where(better, epoch.number, state.best_epoch).astype(jnp.int32),
        waited=waited,
        running=running,
        rate_factor=factor,
        rate_waited=rate_waited,
    )


def _value_to_keep(recipe: Recipe, validation: jax.Array) -> jax.Array | None:
    """The validation metric that chooses the snapshot, lower is better; None keeps the last epoch."""
    name = recipe.plan.keep_best
    if name == "none":
        return None
    own = recipe.plan.metrics
    value = validation[metric_names(recipe.task.kind, own).index(name)]
    return -value if is_higher_better(name, own) else value
