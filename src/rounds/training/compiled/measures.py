"""What happens inside a network while it trains: numbers per layer, taken on one minibatch at an epoch's start.

They need a forward and backward pass of their own (of the minibatch that comes next, so they see what training
sees), and are taken so rarely that they cost little: `measure_interval`.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from rounds.plan import Plan
from rounds.training.compiled.optimizer import clip_gradients, freeze, make_optimizer
from rounds.training.compiled.schedule import learning_rate_at
from rounds.training.compiled.state import Arrays, MemberState, Settings, SlabData, StaticConfig
from rounds.training.compiled.step import draw_batch, objective, rows_read

NETWORK_LAYER = "network"  # the layer's name of measures that belong to the whole network
PARTS = 4  # pieces of the minibatch whose gradients are compared, for the noise scale
# At least so many steps for one measure, which costs about seven (benchmarks/measures_cost.py): 7 % of the time.
STEPS_BETWEEN = 100
PROBED = 128  # rows of which outputs of activations are taken, where a minibatch of a user's own model has fewer
MOST_TIMES = 40  # measures of one training: as many columns as a heat map needs

# A unit that says the same of every patient in the batch, to rounding, is dead: it has no gradient.
DEAD_SPREAD = 1e-6
# Outputs within this share of a bound count as saturated (sigmoid above 0.99 or below 0.01).
SATURATED_SHARE = 0.01
BOUNDS = {
    "sigmoid": (0.0, 1.0),
    "hard_sigmoid": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "hard_tanh": (-1.0, 1.0),
    "softsign": (-1.0, 1.0),
    "relu6": (0.0, 6.0),
}


class MetricInputs(NamedTuple):
    """What measures are computed from: kernels, their gradients and next update, outputs of each activation [B, H],
    gradients of PARTS pieces of the batch (leading axis), data loss and penalty."""

    kernels: Arrays
    gradients: Arrays
    updates: Arrays
    activations: Arrays
    part_gradients: Arrays
    loss: jax.Array
    penalty: jax.Array


Measure = Callable[[StaticConfig, MetricInputs], list[jax.Array]]


def _norms(arrays: Arrays) -> list[jax.Array]:
    return [jnp.sqrt(jnp.sum(a**2)) for a in arrays]


def _gradient_norm(config: StaticConfig, metric_inputs: MetricInputs) -> list[jax.Array]:
    return _norms(metric_inputs.gradients)


def _weight_norm(config: StaticConfig, metric_inputs: MetricInputs) -> list[jax.Array]:
    return _norms(metric_inputs.kernels)


def _update_ratio(config: StaticConfig, metric_inputs: MetricInputs) -> list[jax.Array]:
    sizes = zip(_norms(metric_inputs.updates), _norms(metric_inputs.kernels), strict=True)
    return [step / jnp.maximum(size, 1e-30) for step, size in sizes]


def _activation_mean(config: StaticConfig, metric_inputs: MetricInputs) -> list[jax.Array]:
    return [a.mean() for a in metric_inputs.activations]


def _activation_spread(config: StaticConfig, metric_inputs: MetricInputs) -> list[jax.Array]:
    return [a.std() for a in metric_inputs.activations]


def _dead_share(config: StaticConfig, metric_inputs: MetricInputs) -> list[jax.Array]:
    """A filter that says the same of every patient and place is as dead as a unit."""
    return [(jnp.ptp(a.reshape(-1, a.shape[-1]), axis=0) < DEAD_SPREAD).mean() for a in metric_inputs.activations]


def _saturated_share(config: StaticConfig, metric_inputs: MetricInputs) -> list[jax.Array]:
    layers = zip(_activations(config), metric_inputs.activations, strict=True)
    return [_saturated(name, outputs) for name, outputs in layers]


def _saturated(activation: str, outputs: jax.Array) -> jax.Array:
    low, high = BOUNDS.get(activation, (-jnp.inf, jnp.inf))
    margin = SATURATED_SHARE * (high - low)
    return jnp.where(jnp.isfinite(margin), ((outputs < low + margin) | (outputs > high - margin)).mean(), 0.0)


def _activations(config: StaticConfig) -> tuple[str, ...]:
    """Of each layer that `hidden` gives."""
    functional = config.functional
    return functional.hidden_activations or (config.plan.activation,) * len(functional.hidden_names)


def _noise_scale(config: StaticConfig, metric_inputs: MetricInputs) -> list[jax.Array]:
    """Rows at which the noise of a minibatch's gradient equals the gradient: tr(S) / |G|^2.

    McCandlish et al. 2018 (arXiv:1812.06162), appendix A, from pieces of B / PARTS rows and the whole B.
    """
    big = sum(jnp.sum(g.mean(0) ** 2) for g in metric_inputs.part_gradients)
    small = sum(jnp.sum(g**2) / PARTS for g in metric_inputs.part_gradients)
    part = 1.0  # rows in units of one piece
    true = (PARTS * big - part * small) / (PARTS - part)
    noise = (small - big) / (1 / part - 1 / PARTS)
    return [jnp.where(true > 0, noise / jnp.maximum(true, 1e-30), jnp.inf)]


def _loss(config: StaticConfig, metric_inputs: MetricInputs) -> list[jax.Array]:
    return [metric_inputs.loss]


def _penalty_share(config: StaticConfig, metric_inputs: MetricInputs) -> list[jax.Array]:
    return [metric_inputs.penalty / jnp.maximum(metric_inputs.loss + metric_inputs.penalty, 1e-30)]


MEASURES: dict[str, tuple[Measure, str]] = {
    "gradient_norm": (_gradient_norm, "kernel"),
    "weight_norm": (_weight_norm, "kernel"),
    "update_ratio": (_update_ratio, "kernel"),
    "activation_mean": (_activation_mean, "activation"),
    "activation_spread": (_activation_spread, "activation"),
    "dead_share": (_dead_share, "activation"),
    "saturated_share": (_saturated_share, "activation"),
    "gradient_noise_scale": (_noise_scale, NETWORK_LAYER),
    "loss": (_loss, NETWORK_LAYER),
    "penalty_share": (_penalty_share, NETWORK_LAYER),
}


def _layer(kernel: str) -> str:
    """The layer of a kernel; a recurrent layer has two, of what enters and of its own state.

    >>> _layer("hidden_0/kernel"), _layer("forward_0/recurrent_kernel")
    ('hidden_0', 'forward_0/recurrent')
    """
    layer, _, name = kernel.rpartition("/")
    return f"{layer}/recurrent" if name == "recurrent_kernel" else layer


def measured(config: StaticConfig) -> list[tuple[str, str]]:
    """(layer, measure) of every number that `measure_member` returns, in its order."""
    names = config.functional.names
    layers = {
        "kernel": [_layer(n) for n, k in zip(names, config.functional.kernels, strict=True) if k],
        "activation": list(config.functional.hidden_names),
        NETWORK_LAYER: [NETWORK_LAYER],
    }
    bounded = any(name in BOUNDS for name in _activations(config))
    wanted = {n: where for n, (_, where) in MEASURES.items() if bounded or n != "saturated_share"}
    return [(layer, name) for name, where in wanted.items() for layer in layers[where]]


def measure_member(
    config: StaticConfig, state: MemberState, settings: Settings, data: SlabData, rows: jax.Array, position: jax.Array
) -> jax.Array:
    """All measures of one member on the minibatch `rows` [B] that it would see at `position`, as one vector."""
    metric_inputs = _look(config, state, settings, data, rows, position)
    wanted = dict.fromkeys(name for _, name in measured(config))
    values = [value for name in wanted for value in MEASURES[name][0](config, metric_inputs)]
    scale = rows.shape[0] / PARTS  # the noise scale was computed in pieces
    names = [name for _, name in measured(config)]
    return jnp.stack([v * scale if n == "gradient_noise_scale" else v for n, v in zip(names, values, strict=True)])


def _look(
    config: StaticConfig, state: MemberState, settings: Settings, data: SlabData, rows: jax.Array, position: jax.Array
) -> MetricInputs:
    weights = state.weights
    gradient_of = jax.value_and_grad(
        lambda w, piece: objective(
            config, w, weights.state, settings, draw_batch(config, settings, data, piece, position)
        ),
        has_aux=True,
    )
    size = max(rows.shape[0] // PARTS, 1)
    pieces = rows[: size * PARTS].reshape(-1, size)
    (_, (losses, shrinks, own, _)), parts = jax.lax.map(lambda piece: gradient_of(weights.trainable, piece), pieces)
    whole = [g.mean(0) for g in parts]
    rate = learning_rate_at(config.plan, settings, position, config.user) * state.rate_factor
    optimizer = make_optimizer(config.plan, settings, config.functional.kernels, config.user)
    clipped = clip_gradients(whole, settings["clip_norm"]) if "clip_norm" in config.switches else whole
    directions, _ = optimizer.update(clipped, state.optimizer, weights.trainable, learning_rate=rate)
    directions = freeze(config.plan, config.functional.names, directions)
    chosen = [i for i, kernel in enumerate(config.functional.kernels) if kernel]
    looked_at = jnp.arange(min(PROBED, len(data.targets))) if _is_small(config, rows) else rows_read(config, rows)
    inputs = [x[looked_at] for x in data.inputs]
    return MetricInputs(
        kernels=[weights.trainable[i] for i in chosen],
        gradients=[whole[i] for i in chosen],
        updates=[rate * directions[i] for i in chosen],
        activations=config.functional.hidden(weights.trainable, weights.state, inputs),
        part_gradients=parts,
        loss=losses.mean(),
        penalty=(shrinks + own).mean(),
    )


def _is_small(config: StaticConfig, rows: jax.Array) -> bool:
    """Whether a minibatch is too small to say of a unit of the user's own model that it is dead."""
    return config.plan.network == "keras" and rows.shape[0] < PROBED


def measure_interval(plan: Plan, steps: int) -> int:
    """Epochs between measures: what the plan says, or so many that measuring costs little.

    >>> measure_interval(Plan(epochs=200), steps=12), measure_interval(Plan(epochs=20), steps=700)
    (9, 1)
    """
    return plan.measure_every or max(1, -(-STEPS_BETWEEN // steps), -(-plan.epochs // MOST_TIMES))
