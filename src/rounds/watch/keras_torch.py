"""Looks into a Keras model on its PyTorch backend."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import torch

from rounds.watch.keras_sight import activated, trained_kernels
from rounds.watch.measures import Sight


class KerasTorchSight:
    """See `KerasSight`; state is the model's own."""

    iterates = False

    def __init__(self, model: Any) -> None:
        self._model = model
        self._kernels = trained_kernels(model)
        self._cut, self._activations = activated(model)

    def look(self, state: list[Any] | None, rows: Any, probe: Any) -> Sight:
        x, y, weight = keras.utils.unpack_x_y_sample_weight(rows)
        with self._left_alone():
            mode = {"training": True} if self._model._call_has_training_arg else {}
            outputs = self._model(x, **mode)
            penalty = float(sum(float(one) for one in self._model.losses))
            loss = self._model.compute_loss(x=x, y=y, y_pred=outputs, sample_weight=weight)
            values = [self._model.trainable_variables[i].value for i, _ in self._kernels]
            gradients = torch.autograd.grad(loss, values, allow_unused=True)
        layers = [layer for _, layer in self._kernels]
        norms = [0.0 if g is None else float(torch.linalg.vector_norm(g)) for g in gradients]
        weights = [float(torch.linalg.vector_norm(value.detach())) for value in values]
        return Sight(
            float(loss.detach()),
            penalty,
            dict(zip(layers, norms, strict=True)),
            dict(zip(layers, weights, strict=True)),
            self._outputs(probe),
        )

    def kernels(self, state: list[Any]) -> dict[str, np.ndarray]:
        variables = self._model.trainable_variables
        return {layer: variables[i].value.detach().cpu().numpy().copy() for i, layer in self._kernels}

    def unpacked(self, batch: Any) -> Any:
        return batch if len(batch) > 1 else (batch[0], None)

    def rows(self, inputs: Any) -> int:
        return len(inputs)

    def joined(self, inputs: list[Any]) -> Any:
        return torch.cat(inputs)

    def _outputs(self, probe: Any) -> dict[str, tuple[str, np.ndarray]]:
        if self._cut is None:
            return {}
        with torch.no_grad():
            made = self._cut(probe, training=False)
        outputs = made if isinstance(made, list | tuple) else [made]
        return {
            name: (kind, one.cpu().numpy())
            for (name, kind), one in zip(self._activations.items(), outputs, strict=True)
        }

    @contextmanager
    def _left_alone(self) -> Iterator[None]:
        """Afterwards running statistics, random states (dropout draws from PyTorch's own) and metrics are what they
        were."""
        kept = [*self._model.non_trainable_variables, *self._model.metrics_variables]
        before = [variable.value.detach().clone() for variable in kept]
        devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
        try:
            with torch.random.fork_rng(devices):
                yield
        finally:
            for variable, value in zip(kept, before, strict=True):
                variable.assign(value)
