"""A model of the user's own as it was trained in the end: inputs scaled in front, compiled with the plan's choices."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from rounds.foreign_files import JsonObject
from rounds.model_facts import ModelFacts
from rounds.plan import Plan

COMPILED = "compiled"  # value of plan fields for what Keras has and the plan has no name for
_NAMES = {
    "sgd": "SGD",
    "momentum": "SGD",
    "nesterov": "SGD",
    "adagrad": "Adagrad",
    "rmsprop": "RMSprop",
    "adam": "Adam",
    "adamw": "AdamW",
}


@dataclass(frozen=True)
class ColumnScaling:
    """Of the columns that the model is given, in its order: centre and spread [D], which of them are numbers [D] bool,
    and the limit towards which scaled numbers bend."""

    centre: np.ndarray
    spread: np.ndarray
    numbers: np.ndarray
    limit: float


def planned_optimizer(plan: Plan) -> tuple[str, JsonObject]:
    """Keras's class and its arguments for what a plan says, but for the schedule; ("", {}) for the user's own.

    >>> planned_optimizer(Plan(optimizer="nesterov", learning_rate=0.1, momentum=0.9))
    ('SGD', {'learning_rate': 0.1, 'momentum': 0.9, 'nesterov': True})
    """
    if plan.optimizer == COMPILED:
        return "", {}
    first = {name: _first(getattr(plan, name)) for name in ("learning_rate", "momentum", "weight_decay", "clip_norm")}
    arguments: JsonObject = {"learning_rate": first["learning_rate"]}
    if plan.optimizer in ("momentum", "nesterov"):
        arguments["momentum"] = first["momentum"]
    if plan.optimizer == "nesterov":
        arguments["nesterov"] = True
    if plan.optimizer == "adamw":
        arguments["weight_decay"] = first["weight_decay"]
    if first["clip_norm"]:
        arguments["global_clipnorm"] = first["clip_norm"]
    return _NAMES[plan.optimizer], arguments


def _first(value: float | tuple[float, ...]) -> float:
    return value[0] if isinstance(value, tuple) else value


def planned_model(model: Any, plan: Plan, facts: ModelFacts, steps: int, scaling: ColumnScaling | None = None) -> Any:
    """The model behind a scaling of its inputs, and compiled with the plan's optimizer and loss.

    steps: of the whole training, over which a cosine falls. What the plan leaves to the user's own compiling
    ("compiled") and what Keras has no name for is left to the user: such a model is returned uncompiled.
    """
    from rounds.networks.keras.backend import keras

    if scaling is not None:
        model = _behind(model, scaling)
    name, arguments = planned_optimizer(plan)
    loss = _loss(facts)
    if not name or loss is None or plan.schedule not in ("constant", "cosine"):
        return model
    if plan.schedule == "cosine":
        rate = arguments["learning_rate"]
        arguments["learning_rate"] = keras.optimizers.schedules.CosineDecay(rate, max(steps, 1))
    model.compile(optimizer=getattr(keras.optimizers, name)(**arguments), loss=loss)
    return model


def _behind(model: Any, scaling: ColumnScaling) -> Any:
    """The same model, given columns as they are in the file; missing values must be filled in before."""
    from rounds.networks.keras.backend import keras

    given = keras.Input((len(scaling.centre),), name="columns")
    scale = keras.layers.Normalization(mean=scaling.centre, variance=scaling.spread**2, name="scale")
    z = scale(given)
    bent = z * (scaling.limit / keras.ops.sqrt(scaling.limit**2 + keras.ops.square(z)))
    numbers = scaling.numbers.astype(np.float32)[None]
    made = bent if scaling.numbers.all() else bent * numbers + z * (1 - numbers)
    return keras.Model(given, model(made), name=model.name)


def _loss(facts: ModelFacts) -> Any:
    """Keras's loss of this name, from logits where that is so; None where Keras has none."""
    from rounds.networks.keras.backend import keras

    names = {"mse": "mean_squared_error", "mae": "mean_absolute_error"}
    name = names.get(facts.loss, facts.loss)
    if name == "categorical_crossentropy" and facts.targets is not None and facts.targets.width == 1:
        name = "sparse_categorical_crossentropy"
    try:
        made = keras.losses.get(name)
    except ValueError:
        return None
    if not facts.from_logits:
        return name
    kind = "".join(part.title() for part in name.split("_"))
    return getattr(keras.losses, kind)(from_logits=True) if hasattr(keras.losses, kind) else made
