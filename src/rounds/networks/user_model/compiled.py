"""What a model was compiled with: as plan fields where the plan has a name for it, else as Keras's own objects."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp
import numpy as np

from rounds.errors import PlanError
from rounds.foreign_files import JsonObject
from rounds.model_facts import InputFacts, ModelFacts, TargetFacts
from rounds.networks.keras.backend import keras
from rounds.networks.user_model.keras_facts import compiled_loss, keras_facts, layer_facts, leaf_layers
from rounds.networks.user_model.outputs import UserTraining, wanted_targets
from rounds.networks.user_model.planned import COMPILED
from rounds.plan import Changes, PlanNote

PROBABILITIES = ("sigmoid", "softmax")
AS_COMPILED = "as compiled"
SCHEDULED_STEPS = 10_000  # first steps among which a schedule's highest rate is looked for

# Losses that the plan computes as Keras does, where they are given no arguments of their own.
_LOSSES = {
    "mse": "mse",
    "mae": "mae",
    "huber": "huber",
    "poisson": "poisson",
    "binary_crossentropy": "binary_crossentropy",
    "categorical_crossentropy": "categorical_crossentropy",
    "sparse_categorical_crossentropy": "categorical_crossentropy",
}
_PLAIN = {"from_logits": False, "label_smoothing": 0.0, "axis": -1, "delta": 1.0, "ignore_class": None}
# What an optimizer's config says beside its step sizes; anything else there is not in the plan.
_INERT = {
    "name",
    "learning_rate",
    "weight_decay",
    "clipnorm",
    "clipvalue",
    "global_clipnorm",
    "use_ema",
    "ema_momentum",
    "ema_overwrite_frequency",
    "loss_scale_factor",
    "gradient_accumulation_steps",
}


@dataclass(frozen=True)
class Compiled:
    """fields: of the plan, with why each is what it is; loss, optimizer: Keras's own where the plan says "compiled";
    schedule: step -> learning rate, highest: its highest; notes: what of compile() changes nothing here."""

    fields: dict[str, tuple[Any, str]]
    loss: Callable[[Any, Any], Any] | None = None
    optimizer: Any = None
    schedule: Callable[[Any], Any] | None = None
    highest: float = 1.0
    notes: tuple[PlanNote, ...] = ()


def is_compiled(model: Any) -> bool:
    """Whether `compile` was called with a loss and an optimizer."""
    return bool(getattr(model, "compiled", False)) and model.optimizer is not None and model.loss is not None


def read_compiled(model: Any) -> Compiled | None:
    """What `compile` was given, as a plan; None where the model was not compiled.

    Raises PlanError for several losses.
    """
    if not is_compiled(model):
        return None
    loss_fields, loss = _loss(model)
    step_fields, optimizer, schedule, highest = _optimizer(model.optimizer)
    dropout = max((layer_facts(one).dropout for one in leaf_layers(model)), default=0.0)
    held: dict[str, tuple[Any, str]] = {
        "dropout": (dropout, "the model's own layers"),
        "scale_inputs": (False, f"{AS_COMPILED}: columns are fed as they are"),
        "target_transform": ("given", f"{AS_COMPILED}: targets are fed as they are"),
        "warmup_epochs": (0.0, AS_COMPILED),
        "patience": (0, f"{AS_COMPILED}: fit stops early by a callback alone"),
    }
    return Compiled({**held, **loss_fields, **step_fields}, loss, optimizer, schedule, highest, _notes(model))


def _loss(model: Any) -> tuple[dict[str, tuple[Any, str]], Callable[[Any, Any], Any] | None]:
    """Plan fields of the loss and of what follows the model, and Keras's own loss where the plan has none such."""
    given = model.loss
    if isinstance(given, list | tuple | dict):
        if len(given) != 1:
            advice = "Compile it with the loss of one output, or give the part of the model with that output"
            raise PlanError("A compiled model", "of one loss", name="losses", got=len(given), advice=advice)
        given = next(iter(given.values() if isinstance(given, dict) else given))
    name, from_logits = compiled_loss(model)
    said = f"{AS_COMPILED}: {name}{' from logits' if from_logits else ''}"
    after = {True: "softmax" if "categorical" in name else "sigmoid"}.get(bool(from_logits), "linear")
    fields = {"output_activation": (after, said)}
    arguments = {**_arguments(given), "from_logits": False}
    smoothing = arguments.pop("label_smoothing", 0.0)
    if name in _LOSSES and all(_PLAIN.get(key) == value for key, value in arguments.items()):
        fields |= {"loss": (_LOSSES[name], said)}
        return fields | ({"label_smoothing": (float(smoothing), said)} if smoothing else {}), None
    return {**fields, "loss": (COMPILED, f"{AS_COMPILED}: {name}")}, by_row(given)


def _arguments(loss: Any) -> JsonObject:
    """What a loss object was made with, its name and reduction aside; a reduction other than the mean is kept."""
    if isinstance(loss, str) or not hasattr(loss, "get_config"):
        return {}
    config = {**loss.get_config(), **(getattr(loss, "_fn_kwargs", None) or {})}
    reduction = config.pop("reduction", "sum_over_batch_size")
    kept = {key: value for key, value in config.items() if key in _PLAIN or key in ("alpha", "gamma", "fn", "dtype")}
    kept.pop("dtype", None)
    return kept if reduction in ("sum_over_batch_size", "mean") else {**kept, "reduction": reduction}


def by_row(loss: Any) -> Callable[[Any, Any], Any]:
    """(outputs [B, W], targets as the loss wants them) -> [B], by Keras's own loss: a mean over all but the rows."""
    function = keras.losses.get(loss)
    call = function.call if isinstance(function, keras.losses.Loss) else function
    summed = getattr(function, "reduction", "") == "sum"

    def losses(outputs: Any, targets: Any) -> Any:
        made = keras.ops.convert_to_tensor(call(targets, outputs))
        rows = outputs.shape[0]
        if made.ndim == 0:  # a mean over the rows already
            return keras.ops.broadcast_to(made, (rows,))
        made = keras.ops.mean(keras.ops.reshape(made, (rows, -1)), axis=-1)
        return made * rows if summed else made

    return losses


def _optimizer(optimizer: Any) -> tuple[dict[str, tuple[Any, str]], Any, Callable[[Any], Any] | None, float]:
    """Plan fields of the optimizer; Keras's own optimizer and schedule where the plan has no such."""
    kind, config = type(optimizer).__name__, dict(optimizer.get_config())
    rate, schedule, highest = _rate(optimizer)
    said = f"{AS_COMPILED}: {kind}"
    fields: dict[str, tuple[Any, str]] = {
        "learning_rate": (rate, said),
        "schedule": (COMPILED if schedule else "constant", said),
        "clip_norm": (float(config.get("global_clipnorm") or 0.0), said),
    }
    known = _in_plan(kind, config)
    if known is None:
        return {**fields, "optimizer": (COMPILED, said), "clip_norm": (0.0, said)}, optimizer, schedule, highest
    return {**fields, **{name: (value, said) for name, value in known.items()}}, None, schedule, highest


def _rate(optimizer: Any) -> tuple[float, Callable[[Any], Any] | None, float]:
    """(highest learning rate, the schedule or None, the same rate)."""
    given = getattr(optimizer, "_learning_rate", None)
    if not isinstance(given, keras.optimizers.schedules.LearningRateSchedule):
        rate = float(f"{float(np.asarray(optimizer.learning_rate)):.6g}")
        return rate, None, rate
    highest = float(
        max(np.asarray(given(step)) for step in np.unique(np.geomspace(1, SCHEDULED_STEPS, 60).astype(int)) - 1)
    )
    return float(f"{highest:.6g}"), given, highest


def _in_plan(kind: str, config: JsonObject) -> Changes | None:
    """The optimizer as plan fields; None where it does something that the plan cannot say."""
    strange = ("clipnorm", "clipvalue", "use_ema", "loss_scale_factor", "gradient_accumulation_steps")
    if any(config.get(name) for name in strange) or (config.get("weight_decay") and kind != "AdamW"):
        return None
    make = _FAMILIES.get(kind)
    return None if make is None else make(config)


def _sgd(config: JsonObject) -> Changes:
    momentum = float(config["momentum"])
    family = ("nesterov" if config["nesterov"] else "momentum") if momentum else "sgd"
    return {"optimizer": family, "weight_decay": 0.0, **({"momentum": momentum} if momentum else {})}


def _adam(config: JsonObject) -> Changes | None:
    if config["amsgrad"]:
        return None
    sizes = {name: float(config[name]) for name in ("beta_1", "beta_2", "epsilon")}
    return {"optimizer": "adam", **sizes, "weight_decay": 0.0}


def _rmsprop(config: JsonObject) -> Changes | None:
    if config["momentum"] or config["centered"]:
        return None
    sizes = {"beta_2": float(config["rho"]), "epsilon": float(config["epsilon"])}
    return {"optimizer": "rmsprop", **sizes, "momentum": 0.0, "weight_decay": 0.0}


_FAMILIES: dict[str, Callable[[JsonObject], Changes | None]] = {
    "SGD": _sgd,
    "Adam": _adam,
    "RMSprop": _rmsprop,
}


def _notes(model: Any) -> tuple[PlanNote, ...]:
    """What of compile() changes nothing in how Rounds trains."""
    config = getattr(model, "_compile_config", None)
    said = dict(config.config) if config is not None else {}
    metrics = keras.tree.flatten(said.get("metrics") or [])
    names = tuple(one if isinstance(one, str) else type(one).__name__ for one in metrics)
    notes = [PlanNote("metrics", names, "those of the task are computed each epoch")] if names else []
    for name, usual in (("run_eagerly", (False,)), ("steps_per_execution", (1,)), ("jit_compile", ("auto", True))):
        if said.get(name) not in (*usual, None):
            notes.append(PlanNote(name, said[name], "everything is compiled here, an epoch at a time"))
    return tuple(replace(note, field=f"{AS_COMPILED}: {note.field}") for note in notes)


def user_training(model: Any, used: Any, plan: Any, task: Any, steps: int) -> UserTraining:
    """What of the plan is "compiled", as functions. used: the model as the plan has it made again; steps: of an epoch.

    Raises PlanError where nothing was compiled.
    """
    compiled = read_compiled(model)
    asked = COMPILED in (plan.loss, plan.optimizer, plan.schedule)
    if compiled is None:
        if asked:
            advice = "Compile it with a loss and an optimizer, or choose others"
            raise PlanError("The model", "compiled", name="model", got=type(model).__name__, advice=advice)
        return UserTraining()
    return UserTraining(
        loss=_loss_of_task(model, units_of(used), plan, task, compiled),
        after=plan.output_activation if plan.output_activation in PROBABILITIES else "linear",
        optimizer=keras_optimizer(model, used) if plan.optimizer == COMPILED else None,
        factor=_factor(compiled, steps) if plan.schedule == COMPILED and compiled.schedule is not None else None,
    )


def _loss_of_task(model: Any, units: int, plan: Any, task: Any, compiled: Compiled) -> Callable[[Any, Any], Any] | None:
    """Keras's own loss where the plan names it, or where units and outputs differ; None where the plan's serves."""
    if plan.loss != COMPILED and units in (0, task.outputs):
        return None
    if plan.loss not in (COMPILED, compiled.fields["loss"][0]):
        return None
    name, _ = compiled_loss(model)
    given = (
        model.loss
        if not isinstance(model.loss, list | tuple | dict)
        else next(iter(model.loss.values() if isinstance(model.loss, dict) else model.loss))
    )
    function, sparse = by_row(given), name.startswith("sparse")
    return lambda outputs, targets: function(outputs, wanted_targets(targets, outputs.shape[-1], sparse))


def units_of(model: Any) -> int:
    """Width of a model's output; 0 where it is not known before it is called."""
    layers = leaf_layers(model)
    return layer_facts(layers[-1]).width if layers else 0


def _factor(compiled: Compiled, steps: int) -> Callable[[Any], Any]:
    schedule, highest = compiled.schedule, compiled.highest
    assert schedule is not None
    return lambda position: schedule(keras.ops.maximum(position * steps - 1, 0)) / highest


def keras_optimizer(model: Any, used: Any) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """A model's own optimizer as Optax has them: its variables are the state, its step divided by the rate the
    direction, so that the rate can be each member's own."""
    given = model.optimizer
    optimizer = type(given).from_config({**given.get_config(), "learning_rate": 1.0})
    optimizer.build(used.trainable_variables)
    place = next(i for i, v in enumerate(optimizer.variables) if v is optimizer._learning_rate)

    def init(weights: Any) -> list[Any]:
        return [jnp.asarray(np.array(variable.value)) for variable in optimizer.variables]

    def update(gradients: Any, state: Any, weights: Any = None, *, learning_rate: Any = 1.0, **_: Any) -> Any:
        rate = jnp.asarray(learning_rate, jnp.float32)
        state = [rate if i == place else one for i, one in enumerate(state)]
        moved, state = optimizer.stateless_apply(state, list(gradients), list(weights))
        length = jnp.where(rate > 0, rate, 1.0)
        return [(old - new) / length for old, new in zip(weights, moved, strict=True)], state

    return init, update


def training_facts(
    models: tuple[Any, Any], plan: Any, loss_name: str, inputs: np.ndarray | None, targets: np.ndarray
) -> ModelFacts:
    """Facts of a model as a plan trains it: its layers, what is fed, and what of the compiling the plan has changed.

    models: as it was given, and as the plan has it made again; loss_name: the plan's, by its name; inputs [N, D]
    and targets [N, T] of training rows, as the network and the task have them.
    """
    model, used = models
    facts = keras_facts(used, plan.batch_size if isinstance(plan.batch_size, int) else None)
    loss, from_logits = compiled_loss(model)
    facts = facts.model_copy(update={"loss": loss, "from_logits": from_logits})
    compiled = read_compiled(model)
    kept = compiled is not None and plan.loss == compiled.fields["loss"][0]
    sparse = facts.loss.startswith("sparse") and kept
    units = units_of(used) or targets.shape[1]
    given = np.asarray(wanted_targets(jnp.asarray(targets), units, sparse))
    update: JsonObject = {
        "targets": TargetFacts.of(given),
        "inputs": None if inputs is None else InputFacts.of(inputs),
    }
    rate = plan.learning_rate if not isinstance(plan.learning_rate, tuple) else plan.learning_rate[0]
    update["learning_rate"] = rate
    if not kept:
        after = {"auto": facts.output_activation == "linear"}.get(
            plan.output_activation, plan.output_activation in PROBABILITIES
        )
        update |= {"loss": loss_name, "from_logits": after or None}
    return facts.model_copy(update=update)
