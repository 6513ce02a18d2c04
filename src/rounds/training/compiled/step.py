"""One step of one member: draw the batch, descend on the objective."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rounds.networks.network import ARRAY
from rounds.training.augmentation.images import IMAGE_SETTINGS, augment_images
from rounds.training.augmentation.recordings import RECORDING_SETTINGS, Channels, augment_recordings
from rounds.training.compiled.objective import example_loss, penalty, smooth_labels
from rounds.training.compiled.optimizer import clip_gradients, freeze, gradient_norm, make_optimizer
from rounds.training.compiled.schedule import learning_rate_at
from rounds.training.compiled.state import Arrays, Settings, SlabData, StaticConfig, Weights

IMAGE_AXES = 3  # height, width, channels; recordings have time and channels


def take_step(
    config: StaticConfig,
    carry: tuple[Any, ...],
    settings: Settings,
    data: SlabData,
    drawn: tuple[jax.Array, jax.Array],
    held: tuple[jax.Array, jax.Array],
) -> tuple[tuple[Any, ...], tuple[jax.Array, ...]]:
    weights, optimizer_state, average = carry
    rows, position = drawn
    running, rate_factor = held
    batch = draw_batch(config, settings, data, rows, position)
    gradient_of = jax.value_and_grad(lambda w: objective(config, w, weights.state, settings, batch), has_aux=True)
    (_, (loss, shrink, model_losses, state)), gradients = gradient_of(weights.trainable)
    norm = gradient_norm(gradients) if config.plan.convergence > 0 else jnp.array(jnp.nan)
    if "clip_norm" in config.switches:
        gradients = clip_gradients(gradients, settings["clip_norm"])
    # A stopped member takes steps of length 0: cheaper than choosing between old and new arrays.
    rate = learning_rate_at(config.plan, settings, position, config.user) * rate_factor * running
    optimizer = make_optimizer(config.plan, settings, config.functional.kernels, config.user)
    directions, optimizer_state = optimizer.update(gradients, optimizer_state, weights.trainable, learning_rate=rate)
    directions = freeze(config.plan, config.functional.names, directions)
    trainable = [w - rate * d for w, d in zip(weights.trainable, directions, strict=True)]
    if "ema" in config.switches:
        average = [settings["ema"] * a + (1 - settings["ema"]) * w for a, w in zip(average, trainable, strict=True)]
    return (Weights(trainable, state), optimizer_state, average), (loss, shrink, model_losses, norm)


class Batch(NamedTuple):
    """Inputs, targets [B, T] and weights [B] of one step; weights sum to 1 where all classes weigh the same."""

    inputs: Arrays
    targets: jax.Array
    weights: jax.Array


def draw_batch(config: StaticConfig, settings: Settings, data: SlabData, rows: jax.Array, position: jax.Array) -> Batch:
    read = rows_read(config, rows)
    inputs = [x[read] for x in data.inputs]
    if config.array:
        inputs[-1] = _disturbed_array(config, settings, data, inputs[-1], position)
    targets = data.targets[read]
    present = rows >= 0
    weights = jnp.where(present, data.weights[read], 0.0) / jnp.maximum(jnp.sum(present), 1)
    if "input_noise" in config.switches or "mixup" in config.switches:
        inputs, targets = _disturb(config, settings, inputs, targets, position)
    if "label_smoothing" in config.switches and config.task.is_classification:
        targets = smooth_labels(targets, settings["label_smoothing"], len(config.task.classes))
    return Batch(inputs, targets, weights)


def rows_read(config: StaticConfig, rows: jax.Array) -> jax.Array:
    """Places in the table of the rows of a batch [B]; what fills up a full batch is written as ~row."""
    return jnp.where(rows < 0, ~rows, rows) if config.plan.batch_size == "all" else rows


def _key(settings: Settings, position: jax.Array) -> jax.Array:
    """Of what is drawn in the step at this position."""
    count = jax.lax.bitcast_convert_type(position, jnp.int32)
    return jax.random.fold_in(jax.random.PRNGKey(settings["key"].astype(jnp.int32)), count)


def _disturbed_array(
    config: StaticConfig, settings: Settings, data: SlabData, array: jax.Array, position: jax.Array
) -> jax.Array:
    """Images and recordings as they might have been taken, with noise in units of each channel's spread."""
    key, spread = jax.random.fold_in(_key(settings, position), 2), data.fitted[f"{ARRAY}/spread"]
    if len(config.array) < IMAGE_AXES and config.switches & set(RECORDING_SETTINGS):
        channels = Channels(*(data.fitted[f"{ARRAY}/{n}"] for n in ("kind", "variable", "mean", "spread")))
        array = augment_recordings(settings, config.switches, array, channels, key)
    if len(config.array) == IMAGE_AXES and config.switches & set(IMAGE_SETTINGS):
        array = augment_images(settings, config.switches, array, spread, key)
    if len(config.array) == IMAGE_AXES and "input_noise" in config.switches:
        noise = jax.random.normal(jax.random.fold_in(key, len(IMAGE_SETTINGS)), array.shape)
        array = array + settings["input_noise"] * spread * noise
    return array.astype(jnp.float32) if "mixup" in config.switches else array


def _disturb(
    config: StaticConfig, settings: Settings, inputs: Arrays, targets: jax.Array, position: jax.Array
) -> tuple[Arrays, jax.Array]:
    """Input noise on numbers, and mixup with the batch in reverse order (Zhang et al. 2018, arXiv:1710.09412)."""
    noise_key, mix_key = jax.random.split(_key(settings, position))
    mixes = [jnp.issubdtype(x.dtype, jnp.floating) for x in inputs]
    if "input_noise" in config.switches and config.numbers:
        inputs = [inputs[0] + settings["input_noise"] * jax.random.normal(noise_key, inputs[0].shape), *inputs[1:]]
    if "mixup" in config.switches:
        alpha = jnp.maximum(settings["mixup"], 1e-3)
        drawn = jax.random.beta(mix_key, alpha, alpha)
        # The larger share stays with the row itself, whose codes cannot be mixed.
        share = jnp.where(settings["mixup"] > 0, jnp.maximum(drawn, 1 - drawn), 1.0)
        inputs = [share * x + (1 - share) * x[::-1] if mixed else x for x, mixed in zip(inputs, mixes, strict=True)]
        targets = share * targets + (1 - share) * targets[::-1]
    return inputs, targets


def objective(
    config: StaticConfig, trainable: Arrays, state: Arrays, settings: Settings, batch: Batch
) -> tuple[jax.Array, tuple[jax.Array, jax.Array, jax.Array, Arrays]]:
    """Data loss + the plan's penalty + the model's own losses; then the three by themselves, and the new state."""
    functional, model_losses = config.functional, jnp.array(0.0)
    if functional.apply_with_losses is None:
        outputs, state = functional.apply(trainable, state, batch.inputs, True)
    else:
        outputs, state, model_losses = functional.apply_with_losses(trainable, state, batch.inputs, True)
    losses = example_loss(config.loss, config.logits, config.user)(outputs, batch.targets)
    loss = jnp.sum(losses * batch.weights)
    shrink = jnp.array(0.0)
    if config.switches & {"l1", "l2"}:
        shrink = penalty(trainable, functional.kernels, settings)
    return loss + shrink + model_losses, (loss, shrink, model_losses, state)
