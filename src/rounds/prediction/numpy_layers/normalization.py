"""Both normalizations in plain NumPy."""

import numpy as np

# Added to variances; rounds.networks builds with the same (Network's docstring).
EPSILON = np.float32(1e-3)


def normalize(kind: str, weights: dict[str, np.ndarray], name: str, units: np.ndarray) -> np.ndarray:
    """Batch: with statistics of the training rows. Layer: with those of each row (Ba et al. 2016, arXiv:1607.06450).

    units: [..., H], normalized over H.
    """
    if kind == "batch":
        mean, variance = weights[f"{name}/moving_mean"], weights[f"{name}/moving_variance"]
    else:
        mean, variance = units.mean(axis=-1, keepdims=True), units.var(axis=-1, keepdims=True)
    return (units - mean) / np.sqrt(variance + EPSILON) * weights[f"{name}/gamma"] + weights[f"{name}/beta"]
