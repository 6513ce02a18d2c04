"""Images that look alike though their pixels differ: saved again, brightened, resized."""

from itertools import pairwise

import numpy as np

from rounds.data.preparation.array_on_disk import ArrayInput, blocks
from rounds.examination.finding import Threshold

LOOKS_THE_SAME = Threshold(
    "looks the same",
    40.0,
    "of 512 signs of brightness differences that differ, at most; fewer where a side has fewer pixels than signs",
    "measured on pneumoniamnist: noise of 2 grey levels moves at most 40 in 90 % of its X-rays; held-out images that "
    "are no copies differ from every training image in 64 or more",
    "measured",
)
# 1 % of pairs at random may be no more alike than this many signs; else signs do not tell such images apart.
DISCRIMINATED, _PAIRS = 2 * LOOKS_THE_SAME.value, 5_000
COMPARED = 50_000_000  # pairs of images a cut, at most
SIDE = 16  # differences a side; their signs in both directions are the fingerprint of an image
SIGNS = 2 * SIDE * SIDE
_CHUNK = 4_096  # images reduced at a time, at most
_HELD = 256  # images read at a time where some rows are wanted


def fingerprints(array: ArrayInput) -> np.ndarray:
    """[N, H, W, channels] -> [N, 2 * SIDE * SIDE / 64] uint64: whether each of SIDE x SIDE places is brighter than the
    one before it, along both axes (the difference hash, Krawetz 2013, in two directions).

    >>> picture = np.arange(32 * 32).reshape(1, 32, 32, 1) % 37
    >>> int(distances(fingerprints(picture), fingerprints(picture + 9))[0])
    0
    """
    made = [_signs(block) for block in blocks(array, _CHUNK)]
    return np.concatenate(made) if made else np.zeros((0, 2 * SIDE * SIDE // 64), np.uint64)


def distances(known: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Bits [M] in which each of the fingerprints `new` [M, W] differs from the most alike of `known` [N, W]."""
    return np.array([np.bitwise_count(known ^ one).sum(1, dtype=np.int64).min() for one in new], np.int64)


def signs_that_tell(array: ArrayInput) -> float:
    """Share of the signs that can differ: between places of one and the same pixel there is none.

    >>> signs_that_tell(np.zeros((1, 28, 28, 1))), signs_that_tell(np.zeros((1, 9, 9, 1)))
    (1.0, 0.5)
    """
    return float(np.mean([(min(pixels, SIDE + 1) - 1) / SIDE for pixels in array.shape[1:3]]))


def share_that_looks_known(fingerprint: np.ndarray, cut: tuple[np.ndarray, np.ndarray], telling: float = 1.0) -> float:
    """Share of the rows judged of a cut that look like one learned from; of many rows, some at even distances.
    telling: as `signs_that_tell`."""
    learned, judged = cut
    if not len(judged) or not len(learned):
        return 0.0
    most = max(1, min(len(judged), COMPARED // len(learned)))
    some = judged[np.linspace(0, len(judged) - 1, most).astype(int)]
    return float((distances(fingerprint[learned], fingerprint[some]) <= telling * LOOKS_THE_SAME.value).mean())


def are_distinct(fingerprint: np.ndarray, telling: float = 1.0) -> bool:
    """Whether images of this set differ so much that alike ones are no chance."""
    one, other = np.random.default_rng(0).integers(0, len(fingerprint), (2, _PAIRS))
    different = one != other
    apart = np.bitwise_count(fingerprint[one] ^ fingerprint[other]).sum(1)[different]
    return len(apart) > 0 and float(np.percentile(apart, 1)) >= telling * DISCRIMINATED


def brightness_of_places(array: ArrayInput, rows: np.ndarray) -> np.ndarray:
    """Mean brightness [n, places] of at most SIDE x SIDE parts of the images `rows` [n] of the array.

    >>> brightness_of_places(np.arange(8.0).reshape(2, 2, 2, 1), np.array([1]))
    array([[4., 5., 6., 7.]], dtype=float32)
    """
    height, width = (min(SIDE, pixels) for pixels in array.shape[1:3])
    parts = (np.asarray(array[rows[i : i + _HELD]]) for i in range(0, len(rows), _HELD))
    small = (_reduced(part.astype(np.float32).mean(-1), height, width) for part in parts)
    return np.concatenate([part.reshape(len(part), -1) for part in small])


def _signs(images: np.ndarray) -> np.ndarray:
    grey = images.astype(np.float32).mean(-1)
    along, down = _reduced(grey, SIDE, SIDE + 1), _reduced(grey, SIDE + 1, SIDE)
    signs = [along[:, :, 1:] > along[:, :, :-1], down[:, 1:] > down[:, :-1]]
    flat = np.concatenate([s.reshape(len(images), -1) for s in signs], axis=1)
    return np.packbits(flat, axis=1).view(np.uint64)


def _reduced(grey: np.ndarray, height: int, width: int) -> np.ndarray:
    """Means over about equal blocks; a side with fewer pixels repeats the nearest."""
    rows, columns = (_blocks(n, wanted) for n, wanted in zip(grey.shape[1:], (height, width), strict=True))
    some = np.stack([grey[:, start:end].mean(1) for start, end in rows], axis=1)
    return np.stack([some[:, :, start:end].mean(2) for start, end in columns], axis=2)


def _blocks(pixels: int, wanted: int) -> list[tuple[int, int]]:
    edges = np.linspace(0, pixels, wanted + 1)
    return [(int(a), max(int(b), int(a) + 1)) for a, b in pairwise(edges)]
