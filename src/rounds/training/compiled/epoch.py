"""One epoch of one member: its steps, then validation, the snapshot, and whether to go on."""

from math import prod
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rounds.networks.user_model.outputs import read_outputs
from rounds.plan import usual_patience
from rounds.training.compiled.best_snapshots import keep_best_snapshots, selectors_of
from rounds.training.compiled.objective import MATCHING_ACTIVATION, example_loss
from rounds.training.compiled.schedule import learning_rate_at
from rounds.training.compiled.state import EpochRecord, MemberState, Settings, SlabData, StaticConfig, Weights
from rounds.training.compiled.step import IMAGE_AXES, take_step
from rounds.training.compiled.validation import JudgedOutputs, is_higher_better, metric_names, metric_values

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
    config: StaticConfig,
    state: MemberState,
    settings: Settings,
    data: SlabData,
    order: jax.Array,
    held: jax.Array,
    number: jax.Array,
) -> tuple[MemberState, EpochRecord]:
    """One pass over `order` [S, B], then validation on the rows `held` [V] (NO_ROW weighs nothing)."""
    positions = step_positions(number, order.shape[0])
    state, trace = take_steps(config, state, settings, data, order, positions)
    outputs = chunked_outputs(config, state, data, held)
    weights, patient_half = jnp.where(held >= 0, 1.0, 0.0), data.patient_half[held]
    observed = ValidationTargets(data.targets[held], weights, patient_half, data.mean, data.spread)
    return end_epoch(config, state, settings, observed, outputs, trace, number)


class StepTrace(NamedTuple):
    """What the steps of an epoch leave behind, [S] each: losses, penalties, the model's own losses, gradient norms,
    and the position of each step in epochs."""

    losses: jax.Array
    penalties: jax.Array
    model_losses: jax.Array
    norms: jax.Array
    positions: jax.Array


class ValidationTargets(NamedTuple):
    """What validation compares with: targets [V, T] as the loss reads them, weights and halves (of the patients) [V]
    0/1, and the mean and spread [T] that lead back to the user's unit."""

    targets: jax.Array
    weights: jax.Array
    patient_half: jax.Array
    mean: jax.Array
    spread: jax.Array


def step_positions(number: jax.Array, steps: int) -> jax.Array:
    """Where each step of an epoch ends, in epochs, [S] float32."""
    return number + (jnp.arange(steps, dtype=jnp.float32) + 1.0) / steps


def take_steps(
    config: StaticConfig, state: MemberState, settings: Settings, data: SlabData, order: jax.Array, positions: jax.Array
) -> tuple[MemberState, StepTrace]:
    """Steps over the minibatches `order` [S, B] at `positions` [S]: an epoch, or a part of one."""

    def step(
        carry: tuple[Any, ...], drawn: tuple[jax.Array, jax.Array]
    ) -> tuple[tuple[Any, ...], tuple[jax.Array, ...]]:
        return take_step(config, carry, settings, data, drawn, (state.running, state.rate_factor))

    carry = (state.weights, state.optimizer, state.average)
    carry, (losses, penalties, model_losses, norms) = jax.lax.scan(step, carry, (order, positions))
    weights, optimizer, average = carry
    return state._replace(weights=weights, optimizer=optimizer, average=average), StepTrace(
        losses, penalties, model_losses, norms, positions
    )


def _shown(config: StaticConfig, state: MemberState) -> Weights:
    """Weights as they are validated."""
    return Weights(state.average, state.weights.state) if "ema" in config.switches else state.weights


def end_epoch(
    config: StaticConfig,
    state: MemberState,
    settings: Settings,
    observed: ValidationTargets,
    outputs: jax.Array,
    trace: StepTrace,
    number: jax.Array,
) -> tuple[MemberState, EpochRecord]:
    """Judges the outputs [V, T] on validation rows; keeps the snapshot, or stops."""
    losses = example_loss(config.loss, config.logits, config.user)(outputs, observed.targets)  # [V]
    validation = _validate(config, observed, outputs, losses)
    norm, shown = trace.norms[-1], _shown(config, state)
    epoch = Epoch(shown, validation, jnp.mean(trace.losses), norm, number)
    if state.best_snapshots is not None:
        selectors = selectors_of(observed.weights, observed.patient_half)
        values = [_value_of(config, observed._replace(weights=some), outputs, losses) for some in selectors]
        state = _with_best_snapshots(config, state, epoch, jnp.stack(values))
    state = _judge_epoch(config, state, settings, epoch)
    rate = learning_rate_at(config.plan, settings, trace.positions[-1], config.user) * state.rate_factor
    return state, EpochRecord(
        trace.losses,
        trace.penalties,
        trace.model_losses,
        validation,
        rate,
        norm,
        state.running,
        state.best_epoch,
        state.best_value,
    )


def rows_at_once(array: tuple[int, ...]) -> int:
    """Rows predicted at once, of an array of this shape.

    >>> rows_at_once(()), rows_at_once((64, 64, 1))
    (4096, 64)
    """
    if len(array) < IMAGE_AXES:
        return VALIDATION_ROWS
    return max(FEWEST_ROWS, min(VALIDATION_ROWS, VALIDATION_VALUES // prod(array)))


def chunked_outputs(config: StaticConfig, state: MemberState, data: SlabData, rows: jax.Array) -> jax.Array:
    """Raw outputs of the network in test mode for rows [V], a chunk at a time, [V, T]."""
    weights = _shown(config, state)
    count = rows.shape[0]
    chunk = min(rows_at_once(config.array), count)
    padded = jnp.pad(rows, (0, -count % chunk)).reshape(-1, chunk)

    def one_chunk(some: jax.Array) -> jax.Array:
        outputs, _ = config.functional.apply(weights.trainable, weights.state, [x[some] for x in data.inputs], False)
        return outputs

    outputs = one_chunk(padded[0])[None] if padded.shape[0] == 1 else jax.lax.map(one_chunk, padded)
    return outputs.reshape(-1, outputs.shape[-1])[:count]


def _activated(config: StaticConfig, outputs: jax.Array) -> jax.Array:
    if config.user is not None and config.user.loss is not None:
        outputs = _ACTIVATIONS[config.user.after](outputs) if config.user.after in _ACTIVATIONS else outputs
        return read_outputs(outputs, config.task.outputs)
    if not config.logits:
        return outputs
    return _ACTIVATIONS[MATCHING_ACTIVATION[config.loss]](outputs)


def _with_best_snapshots(config: StaticConfig, state: MemberState, epoch: Epoch, values: jax.Array) -> MemberState:
    """With the snapshots of this epoch where it is the best yet; values: by which each selector compares epochs [3]."""
    assert state.best_snapshots is not None
    plan, alive = config.plan, state.running & jnp.isfinite(epoch.loss)
    patience = usual_patience(plan.epochs) if plan.keep_best == "none" else plan.patience or plan.epochs
    return state._replace(
        best_snapshots=keep_best_snapshots(state.best_snapshots, epoch.shown, values, alive, patience)
    )


def _value_of(config: StaticConfig, held: ValidationTargets, outputs: jax.Array, losses: jax.Array) -> jax.Array:
    """By what epochs are compared, of the rows that `held` gives weight."""
    if config.plan.keep_best in ("loss", "none"):
        return jnp.sum(losses * held.weights) / jnp.maximum(jnp.sum(held.weights), 1.0)
    return _value_to_keep(config, _validate(config, held, outputs, losses))


def _validate(config: StaticConfig, held: ValidationTargets, outputs: jax.Array, losses: jax.Array) -> jax.Array:
    observed, predicted = held.targets, _activated(config, outputs)
    if not config.task.is_classification:
        observed, predicted = (_in_unit(config, held, x) for x in (observed, predicted))
    return metric_values(
        JudgedOutputs(losses, observed, predicted, held.weights), config.task.kind, config.plan.metrics
    )


def _in_unit(config: StaticConfig, held: ValidationTargets, scaled: jax.Array) -> jax.Array:
    unscaled = scaled * held.spread + held.mean
    return jnp.expm1(unscaled) if config.power_scale else unscaled


def _judge_epoch(
    config: StaticConfig,
    state: MemberState,
    settings: Settings,
    epoch: Epoch,
) -> MemberState:
    """Keeps the best snapshot, counts the epochs without improvement, stops what diverged, converged or waited long."""
    plan = config.plan
    value = _value_to_keep(config, epoch.validation)
    alive = state.running & jnp.isfinite(epoch.loss)
    better = alive & (value < state.lowest)
    kept = alive if plan.keep_best == "none" else better
    best = jax.tree.map(lambda new, old: jnp.where(kept, new, old), epoch.shown, state.best)
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
        best_value=jnp.where(kept, value, state.best_value),
        best_epoch=jnp.where(kept, epoch.number, state.best_epoch).astype(jnp.int32),
        lowest=jnp.where(better, value, state.lowest),
        waited=waited,
        running=running,
        rate_factor=factor,
        rate_waited=rate_waited,
    )


def _value_to_keep(config: StaticConfig, validation: jax.Array) -> jax.Array:
    """The validation metric by which epochs are compared, lower is better: the loss where the last one is kept."""
    user_metrics = config.plan.metrics
    name = "loss" if config.plan.keep_best == "none" else config.plan.keep_best
    value = validation[metric_names(config.task.kind, user_metrics).index(name)]
    return -value if is_higher_better(name, user_metrics) else value
