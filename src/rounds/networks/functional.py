"""A network as pure functions over plain lists of arrays, so that K of them train in one program."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from rounds.networks.initializers import draw_array
from rounds.networks.jax.table import TABLE, training_table
from rounds.networks.network import NUMBER_LAYER, Network
from rounds.networks.operations import (
    Activate,
    Array,
    BatchNormalize,
    Operation,
    Recur,
    entering,
    input_shapes,
    operations,
    run_operations,
)

Arrays = list[jax.Array]
KERNELS = ("kernel", "recurrent_kernel", "embeddings")


@dataclass(frozen=True)
class BatchNorm:
    """One batch normalization: entering(trainable, state, inputs) -> what it normalizes, with everything before it in
    test mode; mean, variance: positions of its statistics within the state."""

    entering: Callable[[Arrays, Arrays, Arrays], jax.Array]
    mean: int
    variance: int


@dataclass(frozen=True)
class Functional:
    """The pure functions of one network; inputs are the prepared arrays numbers, flags, codes, array, without those of
    width 0.

    apply(trainable, state, inputs, training) -> (outputs [B, T], state); draw(seed) -> (trainable, state) as NumPy
    arrays; hidden(trainable, state, inputs) -> outputs of each activation but the last. names, state_names: of each
    array; shapes: of each trainable array; passes: how often a row passes it; kernels: whether it is one (penalties
    and decay touch kernels only). batch_norms: in the order of the forward pass; rates: positions of dropout rates
    within the state. apply_with_losses: as apply, with the sum of the losses of a user's model last; None where there
    are none. model: the Keras model that it is, or None.
    """

    apply: Callable[..., tuple[jax.Array, Arrays]]
    draw: Callable[[int], tuple[list[np.ndarray], list[np.ndarray]]]
    hidden: Callable[..., list[jax.Array]]
    names: tuple[str, ...]
    state_names: tuple[str, ...]
    hidden_names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    passes: tuple[int, ...]
    kernels: tuple[bool, ...]
    batch_norms: tuple[BatchNorm, ...] = ()
    rates: tuple[int, ...] = ()
    model: Any = None
    apply_with_losses: Callable[..., tuple[jax.Array, Arrays, jax.Array]] | None = None
    hidden_activations: tuple[str, ...] = ()


def make_functional(network: Network, logits: bool = False) -> Functional:
    """Pure functions of a network of Rounds's own.

    logits: leave the output activation to the loss, which is exact where sigmoid and log round to infinity.
    """
    steps = operations(network)[:-1] if logits else operations(network)
    owned = [(array, one) for one in steps for array in one.arrays]
    trained = [(array, one) for array, one in owned if array.trained]
    names, state_names = tuple(a.name for a, _ in trained), tuple(a.name for a, _ in owned if not a.trained)
    inputs_read = tuple(map(entering, input_shapes(network)))
    activations = [one.name for one in steps if isinstance(one, Activate) and one is not operations(network)[-1]]

    def run(some: tuple[Operation, ...], weights: Arrays, rest: Arrays, inputs: Arrays, table: Any = TABLE) -> Any:
        arrays = dict(zip(names, weights, strict=True)) | dict(zip(state_names, rest, strict=True))
        return run_operations(some, table, arrays, dict(zip(inputs_read, inputs, strict=True)), jax.named_scope)

    def apply(weights: Arrays, rest: Arrays, inputs: Arrays, training: bool) -> tuple[jax.Array, Arrays]:
        changed: dict[str, Any] = {}
        made = run(steps, weights, rest, inputs, training_table(changed) if training else TABLE)
        state = [changed.get(name, array) for name, array in zip(state_names, rest, strict=True)]
        return made[steps[-1].name], state

    def hidden(weights: Arrays, rest: Arrays, inputs: Arrays) -> list[jax.Array]:
        made = run(steps, weights, rest, inputs)
        return [made[name] for name in activations]

    def batch_norm(place: int) -> BatchNorm:
        norm = steps[place]
        moving = (state_names.index(f"{norm.name}/moving_{part}") for part in ("mean", "variance"))
        return BatchNorm(lambda *arrays: run(steps[:place], *arrays)[norm.reads[0]], *moving)

    return Functional(
        apply=apply,
        draw=_drawing([a for a, _ in trained], [a for a, _ in owned if not a.trained], _recurrent_layers(steps)),
        hidden=hidden,
        names=names,
        state_names=state_names,
        hidden_names=tuple(activations),
        shapes=tuple(a.shape for a, _ in trained),
        passes=tuple(one.passes for _, one in trained),
        kernels=tuple(_is_kernel(name) for name in names),
        batch_norms=tuple(batch_norm(i) for i, one in enumerate(steps) if isinstance(one, BatchNormalize)),
        rates=tuple(i for i, name in enumerate(state_names) if name.startswith("dropout") and name.endswith("/rate")),
    )


def _is_kernel(name: str) -> bool:
    return name.rpartition("/")[2] in KERNELS and not name.startswith(NUMBER_LAYER)


def _recurrent_layers(steps: tuple[Operation, ...]) -> int:
    return sum(isinstance(one, Recur) for one in steps)


def _drawing(
    trained: list[Array], state: list[Array], skipped: int
) -> Callable[[int], tuple[list[np.ndarray], list[np.ndarray]]]:
    """Draws each array from a stream of its own. skipped: streams before the keys, which recurrent layers once took;
    so a seed still gives the networks that it gave then."""

    def draw(seed: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
        def drawn(array: Array, stream: int) -> np.ndarray:
            stream += skipped if array.initializer == "random_words" else 0
            return draw_array(array.initializer, array.shape, np.random.default_rng([seed, stream]))

        made = [drawn(array, stream) for stream, array in enumerate([*trained, *state])]
        return made[: len(trained)], made[len(trained) :]

    return draw
