"""The two-layer network in Keras: `Sequential`, `Dense`, `compile`, `fit`.

Nothing of the printed listing is wrong. Three things are said that it leaves to Keras, so that the loss can be
compared: the first weights, the order of the patients, and plain gradient descent.
"""

import os
from collections.abc import Iterator

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np
from starting_point import EPOCHS, HIDDEN, LEARNING_RATE, first_weights, loss_to_reach, minibatches, patients

X_all, Y_all = patients()


def dataset() -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The minibatches of all epochs, in the order that the other listings use."""
    for epoch in range(EPOCHS):
        for rows in minibatches(epoch):
            yield X_all[rows], Y_all[rows]


def make_model() -> keras.Model:
    model = keras.Sequential(
        [keras.Input((10,)), keras.layers.Dense(HIDDEN, activation="sigmoid"), keras.layers.Dense(1)]
    )
    model.set_weights(list(first_weights().values()))
    return model


def train() -> float:
    model = make_model()
    model.compile(optimizer=keras.optimizers.SGD(LEARNING_RATE), loss="mse")
    model.fit(dataset(), epochs=EPOCHS, steps_per_epoch=len(minibatches(0)), shuffle=False, verbose=0)
    return float(model.evaluate(X_all, Y_all, batch_size=len(X_all), verbose=0))


if __name__ == "__main__":
    reached = train()
    assert reached < loss_to_reach()
    print(f"loss {reached:.6f}")
