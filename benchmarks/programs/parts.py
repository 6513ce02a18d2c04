"""What small Keras programs are made of: data that scikit-learn ships or that are drawn here, layers, compiling."""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Arrays = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Program:
    """A compiled model, its data and the arguments of its `fit`.

    accept: codes of findings that are right as the first one; none for a sound program; mended: the same put right,
    or None.
    """

    source: str
    about: str
    data: Callable[[], Arrays]
    model: Callable[[], Any]
    fit: dict[str, int]
    accept: frozenset[str]
    task: str
    targets: tuple[str, ...] = ("y",)
    mended: "Program | None" = None


PROGRAMS: dict[str, Program] = {}


def draw(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def scaled(x: np.ndarray) -> np.ndarray:
    return (x - x.mean(0)) / np.where(x.std(0) > 0, x.std(0), 1.0)


def raw(name: str) -> Arrays:
    from sklearn import datasets

    return getattr(datasets, f"load_{name}")(return_X_y=True)


def cancer() -> Arrays:
    x, y = raw("breast_cancer")
    return scaled(x), y


def wine() -> Arrays:
    x, y = raw("wine")
    return scaled(x), y


def diabetes(spread: float = 1.0, offset: float = 0.0) -> Callable[[], Arrays]:
    def data() -> Arrays:
        x, y = raw("diabetes")
        return scaled(x), scaled(y) * spread + offset

    return data


def digits(scale: float = 1 / 16) -> Callable[[], Arrays]:
    def data() -> Arrays:
        x, y = raw("digits")
        x = x + draw(1).normal(0, 0.01, x.shape)  # no two images alike
        return x[:1200] * scale, y[:1200]

    return data


def moons(n: int = 600) -> Arrays:
    from sklearn.datasets import make_moons

    return make_moons(n, noise=0.2, random_state=2)


def waves(n: int = 500) -> Arrays:
    x = draw(3).uniform(-3, 3, (n, 2))
    return x, np.sin(x[:, 0]) + 0.5 * x[:, 1] + draw(4).normal(0, 0.1, n)


def labels(n: int = 800) -> Arrays:
    x = draw(5).normal(size=(n, 8))
    return x, (x[:, :3] + 0.5 * x[:, 3:6] + draw(6).normal(0, 0.3, (n, 3)) > 0).astype(float)


def vitals(n: int = 600) -> Arrays:
    """Units as hospitals have them: ages, pressures, platelets, salaries of nobody."""
    r = draw(7)
    x = np.c_[r.normal(65, 15, n), r.normal(120, 20, n), r.normal(250e3, 60e3, n), r.normal(1.0, 0.3, n)]
    z = scaled(x)
    return x, (z[:, 0] + z[:, 1] - z[:, 3] + r.normal(0, 0.7, n) > 0).astype(int)


def made(keras: Any, value: Any) -> Any:
    """A value, or what a function makes of Keras, which is imported late."""
    return value(keras) if callable(value) else value


def layers(*units: Any, inputs: int, last: tuple[Any, ...], **dense: Any) -> Callable[[], list[Any]]:
    """Dense layers of these widths and one activation, then a last one (units, activation).

    dense: `activation` and other arguments, plain or as functions of Keras.
    """

    def make() -> list[Any]:
        import keras

        own = {"activation": "relu", **{key: made(keras, value) for key, value in dense.items()}}
        hidden = [keras.layers.Dense(width, **own) for width in units]
        return [keras.Input((inputs,)), *hidden, keras.layers.Dense(*last)]

    return make


def add(
    name: str,
    about: str,
    data: Callable[[], Arrays],
    parts: Callable[[], list[Any]],
    fit: tuple[int, int],
    task: str,
    accept: str = "",
    cure: dict[str, Any] | None = None,
    **compiling: Any,
) -> None:
    """fit: (batch size, epochs); accept: codes apart by blanks; compiling: functions of Keras or plain values; cure:
    what the mended program has otherwise (data, parts, fit, or something of its compiling)."""
    targets = ("y0", "y1", "y2") if task == "multilabel" else ("y",)

    def program(accepted: str, mended: Program | None = None, **changed: Any) -> Program:
        size, epochs = changed.pop("fit", fit)
        rows, layered = changed.pop("data", data), changed.pop("parts", parts)
        made = _compiled(layered, {**compiling, **changed})
        arguments = {"batch_size": size, "epochs": epochs}
        return Program("", about, rows, made, arguments, frozenset(accepted.split()), task, targets, mended)

    PROGRAMS[name] = program(accept, None if cure is None else program("", **cure))


def _compiled(parts: Callable[[], list[Any]], compiling: dict[str, Any]) -> Callable[[], Any]:
    def model() -> Any:
        import keras

        built = keras.Sequential(parts())
        built.compile(**{key: made(keras, value) for key, value in compiling.items()})
        return built

    return model


def sgd(rate: float, **more: Any) -> Callable[[Any], Any]:
    return lambda keras: keras.optimizers.SGD(rate, **more)


def adam(rate: float = 0.001, **more: Any) -> Callable[[Any], Any]:
    return lambda keras: keras.optimizers.Adam(rate, **more)


def normal(spread: float) -> Callable[[Any], Any]:
    return lambda keras: keras.initializers.RandomNormal(stddev=spread)


BCE, CCE, SPARSE = "binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy"
MIS, UNS, HIGH, LOW = "loss-output-mismatch", "unscaled-inputs", "learning-rate-too-high", "learning-rate-too-low"
INIT, STILL, VANISH = "poor-initialization", "still-improving", "vanishing-gradients"
DEAD, FULL, HEAVY = "dead-units", "saturated-units", "over-regularized"


def frozen() -> list[Any]:
    import keras

    hidden = [keras.layers.Dense(2, activation="relu", trainable=False) for _ in range(2)]
    return [keras.Input((30,)), *hidden, keras.layers.Dense(1, activation="sigmoid")]


def dropped(rate: float) -> Callable[[], list[Any]]:
    def make() -> list[Any]:
        import keras

        return [
            keras.Input((64,)),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dropout(rate),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dropout(rate),
            keras.layers.Dense(10, activation="softmax"),
        ]

    return make
