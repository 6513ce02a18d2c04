"""What each layer of a convolutional network answers to: the parts of images that excite its filters most.

Zeiler and Fergus 2014 (arXiv:1311.2901) show the nine strongest parts of each filter, one an image.
"""

from dataclasses import dataclass

import numpy as np

from rounds.data.dataset import Inputs
from rounds.data.preparation.preparation import pad
from rounds.networks.functional import Functional
from rounds.networks.network import Network
from rounds.prediction.predictor import NetworkPart
from rounds.training.compiled.epoch import rows_at_once
from rounds.training.compiled.state import Weights

FILTERS, PATCHES = 3, 9  # a layer: filters, and parts of images of each
CELL = 32  # pixels a side that a part is drawn with, however large it is


@dataclass(frozen=True)
class Field:
    """What one place of a layer sees along one axis of the image: place i the `size` pixels around start + i * step."""

    size: int
    step: int
    start: float

    def pixels(self, place: int) -> tuple[int, int]:
        """First pixel and the one after the last; they may lie outside the image, where zeros are seen.

        >>> Field(3, 1, 0.0).pixels(5)
        (4, 7)
        """
        low = round(self.start + place * self.step - (self.size - 1) / 2)
        return low, low + self.size


def fields(network: Network, axis: int) -> list[Field]:
    """Of each convolution in order, along axis 0 (height) or 1 (width).

    >>> two = Network(kind="convolutional", numbers=0, flags=0, array=(8, 8, 1), filters=(2, 2), stride=2)
    >>> [field.size for field in fields(two, 0)]
    [3, 5]
    """
    found, size, seen, step, start = [], network.array[axis], 1, 1, 0.0
    for block in range(len(network.filters)):
        for index in range(network.block_depth):
            own = network.step(block, index)
            places = -(-size // own)
            before = max((places - 1) * own + network.filter_size - size, 0) // 2  # zeros, as Keras's "same"
            start += step * ((network.filter_size - 1) / 2 - before)
            seen += step * (network.filter_size - 1)
            step, size = step * own, places
            found.append(Field(seen, step, start))
    return found


def patch_rows(functional: Functional, weights: Weights, part: NetworkPart, inputs: Inputs) -> list[list[np.ndarray]]:
    """[CELL, CELL, 1] parts of the images `inputs`, PATCHES a row, FILTERS rows a layer, from the first layer on.

    The filters are those whose strongest answers differ most from image to image; each image gives one part at most.
    Empty where the network has no convolutions over images of its own.
    """
    network = part.network
    if network.kind != "convolutional" or len(network.array) != 3 or inputs.array is None:
        return []
    rows = []
    seen = list(zip(fields(network, 0), fields(network, 1), strict=True))
    for (down, across), (strongest, places) in zip(seen, _strongest(functional, weights, part, inputs), strict=True):
        for unit in np.argsort(-strongest.std(0), kind="stable")[:FILTERS]:
            best = np.argsort(-strongest[:, unit], kind="stable")[:PATCHES]
            rows.append([_patch(inputs.array[n], down, across, places[n, unit]) for n in best])
    return rows


def _strongest(
    functional: Functional, weights: Weights, part: NetworkPart, inputs: Inputs
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of each convolution: strongest answer [N, filters], and its place [N, filters, 2]."""
    import jax

    hidden = jax.jit(functional.hidden)
    layers = range(sum(1 for name in functional.hidden_names if name.startswith("conv")))
    found: list[list[tuple[np.ndarray, np.ndarray]]] = [[] for _ in layers]
    size = rows_at_once(part.network.array)
    for start in range(0, inputs.rows, size):
        arrays = pad(inputs.take(slice(start, start + size)), part.network.shape).arrays.values()
        made = hidden(weights.trainable, weights.state, [np.asarray(a) for a in arrays])
        for layer in layers:
            found[layer].append(_peaks(np.asarray(made[layer])))
    return [(np.concatenate([v for v, _ in some]), np.concatenate([p for _, p in some])) for some in found]


def _peaks(answers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Largest value [B, filters] of [B, H, W, filters], and where it is [B, filters, 2]."""
    flat = answers.reshape(len(answers), -1, answers.shape[-1])
    where = flat.argmax(1)
    return flat.max(1), np.stack(np.divmod(where, answers.shape[2]), -1)


def _patch(image: np.ndarray, down: Field, across: Field, place: np.ndarray) -> np.ndarray:
    """What that place sees, the edge repeated, drawn CELL x CELL."""
    axes = zip((down, across), place.tolist(), image.shape[:2], strict=True)
    rows, columns = (
        np.clip(np.linspace(*field.pixels(at), CELL, endpoint=False).astype(int), 0, size - 1)
        for field, at, size in axes
    )
    grey: np.ndarray = image.astype(np.float32).mean(-1)
    return grey[np.ix_(rows, columns)][..., None]
