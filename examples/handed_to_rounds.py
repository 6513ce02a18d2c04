"""The Keras listing's model handed to `rounds.train` unchanged, with the same weights to start from.

What Rounds would choose by itself is set to what the listings do: one network, plain gradient descent at a constant
rate, the last epoch kept.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from keras_listing import make_model
from starting_point import PLAN, loss_to_reach, patients, prepared

import rounds


def train() -> float:
    with TemporaryDirectory() as folder:
        result = rounds.train("diabetes", PLAN, rounds.Request(members=1, out=Path(folder) / "run"), model=make_model())
    network, (_, Y) = result.predictor.parts[0], patients()
    return float(np.mean((network.runner.outputs(network.weights, list(prepared()))[0] - Y) ** 2))


if __name__ == "__main__":
    reached = train()
    assert reached < loss_to_reach()
    print(f"loss {reached:.6f}")
