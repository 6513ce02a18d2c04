"""Intervals over patients: their coverage, their pairing, and what they do with too little."""

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm

from rounds.errors import DataError
from rounds.metrics import metrics_for, score
from rounds.run_folder.metrics import Estimate
from rounds.statistics.intervals import RESAMPLES, score_with_interval
from rounds.statistics.resampling import patient_weights
from rounds.task import Task

BINARY = Task(kind="binary", targets=("death",), classes=("0", "1"))
MULTICLASS = Task(kind="multiclass", targets=("stage",), classes=("1", "2", "3"))
LABELS = Task(kind="multilabel", targets=("mi", "stroke"))
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
        score_with_interval(NUMBER, observed, predicted, owner, resamples=RESAMPLES)["mae"].value == whole["mae"].value
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
        value = found[name].value
        assert (found[name].low, found[name].high) == pytest.approx((value + low - middle, value + high - middle))


@pytest.mark.parametrize("seed", range(3))
def test_stays_of_one_patient_are_not_counted_as_patients(seed: int) -> None:
    observed, predicted, owner = stays(seed)
    by_patient = score_with_interval(NUMBER, observed, predicted, owner)["mae"]
    by_row = score_with_interval(NUMBER, observed, predicted, np.arange(len(owner)))["mae"]
    assert width(by_patient) > 1.5 * width(by_row)  # the truth: about sqrt(5) wider


def width(interval: Estimate) -> float:
    return interval.high - interval.low


def test_coverage_is_near_95_percent() -> None:
    held = 0
    for seed in range(120):
        observed, predicted, owner = stays(seed)
        found = score_with_interval(NUMBER, observed, predicted, owner, resamples=200)["mae"]
        held += found.low <= np.sqrt(2 / np.pi * 1.01) <= found.high
    assert 0.88 <= held / 120 <= 1.0  # 95 % expected; below 0.88 has a chance of 0.1 %


def test_repeats_are_averaged_first() -> None:
    observed, predicted, owner = stays(0)
    repeats = np.stack([predicted - 1.0, predicted + 1.0])
    averaged, plain = (score_with_interval(NUMBER, observed, p, owner) for p in (repeats, predicted))
    assert dict(averaged["rmse"]) == pytest.approx(dict(plain["rmse"]))


def simulated(seed: int, cases: int, controls: int, rows: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Outcomes, chances and patients: a score that is higher in cases (AUROC 0.8), and the chance that it means.

    rows: of each patient, all with the patient's outcome and nearly the patient's score.
    """
    draw = np.random.default_rng(seed)
    happened = np.arange(cases + controls) < cases
    score = np.repeat(draw.normal(size=cases + controls), rows) + 0.2 * draw.normal(size=rows * (cases + controls))
    shift = np.sqrt(2 * 1.04) * norm.ppf(0.8)
    happened = np.repeat(happened, rows)
    odds = shift / 1.04 * (score + shift * happened - shift / 2) + np.log(cases / controls)
    return happened[:, None].astype(float), expit(odds)[:, None], np.repeat(np.arange(cases + controls), rows)


def coverage(cases: int, controls: int, rows: int, tables: int) -> dict[str, float]:
    """Share of intervals that hold the value of a population, by metric."""
    truth = score(BINARY, *simulated(0, 1000 * cases, 1000 * controls)[:2])
    found = [score_with_interval(BINARY, *simulated(seed, cases, controls, rows)) for seed in range(1, tables + 1)]
    return {
        name: float(np.mean([f[name].low <= truth[name] <= f[name].high for f in found if name in f])) for name in truth
    }


@pytest.mark.parametrize(("cases", "controls", "rows"), [(5, 60, 1), (10, 40, 1), (10, 30, 4)])
def test_intervals_hold_with_few_cases(cases: int, controls: int, rows: int) -> None:
    held = coverage(cases, controls, rows, 150)
    assert set(held) == set(metrics_for(BINARY))
    assert min(held.values()) >= 0.9, held  # 93 % and more (benchmarks.few_events); below 0.9 of 150 is no chance


def test_all_cases_above_all_others_leave_doubt() -> None:
    observed = np.repeat([[0.0], [1.0]], [60, 4], axis=0)
    found = score_with_interval(BINARY, observed, np.linspace(0.1, 0.9, 64)[:, None], np.arange(64))
    assert found["auroc"].low < 0.8
    assert found["auprc"].low < 0.6
    assert found["auroc"].high == found["auprc"].high == 1.0
    assert "calibration_slope" not in found, "four cases say nothing of calibration"


def test_no_case_is_no_proof_that_there_are_none() -> None:
    found = score_with_interval(BINARY, np.zeros((30, 1)), np.full((30, 1), 0.02), np.arange(30))
    assert found["brier"].value == pytest.approx(0.0004)
    assert found["brier"].high > 0.05


@pytest.mark.parametrize("task", [BINARY, MULTICLASS, LABELS], ids=lambda task: task.kind)
def test_values_of_classes_are_the_metrics_own(task: Task) -> None:
    draw = np.random.default_rng(0)
    observed = draw.integers(0, 3, (200, 1)) if task.kind == "multiclass" else draw.integers(0, 2, (200, task.outputs))
    predicted = draw.dirichlet(np.ones(3), 200) if task.kind == "multiclass" else draw.random((200, task.outputs))
    found = score_with_interval(task, observed.astype(float), predicted, np.arange(200))
    assert {name: i.value for name, i in found.items()} == pytest.approx(score(task, observed, predicted))
    assert all(i.low < i.value < i.high for i in found.values())


def test_one_class_leaves_ranking_out() -> None:
    found = score_with_interval(BINARY, np.zeros((30, 1)), np.full((30, 1), 0.2), np.arange(30))
    assert set(found) == {"log_loss", "brier", "accuracy"}


def test_two_patients_say_next_to_nothing() -> None:
    observed = np.repeat([[1.0], [0.0]], [1, 40], axis=0)  # the controls are one patient, so is the case
    found = score_with_interval(BINARY, observed, np.linspace(0.9, 0.1, 41)[:, None], np.repeat([0, 1], [1, 40]))
    assert found["auroc"].low < 0.3


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
    assert all(i.low <= i.value <= i.high for i in found.values())


def test_a_perfect_score_stays_within_its_bounds() -> None:
    observed = np.tile([[0.0], [1.0]], (20, 1))
    found = score_with_interval(BINARY, observed, observed * 0.8 + 0.1, np.arange(40))
    assert found["auroc"].low > 0.85
    assert found["auroc"].high == 1.0


def test_wrong_number_of_patients_is_refused() -> None:
    with pytest.raises(
        DataError, match=r"Patients must be 3 codes, not none, got patients=2. Give the patient of each"
    ):
        score_with_interval(NUMBER, np.ones((3, 1)), np.ones((3, 1)), np.arange(2))
