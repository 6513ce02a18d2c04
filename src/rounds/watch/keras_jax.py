"""Looks into a Keras model on its JAX backend: pure functions of the state that a step is given."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import keras
import numpy as np

from rounds.watch.keras_sight import activated, trained_kernels
from rounds.watch.measures import Sight

MOST_KERNEL_VALUES = 50_000_000  # of all kernels together: beyond, steps are not compared


class Variables(NamedTuple):
    """What Keras's function of a step is given, in its order."""

    trainable: Any
    rest: Any
    optimizer: Any
    metrics: Any


class JaxSight:
    """See `KerasSight`."""

    iterates = True

    def __init__(self, model: Any) -> None:
        self._model = model
        self._kernels = trained_kernels(model)
        self._cut, self._activations = activated(model)
        self._compiled = jax.jit(self._computed)

    def look(self, state: list[Any] | None, rows: Any, probe: Any) -> Sight:
        made = self._compiled(self._variables(state), tuple(rows), probe)
        loss, penalty, gradients, weights, outputs = jax.device_get(made)
        layers = [layer for _, layer in self._kernels]
        seen = zip(self._activations.items(), outputs, strict=True)
        return Sight(
            float(loss),
            float(penalty),
            dict(zip(layers, map(float, gradients), strict=True)),
            dict(zip(layers, map(float, weights), strict=True)),
            {name: (kind, out) for (name, kind), out in seen},
        )

    def kernels(self, state: list[Any]) -> dict[str, np.ndarray]:
        trainable = self._variables(state).trainable
        if sum(trainable[i].size for i, _ in self._kernels) > MOST_KERNEL_VALUES:
            return {}
        return {layer: np.array(trainable[i]) for i, layer in self._kernels}

    def unpacked(self, batch: Any) -> Any:
        return batch if len(batch) > 1 else (batch[0], None)

    def rows(self, inputs: Any) -> int:
        return int(jax.tree.leaves(inputs)[0].shape[0])

    def joined(self, inputs: list[Any]) -> Any:
        return jax.tree.map(lambda *parts: jnp.concatenate(parts), *inputs)

    def _variables(self, state: list[Any] | None) -> Variables:
        """Of the step's state; of the model itself where there is none."""
        if state:
            return Variables(*state[0])
        kinds = ("trainable_variables", "non_trainable_variables", "metrics_variables")
        trainable, rest, metrics = ([v.value for v in getattr(self._model, kind)] for kind in kinds)
        return Variables(trainable, rest, [v.value for v in self._model.optimizer.variables], metrics)

    def _computed(self, variables: Variables, rows: Any, probe: Any) -> Any:
        trainable, rest, optimizer, metrics = variables
        x, y, weight = keras.utils.unpack_x_y_sample_weight(rows)
        mode = {"training": True} if self._model._call_has_training_arg else {}
        own = self._model.stateless_call(trainable, rest, x, return_losses=True, **mode)[2]
        loss_of = jax.value_and_grad(self._model.compute_loss_and_updates, has_aux=True)
        (loss, _), gradients = loss_of(
            trainable, rest, metrics, x, y, weight, training=True, optimizer_variables=optimizer
        )
        norms = [[jnp.linalg.norm(some[i].ravel()) for i, _ in self._kernels] for some in (gradients, trainable)]
        return loss, jnp.asarray(sum(own), jnp.float32), *norms, self._outputs(trainable, rest, probe)

    def _outputs(self, trainable: Any, rest: Any, probe: Any) -> list[Any]:
        if self._cut is None:
            return []
        variables = (*self._model.trainable_variables, *self._model.non_trainable_variables)
        with keras.StatelessScope(state_mapping=list(zip(variables, (*trainable, *rest), strict=True))):
            outputs = self._cut(probe, training=False)
        return list(outputs) if isinstance(outputs, list | tuple) else [outputs]
