"""A trained network on one batch as a function of its weights, so that its graph can be drawn."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from rounds.data.dataset import Inputs
from rounds.data.preparation.preparation import pad
from rounds.errors import RunFolderError
from rounds.graph.tape.trace import Function, Names
from rounds.networks.network import Network
from rounds.plan import Plan
from rounds.task import Task

LOSS_SCOPE = "loss"


@dataclass(frozen=True)
class NetworkLoss:
    """function(weights) is the data loss of the batch in training mode; names: of steps and of the batch."""

    function: Function
    weights: dict[str, Any]
    names: Names


@dataclass(frozen=True)
class LossBatch:
    """Prepared inputs of B rows, and targets [B, T] on the scale the network learns."""

    inputs: Inputs
    targets: np.ndarray


def network_loss(
    plan: Plan, task: Task, network: Network, weights: Mapping[str, np.ndarray], batch: LossBatch, own: Any = None
) -> NetworkLoss:
    """The loss of one member: its layers in training mode (batch statistics; dropout with a fixed key), then the loss.

    weights: the member's arrays by the names of the model folder, without a member axis. own: the Functional of a
    network that only Keras can run, with its output activation.
    Raises RunFolderError where they are not those of the network.
    """
    import jax

    from rounds.networks.functional import make_functional
    from rounds.training.compiled.objective import example_loss, loss_name, takes_logits

    loss = loss_name(plan, task)
    logits = own is None and takes_logits(loss, network.output_activation)
    functional = own or make_functional(network, logits)
    state = _state(functional, weights, plan, own)
    by_example = example_loss(loss, logits)
    fed = _fed(network, batch.inputs)
    targets = jax.numpy.asarray(batch.targets)

    def function(trainable: Mapping[str, Any]) -> Any:
        outputs, _ = functional.apply([trainable[name] for name in functional.names], state, list(fed.values()), True)
        with jax.named_scope(LOSS_SCOPE):
            return jax.numpy.mean(by_example(outputs, targets))

    trainable = {name: jax.numpy.asarray(_weight(weights, name)) for name in functional.names}
    steps = {layer.name: layer.name for layer in own.model.layers} if own else lecture_steps(network, logits)
    names = Names({**steps, LOSS_SCOPE: "L"}, {**fed, "targets": targets})
    return NetworkLoss(function, trainable, names)


def _weight(weights: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    if name not in weights:
        known = ", ".join(sorted(weights)[:10])
        advice = f"The folder holds {known}: copy it again from where it was whole"
        raise RunFolderError("Model weights", "those of its network", name="missing", got=name, advice=advice)
    return weights[name]


def _state(functional: Any, weights: Mapping[str, np.ndarray], plan: Plan, own: Any) -> list[Any]:
    """Statistics from the model folder; dropout keys drawn from seed 0 or as saved, and the plan's rate (the first)."""
    import jax

    drawn = functional.draw(0)[1] if own is None else [v.value for v in own.model.non_trainable_variables]
    state = [weights.get(name, array) for name, array in zip(functional.state_names, drawn, strict=True)]
    rates = plan.dropout if isinstance(plan.dropout, tuple | list) else (plan.dropout,)
    for place in functional.rates:
        state[place] = np.float32(rates[0])
    return [jax.numpy.asarray(array) for array in state]


def _fed(network: Network, inputs: Inputs) -> dict[str, Any]:
    """The inputs of width above 0, in the order in which the network takes them."""
    import jax

    padded = pad(inputs, network.shape)
    return {name: jax.numpy.asarray(part) for name, part in padded.arrays.items()}


def lecture_steps(network: Network, logits: bool) -> dict[str, str]:
    """Layers by the lecture's names: affine maps z, activations h, the prediction y^, the loss L.

    >>> lecture_steps(Network(kind="dense", numbers=2, flags=0, hidden=(4,)), logits=False)["activation_0"]
    'h1'
    """
    steps = dict.fromkeys(("numbers", "features", *(f"code_{i}" for i in range(len(network.levels)))), "x")
    for index in range(len(network.hidden)):
        steps |= {f"{layer}_{index}": f"z{index + 1}" for layer in ("hidden", "norm")}
        steps |= {f"{layer}_{index}": f"h{index + 1}" for layer in ("activation", "dropout", "residual")}
    last = f"z{len(network.hidden) + 1}" if logits else "y^"
    return steps | dict.fromkeys(("output", "skip", "sum", "output_activation"), last) | {LOSS_SCOPE: "L"}


def synthetic_batch(network: Network, task: Task, rows: int, seed: int = 0) -> LossBatch:
    """A batch of no patients: standard normal numbers, fair flags, codes and classes drawn evenly.

    >>> task = Task(kind="regression", targets=("los",))
    >>> synthetic_batch(Network(kind="linear", numbers=3, flags=2), task, rows=5).inputs.numbers.shape
    (5, 3)
    """
    random = np.random.default_rng(seed)
    numbers = random.standard_normal((rows, network.numbers)).astype(np.float32)
    flags = random.integers(0, 2, (rows, network.flags)).astype(np.float32)
    codes = [random.integers(0, levels, rows) for levels in network.levels]
    array = random.standard_normal((rows, *network.array)).astype(np.float32) if network.array else None
    inputs = Inputs(numbers, flags, np.array(codes, np.int32).reshape(len(codes), rows).T, array)
    return LossBatch(inputs, _synthetic_targets(task, rows, random))


def _synthetic_targets(task: Task, rows: int, random: np.random.Generator) -> np.ndarray:
    width = task.outputs
    if task.kind == "multiclass":
        return np.eye(width, dtype=np.float32)[random.integers(0, width, rows)]
    if task.kind in ("binary", "multilabel"):
        return random.integers(0, 2, (rows, width)).astype(np.float32)
    drawn = random.poisson(1.0, (rows, width)) if task.kind == "count" else random.standard_normal((rows, width))
    return drawn.astype(np.float32)
