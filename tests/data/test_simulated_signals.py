"""The simulated images and recordings hold what their outcome follows from, and say that they are simulated."""

from pathlib import Path

import numpy as np
import pytest

import rounds
from rounds.data.choices import Choices
from rounds.data.loading import examine_table, load
from rounds.data.sources.simulated_signals import simulate_images, simulate_recordings


def test_a_finding_makes_one_lung_brighter_than_the_other() -> None:
    table, images = simulate_images(600)
    ill = (table["finding"] == "opacity").to_numpy()
    assert ill.mean() == pytest.approx(0.5, abs=0.01)
    left, right = images[:, 3:13, 2:7, 0].mean((1, 2)), images[:, 3:13, 9:14, 0].mean((1, 2))
    apart = np.abs(left - right)
    assert np.median(apart[ill]) > 1.5 * np.median(apart[~ill])


def test_images_of_one_patient_agree() -> None:
    table, _ = simulate_images(60)
    assert table.unique(["patient", "age", "finding"]).height == table["patient"].n_unique()


def test_who_deteriorates_dies_more_often() -> None:
    table, signs = simulate_recordings(4_000)
    died = table["died"].to_numpy()
    assert 0.15 < died.mean() < 0.35
    rise = np.nanmean(signs[:, -4:, 0], 1) - np.nanmean(signs[:, :12, 0], 1)
    assert rise[died].mean() > rise[~died].mean() + 3
    assert 0.03 < np.isnan(signs).mean() < 0.07


@pytest.mark.parametrize("name", ["xrays", "vital_signs"])
def test_they_are_simulated_and_know_their_patients(name: str) -> None:
    dataset = load(f"{name}:40")
    assert (dataset.rows, dataset.provenance.simulated) == (40, True)
    assert dataset.signals.array is not None
    assert any("simulated" in note for note in examine_table(f"{name}:40", Choices()).notes)
    assert [column.name for column in dataset.columns if column.role == "group"] == ["patient"]


def test_a_run_on_recordings_predicts_those_of_the_same_name(tmp_path: Path) -> None:
    result = rounds.train(
        "vital_signs:120", rounds=0, members=1, epochs=1, hidden=(4,), out=tmp_path / "run", quiet=True
    )
    assert len(result.predict("vital_signs:20")) == 20
