"""Logs as tools write them, for the tests of what reads them."""

from pathlib import Path

import numpy as np

from rounds.examination.logs.logged_run import LoggedRun
from rounds.examination.logs.read import read_logs
from rounds.examination.logs.runs import Choice

EPOCHS = np.arange(12)
TRAIN = 0.3 + np.exp(-EPOCHS / 4)
VALIDATION = 0.35 + np.exp(-EPOCHS / 4)


def read(path: Path, choice: Choice | None = None) -> tuple[LoggedRun, ...]:
    return read_logs([path], choice).runs


def write(path: Path, *lines: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(map(str, lines)) + "\n")
    return path


def assert_curves(run: LoggedRun, train: np.ndarray | None = TRAIN, validation: np.ndarray | None = VALIDATION) -> None:
    for series, values in ((run.loss.train, train), (run.loss.validation, validation)):
        if values is None:
            assert series is None
        else:
            assert series is not None
            np.testing.assert_allclose(series.values, values, rtol=1e-5)


def keras_rows() -> list[str]:
    return [f"{e},{1 - TRAIN[e] / 2},{TRAIN[e]},{VALIDATION[e]}" for e in EPOCHS]
