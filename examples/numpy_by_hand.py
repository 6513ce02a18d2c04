"""The two-layer network in NumPy: forward pass, backward pass, and update by hand.

Put right in three places; as printed, the backward pass is wrong in each of them:

1. d_W1 is X^T . d_Z; printed is d_X, the gradient of the inputs.
2. d_b1 is d_Z summed over the batch; printed is a copy of d_Y.
3. d_b2 is d_Y summed over the batch; printed is d_Y itself, one row a patient.

The printed loss sums over the outputs; with one output that is the mean that is taken here.
"""

import numpy as np
from starting_point import EPOCHS, LEARNING_RATE, first_weights, loss_to_reach, minibatches, patients

from rounds.graph.gradient_check.check import check_gradient

X_all, Y_all = patients()


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def predict(w: dict[str, np.ndarray], X: np.ndarray) -> np.ndarray:
    return sigmoid(X @ w["W1"] + w["b1"]) @ w["W2"] + w["b2"]


def backward(w: dict[str, np.ndarray], X: np.ndarray, Y: np.ndarray) -> dict[str, np.ndarray]:
    """The gradient of the mean squared error, from the loss down to the first weights."""
    H = sigmoid(X @ w["W1"] + w["b1"])
    d_Y = 2 / len(X) * (H @ w["W2"] + w["b2"] - Y)
    d_H = d_Y @ w["W2"].T
    d_Z = d_H * H * (1 - H)
    return {"W1": X.T @ d_Z, "b1": d_Z.sum(axis=0), "W2": H.T @ d_Y, "b2": d_Y.sum(axis=0)}


def train() -> float:
    w = first_weights()
    for epoch in range(EPOCHS):
        for rows in minibatches(epoch):
            gradient = backward(w, X_all[rows], Y_all[rows])
            w = {name: w[name] - LEARNING_RATE * gradient[name] for name in w}
    return float(np.mean((predict(w, X_all) - Y_all) ** 2))


# What `rounds graph` and `rounds check-gradient` look at: the loss of the first minibatch at the first weights.
X, Y = X_all[minibatches(0)[0]], Y_all[minibatches(0)[0]]
inputs = first_weights()


def loss(w: dict[str, np.ndarray]) -> np.ndarray:
    Z = X.dot(w["W1"]) + w["b1"]
    H = sigmoid(Z)
    Y_hat = H.dot(w["W2"]) + w["b2"]
    return np.mean((Y_hat - Y) ** 2)


def gradient(w: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return backward(w, X, Y)


if __name__ == "__main__":
    assert check_gradient(loss, gradient, inputs).wrong == []
    reached = train()
    assert reached < loss_to_reach()
    print(f"loss {reached:.6f}")
