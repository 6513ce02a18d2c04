"""Test-time augmentation: an image is looked at several times, each time a little otherwise, and the answers joined."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Literal, get_args

import numpy as np

from rounds.data.dataset import Inputs
from rounds.errors import DataError, PlanError
from rounds.task import Task

Way = Literal["average", "max", "ten-crop"]
WAYS: tuple[Way, ...] = get_args(Way)
MOVED = 1 / 14  # share of the side by which variants are moved: two pixels of 28
CROPPED = 7 / 8  # share of the side that a crop keeps, as 224 of 256 pixels (Krizhevsky et al. 2012)

VALUES_AT_ONCE = 4_000_000  # of images of which all variants are made at a time: bounds memory, not the result

Outputs = Callable[[Inputs], np.ndarray]


@dataclass(frozen=True)
class Augmented:
    """How images are looked at again. mirrors: whether the networks learned that a mirror image is the same."""

    way: Way
    mirrors: bool = False

    def outputs(self, predict: Outputs, inputs: Inputs) -> np.ndarray:
        """[K, N, outputs] of all variants joined, from a function that gives them for one; on the output's own scale.

        average and ten-crop take the mean; max takes the largest (of probabilities: then made to sum to 1 again).
        """
        assert inputs.array is not None
        rows = max(1, VALUES_AT_ONCE // prod(inputs.array.shape[1:]))
        some = [inputs.take(slice(start, start + rows)) for start in range(0, max(1, inputs.rows), rows)]
        return np.concatenate([self._of_some(predict, one) for one in some], axis=1)

    def _of_some(self, predict: Outputs, inputs: Inputs) -> np.ndarray:
        total: np.ndarray | None = None
        count = 0
        for images in variants(np.asarray(inputs.array), self.way, self.mirrors):
            made = predict(Inputs(inputs.numbers, inputs.flags, inputs.codes, images)).astype(np.float64)
            joined = made if total is None else (np.maximum(total, made) if self.way == "max" else total + made)
            total, count = joined, count + 1
        assert total is not None
        if self.way != "max":
            return np.asarray(total / count)
        return np.asarray(total / total.sum(-1, keepdims=True)) if total.shape[-1] > 1 else total


def check_way(way: str, task: Task, shape: tuple[int, ...]) -> Way:
    """The way by its name.

    Raises PlanError for an unknown one, or the largest of what is no probability; DataError where there are no images.
    """
    if way not in WAYS:
        raise PlanError("augment", f"one of {', '.join(WAYS)}", got=way, advice="Choose one of them")
    if len(shape) != 3:
        advice = "Leave --augment out"
        raise DataError("--augment", "for networks that read images", name="augment", got=way, advice=advice)
    if way == "max" and task.kind not in ("binary", "multiclass", "multilabel"):
        raise PlanError("augment", "average or ten-crop for numbers", got=way, advice="Choose one of them")
    return next(known for known in WAYS if known == way)


def variants(images: np.ndarray, way: Way, mirrors: bool) -> list[np.ndarray]:
    """images [N, H, W, C] as they are looked at: moved five ways, or five crops; mirrored as well where allowed.

    >>> len(variants(np.zeros((1, 28, 28, 1), np.uint8), "ten-crop", mirrors=True))
    10
    """
    made = _crops(images) if way == "ten-crop" else _moved(images)
    return [*made, *(image[:, :, ::-1] for image in made)] if mirrors else made


def _moved(images: np.ndarray) -> list[np.ndarray]:
    """In the middle, and moved up, down, left and right; the edge is repeated."""
    down, right = (max(1, round(MOVED * size)) for size in images.shape[1:3])
    padded = np.pad(images, ((0, 0), (down, down), (right, right), (0, 0)), mode="edge")
    height, width = images.shape[1:3]
    corners = [(down, right), (0, right), (2 * down, right), (down, 0), (down, 2 * right)]
    return [padded[:, i : i + height, j : j + width] for i, j in corners]


def _crops(images: np.ndarray) -> list[np.ndarray]:
    """The centre and four corners, each drawn as large as the whole."""
    height, width = images.shape[1:3]
    tall, wide = max(2, round(CROPPED * height)), max(2, round(CROPPED * width))
    low, far = height - tall, width - wide
    corners = [(low // 2, far // 2), (0, 0), (0, far), (low, 0), (low, far)]
    return [_enlarged(images[:, i : i + tall, j : j + wide], height, width) for i, j in corners]


def _enlarged(images: np.ndarray, height: int, width: int) -> np.ndarray:
    """Bilinear, corners on corners, [N, h, w, C] -> [N, height, width, C] float32."""
    made = images.astype(np.float32)
    for axis, size in ((1, height), (2, width)):
        places = np.linspace(0, made.shape[axis] - 1, size)
        low = np.minimum(places.astype(int), made.shape[axis] - 2)
        share = (places - low).astype(np.float32).reshape([-1 if a == axis else 1 for a in range(4)])
        made = np.take(made, low, axis) * (1 - share) + np.take(made, low + 1, axis) * share
    return made
