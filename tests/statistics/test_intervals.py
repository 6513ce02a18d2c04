"""Intervals over patients: their coverage, their pairing, and what they do with too little."""

import numpy as np
import pytest

from rounds.errors import DataError
from rounds.metrics import METRICS, metrics_for, score
from rounds.statistics.intervals import (
    FEWEST_JUDGED,
    RESAMPLES,
    Interval,
    paired_difference,
    score_with_interval,
)
from rounds.statistics.resampling import patient_weights
from rounds.task import Task

BINARY = Task(kind="binary", targets=("death",), classes=("0", "1"))
NUMBER = Task(kind="regression", targets=("los",), unit="days")


def stays(seed: int, patients: int = 60, each: int = 5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Observed, predicted and patients: errors of one patient's stays resemble each other."""
    draw = np.random.default_rng(seed)
    owner = np.repeat(np.arange(patients), each)
    error = draw.normal(0, 1, patients)[owner] + draw.normal(0, 0.1, len(owner))
    observed = draw.normal(0, 3, (len(owner), 1))
    return observed, observed + error[:, None], owner


def test_blocks_draw_whole_patients() -> None:
    owner = np.array([3, 3, 9, 4, 9, 9])
    blocks = np.concatenate(list(patient_weights(owner, 500, seed=1)))
    assert blocks.shape == (500, 6)
    assert (blocks[:, 0] == blocks[:, 1]).all()
    assert (blocks[:, 2] == blocks[:, 4]).all()
    assert (blocks[:, [0, 2, 3]].sum(1) == 3).all(), "as many patients as there are"
    assert blocks.mean() == pytest.approx(1.0, abs=0.05)


def test_block_size_is_no_part_of_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    observed, predicted, owner = stays(0)
    whole = score_with_interval(NUMBER, observed, predicted, owner)
    monkeypatch.setattr("rounds.statistics.resampling.CELLS", 1)
    assert (
        score_with_interval(NUMBER, observed, predicted, owner, resamples=RESAMPLES)["mae"]["value"]
        == whole["mae"]["value"]
    )
    alone = np.concatenate(list(patient_weights(owner, 3, seed=0)))
    assert alone.shape == (3, len(owner))


def test_interval_is_the_percentiles_of_scores_of_repeated_rows() -> None:
    observed, predicted, owner = stays(2)
    found = score_with_interval(NUMBER, observed, predicted, owner)
    weights = np.concatenate(list(patient_weights(owner, RESAMPLES, seed=0))).astype(int)
    for name in metrics_for(NUMBER):
        naive = []
        for times in weights:
            rows = np.repeat(np.arange(len(owner)), times)
            naive.append(score(NUMBER, observed[rows], predicted[rows])[name])
        low, middle, high = np.percentile(naive, (2.5, 50, 97.5))
        value = found[name]["value"]
        assert (found[name]["low"], found[name]["high"]) == pytest.approx((value + low - middle, value + high - middle))


@pytest.mark.parametrize("seed", range(3))
def test_stays_of_one_patient_are_not_counted_as_patients(seed: int) -> None:
    observed, predicted, owner = stays(seed)
    by_patient = score_with_interval(NUMBER, observed, predicted, owner)["mae"]
    by_row = score_with_interval(NUMBER, observed, predicted, np.arange(len(owner)))["mae"]
    assert width(by_patient) > 1.5 * width(by_row)  # the truth: about sqrt(5) wider


def width(interval: Interval) -> float:
    return interval["high"] - interval["low"]


def test_coverage_is_near_95_percent() -> None:
    held = 0
    for seed in range(120):
        observed, predicted, owner = stays(seed)
        found = score_with_interval(NUMBER, observed, predicted, owner, resamples=200)["mae"]
        held += found["low"] <= np.sqrt(2 / np.pi * 1.01) <= found["high"]
    assert 0.88 <= held / 120 <= 1.0  # 95 % expected; below 0.88 has a chance of 0.1 %


def test_difference_is_paired_and_signed() -> None:
    observed, predicted, owner = stays(0)
    better = observed + 0.9 * (predicted - observed)
    gain = paired_difference(NUMBER, "rmse", observed, better, predicted, owner)
    assert gain["low"] > 0
    alone = score_with_interval(NUMBER, observed, predicted, owner)["rmse"]
    assert width(gain) < 0.3 * width(alone), "what both share has no part in the difference"
    loss = paired_difference(NUMBER, "rmse", observed, predicted, better, owner)
    assert (loss["value"], loss["low"], loss["high"]) == pytest.approx((-gain["value"], -gain["high"], -gain["low"]))


@pytest.mark.parametrize("name", metrics_for(BINARY))
def test_difference_of_every_metric_is_positive_where_a_is_better(name: str) -> None:
    draw = np.random.default_rng(0)
    odds = draw.normal(0, 1.5, (400, 1))
    observed = (draw.random((400, 1)) < 1 / (1 + np.exp(-odds))).astype(np.float64)
    good, bad = 1 / (1 + np.exp(-odds)), 1 / (1 + np.exp(-3 * (odds + draw.normal(0, 1, odds.shape)) - 2))
    gain = paired_difference(BINARY, name, observed, good, bad, np.arange(400))
    assert gain["value"] > 0
    assert METRICS[name].gain(np.array(1.0), np.array(0.5)) != 0


def test_repeats_are_averaged_first() -> None:
    observed, predicted, owner = stays(0)
    repeats = np.stack([predicted - 1.0, predicted + 1.0])
    averaged, plain = (score_with_interval(NUMBER, observed, p, owner) for p in (repeats, predicted))
    assert averaged["rmse"] == pytest.approx(plain["rmse"])
    assert paired_difference(NUMBER, "mae", observed, repeats, predicted, owner)["value"] == pytest.approx(0.0)


def test_few_cases_skip_resamples_and_say_how_many_are_left() -> None:
    observed = np.zeros((30, 1))
    observed[0] = 1.0
    predicted = np.linspace(0.9, 0.1, 30)[:, None]
    found = score_with_interval(BINARY, observed, predicted, np.arange(30))
    assert (
        FEWEST_JUDGED * RESAMPLES < found["auroc"]["resamples"] < 0.7 * RESAMPLES
    )  # 1/e of resamples lack the one case
    assert found["brier"]["resamples"] == RESAMPLES
    assert "calibration_slope" not in found, "separated: no finite value"


def test_one_class_leaves_ranking_out() -> None:
    found = score_with_interval(BINARY, np.zeros((30, 1)), np.full((30, 1), 0.2), np.arange(30))
    assert set(found) == {"log_loss", "brier", "accuracy"}
    chance = np.full((30, 1), 0.2)
    with pytest.raises(DataError, match=r"Metric must be defined on these rows, got metric='auroc'. Choose a metric"):
        paired_difference(BINARY, "auroc", np.zeros((30, 1)), chance, chance, np.arange(30))


def test_what_hangs_on_one_patient_is_left_out() -> None:
    observed = np.repeat([[1.0], [0.0]], [1, 40], axis=0)  # the controls are one patient, so is the case
    patients = np.repeat([0, 1], [1, 40])
    found = score_with_interval(BINARY, observed, np.linspace(0.9, 0.1, 41)[:, None], patients, resamples=1000)
    assert found["auroc"]["resamples"] == pytest.approx(500, abs=80)
    rare = np.array([[1.0], [0.0]])
    assert "calibration_slope" not in score_with_interval(BINARY, rare, np.array([[0.6], [0.2]]), np.arange(2))


def test_one_patient_is_refused() -> None:
    with pytest.raises(
        DataError, match=r"Patients must be at least 2, got patients=1. An interval over patients needs"
    ):
        score_with_interval(NUMBER, np.ones((5, 1)), np.zeros((5, 1)), np.zeros(5))


def test_interval_of_thousands_of_targets_holds_its_value() -> None:
    draw = np.random.default_rng(0)
    genes = Task(kind="regression", targets=tuple(f"gene_{i}" for i in range(400)))
    observed = draw.normal(0, 1, (150, 400))
    found = score_with_interval(genes, observed, observed + draw.normal(0, 0.5, observed.shape), np.arange(150))
    assert all(i["low"] <= i["value"] <= i["high"] for i in found.values())


def test_a_perfect_score_stays_within_its_bounds() -> None:
    observed = np.tile([[0.0], [1.0]], (20, 1))
    found = score_with_interval(BINARY, observed, observed * 0.8 + 0.1, np.arange(40))
    assert (found["auroc"]["low"], found["auroc"]["high"]) == (1.0, 1.0)


def test_wrong_number_of_patients_is_refused() -> None:
    with pytest.raises(
        DataError, match=r"Patients must be 3 codes, not none, got patients=2. Give the patient of each"
    ):
        score_with_interval(NUMBER, np.ones((3, 1)), np.ones((3, 1)), np.arange(2))
