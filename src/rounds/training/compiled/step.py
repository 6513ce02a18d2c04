"""One step of one member: draw the batch, descend on the objective."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rounds.networks.network import GRID
from rounds.training.augmentation.images import IMAGE_SETTINGS, augment_images
from rounds.training.augmentation.recordings import RECORDING_SETTINGS, Channels, augment_recordings
from rounds.training.compiled.objective import example_loss, penalty, smooth_labels
from rounds.training.compiled.optimizer import clip_gradients, gradient_norm, hold_still, make_optimizer
from rounds.training.compiled.schedule import learning_rate_at
from rounds.training.compiled.state import Arrays, Recipe, Settings, SlabData, Weights

IMAGE_AXES = 3  # height, width, channels; recordings have time and channels


def take_step(
    recipe: Recipe,
    carry: tuple[Any, ...],
    settings: Settings,
    data: SlabData,
    drawn: tuple[jax.Array, jax.Array],
    held: tuple[jax.Array, jax.Array],
) -> tuple[tuple[Any, ...], tuple[jax.Array, ...]]:
    weights, optimizer_state, average = carry
    rows, position = drawn
    running, rate_factor = held
    batch = draw_batch(recipe, settings, data, rows, position)
    gradient_of = jax.value_and_grad(lambda w: objective(recipe, w, weights.state, settings, batch), has_aux=True)
    (_, (loss, shrink, own, state)), gradients = gradient_of(weights.trainable)
    norm = gradient_norm(gradients) if recipe.plan.convergence > 0 else jnp.array(jnp.nan)
    if "clip_norm" in recipe.switches:
        gradients = clip_gradients(gradients, settings["clip_norm"])
    optimizer = make_optimizer(recipe.plan, settings, recipe.functional.kernels)
    directions, optimizer_state = optimizer.update(gradients, optimizer_state, weights.trainable)
    directions = hold_still(recipe.plan, recipe.functional.names, directions)
    # A stopped member takes steps of length 0: cheaper than choosing between old and new arrays.
    rate = learning_rate_at(recipe.plan, settings, position) * rate_factor * running
    trainable = [w - rate * d for w, d in zip(weights.trainable, directions, strict=True)]
    if "ema" in recipe.switches:
        average = [settings["ema"] * a + (1 - settings["ema"]) * w for a, w in zip(average, trainable, strict=True)]
    return (Weights(trainable, state), optimizer_state, average), (loss, shrink, own, norm)


class Batch(NamedTuple):
    """Inputs, targets [B, T] and weights [B] of one step; weights sum to 1 where all classes weigh the same."""

    inputs: Arrays
    targets: jax.Array
    weights: jax.Array


def draw_batch(recipe: Recipe, settings: Settings, data: SlabData, rows: jax.Array, position: jax.Array) -> Batch:
    read = rows_read(recipe, rows)
    inputs = [x[read] for x in data.inputs]
    if recipe.grid:
        inputs[-1] = _disturbed_grid(recipe, settings, data, inputs[-1], position)
    targets = data.targets[read]
    present = rows >= 0
    weights = jnp.where(present, data.weights[read], 0.0) / jnp.maximum(jnp.sum(present), 1)
    if "input_noise" in recipe.switches or "mixup" in recipe.switches:
        inputs, targets = _disturb(recipe, settings, inputs, targets, position)
    if "label_smoothing" in recipe.switches and recipe.task.is_classification:
        targets = smooth_labels(targets, settings["label_smoothing"], len(recipe.task.classes))
    return Batch(inputs, targets, weights)


def rows_read(recipe: Recipe, rows: jax.Array) -> jax.Array:
    """Places in the table of the rows of a batch [B]; what fills up a full batch is written as ~row."""
    return jnp.where(rows < 0, ~rows, rows) if recipe.plan.batch_size == "all" else rows


def _key(settings: Settings, position: jax.Array) -> jax.Array:
    """Of what is drawn in the step at this position."""
    count = jax.lax.bitcast_convert_type(position, jnp.int32)
    return jax.random.fold_in(jax.random.PRNGKey(settings["key"].astype(jnp.int32)), count)


def _disturbed_grid(
    recipe: Recipe, settings: Settings, data: SlabData, grid: jax.Array, position: jax.Array
) -> jax.Array:
    """Images and recordings as they might have been taken, with noise in units of each channel's spread."""
    key, spread = jax.random.fold_in(_key(settings, position), 2), data.fitted[f"{GRID}/spread"]
    if len(recipe.grid) < IMAGE_AXES and recipe.switches & set(RECORDING_SETTINGS):
        channels = Channels(*(data.fitted[f"{GRID}/{n}"] for n in ("kind", "variable", "mean", "spread")))
        grid = augment_recordings(settings, recipe.switches, grid, channels, key)
    if len(recipe.grid) == IMAGE_AXES and recipe.switches & set(IMAGE_SETTINGS):
        grid = augment_images(settings, recipe.switches, grid, spread, key)
    if len(recipe.grid) == IMAGE_AXES and "input_noise" in recipe.switches:
        noise = jax.random.normal(jax.random.fold_in(key, len(IMAGE_SETTINGS)), grid.shape)
        grid = grid + settings["input_noise"] * spread * noise
    return grid.astype(jnp.float32) if "mixup" in recipe.switches else grid


def _disturb(
    recipe: Recipe, settings: Settings, inputs: Arrays, targets: jax.Array, position: jax.Array
) -> tuple[Arrays, jax.Array]:
    """Input noise on numbers, and mixup with the batch in reverse order (Zhang et al. 2018, arXiv:1710.09412)."""
    noise_key, mix_key = jax.random.split(_key(settings, position))
    mixes = [jnp.issubdtype(x.dtype, jnp.floating) for x in inputs]
    a_table = len(inputs) > bool(recipe.grid)
    if "input_noise" in recipe.switches and a_table and mixes[0]:
        inputs = [inputs[0] + settings["input_noise"] * jax.random.normal(noise_key, inputs[0].shape), *inputs[1:]]
    if "mixup" in recipe.switches:
        alpha = jnp.maximum(settings["mixup"], 1e-3)
        drawn = jax.random.beta(mix_key, alpha, alpha)
        # The larger share stays with the row itself, whose codes cannot be mixed.
        share = jnp.where(settings["mixup"] > 0, jnp.maximum(drawn, 1 - drawn), 1.0)
        inputs = [share * x + (1 - share) * x[::-1] if mixed else x for x, mixed in zip(inputs, mixes, strict=True)]
        targets = share * targets + (1 - share) * targets[::-1]
    return inputs, targets


def objective(
    recipe: Recipe, trainable: Arrays, state: Arrays, settings: Settings, batch: Batch
) -> tuple[jax.Array, tuple[jax.Array, jax.Array, jax.Array, Arrays]]:
    """Data loss + the plan's penalty + the model's own losses; then the three by themselves, and the new state."""
    functional, own = recipe.functional, jnp.array(0.0)
    if functional.apply_with_losses is None:
        outputs, state = functional.apply(trainable, state, batch.inputs, True)
    else:
        outputs, state, own = functional.apply_with_losses(trainable, state, batch.inputs, True)
    losses = example_loss(recipe.loss, recipe.logits)(outputs, batch.targets)
    loss = jnp.sum(losses * batch.weights)
    shrink = jnp.array(0.0)
    if recipe.switches & {"l1", "l2"}:
        shrink = penalty(trainable, functional.kernels, settings)
    return loss + shrink + own, (loss, shrink, own, state)
