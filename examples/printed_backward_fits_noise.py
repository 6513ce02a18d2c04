"""What the printed backward pass does: on pure noise it looks like a superb model.

Measurements and outcomes of 200 patients are drawn independently of each other, so that there is nothing to learn.
`d_b1` and `d_b2` are not summed over the batch, so the first update turns the two biases into one bias a patient, and
these learn every outcome by heart. A gradient check says so before anything is trained.
"""

import numpy as np

from rounds.graph.gradient_check.check import check_gradient

# As many units as measurements: X^T . d_X is the gradient of a square matrix, and with any other number of units the
# printed listing stops at its first update.
PATIENTS, UNITS, STEPS, LEARNING_RATE, REPEATS = 200, 5, 1500, 0.1, 10
Arrays = dict[str, np.ndarray]


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def predict(w: Arrays, X: np.ndarray) -> np.ndarray:
    return sigmoid(X @ w["W1"] + w["b1"]) @ w["W2"] + w["b2"]


def backward(w: Arrays, X: np.ndarray, Y: np.ndarray, printed: bool) -> Arrays:
    h = sigmoid(X @ w["W1"] + w["b1"])
    d_Y = 2 / len(X) * (h @ w["W2"] + w["b2"] - Y)
    d_Z = d_Y @ w["W2"].T * h * (1 - h)
    if not printed:
        return {"W1": X.T @ d_Z, "b1": d_Z.sum(axis=0), "W2": h.T @ d_Y, "b2": d_Y.sum(axis=0)}
    d_X = d_Z @ w["W1"].T
    return {"W1": X.T @ d_X, "b1": d_Y, "W2": h.T @ d_Y, "b2": d_Y}


def noise(seed: int) -> tuple[np.ndarray, np.ndarray, Arrays]:
    random = np.random.default_rng(seed)
    X, Y = random.standard_normal((PATIENTS, UNITS)), random.standard_normal((PATIENTS, 1))
    W1, W2 = random.standard_normal((UNITS, UNITS)), random.standard_normal((UNITS, 1))
    return X, Y, {"W1": W1 / np.sqrt(UNITS), "b1": np.zeros(UNITS), "W2": W2 / np.sqrt(UNITS), "b2": np.zeros(1)}


def losses(seed: int, printed: bool) -> tuple[float, float]:
    """Training loss, and the loss on as many new patients, who have to make do with the average of the biases."""
    X, Y, w = noise(seed)
    for _ in range(STEPS):
        gradient = backward(w, X, Y, printed)
        w = {name: w[name] - LEARNING_RATE * gradient[name] for name in w}
    X_new, Y_new, _ = noise(seed + REPEATS)
    shared = {name: array.mean(axis=0) if len(array) == PATIENTS else array for name, array in w.items()}
    return float(np.mean((predict(w, X) - Y) ** 2)), float(np.mean((predict(shared, X_new) - Y_new) ** 2))


X_first, Y_first, inputs = noise(0)


def loss(w: Arrays) -> np.ndarray:
    Z = X_first.dot(w["W1"]) + w["b1"]
    h = sigmoid(Z)
    Y_hat = h.dot(w["W2"]) + w["b2"]
    return np.mean((Y_hat - Y_first) ** 2)


if __name__ == "__main__":
    check = check_gradient(loss, lambda w: backward(w, X_first, Y_first, printed=True), inputs)
    print(check)
    assert check.wrong == ["W1", "b1", "b2"]
    assert check_gradient(loss, lambda w: backward(w, X_first, Y_first, printed=False), inputs).wrong == []

    printed = np.mean([losses(seed, printed=True) for seed in range(REPEATS)], axis=0)
    corrected = np.mean([losses(seed, printed=False) for seed in range(REPEATS)], axis=0)
    print(f"as printed: training loss {printed[0]:.3f}, new patients {printed[1]:.3f}")
    print(f"corrected:  training loss {corrected[0]:.3f}, new patients {corrected[1]:.3f}")
    assert printed[0] < 0.06
    assert corrected[0] > 0.8
    assert printed[1] > 1
