"""Programs of the kinds that people ask about: small Keras models, each with one fault that published studies count."""

from typing import Any

import numpy as np

from benchmarks.programs.parts import (
    BCE,
    CCE,
    DEAD,
    FULL,
    HIGH,
    INIT,
    LOW,
    MIS,
    SPARSE,
    STILL,
    UNS,
    VANISH,
    Arrays,
    adam,
    add,
    cancer,
    diabetes,
    digits,
    draw,
    layers,
    raw,
    scaled,
    sgd,
    waves,
    wine,
)

STIFF, NOTHING = "underfitting", "not-learning"


def rings(n: int = 500) -> Arrays:
    from sklearn.datasets import make_circles

    return make_circles(n, noise=0.08, factor=0.5, random_state=3)


def parabola(n: int = 400) -> Arrays:
    x = np.linspace(-20, 20, n)[:, None]
    return x, x[:, 0] ** 2


def prices(n: int = 600) -> Arrays:
    """Scaled inputs, targets in hundred thousands."""
    x = draw(20).normal(size=(n, 6))
    return x, 4e5 + 8e4 * x[:, 0] - 5e4 * x[:, 1] * x[:, 2] + draw(21).normal(0, 2e4, n)


def fahrenheit() -> Arrays:
    x = np.arange(-40.0, 160.0, 0.5)
    return x[:, None], 1.8 * x + 32


def sunny(n: int = 500) -> Arrays:
    """A season's index: seven days of temperatures near 290 kelvin, and the next."""
    days = 290 + 8 * np.sin(np.arange(n + 7) / 20) + draw(22).normal(0, 1, n + 7)
    return np.stack([days[i : i + 7] for i in range(n)]), days[7 : n + 7]


def recurrent() -> list[Any]:
    import keras

    return [keras.Input((7,)), keras.layers.Reshape((7, 1)), keras.layers.LSTM(8), keras.layers.Dense(1)]


def convolved(activation: str | None, last: str | None) -> Any:
    def make() -> list[Any]:
        import keras

        convolution = keras.layers.Conv2D(8, 3, activation=activation, padding="same")
        inside = [keras.layers.Reshape((8, 8, 1)), convolution, keras.layers.MaxPooling2D(), keras.layers.Flatten()]
        return [keras.Input((64,)), *inside, keras.layers.Dense(10, activation=last)]

    return make


# outputs and losses
add(
    "hinge-of-classes",
    "labels of 0 and 1, a sigmoid, and hinge",
    cancer,
    layers(16, inputs=30, last=(1, "sigmoid")),
    (32, 30),
    "binary",
    MIS,
    loss="hinge",
    optimizer=adam(),
)
add(
    "relu-of-classes",
    "ReLU of ten units before a cross-entropy",
    digits(),
    convolved("relu", "relu"),
    (64, 10),
    "multiclass",
    MIS,
    loss=SPARSE,
    optimizer=adam(),
)
add(
    "softmax-of-numbers",
    "a regression that ends in a softmax",
    diabetes(),
    layers(32, inputs=10, last=(1, "softmax")),
    (32, 30),
    "regression",
    MIS,
    loss="mse",
    optimizer=adam(),
)
add(
    "tanh-of-prices",
    "tanh gives no hundred thousands",
    prices,
    layers(32, inputs=6, last=(1, "tanh")),
    (32, 30),
    "regression",
    MIS,
    loss="mse",
    optimizer=adam(),
)
add(
    "logits-of-classes",
    "ten plain units, and a loss that is not told of logits",
    digits(),
    layers(64, inputs=64, last=(10,)),
    (64, 15),
    "multiclass",
    MIS,
    loss=CCE,
    optimizer=adam(),
)
add(
    "squares-of-classes",
    "classes by squared errors of one plain unit",
    wine,
    layers(16, inputs=13, last=(1,)),
    (16, 20),
    "multiclass",
    f"{MIS} {STILL} {LOW}",
    loss="mse",
    optimizer=sgd(0.0001),
)
# activations
add(
    "nothing-bends",
    "two hidden layers without activations",
    rings,
    layers(32, 32, inputs=2, last=(1, "sigmoid"), activation=None),
    (32, 60),
    "binary",
    f"{STIFF} {NOTHING}",
    loss=BCE,
    optimizer=adam(0.01),
    cure={"parts": layers(32, 32, inputs=2, last=(1, "sigmoid"))},
)
add(
    "nothing-bends-numbers",
    "a parabola by plain layers",
    lambda: (parabola()[0] / 20, parabola()[1] / 400),
    layers(64, 64, inputs=1, last=(1,), activation=None),
    (32, 60),
    "regression",
    f"{STIFF} {NOTHING}",
    loss="mse",
    optimizer=adam(0.01),
)
add(
    "eight-tanh-small",
    "eight layers of tanh that begin near nothing",
    rings,
    layers(*[6] * 8, inputs=2, last=(1, "sigmoid"), activation="tanh", kernel_initializer="random_normal"),
    (32, 30),
    "binary",
    f"{INIT} {VANISH}",
    loss=BCE,
    optimizer=sgd(0.01),
)
add(
    "six-sigmoids",
    "six layers of eight sigmoids",
    rings,
    layers(*[8] * 6, inputs=2, last=(1, "sigmoid"), activation="sigmoid"),
    (32, 40),
    "binary",
    f"{VANISH} {FULL} {INIT}",
    loss=BCE,
    optimizer=sgd(0.05),
)
add(
    "relus-too-fast",
    "ReLUs that a rate of 1 closes",
    rings,
    layers(16, 16, inputs=2, last=(1, "sigmoid")),
    (32, 30),
    "binary",
    f"{HIGH} {DEAD}",
    loss=BCE,
    optimizer=adam(1.0),
    cure={"optimizer": adam(0.01), "fit": (32, 60)},
)
# first weights
add(
    "all-alike",
    "all weights begin at the same number",
    rings,
    layers(16, 16, inputs=2, last=(1, "sigmoid"), kernel_initializer="ones"),
    (32, 40),
    "binary",
    INIT,
    loss=BCE,
    optimizer=adam(),
    cure={"parts": layers(16, 16, inputs=2, last=(1, "sigmoid")), "optimizer": adam(0.01)},
)
add(
    "all-alike-numbers",
    "all weights begin at a half",
    waves,
    layers(32, inputs=2, last=(1,), kernel_initializer=lambda keras: keras.initializers.Constant(0.5)),
    (32, 40),
    "regression",
    INIT,
    loss="mse",
    optimizer=adam(0.003),
)
add(
    "zeros-everywhere",
    "the last layer too begins at 0",
    wine,
    layers(16, inputs=13, last=(3, "softmax", True, "zeros"), kernel_initializer="zeros"),
    (16, 30),
    "multiclass",
    INIT,
    loss=CCE,
    optimizer=adam(),
)
# inputs and targets
add(
    "parabola-unscaled",
    "x from -20 to 20, its square",
    parabola,
    layers(8, inputs=1, last=(1,)),
    (32, 40),
    "regression",
    f"{UNS} {LOW} {STILL}",
    loss="mse",
    optimizer=adam(),
)
add(
    "prices-unscaled",
    "targets in hundred thousands at Adam's usual rate",
    prices,
    layers(32, inputs=6, last=(1,)),
    (32, 40),
    "regression",
    f"{LOW} {STILL} {UNS}",
    loss="mse",
    optimizer=adam(),
)
add(
    "prices-lost",
    "targets in hundred thousands at a rate of gradient descent",
    prices,
    layers(32, inputs=6, last=(1,)),
    (32, 30),
    "regression",
    f"{HIGH} {UNS} diverged exploding-gradients",
    loss="mse",
    optimizer=sgd(0.1),
)
add(
    "fahrenheit-low",
    "degrees by a single unit, at a rate of 0.001",
    fahrenheit,
    layers(inputs=1, last=(1,)),
    (32, 30),
    "regression",
    f"{LOW} {STILL} {UNS}",
    loss="mse",
    optimizer=adam(0.001),
)
add(
    "fahrenheit-lost",
    "degrees by a single unit, at a rate of 0.01",
    fahrenheit,
    layers(inputs=1, last=(1,)),
    (32, 20),
    "regression",
    f"{HIGH} {UNS} diverged",
    loss="mse",
    optimizer=sgd(0.01),
)
add(
    "kelvin",
    "temperatures near 290 into an LSTM",
    sunny,
    recurrent,
    (32, 15),
    "regression",
    f"{UNS} {LOW} {STILL}",
    loss="mse",
    optimizer=adam(),
)
add(
    "wine-unscaled",
    "proline of 1,680 beside hues of 1",
    lambda: raw("wine"),
    layers(12, 8, inputs=13, last=(3, "softmax")),
    (10, 20),
    "multiclass",
    UNS,
    loss=CCE,
    optimizer=sgd(0.01),
    cure={"data": wine, "fit": (10, 60)},
)
# steps
add(
    "gradient-descent-1e-5",
    "gradient descent at 0.00001",
    digits(),
    layers(64, inputs=64, last=(10, "softmax")),
    (64, 20),
    "multiclass",
    LOW,
    loss=CCE,
    optimizer=sgd(1e-5),
)
add(
    "rmsprop-high",
    "RMSprop at 0.5",
    cancer,
    layers(32, 32, inputs=30, last=(1, "sigmoid")),
    (32, 20),
    "binary",
    f"{HIGH} {DEAD}",
    loss=BCE,
    optimizer=lambda keras: keras.optimizers.RMSprop(0.5),
)
add(
    "rings-too-short",
    "five epochs of gradient descent",
    rings,
    layers(8, inputs=2, last=(1, "sigmoid")),
    (64, 5),
    "binary",
    f"{STILL} {LOW} {NOTHING}",
    loss=BCE,
    optimizer=sgd(0.01),
    cure={"optimizer": adam(0.01), "fit": (64, 60)},
)
add(
    "three-units",
    "digits by three hidden units",
    digits(),
    layers(3, inputs=64, last=(10, "softmax")),
    (32, 40),
    "multiclass",
    f"{STIFF} {STILL} {LOW}",
    loss=CCE,
    optimizer=adam(0.003),
)


def xor() -> Arrays:
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
    return x, (x.sum(1) == 1).astype(int)


add(
    "xor",
    "four rows, two hidden units, a hundred steps",
    xor,
    layers(2, inputs=2, last=(1, "sigmoid")),
    (4, 100),
    "binary",
    f"{STILL} {LOW} {DEAD} {NOTHING} {STIFF}",
    loss=BCE,
    optimizer=sgd(0.1),
)
# sound ones of the same kinds
SOUND = "sound"
add(
    "sound-rings",
    SOUND,
    rings,
    layers(16, 16, inputs=2, last=(1, "sigmoid"), activation="tanh"),
    (32, 60),
    "binary",
    loss=BCE,
    optimizer=adam(0.01),
)
add(
    "sound-parabola",
    SOUND,
    lambda: (parabola()[0] / 20, parabola()[1] / 400),
    layers(32, 32, inputs=1, last=(1,)),
    (16, 80),
    "regression",
    loss="mse",
    optimizer=adam(0.003),
)
add(
    "sound-fahrenheit",
    SOUND,
    lambda: tuple(scaled(a.reshape(len(a), -1)) for a in fahrenheit()),
    layers(inputs=1, last=(1,)),
    (32, 60),
    "regression",
    loss="mse",
    optimizer=adam(0.05),
)
add(
    "sound-convolution",
    SOUND,
    digits(),
    convolved("relu", "softmax"),
    (32, 40),
    "multiclass",
    loss=SPARSE,
    optimizer=adam(0.003),
)
add(
    "sound-prices",
    SOUND,
    lambda: (prices()[0], scaled(prices()[1])),
    layers(32, 32, inputs=6, last=(1,)),
    (32, 60),
    "regression",
    loss="mse",
    optimizer=adam(0.003),
)
add(
    "sound-momentum",
    SOUND,
    digits(),
    layers(64, inputs=64, last=(10, "softmax")),
    (32, 60),
    "multiclass",
    loss=CCE,
    optimizer=sgd(0.02, momentum=0.9, nesterov=True),
)
add(
    "sound-six-relus",
    SOUND,
    rings,
    layers(*[16] * 6, inputs=2, last=(1, "sigmoid"), kernel_initializer="he_normal"),
    (32, 60),
    "binary",
    loss=BCE,
    optimizer=adam(0.003),
)
add(
    "sound-cancer-short",
    SOUND,
    cancer,
    layers(64, inputs=30, last=(1, "sigmoid")),
    (16, 25),
    "binary",
    loss=BCE,
    optimizer=adam(0.003),
)
