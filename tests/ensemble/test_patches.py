"""The parts of images that excite a filter: which pixels a place sees, and that the strongest come first."""

import numpy as np
import pytest

from rounds.data.dataset import Inputs
from rounds.ensemble.explanations.patches import CELL, PATCHES, Field, fields, patch_rows
from rounds.networks.functional import Functional
from rounds.networks.network import Network
from rounds.prediction.numpy_layers.table import convolve_rows
from rounds.prediction.predictor import NetworkPart
from rounds.training.compiled.state import Weights


@pytest.mark.parametrize("size", [12, 13])
@pytest.mark.parametrize("filter_size", [3, 4, 5])
@pytest.mark.parametrize("stride", [1, 2])
def test_a_place_sees_the_pixels_that_move_it(size: int, filter_size: int, stride: int) -> None:
    """Kernels of ones: a lit pixel reaches exactly the places whose field holds it."""
    network = Network(
        kind="convolutional",
        numbers=0,
        flags=0,
        array=(size, size, 1),
        filters=(1, 1, 1),
        filter_size=filter_size,
        stride=stride,
        block_depth=2,
    )
    kernel = np.ones((filter_size, filter_size, 1, 1))
    for pixel in range(size):
        units = np.zeros((1, size, size, 1))
        units[0, pixel, size // 2] = 1
        steps = [network.step(block, index) for block in range(3) for index in range(2)]
        for step, field in zip(steps, fields(network, 0), strict=True):
            units = convolve_rows(units, kernel, step)
            reached = units[0].sum((1, 2)) > 0
            seen = [field.pixels(place) for place in range(units.shape[1])]
            assert [low <= pixel < high for low, high in seen] == reached.tolist()


def test_the_strongest_part_comes_first_and_is_where_it_was() -> None:
    """One filter of one pixel: its answer is the brightness, and images differ in how bright their spot is."""
    random = np.random.default_rng(0)
    images = np.zeros((20, 8, 8, 1), np.uint8)
    brightness = random.permutation(20) * 10 + 10
    spots = random.integers(1, 7, (20, 2))
    for image, value, (row, column) in zip(images, brightness, spots, strict=True):
        image[row, column] = value
    network = Network(kind="convolutional", numbers=0, flags=0, array=(8, 8, 1), filters=(1,), filter_size=1)
    nothing = np.zeros((20, 0), np.float32)
    part = NetworkPart(network, {"output/kernel": np.zeros((1, 1, 1), "f4")}, np.ones(1))
    inputs = Inputs(nothing, nothing, nothing.astype(np.int32), images)
    rows = patch_rows(answers("conv_activation_0_0"), Weights([], []), part, inputs)
    assert len(rows) == 1
    assert [float(patch.max()) for patch in rows[0]] == sorted(brightness.tolist(), reverse=True)[:PATCHES]
    assert rows[0][0].shape == (CELL, CELL, 1)
    assert fields(network, 0) == [Field(1, 1, 0.0)]


def answers(*names: str) -> Functional:
    """A network whose hidden layers answer with the image itself."""

    def hidden(weights: list, state: list, inputs: list) -> list:
        return [inputs[-1].astype("float32")]

    return Functional(hidden, lambda seed: ([], []), hidden, (), (), names, (), (), None)


def test_networks_without_convolutions_have_none() -> None:
    network = Network(kind="linear", numbers=0, flags=0, array=(8, 8, 1))
    nothing = np.zeros((1, 0), np.float32)
    inputs = Inputs(nothing, nothing, nothing.astype(np.int32), np.zeros((1, 8, 8, 1), np.uint8))
    part = NetworkPart(network, {"output/kernel": np.zeros((1, 1, 1), "f4")}, np.ones(1))
    assert patch_rows(answers(), Weights([], []), part, inputs) == []
