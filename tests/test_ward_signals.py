"""The ward's images and recordings: what is planted into them, and that one path trains them as it trains tables."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from benchmarks.ward import make_runs
from benchmarks.ward.array_faults import (
    DEEPER,
    MARK,
    TREMBLE,
    UNITS,
    marked_images,
    of_16_bits,
    recorded_in_small_units,
    saved_again,
    several_of_each_patient,
    unread_measurement_pattern,
    user_array,
)
from benchmarks.ward.cases import cases_of
from benchmarks.ward.faults import Fault
from benchmarks.ward.ground import Ground, make_ground
from benchmarks.ward.rates import detected, rate
from benchmarks.ward.record import read_run
from benchmarks.ward.signal_tasks import SIGNAL_TASKS
from benchmarks.ward.table_faults import COPIED
from benchmarks.ward.tasks import TASKS, WardTask
from benchmarks.ward.training import Workshop, prepare
from benchmarks.ward.verdicts import ROUNDS, Verdict
from benchmarks.ward.wings import WINGS, Wing
from rounds.data.choices import Choices
from rounds.data.dataset import Dataset
from rounds.data.loading import load
from rounds.examination.data_rules.similar_images import LOOKS_THE_SAME, distances, fingerprints
from tests.test_ward import verdict

ROWS = 200


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Noisy images of which one kind is brighter in the middle."""
    random = np.random.default_rng(0)
    kind = np.arange(ROWS) % 2
    pixels = random.integers(0, 200, (ROWS, 20, 20))
    pixels[:, 8:12, 8:12] += 50 * kind[:, None, None]
    path = tmp_path_factory.mktemp("images") / "images.npz"
    np.savez(path, train_images=pixels.astype(np.uint8), train_labels=kind)
    return load(path, Choices(("label",), "binary", group="none"))


@pytest.fixture(scope="module")
def recordings() -> Dataset:
    """Stays with a heart rate, measured every hour or not."""
    random = np.random.default_rng(0)
    stays = pl.DataFrame({"stay": np.arange(ROWS), "died": np.arange(ROWS) % 2})
    times = [(s, 60.0 * t) for s in range(ROWS) for t in range(8) if random.random() < 0.7 or t in (0, 7)]
    measured = pl.DataFrame(times, schema=["stay", "minute"], orient="row").with_columns(
        parameter=pl.lit("HR"), value=pl.Series(random.normal(80, 10, len(times)))
    )
    return load(stays, Choices(("died",), "binary", key="stay", sequences=measured, group="none"))


def changed(dataset: Dataset, fault: object, severity: int = 1) -> tuple[Ground, Ground]:
    ground = make_ground(dataset, seed=0)
    return ground, fault(ground, severity, np.random.default_rng(0))  # type: ignore[operator]


def test_a_set_stays_in_its_tables_half_and_each_half_has_one_of_each_kind() -> None:
    half = {task.name: task.half for task in (*TASKS, *SIGNAL_TASKS)}
    assert half["digit images"] == half["digits"]
    assert half["ecg5000 beats"] == half["ecg5000"]
    assert sorted((t.modality, t.half) for t in SIGNAL_TASKS) == [
        (modality, side) for modality in ("image", "recording") for side in ("reported", "thresholds")
    ]


def test_an_image_saved_again_looks_the_same_and_is_another_patient(images: Dataset) -> None:
    ground, made = changed(images, saved_again)
    copies = made.dataset.rows - ground.dataset.rows
    assert copies == round(COPIED[1] * ground.dataset.rows)
    prints = fingerprints(user_array(made.dataset))
    others = np.array([distances(np.delete(prints, i, axis=0), prints[i : i + 1])[0] for i in range(len(prints))])
    assert 2 * copies * 0.7 < (others <= LOOKS_THE_SAME.value).sum() <= 2 * copies
    assert len(np.unique(made.dataset.cohort.patients)) == made.dataset.rows
    assert made.clean is ground.clean


def test_images_of_one_patient_are_alike_and_features_by_hand_are_of_the_new_pixels(images: Dataset) -> None:
    _, made = changed(images, several_of_each_patient)
    array, numbers = user_array(made.dataset).astype(float), made.dataset.cohort.identifiers["patient_id"].to_numpy()
    assert made.dataset.inputs["intensity mean"].to_numpy() == pytest.approx(array.mean((1, 2, 3)), abs=0.1)
    same = [np.abs(array[numbers == n][0].mean() - array[numbers == n][1].mean()) for n in numbers[:20]]
    assert np.median(same) < 1
    sides = (set(numbers[rows]) for rows in (made.split.development, made.split.test))
    assert set.intersection(*sides)


def test_recordings_of_one_patient_tremble_where_something_was_measured(recordings: Dataset) -> None:
    _, made = changed(recordings, several_of_each_patient, 0)
    array, numbers = user_array(made.dataset), made.dataset.cohort.identifiers["patient_id"].to_numpy()
    one, other = array[numbers == numbers[0]][:2]
    assert (one[:, 0] == other[:, 0]).all()
    assert (one[:, 2:] == other[:, 2:]).all(), "what was measured, and when, is the same"
    moved = np.abs(one[:, 1] - other[:, 1])
    assert 0 < np.nanmax(moved) < 60 * TREMBLE[0]


def test_a_mark_tells_the_outcome_and_that_of_new_patients_nothing(images: Dataset) -> None:
    _, made = changed(images, marked_images)
    for dataset, told in ((made.dataset, 1.0), (made.clean, 0.75)):
        corner = user_array(dataset)[:, :MARK, :MARK, 0].mean((1, 2)) > 128
        assert (corner == dataset.targets[:, 0]).mean() <= told
    assert (user_array(made.dataset)[:, 0, 0, 0] > 128).tolist() == (made.dataset.targets[:, 0] > 0.5).tolist()


def test_units_change_what_is_measured_of_everybody(images: Dataset, recordings: Dataset) -> None:
    ground, deeper = changed(images, of_16_bits)
    assert deeper.clean.signals.array.dtype == np.uint16  # type: ignore[union-attr]
    assert (user_array(deeper.clean) == DEEPER * user_array(ground.clean).astype(int)).all()
    ground, larger = changed(recordings, recorded_in_small_units)
    before, after = user_array(ground.dataset), user_array(larger.dataset)
    assert np.allclose(after[:, :, 1], UNITS * before[:, :, 1], equal_nan=True)
    assert np.array_equal(after[:, :, 2:], before[:, :, 2:])
    assert changed(images, of_16_bits, 0)[1].dataset.signals.array.dtype == np.uint8  # type: ignore[union-attr]


@pytest.mark.parametrize(("severity", "hidden"), [(0, 1), (1, 2)])
def test_networks_that_do_not_read_gaps_see_nothing_of_them(recordings: Dataset, severity: int, hidden: int) -> None:
    ground, made = changed(recordings, unread_measurement_pattern, severity)
    place = ("gaps not read", severity, 0)
    healthy = ("healthy patients", 0, 0)
    prepared = prepare({healthy: ground, place: made})
    seen = [prepared.folds_data[p, True].preparation.array for p in (healthy, place)]
    spreads = [np.array(scale.spread) for scale in seen if scale is not None]
    scaled = [np.abs(np.nan_to_num(user_array(ground.dataset) / s)).max((0, 1)) for s in spreads]
    assert (scaled[0] > 1e-3).all()
    assert (scaled[1] < 1e-20).tolist() == [False, False, *[True] * hidden, *[False] * (2 - hidden)]


def test_gaps_are_planted_where_there_are_some(images: Dataset, recordings: Dataset) -> None:
    def planted(dataset: Dataset) -> set[str]:
        task = WardTask(
            "made up", "thresholds", lambda shared: dataset, "binary", "recording", {"learning_rate": (0.1,)}
        )
        return {case.name for case in cases_of(task, dataset, WINGS["recordings"])}

    assert planted(recordings) - planted(images) == {"gaps not read"}


def test_controls_are_as_much_longer_than_the_good_plan_on_every_set(images: Dataset) -> None:
    for task in (t for t in SIGNAL_TASKS if t.modality == "image"):
        good = {**WINGS["images"].good, **task.network}
        healthy = [c for c in cases_of(task, images, WINGS["images"]) if c.name == "healthy"]
        times = {c.number: c.changes["epochs"] / good["epochs"] for c in healthy}
        assert times == {number: 1.5 if number % 4 == 3 else 1.0 for number in range(12)}


def test_a_task_alone_is_resampled_by_faults() -> None:
    runs = [verdict("a", "over-regularized"), Verdict("a", "l2 too strong", 1, 0, 0, "faulty", verdict("a").said)]
    found = rate(runs, detected(ROUNDS))
    assert (found.low, found.high) == (0.0, 1.0)


@pytest.fixture(scope="module")
def small_ward(images: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One set of images, one fault and one good plan, on one seed."""
    folder = tmp_path_factory.mktemp("ward")
    good = {
        "network": "convolutional",
        "filters": (2,),
        "block_depth": 1,
        "block": "plain",
        "filter_size": 2,
        "hidden": (),
        "learning_rate": (0.03,),
        "dropout": 0.0,
        "epochs": 3,
        "batch_size": 64,
        "folds": 3,
        "measure_every": 1,
        "target_transform": "none",
    }
    fault = Fault("learning rate too high", ("learning-rate-too-high",), lambda s, task: {"learning_rate": (30.0,)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(WINGS, "images", Wing((fault,), good, ({},), controls=1, at_first=1, seeds=(0,)))
        task = WardTask("made up", "thresholds", lambda shared: images, "binary", "image", {}, "images")
        make_runs.make_runs(task, folder, folder, Workshop(), 0)
    return folder


def test_images_train_on_the_path_of_tables(small_ward: Path) -> None:
    import json

    lines = list(make_runs.read_lines(small_ward / "made up.jsonl"))
    healthy = next(json.loads(evidence) for about, evidence in lines if about["name"] == "healthy")
    run = read_run(healthy)
    assert {c.fold for c in run.curves} == {0, 1, 2}
    assert "conv_0_0" in run.curves[0].measure("weight_norm")
    assert set(run.advantages) >= {"constant", "linear", "trees"}
    fresh = [about["scores"] for about, evidence in lines if about["fresh"] and not evidence]
    assert len(fresh) == 2 + 2 * 2
    assert all(scores["constant"] == pytest.approx(np.log(2), abs=0.01) for scores in fresh)
