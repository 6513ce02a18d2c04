"""Initializers of a user's Keras layers, as what draws their weights on the host."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from rounds.networks.initializers import (
    Initializer,
    normal,
    orthogonal,
    truncated_normal,
    uniform,
    variance_scaling,
)
from rounds.networks.keras.backend import keras

_FAMILIES: dict[Any, Callable[[Any], Initializer]] = {
    keras.initializers.VarianceScaling: lambda given: variance_scaling(given.scale, given.mode, given.distribution),
    keras.initializers.RandomNormal: lambda given: normal(given.stddev, given.mean),
    keras.initializers.TruncatedNormal: lambda given: truncated_normal(given.stddev, given.mean),
    keras.initializers.RandomUniform: lambda given: uniform(given.minval, given.maxval),
    keras.initializers.Orthogonal: lambda given: orthogonal(given.gain),
}


def initializer_of(given: Any) -> Initializer:
    """What draws an array as a Keras initializer describes it.

    Families that are not drawn here (a user's own, say) are asked themselves, with a seed of the generator's.
    """
    plain = all(getattr(given, axes, None) is None for axes in ("input_axes", "output_axes"))
    found = [make for family, make in _FAMILIES.items() if isinstance(given, family)]
    return found[0](given) if found and plain else partial(_asked, given)


def _asked(given: Any, shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray:
    seed = int(generator.integers(2**31))
    if hasattr(given, "seed") and hasattr(given, "get_config"):
        given = type(given)(**{**given.get_config(), "seed": seed})
    return np.asarray(given(shape, dtype="float32"))
