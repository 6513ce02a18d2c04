"""The losses that networks are trained with, in NumPy, and the constant that makes each of them least."""

from collections.abc import Callable

import numpy as np

FLOOR = 1e-7  # of a probability or rate whose logarithm is taken, as in training


def _huber(p: np.ndarray, y: np.ndarray) -> np.ndarray:
    size = np.abs(p - y)
    return np.where(size < 1, 0.5 * size**2, size - 0.5)


def _cross_entropy(p: np.ndarray, y: np.ndarray) -> np.ndarray:
    p = np.clip(p, FLOOR, 1 - FLOOR)
    return np.asarray(-(y * np.log(p) + (1 - y) * np.log(1 - p)))


# Of predictions and outcomes [N, T] on the networks' scale: the loss of each [N, T], or (classes) of each row [N, 1].
EACH: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "mse": lambda p, y: (p - y) ** 2,
    "mae": lambda p, y: np.abs(p - y),
    "huber": _huber,
    "binary_crossentropy": _cross_entropy,
    "categorical_crossentropy": lambda p, y: -(y * np.log(np.clip(p, FLOOR, 1.0))).sum(axis=1, keepdims=True),
    "poisson": lambda p, y: p - y * np.log(p + FLOOR),
}


def numpy_loss(loss: str, predicted: np.ndarray, outcomes: np.ndarray) -> float:
    """Mean over rows and targets. loss: one of EACH; both [N, T] on the networks' scale, classes one-hot.

    >>> numpy_loss("mae", np.array([[1.0], [2.0]]), np.array([[1.0], [4.0]]))
    1.0
    """
    return float(EACH[loss](predicted, outcomes).mean())


def least_of_constant(loss: str, outcomes: np.ndarray) -> float:
    """The least loss of one constant a target, for outcomes [N, T].

    >>> least_of_constant("mae", np.array([[1.0], [1.0], [4.0]]))
    1.0
    """
    return numpy_loss(loss, np.broadcast_to(_best_constant(loss, outcomes), outcomes.shape), outcomes)


def _best_constant(loss: str, y: np.ndarray) -> np.ndarray:
    """[T]: the median of absolute errors, by search for Huber's, and the mean of all others."""
    if loss == "mae":
        return np.asarray(np.median(y, axis=0))
    if loss != "huber":
        return np.asarray(y.mean(axis=0))
    tried = np.quantile(y, np.linspace(0.2, 0.8, 61), axis=0)  # [61, T]
    best = np.stack([_huber(constant, y).mean(axis=0) for constant in tried]).argmin(axis=0)
    return np.asarray(tried[best, np.arange(y.shape[1])])
