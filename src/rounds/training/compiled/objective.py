"""What a member descends on: L = data loss + penalty, both by the formula and both recorded."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from rounds.errors import PlanError
from rounds.networks.user_model.outputs import UserTraining
from rounds.plan import Plan
from rounds.task import Task
from rounds.user_code import import_named, is_import_path

Loss = Callable[[jax.Array, jax.Array], jax.Array]
Settings = dict[str, jax.Array]

MATCHING_LOSS = {
    "regression": "mse",
    "count": "poisson",
    "binary": "binary_crossentropy",
    "multilabel": "binary_crossentropy",
    "multiclass": "categorical_crossentropy",
}
MATCHING_ACTIVATION = {
    "binary_crossentropy": "sigmoid",
    "categorical_crossentropy": "softmax",
    "poisson": "exponential",
}
PROBABILITY_FLOOR = 1e-7  # Keras's, for losses that are given probabilities
HUBER_WIDTH = 1.0


def loss_name(plan: Plan, task: Task) -> str:
    """The plan's loss, or the one that matches the task."""
    return MATCHING_LOSS[task.kind] if plan.loss == "auto" else plan.loss


def takes_logits(loss: str, output_activation: str) -> bool:
    """Whether loss and output activation match, so that the loss can be computed exactly from the logits."""
    return MATCHING_ACTIVATION.get(loss) == output_activation


def example_loss(loss: str, logits: bool, user: UserTraining | None = None) -> Loss:
    """(outputs [B, T], targets [B, T]) -> loss of each example [B]; mean over outputs, as Keras does.

    A loss of the user's own, module:name, takes (targets, outputs), as Keras's do.
    Raises PlanError for an unknown name.
    """
    if is_import_path(loss):
        return _own_loss(loss)
    if user is not None and user.loss is not None:
        return user.loss
    table = _FROM_LOGITS if logits else _FROM_OUTPUTS
    if loss not in _FROM_OUTPUTS:
        raise PlanError(
            f"loss must be one of {', '.join(_FROM_OUTPUTS)}, got loss={loss!r}. Use auto for the matching one."
        )
    return table[loss]


def _own_loss(path: str) -> Loss:
    function = import_named(path, "loss")

    def loss(outputs: jax.Array, targets: jax.Array) -> jax.Array:
        losses = jnp.asarray(function(targets, outputs))
        if losses.ndim == 0 or losses.shape[0] != targets.shape[0]:
            advice = "Let it take (targets, outputs) [B, T] and give [B], without a mean over the rows"
            raise PlanError("loss", "one number a row", name="shape", got=losses.shape, advice=f"{path}: {advice}")
        return losses.reshape(losses.shape[0], -1).mean(-1)

    return loss


def _mean_squared_error(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    return jnp.mean((outputs - targets) ** 2, axis=-1)


def _mean_absolute_error(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    return jnp.mean(jnp.abs(outputs - targets), axis=-1)


def _huber(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    size = jnp.abs(outputs - targets)
    return jnp.mean(jnp.where(size < HUBER_WIDTH, 0.5 * size**2, HUBER_WIDTH * (size - 0.5 * HUBER_WIDTH)), axis=-1)


def _clipped(outputs: jax.Array) -> jax.Array:
    return jnp.clip(outputs, PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR)


def _binary_crossentropy(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    p = _clipped(outputs)
    return -jnp.mean(targets * jnp.log(p) + (1 - targets) * jnp.log(1 - p), axis=-1)


def _binary_crossentropy_of_logits(logits: jax.Array, targets: jax.Array) -> jax.Array:
    return jnp.mean(jax.nn.softplus(logits) - targets * logits, axis=-1)


def _categorical_crossentropy(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    p = outputs / jnp.sum(outputs, axis=-1, keepdims=True)
    return -jnp.sum(targets * jnp.log(_clipped(p)), axis=-1)


def _categorical_crossentropy_of_logits(logits: jax.Array, targets: jax.Array) -> jax.Array:
    return -jnp.sum(targets * jax.nn.log_softmax(logits), axis=-1)


def _poisson(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    return jnp.mean(outputs - targets * jnp.log(outputs + PROBABILITY_FLOOR), axis=-1)


def _poisson_of_logits(logits: jax.Array, targets: jax.Array) -> jax.Array:
    return jnp.mean(jnp.exp(logits) - targets * logits, axis=-1)


_FROM_OUTPUTS: dict[str, Loss] = {
    "mse": _mean_squared_error,
    "mae": _mean_absolute_error,
    "huber": _huber,
    "binary_crossentropy": _binary_crossentropy,
    "categorical_crossentropy": _categorical_crossentropy,
    "poisson": _poisson,
}
_FROM_LOGITS: dict[str, Loss] = {
    "binary_crossentropy": _binary_crossentropy_of_logits,
    "categorical_crossentropy": _categorical_crossentropy_of_logits,
    "poisson": _poisson_of_logits,
}


def smooth_labels(targets: jax.Array, share: jax.Array, classes: int) -> jax.Array:
    """(1 - s) y + s / C for one-hot targets [B, C]; for a single 0/1 output C is 2 (Szegedy et al. 2016)."""
    return (1 - share) * targets + share / max(classes, 2)


def penalty(weights: list[jax.Array], kernels: tuple[bool, ...], settings: Settings) -> jax.Array:
    """lambda_2 sum W^2 + lambda_1 sum (|W| + beta W^2) over kernels; biases and scales are never penalised.

    Zou and Hastie 2005 for the elastic net (beta = 0 leaves the L1 penalty).
    """
    chosen = [w for w, is_kernel in zip(weights, kernels, strict=True) if is_kernel]
    squares = jnp.asarray(sum((jnp.sum(w**2) for w in chosen), 0.0))
    sizes = jnp.asarray(sum((jnp.sum(jnp.abs(w)) for w in chosen), 0.0))
    return (settings["l2"] + settings["l1"] * settings["elastic_beta"]) * squares + settings["l1"] * sizes
