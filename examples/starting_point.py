"""What the listings share, so that their losses can be compared: the patients, the first weights, the minibatches.

442 patients with diabetes: ten measurements at the start, and how far the disease had gone a year later (Efron et al.
2004), both scaled to mean 0 and spread 1. Each listing trains the two-layer network of 32 sigmoid units on them.
"""

import numpy as np
from sklearn.datasets import load_diabetes

HIDDEN, BATCH, EPOCHS, LEARNING_RATE = 32, 50, 200, 0.05


def patients() -> tuple[np.ndarray, np.ndarray]:
    """Measurements [442, 10] and outcome [442, 1]."""
    x, y = load_diabetes(return_X_y=True)
    y = y[:, None]
    return (x - x.mean(0)) / x.std(0), (y - y.mean()) / y.std()


def loss_to_reach() -> float:
    """Mean squared error of linear regression on the same patients: two layers must fit them better than one."""
    X, Y = patients()
    with_bias = np.c_[X, np.ones(len(X))]
    return float(np.mean((with_bias @ np.linalg.lstsq(with_bias, Y, rcond=None)[0] - Y) ** 2))


def first_weights(inputs: int = 10) -> dict[str, np.ndarray]:
    """Weights of both signs, small enough that no sigmoid starts saturated; biases of zero."""
    random = np.random.default_rng(0)
    return {
        "W1": random.standard_normal((inputs, HIDDEN)) / np.sqrt(inputs),
        "b1": np.zeros(HIDDEN),
        "W2": random.standard_normal((HIDDEN, 1)) / np.sqrt(HIDDEN),
        "b2": np.zeros(1),
    }


def minibatches(epoch: int, rows: int = 442) -> list[np.ndarray]:
    """The rows of each minibatch of an epoch: every patient once, in an order of the epoch's own."""
    order = np.random.default_rng([1, epoch]).permutation(rows)
    return [order[start : start + BATCH] for start in range(0, rows, BATCH)]
