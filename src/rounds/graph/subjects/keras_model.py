"""A user's own Keras model on one batch as a function of its weights; known by what it offers, without Keras."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rounds.graph.tape.backward import Graph, graph_of
from rounds.graph.tape.function import FunctionError
from rounds.graph.tape.trace import Names

LOSS_SCOPE = "loss"


@dataclass(frozen=True)
class UserModel:
    """A model, a batch (inputs, targets), and its loss (targets, outputs) -> a number; mean squared error without."""

    name: str
    model: Any
    batch: Any
    loss: Callable[[Any, Any], Any] | None = None


def is_keras_model(value: Any) -> bool:
    """Whether a value offers what a Keras model of the JAX backend does.

    >>> is_keras_model(lambda p: p)
    False
    """
    return all(hasattr(value, name) for name in ("stateless_call", "trainable_variables", "non_trainable_variables"))


def graph_of_model(user: UserModel, open_scans: bool = False) -> Graph:
    """The graph of the loss in training mode, down to each of the model's trainable weights.

    Raises FunctionError where the model has no weights yet, does not run on JAX, or does not take the batch.
    """
    import jax

    inputs, targets = _batch(user)
    _refuse_other_backends(user)
    paths = [variable.path for variable in user.model.trainable_variables]
    state = [variable.value for variable in user.model.non_trainable_variables]

    def function(weights: Mapping[str, Any]) -> Any:
        outputs, _ = user.model.stateless_call([weights[path] for path in paths], state, inputs, training=True)
        with jax.named_scope(LOSS_SCOPE):
            errors = (outputs - targets) ** 2 if user.loss is None else user.loss(targets, outputs)
            return jax.numpy.mean(errors)

    weights = {variable.path: variable.value for variable in user.model.trainable_variables}
    fed = {"x": inputs} if hasattr(inputs, "dtype") else {}
    layers = {layer.name: layer.name for layer in getattr(user.model, "layers", ())}
    arrays = {variable.path: variable.value for variable in user.model.non_trainable_variables}
    names = Names({**layers, LOSS_SCOPE: "L"}, {**fed, "targets": targets, **arrays})
    try:
        return graph_of(function, weights, open_scans, names)
    except FunctionError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        advice = "Look whether batch = (inputs, targets) is what the model and its loss take"
        raise FunctionError("model", "callable on its batch", name=user.name, got=reason, advice=advice) from error


def _batch(user: UserModel) -> tuple[Any, Any]:
    import jax

    if not isinstance(user.batch, tuple | list) or len(user.batch) != 2:
        advice = "Write batch = (x, y), a few rows of arrays"
        raise FunctionError(
            f"batch of {user.name}", "a pair", name="batch", got=type(user.batch).__name__, advice=advice
        )
    inputs, targets = user.batch
    return jax.tree_util.tree_map(_as_array, inputs), _as_array(targets)


def _as_array(value: Any) -> Any:
    """In the number type of JAX: a batch in float64 would not be recognised as what a layer was given."""
    import jax

    return jax.numpy.asarray(value)


def _refuse_other_backends(user: UserModel) -> None:
    import jax

    variables = user.model.trainable_variables
    if not variables:
        advice = "Build it: give it an Input, or call it once on a batch"
        raise FunctionError(f"model {user.name}", "built and with weights", name="weights", got=0, advice=advice)
    if not isinstance(variables[0].value, jax.Array):
        advice = "Set the environment variable KERAS_BACKEND=jax before Keras is imported"
        kind = type(variables[0].value).__module__.split(".")[0]
        raise FunctionError("Keras backend", "jax", name="backend", got=kind, advice=advice)
