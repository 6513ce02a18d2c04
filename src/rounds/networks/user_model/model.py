"""A Keras model of the user's own: what it must be, and which columns each of its inputs is given."""

import inspect
import json
from math import prod
from typing import Any

from rounds.errors import PlanError, nearest
from rounds.networks.description import MATCHING_ACTIVATION
from rounds.networks.keras.backend import keras
from rounds.networks.network import OWN, Feed, Network
from rounds.networks.user_model.columns import Columns
from rounds.networks.user_model.images import array_feed, takes_array
from rounds.plan import Plan
from rounds.task import Task
from rounds.user_code import is_import_path


def check_model(model: Any) -> None:
    """Raises PlanError for what is no Keras model."""
    if not isinstance(model, keras.Model):
        advice = "Give a keras.Model, or a .keras file on the command line"
        raise PlanError("model", "a keras.Model", got=type(model).__name__, advice=advice)


def describe_user_network(model: Any, plan: Plan, task: Task, columns: Columns) -> Network:
    """The record of a model that was given; a model without weights is built here.

    Raises PlanError where an input cannot be given the table's columns.
    """
    check_model(model)
    shapes = _input_shapes(model, columns)
    feeds = tuple(_feed(name, shape, columns, alone=len(shapes) == 1) for name, shape in shapes)
    return Network(
        kind=OWN,
        numbers=len(columns.numbers),
        flags=len(columns.flags),
        levels=columns.levels,
        code_widths=(0,) * len(columns.levels),
        array=columns.array,
        outputs=task.outputs,
        activation=plan.activation,
        output_activation=_output_activation(model, plan, task),
        feeds=feeds,
        kind_of_task=task.kind,
        code=tuple(sorted(filter(is_import_path, (f"{o.__module__}:{n}" for n, o in user_objects(model).items())))),
    )


def is_saveable(model: Any) -> bool:
    """Whether Keras can write the model to a file: not a class of one's own that takes arguments and has no config."""
    check_model(model)
    try:
        keras.saving.serialize_keras_object(model)
    except Exception:  # whatever a user's own layers raise
        return False
    return True


def layers_record(model: Any) -> list[str]:
    """Each layer of the model with what it was made with, by which another model is recognised.

    Names are left out: Keras counts them up, and the same model made again has others.
    """
    check_model(model)
    return [f"{type(layer).__name__} {_made_with(layer)}" for layer in model._flatten_layers(include_self=False)]


def _made_with(layer: Any) -> str:
    try:
        config = {} if isinstance(layer, keras.Model) else layer.get_config()
    except Exception:  # whatever a user's own layer raises; its kind and place are known all the same
        config = {}
    return json.dumps(_without_names(config), sort_keys=True, default=lambda value: type(value).__name__)


def _without_names(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_names(part) for key, part in value.items() if key not in ("name", "build_config")}
    return [_without_names(part) for part in value] if isinstance(value, list | tuple) else value


def user_objects(model: Any) -> dict[str, Any]:
    """Classes and functions that the model's layers are made of, by name: a copy needs no registering of them."""
    found: dict[str, Any] = {}
    for layer in model._flatten_layers():
        kept = [value for key, value in vars(layer).items() if not hasattr(type(layer), key)]  # not wrapped methods
        for value in (layer, *kept):
            named = value if inspect.isfunction(value) or inspect.isclass(value) else type(value)
            serves = inspect.isfunction(named) or hasattr(named, "get_config")  # what a layer keeps may be anything
            if serves and not named.__module__.startswith(("keras.", "builtins")):
                found[named.__name__] = named
    return found


def _input_shapes(model: Any, columns: Columns) -> list[tuple[str, tuple[int | None, ...]]]:
    """(name, shape without the batch) of each input, in the order in which Keras flattens them."""
    if getattr(model, "inputs", None):
        return [(tensor.name, tuple(tensor.shape[1:])) for tensor in model.inputs]
    shape = (model.get_build_config() or {}).get("input_shape") if model.built else None
    if isinstance(shape, dict):
        return [(name, tuple(one[1:])) for name, one in sorted(shape.items())]
    return [("inputs", tuple(shape[1:]) if shape else columns.array or (len(columns.plain),))]


def _feed(name: str, shape: tuple[int | None, ...], columns: Columns, alone: bool) -> Feed:
    if takes_array(name, shape, columns.array):
        return array_feed(name, shape, columns.array)
    if name.removesuffix("_input") == "codes" or name in columns.codes:
        places = tuple(i for i, column in enumerate(columns.codes) if name in (column, "codes", "codes_input"))
        return Feed(name=name, shape=_fitting(name, shape, columns.codes, places), columns=places, codes=True)
    places = _places(name, columns, alone)
    return Feed(name=name, shape=_fitting(name, shape, columns.labels, places), columns=places)


def _places(name: str, columns: Columns, alone: bool) -> tuple[int, ...]:
    numbers, plain = len(columns.numbers), columns.plain
    group = name.removesuffix("_input")
    if group == "numbers":
        return tuple(range(numbers))
    if group == "flags":
        return tuple(range(numbers, len(plain)))
    named = tuple(i for i, column in enumerate(plain) if column == name)
    if named or not alone:
        return named or _unknown(name, columns)
    if columns.codes:
        advice = f"Give the model an input named codes (whole numbers), or leave them out: --drop {columns.codes[0]}"
        raise PlanError(
            "Table", "one of numbers and flags", name="columns with many levels", got=columns.codes, advice=advice
        )
    return columns.order or tuple(range(len(plain)))


def _unknown(name: str, columns: Columns) -> tuple[int, ...]:
    known = ["numbers", "flags", "codes", *dict.fromkeys((*columns.plain, *columns.codes))]
    expected = "named numbers, flags, codes or as a column"
    raise PlanError("An input", expected, name="input", got=name, advice=nearest(name, known))


def _fitting(
    name: str, shape: tuple[int | None, ...], labels: tuple[str, ...], places: tuple[int, ...]
) -> tuple[int, ...]:
    """The shape with its open width filled in."""
    known = prod(width for width in shape if width is not None)
    filled = tuple(len(places) // known if width is None and known else width or 0 for width in shape)
    if prod(filled) == len(places) and shape.count(None) < 2:
        return filled
    shown = ", ".join(labels[i] for i in places[:40])
    advice = f"Change its Input, or leave columns out with --drop. The columns in order: {shown}"
    raise PlanError(f"Input {name}", f"{len(places)} wide for this table", name="shape", got=shape, advice=advice)


def _output_activation(model: Any, plan: Plan, task: Task) -> str:
    """What comes after the model: with auto the matching one where its last layer has none, else nothing."""
    if plan.output_activation == "matched":
        return "linear"  # the last layer was made to fit
    if plan.output_activation != "auto":
        return plan.output_activation
    last = model.layers[-1] if getattr(model, "inputs", None) and model.layers else None
    bare = getattr(getattr(last, "activation", None), "__name__", "") == "linear"
    return MATCHING_ACTIVATION[task.kind] if bare else "linear"


def own_values(model: Any) -> int:
    """Numbers that a row is between the model's layers, as far as their shapes are known."""
    shapes = [keras.tree.flatten(getattr(layer, "output", None)) for layer in model.layers]
    return sum(prod(n or 1 for n in tensor.shape[1:]) for one in shapes for tensor in one if hasattr(tensor, "shape"))
