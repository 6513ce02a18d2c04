"""What the listings share, so that their losses can be compared: the patients, the first weights, the minibatches.

Patients with diabetes: ten measurements at the start, and how far the disease had gone a year later (Efron et al.
2004). Each listing trains the two-layer network of 32 sigmoid units on those of them that `rounds.train` learns from,
scaled as it scales them, in the order in which it draws them.
"""

from functools import cache

import numpy as np

import rounds
from rounds.data.splitting import split_dataset
from rounds.training.batches.orders import epoch_order
from rounds.training.population.fold_data import FoldData, make_folds_data, network_targets
from rounds.training.population.members import make_members

HIDDEN, BATCH, EPOCHS, LEARNING_RATE = 32, 50, 200, 0.05
PLAN = rounds.Plan(
    optimizer="sgd",
    learning_rate=LEARNING_RATE,
    schedule="constant",
    warmup_epochs=0.0,
    batch_size=BATCH,
    epochs=EPOCHS,
    patience=0,
    keep_best="none",
    initial_weights="given",
    folds=1,
)


@cache
def fold_data() -> FoldData:
    dataset = rounds.load("diabetes")
    return make_folds_data(dataset, split_dataset(dataset, 1, nested=False))[0]


def patients() -> tuple[np.ndarray, np.ndarray]:
    """Measurements [N, 10] in the order of the table, and outcome [N, 1]."""
    made, dataset = fold_data(), rounds.load("diabetes")
    numbers, flags = prepared()
    names = [*made.preparation.names.numbers, *made.preparation.names.flags]
    outcome = network_targets(dataset.task, made.target_scale, made.targets)
    X = np.hstack([numbers, flags])[:, [names.index(column.name) for column in dataset.features]]
    return X, outcome[made.folds[0].train]


def prepared() -> tuple[np.ndarray, np.ndarray]:
    """The same measurements as Rounds holds them: numbers [N, 9], and a column of 0 and 1 [N, 1]."""
    made = fold_data()
    rows = made.folds[0].train
    return made.inputs.numbers[rows], made.inputs.flags[rows]


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


def minibatches(epoch: int) -> list[np.ndarray]:
    """The rows of each minibatch of an epoch: patients in an order of the epoch's own, every batch full."""
    rows = len(fold_data().folds[0].train)
    stream = make_members([PLAN], (0,))[0].stream
    return list(epoch_order(np.arange(rows), (PLAN.seed, stream), epoch, (-(-rows // BATCH), BATCH), shuffle=True))
