"""The compiled program of one structure: begin, train an epoch, predict; for [G orders, M members] at once.

The functions are written for one member and mapped twice: over the M members that share an order of minibatches,
then over the G orders. Arrays that members share (the table) are not copied.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import jax
import jax.numpy as jnp

from rounds.networks.functional import BatchNorm, Functional, make_functional
from rounds.networks.network import Network
from rounds.networks.user_model.outputs import UserTraining
from rounds.plan import Plan
from rounds.task import Task
from rounds.training.augmentation.images import IMAGE_SETTINGS
from rounds.training.augmentation.recordings import RECORDING_SETTINGS
from rounds.training.compiled.best_snapshots import begin_best_snapshots, has_best_snapshots
from rounds.training.compiled.compile_once import CompileOnce
from rounds.training.compiled.epoch import chunked_outputs, end_epoch, take_steps, train_epoch
from rounds.training.compiled.measures import measure_member, measured
from rounds.training.compiled.moments import moments
from rounds.training.compiled.objective import example_loss, loss_name, takes_logits
from rounds.training.compiled.optimizer import make_optimizer
from rounds.training.compiled.schedule import cycle_ends
from rounds.training.compiled.state import MemberState, Settings, StaticConfig, Weights
from rounds.training.compiled.validation import JudgedOutputs, user_metric
from rounds.training.machine.device import compiler_options

SWITCHED = (
    "l1",
    "l2",
    "dropout",
    "label_smoothing",
    "mixup",
    "clip_norm",
    "ema",
    *dict.fromkeys((*IMAGE_SETTINGS, *RECORDING_SETTINGS)),
)


@dataclass(frozen=True)
class EpochParts:
    """An epoch in parts: what `train_epoch` does at once, of the same functions, mapped alike.

    steps(state, settings, data, order, positions) -> (state, Told); outputs(state, data, rows) -> [V, T];
    end(state, settings, observed, outputs, told, number) -> (state, EpochRecord).
    """

    steps: CompileOnce
    outputs: CompileOnce
    end: CompileOnce


@dataclass(frozen=True)
class Program:
    """The pure functions of one structure.

    begin(settings, weights) -> MemberState; epoch(state, settings, data, order, held, number) -> (state, EpochRecord);
    measure(state, settings, data, rows, position) -> [numbers named by `measured`]. All mapped over [G, M].
    moments: (trainable, state, inputs, rows that count) -> `Moments` of what enters each batch normalization, of one
    member. parts: of an epoch, where the data stay on disk. model: the Keras model of the user's own that the network
    is, or None.
    """

    plan: Plan
    task: Task
    network: Network
    functional: Functional
    begin: CompileOnce
    epoch: CompileOnce
    measure: CompileOnce
    measured: tuple[tuple[str, str], ...]
    moments: tuple[CompileOnce, ...]
    parts: EpochParts
    model: Any = None

    @cached_property
    def runner(self) -> Any:
        """The `KerasRunner` of a model of the user's own; None where NumPy predicts."""
        if self.model is None:
            return None
        from rounds.networks.user_model.runner import make_runner

        return make_runner(self.model, self.network)


def make_program(
    plan: Plan,
    task: Task,
    network: Network,
    power_scale: bool,
    switches: frozenset[str],
    model: Any = None,
    user: UserTraining | None = None,
    by_halves: bool = False,
) -> Program:
    """Compile-ready functions for this structure (only its structure fields matter; settings come as arrays).

    switches: the settings among SWITCHED that any member of the population uses; the others cost nothing.
    power_scale: the target was learned as log(1 + y); model: the user's own, where the network is that; user: what
    of its compiling the plan has no words for; by_halves: keep snapshots by halves of the validation patients.
    """
    loss = loss_name(plan, task)
    own_loss = user is not None and user.loss is not None
    logits = takes_logits(loss, network.output_activation) or own_loss
    functional = make_functional(network, logits) if model is None else _user_functional(model, network, plan, logits)
    if not own_loss:
        _try_user_code(plan, task, loss, logits)
    snapshots = has_best_snapshots(plan) or (by_halves and not cycle_ends(plan))
    config = StaticConfig(
        plan, task, functional, loss, logits, power_scale, switches, network.array, network.numbers > 0, user, snapshots
    )
    begin = _map_twice(lambda settings, weights: _begin(config, settings, weights), (0, 0), (0, 0))
    epoch = _map_twice(
        lambda state, settings, data, order, held, number: train_epoch(
            config, state, settings, data, order, held, number
        ),
        (0, 0, None, None, None, None),
        (0, 0, None, 0, 0, None),
    )
    measure = _map_twice(
        lambda state, settings, data, rows, position: measure_member(config, state, settings, data, rows, position),
        (0, 0, None, None, None),
        (0, 0, None, 0, None),
    )
    return Program(
        plan,
        task,
        network,
        functional,
        begin=CompileOnce(begin, compiler_options=compiler_options()),
        epoch=CompileOnce(epoch, donate_argnums=0, compiler_options=compiler_options(often=True)),
        measure=CompileOnce(measure, compiler_options=compiler_options()),
        measured=tuple(measured(config)),
        moments=tuple(_moments(norm) for norm in functional.batch_norms),
        parts=_epoch_parts(config),
        model=model,
    )


def _moments(norm: BatchNorm) -> CompileOnce:
    return CompileOnce(partial(moments, norm.entering), compiler_options=compiler_options())


def _user_functional(model: Any, network: Network, plan: Plan, logits: bool) -> Functional:
    from rounds.networks.user_model.functional import make_user_functional

    return make_user_functional(model, network, plan.initial_weights == "given", logits)


def _epoch_parts(config: StaticConfig) -> EpochParts:
    steps = _map_twice(partial(take_steps, config), (0, 0, None, None, None), (0, 0, None, 0, None))
    outputs = _map_twice(partial(chunked_outputs, config), (0, None, None), (0, None, 0))
    end = _map_twice(partial(end_epoch, config), (0, 0, None, 0, 0, None), (0, 0, 0, 0, 0, None))
    options = compiler_options(often=True)
    return EpochParts(
        CompileOnce(steps, donate_argnums=0, compiler_options=options),
        CompileOnce(outputs, compiler_options=options),
        CompileOnce(end, donate_argnums=0, compiler_options=options),
    )


def _try_user_code(plan: Plan, task: Task, loss: str, logits: bool) -> None:
    """Loss and metrics in shapes alone, so that what does not fit is said before a run is begun."""
    of: Any = jax.ShapeDtypeStruct
    rows, one = of((2, task.outputs), jnp.float32), of((2,), jnp.float32)
    jax.eval_shape(example_loss(loss, logits), rows, rows)
    for path in plan.metrics:
        jax.eval_shape(user_metric(path)[0], JudgedOutputs(one, rows, rows, one))


def _map_twice(function: Callable[..., Any], members: tuple[Any, ...], orders: tuple[Any, ...]) -> Callable[..., Any]:
    return _mapped(_mapped(function, members), orders)


def _mapped(function: Callable[..., Any], axes: tuple[Any, ...]) -> Callable[..., Any]:
    """`jax.vmap`, but for an axis of length 1: a mapped matrix product is slower than a plain one even then."""

    def over_axis(*arguments: Any) -> Any:
        lengths = {
            leaf.shape[0]
            for one, axis in zip(arguments, axes, strict=True)
            if axis == 0
            for leaf in jax.tree.leaves(one)
        }
        if lengths != {1}:
            return jax.vmap(function, in_axes=axes)(*arguments)
        alone = [
            jax.tree.map(lambda leaf: leaf[0], one) if axis == 0 else one
            for one, axis in zip(arguments, axes, strict=True)
        ]
        return jax.tree.map(lambda leaf: leaf[None], function(*alone))

    return over_axis


def _begin(config: StaticConfig, settings: Settings, drawn: Weights) -> MemberState:
    trainable, rest = list(drawn.trainable), list(drawn.state)
    names = config.functional.names
    trainable = [
        w * settings["frequency_scale"] if n.endswith("frequencies") else w
        for n, w in zip(names, trainable, strict=True)
    ]
    for position in config.functional.rates:
        rest[position] = settings["dropout"]
    weights = Weights(trainable, rest)
    optimizer = make_optimizer(config.plan, settings, config.functional.kernels, config.user).init(trainable)
    state = MemberState(
        weights=weights,
        optimizer=optimizer,
        average=[jnp.copy(w) for w in trainable] if "ema" in config.switches else [],
        best=jax.tree.map(jnp.copy, weights),
        best_value=jnp.array(jnp.inf),
        best_epoch=jnp.array(-1, jnp.int32),
        lowest=jnp.array(jnp.inf),
        waited=jnp.array(0, jnp.int32),
        running=jnp.array(True),
        rate_factor=jnp.array(1.0),
        rate_waited=jnp.array(0, jnp.int32),
        best_snapshots=begin_best_snapshots(weights) if config.snapshots else None,
    )
    # Weakly typed leaves would make the second epoch compile again.
    return jax.tree.map(lambda leaf: jax.lax.convert_element_type(leaf, leaf.dtype), state)
