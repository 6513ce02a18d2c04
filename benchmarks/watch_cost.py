"""What watching costs: `python -m benchmarks.watch_cost [REPEATS]`, processor time of a training with and without.

Trainings alternate, so that what else the machine does falls on both; each is a fresh one, the first of each kind is
left out (it compiles), and of each the least of all repeats counts: what else a machine does only adds. Two lengths
tell what is spent once (compiling the looks) from what each epoch costs more.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")

import numpy as np

ROWS, COLUMNS, BATCH = 8_000, 30, 64
SHORT, LONG = 10, 50  # epochs
RNG = np.random.default_rng(0)
X = RNG.normal(size=(ROWS, COLUMNS)).astype("float32")
Y = (X[:, :3].sum(1) > 0).astype("float32")


def keras_training(epochs: int, folder: Path | None) -> None:
    import keras

    import rounds

    inside = [keras.layers.Dense(128, activation="relu") for _ in range(2)]
    model = keras.Sequential([keras.Input((COLUMNS,)), *inside, keras.layers.Dense(1, activation="sigmoid")])
    model.compile(optimizer="adam", loss="binary_crossentropy")
    watch = [] if folder is None else [rounds.watch.KerasWatch(folder, quiet=True)]
    model.fit(X, Y, batch_size=BATCH, epochs=epochs, validation_split=0.2, verbose=0, callbacks=watch)


def torch_training(epochs: int, folder: Path | None) -> None:
    import torch

    import rounds

    layers = [torch.nn.Linear(COLUMNS, 128), torch.nn.ReLU(), torch.nn.Linear(128, 128), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers, torch.nn.Linear(128, 1))
    optimizer, judge = torch.optim.Adam(model.parameters()), torch.nn.BCEWithLogitsLoss()
    watch = None if folder is None else rounds.watch.TorchWatch(model, optimizer, folder, epochs=epochs, quiet=True)
    x, y = torch.tensor(X), torch.tensor(Y)[:, None]
    for epoch in range(epochs):
        for start in range(0, ROWS, BATCH):
            targets = y[start : start + BATCH]
            loss = judge(model(x[start : start + BATCH]), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if watch is None:
                loss.item()  # loops print their loss
            else:
                watch.log(train_loss=loss, targets=targets)
        if watch is not None:
            watch.log(epoch=epoch + 1)
    if watch is not None:
        watch.close()


Training = Callable[[int, Path | None], None]


def seconds(training: Training, epochs: int, watched: bool) -> float:
    """Processor time of one training."""
    with tempfile.TemporaryDirectory() as place:
        began = time.process_time()
        training(epochs, Path(place) / "run" if watched else None)
        return time.process_time() - began


def added(training: Training, repeats: int) -> tuple[float, float]:
    """(seconds once, share of an epoch) that watching adds."""
    seconds(training, 1, False), seconds(training, 1, True)
    kinds = [(epochs, watched) for watched in (False, True) for epochs in (SHORT, LONG)]
    found = [[seconds(training, epochs, watched) for epochs, watched in kinds] for _ in range(repeats)]
    short, long, short_watched, long_watched = np.min(found, axis=0)
    epoch, seen = (long - short) / (LONG - SHORT), (long_watched - short_watched) / (LONG - SHORT)
    return float(short_watched - short - SHORT * (seen - epoch)), float(seen / epoch - 1)


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    for name, training in (("Keras on JAX", keras_training), ("PyTorch", torch_training)):
        once, share = added(training, count)
        print(f"{name}: watching takes {once:.2f} s once, and adds {share:+.1%} to an epoch", flush=True)
