"""Several watched trainings are compared as seeds of one configuration, and refused where they are not."""

import math
from pathlib import Path

import numpy as np
import pytest

import rounds
from rounds.errors import DataError
from rounds.examination.sources.watched import read_watched_seeds
from rounds.model_facts import LayerFacts, ModelFacts, TargetFacts
from rounds.watch import Watch

TARGETS = TargetFacts.of(np.array([[-2.0], [0.5], [3.0]]))


def watched(folder: Path, seed: int, rate: float = 0.01, epochs: int = 30) -> Path:
    """Falls, and validation rises from epoch 8 on."""
    layer = LayerFacts(name=f"dense_{seed}", kind="Dense", width=8, activation="relu", weighted=True)
    last = LayerFacts(name=f"dense_{seed + 1}", kind="Dense", width=1, weighted=True)
    facts = ModelFacts(
        layers=(layer, last),
        loss="mse",
        optimizer="adam",
        learning_rate=rate,
        output_activation="linear",
        output_width=1,
        targets=TARGETS,
    )
    noise = np.random.default_rng(seed)
    with Watch(folder, facts=facts, epochs=epochs) as watch:
        watch.describe(constant_loss=1.0)
        for epoch in range(1, epochs + 1):
            train = math.exp(-epoch / 5) + 0.01 * noise.standard_normal()
            validation = 0.3 + math.exp(-epoch / 5) + 0.03 * max(0, epoch - 8) + 0.01 * noise.standard_normal()
            watch.log(step=10 * epoch, epoch=epoch, train_loss=train, validation_loss=validation)
    return folder


def test_seeds_are_members_of_one_configuration(tmp_path: Path) -> None:
    folders = [watched(tmp_path / f"seed{i}", i, epochs=30 - i) for i in range(3)]
    run = read_watched_seeds(folders)
    assert len(run.configurations) == 1
    assert [len(curve.epochs) for curve in run.curves] == [28, 28, 28]
    for source in (folders, tmp_path):
        found = next(f for f in rounds.examine(source).findings if f.code == "overfitting")
        assert found.members == (0, 1, 2)


def test_other_rates_are_no_seeds(tmp_path: Path) -> None:
    folders = [watched(tmp_path / "a", 0), watched(tmp_path / "b", 1, rate=0.1)]
    with pytest.raises(DataError, match="one by one"):
        rounds.examine(folders)
