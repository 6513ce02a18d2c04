"""The same curve, as fifty tools leave it, is read to the digits that they write."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.logs.formats import FORMATS, written
from rounds.examination.logs.logged_run import Series
from rounds.examination.logs.read import read_logs

EPOCHS = 14
AT = np.arange(EPOCHS)
TRAIN, VALIDATION = 0.2 + 2.1 * np.exp(-AT / 3.3), 0.5 + 1.7 * np.exp(-AT / 2.1) + 0.011 * AT
ROWS = [{"epoch": float(e), "loss": float(TRAIN[e]), "val_loss": float(VALIDATION[e])} for e in AT]
BEGUN_TWICE = ("appended",)


@pytest.mark.parametrize("name", FORMATS)
def test_a_curve_is_read_as_it_was_written(name: str, tmp_path: Path) -> None:
    for file, text in written(name, ROWS).items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text, encoding="utf-8")
    runs = read_logs([tmp_path]).runs
    assert len(runs) == (2 if name in BEGUN_TWICE else 1)
    loss = max(runs, key=lambda run: run.points).loss
    assert _same(loss.train, TRAIN)
    assert _same(loss.validation, VALIDATION)


def _same(series: Series | None, wanted: np.ndarray) -> bool:
    return series is not None and len(series) == EPOCHS and np.allclose(series.values, wanted, atol=6e-5)
