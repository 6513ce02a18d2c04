"""One epoch of one member: its steps, then validation, the snapshot, and whether to go on."""

from math import prod
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rounds.plan import usual_patience
from rounds.training.compiled.best_snapshots import choosers_of, keep_spare
from rounds.training.compiled.objective import MATCHING_ACTIVATION, example_loss
from rounds.training.compiled.schedule import learning_rate_at
from rounds.training.compiled.state import EpochRecord, MemberState, Recipe, Settings, SlabData, Weights
from rounds.training.compiled.step import IMAGE_AXES, take_step
from rounds.training.compiled.validation import Judged, is_higher_better, judge, metric_names

# Rows predicted at once, and of images values: bounds the memory of validation (patches of a convolution hold some
# hundred times as many), not its result.
VALIDATION_ROWS, VALIDATION_VALUES, FEWEST_ROWS = 4096, 2**18, 16
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
    positions = step_positions(number, order.shape[0])
    state, told = take_steps(recipe, state, settings, data, order, positions)
    outputs = member_outputs(recipe, state, data, held)
    weights, halves = jnp.where(held >= 0, 1.0, 0.0), data.halves[held]
    observed = Observed(data.targets[held], weights, halves, data.mean, data.spread)
    return end_epoch(recipe, state, settings, observed, outputs, told, number)


class Told(NamedTuple):
    """What the steps of an epoch leave behind, [S] each: losses, penalties, the model's own losses, gradient norms,
    and the position of each step in epochs."""

    losses: jax.Array
    penalties: jax.Array
    own: jax.Array
    norms: jax.Array
    positions: jax.Array


class Observed(NamedTuple):
    """What validation compares with: targets [V, T] as the loss reads them, weights and halves (of the patients) [V]
    0/1, and the mean and spread [T] that lead back to the user's unit."""

    targets: jax.Array
    weights: jax.Array
    halves: jax.Array
    mean: jax.Array
    spread: jax.Array


def step_positions(number: jax.Array, steps: int) -> jax.Array:
    """Where each step of an epoch ends, in epochs, [S] float32."""
    return number + (jnp.arange(steps, dtype=jnp.float32) + 1.0) / steps


def take_steps(
    recipe: Recipe, state: MemberState, settings: Settings, data: SlabData, order: jax.Array, positions: jax.Array
) -> tuple[MemberState, Told]:
    """Steps over the minibatches `order` [S, B] at `positions` [S]: an epoch, or a part of one."""

    def step(
        carry: tuple[Any, ...], drawn: tuple[jax.Array, jax.Array]
    ) -> tuple[tuple[Any, ...], tuple[jax.Array, ...]]:
        return take_step(recipe, carry, settings, data, drawn, (state.running, state.rate_factor))

    carry = (state.weights, state.optimizer, state.average)
    carry, (losses, penalties, own, norms) = jax.lax.scan(step, carry, (order, positions))
    weights, optimizer, average = carry
    return state._replace(weights=weights, optimizer=optimizer, average=average), Told(
        losses, penalties, own, norms, positions
    )


def _shown(recipe: Recipe, state: MemberState) -> Weights:
    """Weights as they are validated."""
    return Weights(state.average, state.weights.state) if "ema" in recipe.switches else state.weights


def end_epoch(
    recipe: Recipe,
    state: MemberState,
    settings: Settings,
    observed: Observed,
    outputs: jax.Array,
    told: Told,
    number: jax.Array,
) -> tuple[MemberState, EpochRecord]:
    """Judges the outputs [V, T] on validation rows; keeps the snapshot, or stops."""
    losses = example_loss(recipe.loss, recipe.logits)(outputs, observed.targets)  # [V]
    validation = _validate(recipe, observed, outputs, losses)
    norm, shown = told.norms[-1], _shown(recipe, state)
    epoch = Epoch(shown, validation, jnp.mean(told.losses), norm, number)
    state = _judge_epoch(recipe, _with_spare(recipe, state, epoch, losses, observed), settings, epoch)
    rate = learning_rate_at(recipe.plan, settings, told.positions[-1]) * state.rate_factor
    return state, EpochRecord(
        told.losses, told.penalties, told.own, validation, rate, norm, state.running, state.best_epoch,
        state.best_value,
    )  # fmt: skip


def rows_at_once(grid: tuple[int, ...]) -> int:
    """Rows predicted at once, of a grid of this shape.

    >>> rows_at_once(()), rows_at_once((64, 64, 1))
    (4096, 64)
    """
    if len(grid) < IMAGE_AXES:
        return VALIDATION_ROWS
    return max(FEWEST_ROWS, min(VALIDATION_ROWS, VALIDATION_VALUES // prod(grid)))


def member_outputs(recipe: Recipe, state: MemberState, data: SlabData, rows: jax.Array) -> jax.Array:
    """Raw outputs of the network in test mode for rows [V], a chunk at a time, [V, T]."""
    weights = _shown(recipe, state)
    count = rows.shape[0]
    chunk = min(rows_at_once(recipe.grid), count)
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


def _with_spare(recipe: Recipe, state: MemberState, epoch: Epoch, losses: jax.Array, observed: Observed) -> MemberState:
    """With the best epoch beside the last, where the last is kept; losses: of held-out rows [V]."""
    if state.spare is None:
        return state
    choosers, alive = choosers_of(observed.weights, observed.halves), state.running & jnp.isfinite(epoch.loss)
    patience = usual_patience(recipe.plan.epochs)
    return state._replace(spare=keep_spare(state.spare, epoch.shown, losses, choosers, alive, patience))


def _validate(recipe: Recipe, held: Observed, outputs: jax.Array, losses: jax.Array) -> jax.Array:
    observed, predicted = held.targets, _activated(recipe, outputs)
    if not recipe.task.is_classification:
        observed, predicted = (_in_unit(recipe, held, x) for x in (observed, predicted))
    return judge(Judged(losses, observed, predicted, held.weights), recipe.task.kind, recipe.plan.metrics)


def _in_unit(recipe: Recipe, held: Observed, scaled: jax.Array) -> jax.Array:
    unscaled = scaled * held.spread + held.mean
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
