"""Any loop of PyTorch's watched by hooks on its optimizer and its modules."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rounds.model_facts import LayerFacts, ModelFacts
from rounds.watch.live import Live
from rounds.watch.measures import NETWORK, Sight, table_of
from rounds.watch.recorder import Watch
from rounds.watch.sample import Sample

ACTIVATIONS = {
    "ReLU": "relu",
    "LeakyReLU": "leaky_relu",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "Softmax": "softmax",
    "ELU": "elu",
    "GELU": "gelu",
    "SiLU": "silu",
    "Softplus": "softplus",
    "Hardsigmoid": "hard_sigmoid",
    "Hardtanh": "hard_tanh",
    "Softsign": "softsign",
    "LogSoftmax": "log_softmax",
    "SELU": "selu",
    "ReLU6": "relu6",
}
LOSSES = {  # the last operations of a loss, from its end -> (Keras's name, whether it takes logits)
    "MseLossBackward0": ("mse", None),
    "AbsBackward0": ("mae", None),
    "HuberLossBackward0": ("huber", None),
    "SmoothL1LossBackward0": ("huber", None),
    "BinaryCrossEntropyBackward0": ("binary_crossentropy", False),
    "BinaryCrossEntropyWithLogitsBackward0": ("binary_crossentropy", True),
    "NllLossBackward0": ("sparse_categorical_crossentropy", False),
    "PoissonNllLossBackward0": ("poisson", None),
}
_PASSED = ("Dropout", "Flatten", "Identity", "Unflatten")


class TorchWatch(Watch):
    """Keeps what a loop does in a folder that `rounds.examine` reads.

        watch = rounds.watch.TorchWatch(model, optimizer, "runs/mine")
        for inputs, targets in batches:
            loss = criterion(model(inputs), targets)
            optimizer.zero_grad(); loss.backward(); optimizer.step()
            watch.log(train_loss=loss, targets=targets)
        watch.log(epoch=1, validation_loss=...)
        watch.close()

    Which loss it is, is read off the tensor; targets: of the minibatch, to say what a constant would reach. Findings
    are printed once; `lost` turns true where training is lost, if stop is given.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        optimizer: torch.optim.Optimizer,
        folder: Path | str,
        *,
        epochs: int | None = None,
        stop: bool = False,
        quiet: bool = False,
    ) -> None:
        super().__init__(folder, facts=torch_facts(model, optimizer), epochs=epochs)
        self._model, self._optimizer = model, optimizer
        self._live, self.lost = Live(self.folder, stop=stop, quiet=quiet), False
        self._facts, self._sample = torch_facts(model, optimizer), Sample()
        self._kernels = {name: module.weight for name, module in model.named_modules() if isinstance(module, _WEIGHTED)}
        self._outputs: dict[str, tuple[str, np.ndarray]] = {}
        self._before: dict[str, torch.Tensor] | None = None
        self._hooks = self._on_optimizer()
        self._on_inputs, self._on_outputs = self._hook_inputs(), self._hook_outputs()
        self._looking = True

    def log(self, step: int | None = None, epoch: float | None = None, targets: Any = None, **values: Any) -> None:
        """See `Watch.log`; `train_loss` may be the loss's tensor; steps are counted by the optimizer."""
        loss = values.get("train_loss")
        if isinstance(loss, torch.Tensor):
            self.know(loss, targets)
            if epoch is None:
                values["step_loss"] = values.pop("train_loss")
        super().log(self.step if step is None else step, epoch, **values)
        if epoch is not None:
            self._describe()
            self.lost = self._live.look(self, epoch, self._about.get("epochs")) or self.lost

    def close(self) -> None:
        for hook in (*self._hooks, *self._on_inputs, *self._on_outputs):
            hook.remove()
        self._hooks, self._on_inputs, self._on_outputs = [], [], []
        self._describe()
        super().close()
        self._live.end(self)

    def know(self, loss: torch.Tensor, targets: Any) -> None:
        """The loss by its name, read off the tensor before `backward`, and targets that the loop begins with."""
        if not self._facts.loss:
            name, from_logits = torch_loss(loss)
            self._facts = self._facts.model_copy(update={"loss": name, "from_logits": from_logits})
        if not self._described:
            self._sample.add(self._inputs, targets)
            if self._sample.full:
                self._describe()

    def _describe(self) -> None:
        """Once: what the first rows showed."""
        if not self._described:
            self._described = True
            self._facts, levels = self._sample.describe(self._facts)
            self.describe(facts=self._facts, **levels)
            for hook in self._on_inputs:
                hook.remove()
            self._on_inputs = []

    _described = False
    _first: torch.nn.Module | None = None  # the layer that is computed first
    _inputs: Any = None  # its inputs in the minibatch at hand

    def _look(self, looking: bool) -> None:
        """Outputs are asked for in the steps that are measured alone: a module with hooks is slower in every one."""
        if looking and not self._looking:
            self._on_outputs = self._hook_outputs()
        elif self._looking and not looking:
            for hook in self._on_outputs:
                hook.remove()
            self._on_outputs = []
        self._looking = looking

    def _hook_outputs(self) -> list[Any]:
        def outputs_of(name: str, activation: str) -> Any:
            def keep(module: Any, inputs: Any, outputs: Any) -> None:
                if isinstance(outputs, torch.Tensor):
                    self._outputs[name] = (activation, outputs.detach().cpu().numpy())

            return keep

        kinds = {name: ACTIVATIONS.get(type(module).__name__) for name, module in self._model.named_modules()}
        modules = dict(self._model.named_modules())
        return [modules[n].register_forward_hook(outputs_of(n, kind)) for n, kind in kinds.items() if kind]

    def _hook_inputs(self) -> list[Any]:
        def inputs_of(module: Any, inputs: Any) -> None:
            self._first = self._first or module
            if module is self._first and module.training and inputs and isinstance(inputs[0], torch.Tensor):
                self._inputs = None if self._sample.full else inputs[0].detach()

        leaves = [module for module in self._model.modules() if not list(module.children())]
        return [leaf.register_forward_pre_hook(inputs_of) for leaf in leaves]

    def _on_optimizer(self) -> list[Any]:
        """Weights before a step; gradients and how far it went after it, since a step may compute them itself."""

        def before(*_: Any) -> None:
            if self._looking:
                began = time.perf_counter()
                self._before = {name: weight.detach().clone() for name, weight in self._kernels.items()}
                self._seconds = time.perf_counter() - began

        def after(*_: Any) -> None:
            if self._before is not None:
                began = time.perf_counter()
                self.measured(self._moved(self._before))
                self._before = None
                self._outputs.clear()
                self.took(self._seconds + time.perf_counter() - began)
            self.step += 1
            self._look(self.is_due())

        return [self._optimizer.register_step_pre_hook(before), self._optimizer.register_step_post_hook(after)]

    def _moved(self, before: dict[str, torch.Tensor]) -> dict[str, dict[str, float]]:
        """Measures of the step just taken; the loss comes by `log`."""
        gradients = {n: _norm(w.grad) for n, w in self._kernels.items() if w.grad is not None}
        weights = {name: _norm(weight) for name, weight in before.items()}
        sight = Sight(float("nan"), 0.0, gradients, weights, self._outputs)
        table = table_of(sight, {n: _norm(self._kernels[n].detach() - old) for n, old in before.items()})
        return {layer: measures for layer, measures in table.items() if layer != NETWORK}


_WEIGHTED = (torch.nn.Linear, torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Conv3d, torch.nn.Embedding)


def _norm(values: torch.Tensor) -> float:
    return float(torch.linalg.vector_norm(values))


def torch_facts(model: torch.nn.Module, optimizer: torch.optim.Optimizer | None = None) -> ModelFacts:
    """What modules and optimizer say, the modules in the order in which they are registered."""
    leaves = [(name, module) for name, module in model.named_modules() if not list(module.children())]
    layers = tuple(_layer(name, module) for name, module in leaves)
    ends = [layer for layer in layers if layer.kind not in _PASSED]
    group = optimizer.param_groups[0] if optimizer is not None else {}
    weighted = [layer for layer in layers if layer.weighted]
    return ModelFacts(
        layers=layers,
        optimizer=type(optimizer).__name__.lower() if optimizer is not None else "",
        learning_rate=float(group["lr"]) if "lr" in group else None,
        output_activation=(ends[-1].activation if ends[-1].weighted or ends[-1].activation != "linear" else "")
        if ends
        else "",
        output_width=weighted[-1].fan_out if weighted else 0,
    )


def _layer(name: str, module: torch.nn.Module) -> LayerFacts:
    weighted = isinstance(module, _WEIGHTED)
    shape = tuple(module.weight.shape) if weighted else ()
    fan_in = int(np.prod(shape[1:])) if weighted else 0
    trained = [parameter.requires_grad for parameter in module.parameters(recurse=False)]
    return LayerFacts(
        name=name,
        kind=type(module).__name__,
        width=shape[0] if shape else 0,
        fan_in=fan_in,
        fan_out=shape[0] if shape else 0,
        weighted=weighted,
        trainable=any(trained) or not trained,
        activation=ACTIVATIONS.get(type(module).__name__, "linear"),
        dropout=float(getattr(module, "p", 0.0)) if "Dropout" in type(module).__name__ else 0.0,
    )


def torch_loss(loss: torch.Tensor) -> tuple[str, bool | None]:
    """(Keras's name, from_logits) of a loss, by the operation that made it; an empty name where it is another.

    A negative log likelihood of a log softmax takes logits.
    """
    made = loss.grad_fn
    while made is not None:
        name = made.name()
        if name in LOSSES:
            known, from_logits = LOSSES[name]
            before = made.next_functions[0][0] if made.next_functions else None
            if name == "NllLossBackward0" and before is not None and before.name() == "LogSoftmaxBackward0":
                from_logits = True
            return known, from_logits
        made = made.next_functions[0][0] if made.next_functions else None
        if made is not None and made.name().startswith(("Addmm", "Mm", "Convolution")):
            return "", None
    return "", None
