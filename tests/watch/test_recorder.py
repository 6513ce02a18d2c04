"""Any loop, told by hand: what is written can be examined, whole or broken off."""

import json
from pathlib import Path

import numpy as np
import pytest

import rounds
from rounds.errors import RunFolderError
from rounds.examination.sources.watched import read_watched
from rounds.model_facts import ModelFacts, TargetFacts
from rounds.watch.recorder import LINES, Watch, averaged


def told(folder: Path, train: list[float], validation: list[float], **about: object) -> Path:
    with Watch(folder) as watch:
        watch.describe(**about)
        for epoch, (one, other) in enumerate(zip(train, validation, strict=True), start=1):
            watch.log(epoch=epoch, train_loss=one, validation_loss=other)
    return folder


def test_epochs_become_a_curve(tmp_path: Path) -> None:
    run = read_watched(told(tmp_path / "run", [1.0, 0.5], [1.1, 0.7], constant_loss=1.2))
    assert run.curves[0].epochs.tolist() == [1, 2]
    assert run.curves[0].validation.tolist() == [1.1, 0.7]
    assert run.constant_loss == 1.2


def test_rising_validation_is_found(tmp_path: Path) -> None:
    epochs = np.arange(1, 31)
    train, validation = np.exp(-epochs / 6), 0.4 + 0.02 * np.maximum(epochs - 8, 0) + np.exp(-epochs / 4)
    found = rounds.examine(told(tmp_path / "run", train.tolist(), validation.tolist(), constant_loss=1.0))
    assert found.findings[0].code == "overfitting"


def test_steps_alone_become_windows(tmp_path: Path) -> None:
    with Watch(tmp_path / "run") as watch:
        for step in range(200):
            watch.log(step=step + 1, train_loss=1 / (step + 1))
    curve = read_watched(tmp_path / "run").curves[0]
    assert len(curve.epochs) == 40
    assert curve.train[0] > curve.train[-1]


@pytest.mark.parametrize("name", ["train_loss", "step_loss"])
def test_epochs_have_the_mean_training_loss_of_their_steps(tmp_path: Path, name: str) -> None:
    with Watch(tmp_path / "run") as watch:
        for epoch in range(1, 31):
            for _ in range(4):
                watch.log(**{name: 0.2 + 1 / epoch})
            watch.log(step=watch.step, epoch=epoch, validation_loss=0.3 + 1 / epoch)
    curve = read_watched(tmp_path / "run").curves[0]
    assert np.allclose(curve.train, 0.2 + 1 / curve.epochs)
    assert not rounds.examine(tmp_path / "run").alarms


def test_validation_alone_is_no_lost_training(tmp_path: Path) -> None:
    with Watch(tmp_path / "run") as watch:
        for epoch in range(1, 31):
            watch.log(epoch=epoch, validation_loss=0.3 + 1 / epoch)
    assert not rounds.examine(tmp_path / "run").alarms


def test_a_loss_that_is_lost_for_good_diverged(tmp_path: Path) -> None:
    folder = told(tmp_path / "run", [1.0, 0.8, *[float("nan")] * 4], [1.0, 0.9, *[float("nan")] * 4])
    found = rounds.examine(folder)
    assert {"diverged", "learning-rate-too-high"} <= {f.code for f in found.alarms}
    assert "that was not logged" in found.alarms[0].explanation


def test_a_loop_that_died_leaves_what_it_told(tmp_path: Path) -> None:
    folder = told(tmp_path / "run", [1.0, 0.5, 0.4], [1.1, 0.7, 0.6])
    lines = (folder / LINES).read_text()
    (folder / LINES).write_text(lines[:-20])
    assert read_watched(folder).curves[0].epochs.tolist() == [1, 2]


def test_a_loss_that_is_no_number_is_kept_as_a_word(tmp_path: Path) -> None:
    folder = told(tmp_path / "run", [1.0, float("nan")], [1.0, float("inf")])
    assert '"nan"' in (folder / LINES).read_text()
    assert np.isnan(read_watched(folder).curves[0].train[1])
    assert all(json.loads(line) for line in (folder / LINES).read_text().splitlines())


def test_a_folder_without_a_loss_is_refused(tmp_path: Path) -> None:
    Watch(tmp_path / "run").close()
    with pytest.raises(RunFolderError, match="a watched training with a loss"):
        rounds.examine(tmp_path / "run")


def test_facts_come_back_as_they_were(tmp_path: Path) -> None:
    targets = TargetFacts.of(np.array([[0.0], [1.0]]))
    facts = ModelFacts(layers=(), loss="binary_crossentropy", output_activation="sigmoid", targets=targets)
    folder = told(tmp_path / "run", [0.7] * 6, [0.7] * 6)
    with Watch(folder, facts=facts) as watch:
        watch.log(epoch=1, train_loss=0.7, validation_loss=0.7)
    run = read_watched(folder)
    assert run.model == facts
    assert run.task is not None
    assert run.task.kind == "binary"


def test_measures_are_due_at_powers_of_two_and_within_their_share(tmp_path: Path) -> None:
    watch = Watch(tmp_path / "run")
    due = []
    for epoch in range(20):
        watch.step = 10 * epoch
        if watch.is_due(epoch):
            due.append(epoch)
            watch.took(1e9)  # however dear they were
    assert due == [0, 1, 2, 4, 8, 16]


def test_step_losses_are_averaged_without_loss_of_a_step() -> None:
    losses = np.arange(1000.0).tolist()
    points = averaged(losses, most=7)
    assert len(points) <= 7
    assert points[-1][0] == 1000
