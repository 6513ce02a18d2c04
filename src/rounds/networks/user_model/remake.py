"""A model of the user's own made again from its config, with what a plan changes: hidden activations, initial weights,
and a last layer that fits the task."""

import json
from collections.abc import Iterator
from typing import Any

from rounds.errors import PlanError
from rounds.foreign_files import JsonObject
from rounds.networks.description import MATCHING_ACTIVATION
from rounds.networks.keras.backend import keras
from rounds.networks.user_model.keras_facts import activation_of, leaf_layers
from rounds.networks.user_model.model import user_objects
from rounds.plan import Plan
from rounds.task import Task

GIVEN, FIXED = "given", "fixed"  # values of a plan's activation and initializers: the model's own
MATCHED = "matched"  # value of `output_activation`: the last layer is made to fit the task
_RECURRENT = ("LSTM", "GRU", "SimpleRNN")


def can_be_remade(model: Any) -> bool:
    """Whether Keras can make the model again from its config, and it ends in a layer with an activation of its own."""
    layers = leaf_layers(model)
    if not layers or not hasattr(layers[-1], "activation") or not getattr(model, "inputs", None):
        return False
    try:
        _made(model, model.get_config())
    except Exception:  # whatever a user's own layers raise
        return False
    return True


def remade(given: Any, plan: Plan, task: Task) -> Any:
    """The model as the plan has it; the very same where the plan changes nothing of it.

    Raises PlanError for a model that cannot be made again.
    """
    changes = {name: getattr(plan, name) for name in ("activation", "initializer", "bias_initializer")}
    changes = {name: value for name, value in changes.items() if value not in (GIVEN, FIXED)}
    matched = plan.output_activation == MATCHED
    if not changes and not matched:
        return given
    if not can_be_remade(given):
        advice = "Let its layers have a get_config, and let the last one have an activation; or change it yourself"
        raise PlanError(
            "The model", "one that Keras can make again", name="model", got=type(given).__name__, advice=advice
        )
    config = json.loads(json.dumps(given.get_config()))
    last = leaf_layers(given)[-1].name
    activated = _activated(given)
    for layer in _layers(config):
        own = layer["config"]
        if own.get("name") == last:
            _match(own, task, matched)
        elif "activation" in changes and own.get("name") in activated:
            own["activation"] = changes["activation"]
        for name, key in (("initializer", "kernel_initializer"), ("bias_initializer", "bias_initializer")):
            if name in changes and key in own:
                own[key] = changes[name]
    return _made(given, config)


def has_hidden_activation(model: Any) -> bool:
    """Whether there is a layer before the last whose activation `remade` can change."""
    if not can_be_remade(model):
        return False
    return bool(_activated(model))


def _activated(model: Any) -> set[str]:
    """Hidden layers whose activation a plan sets, by name: those that have one, or all dense ones where none has."""
    last = leaf_layers(model)[-1].name
    plain = not any(activation_of(layer) != "linear" for layer in leaf_layers(model) if layer.name != last)
    return {
        layer["config"]["name"]
        for layer in _layers(model.get_config())
        if layer["config"].get("name") not in (None, last)
        and (_is_activated(layer) or (plain and layer.get("class_name") == "Dense"))
    }


def _is_activated(layer: JsonObject) -> bool:
    return layer["config"].get("activation") not in (None, "linear") and layer.get("class_name") not in _RECURRENT


def _match(layer: JsonObject, task: Task, matched: bool) -> None:
    if matched:
        layer["activation"] = MATCHING_ACTIVATION[task.kind]
        if "units" in layer:
            layer["units"] = task.outputs


def _layers(config: Any) -> Iterator[JsonObject]:
    """Every layer's own record, those of models within the model too."""
    for layer in config.get("layers", []):
        if "layers" in layer.get("config", {}):
            yield from _layers(layer["config"])
        else:
            yield layer


def _made(given: Any, config: Any) -> Any:
    with keras.saving.custom_object_scope(user_objects(given)):
        return type(given).from_config(config)
