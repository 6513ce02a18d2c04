"""Optimizers by Optax, built inside the traced step so that every hyperparameter may differ per member."""

from collections.abc import Callable
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import optax

from rounds.networks.user_model.outputs import UserTraining
from rounds.plan import Plan

Settings = dict[str, jax.Array]
Arrays = list[jax.Array]
Transformation: TypeAlias = optax.GradientTransformation
Optimizer: TypeAlias = optax.GradientTransformationExtraArgs


def make_optimizer(
    plan: Plan, settings: Settings, kernels: tuple[bool, ...], user: UserTraining | None = None
) -> Optimizer:
    """Gradients -> directions, before the learning rate: update = -learning_rate * direction.

    settings: this member's numbers, traced or not. Decoupled weight decay (adamw) touches kernels only
    (Loshchilov and Hutter 2019, arXiv:1711.05101) and is scaled by the learning rate.
    """
    if user is not None and user.optimizer is not None:
        return optax.GradientTransformationExtraArgs(*user.optimizer)
    return optax.with_extra_args_support(_FAMILIES[plan.optimizer](settings, list(kernels)))


def _sgd(settings: Settings, kernels: list[bool]) -> Transformation:
    return optax.identity()


def _momentum(settings: Settings, kernels: list[bool]) -> Transformation:
    return optax.trace(decay=settings["momentum"])


def _nesterov(settings: Settings, kernels: list[bool]) -> Transformation:
    return optax.trace(decay=settings["momentum"], nesterov=True)


def _adagrad(settings: Settings, kernels: list[bool]) -> Transformation:
    """Duchi et al. 2011; the sum of squares starts at 0."""
    return optax.scale_by_rss(initial_accumulator_value=0.0, eps=settings["epsilon"])


def _rmsprop(settings: Settings, kernels: list[bool]) -> Transformation:
    """Tieleman and Hinton 2012: the mean of squares decays by beta_2; no momentum."""
    return optax.scale_by_rms(decay=settings["beta_2"], eps=settings["epsilon"])


def _adam(settings: Settings, kernels: list[bool]) -> Transformation:
    """Kingma and Ba 2015 (arXiv:1412.6980)."""
    return optax.scale_by_adam(b1=settings["beta_1"], b2=settings["beta_2"], eps=settings["epsilon"])


def _adamw(settings: Settings, kernels: list[bool]) -> Transformation:
    return optax.chain(_adam(settings, kernels), optax.add_decayed_weights(settings["weight_decay"], mask=kernels))


_FAMILIES: dict[str, Callable[[Settings, list[bool]], Transformation]] = {
    "sgd": _sgd,
    "momentum": _momentum,
    "nesterov": _nesterov,
    "adagrad": _adagrad,
    "rmsprop": _rmsprop,
    "adam": _adam,
    "adamw": _adamw,
}


_HIDDEN = ("hidden_{}/", "norm_{}/")
_ENCODER = ("conv_{}_", "conv_norm_{}_", "shortcut_{}/", "forward_{}/", "backward_{}/")


def freeze(plan: Plan, names: tuple[str, ...], directions: Arrays) -> Arrays:
    """Directions in the order of the arrays' `names`, those of the plan's frozen layers set to 0: decay moves them no
    more than gradients do. Of networks of images and recordings the first layers are blocks and recurrent layers.

    >>> freeze(Plan(frozen_layers=1), ("hidden_0/kernel", "output/kernel"), [jnp.ones(1), jnp.ones(1)])[0].tolist()
    [0.0]
    """
    encoder = any(n.startswith(("conv_0_", "forward_0/")) for n in names)
    frozen = tuple(first.format(i) for first in (_ENCODER if encoder else _HIDDEN) for i in range(plan.frozen_layers))
    return [jnp.zeros_like(d) if n.startswith(frozen) else d for n, d in zip(names, directions, strict=True)]


def gradient_norm(gradients: Any) -> jax.Array:
    """Euclidean length of all gradients together."""
    return jnp.sqrt(jnp.asarray(sum(jnp.sum(g**2) for g in jax.tree.leaves(gradients))))


def clip_gradients(gradients: Arrays, longest: jax.Array) -> Arrays:
    """Gradients shortened to at most `longest` all together; 0 means no limit (Pascanu et al. 2013)."""
    norm = gradient_norm(gradients)
    factor = jnp.where((longest > 0) & (norm > longest), longest / jnp.maximum(norm, 1e-30), 1.0)
    return [g * factor for g in gradients]
