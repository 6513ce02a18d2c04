"""Paired differences over patients: sign, pairing, and coverage with few events and few patients."""

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm

from rounds.errors import DataError
from rounds.metrics import METRICS, metrics_for, score
from rounds.metrics.influence import NUMBER_INFLUENCES
from rounds.run_folder.metrics import Estimate
from rounds.statistics.class_intervals import INFLUENCES
from rounds.statistics.differences import difference, paired_difference, paired_differences
from rounds.statistics.intervals import score_with_interval
from rounds.task import Task

BINARY = Task(kind="binary", targets=("death",), classes=("0", "1"))
MULTICLASS = Task(kind="multiclass", targets=("stage",), classes=("1", "2", "3"))
LABELS = Task(kind="multilabel", targets=("mi", "stroke"))
NUMBER = Task(kind="regression", targets=("los",), unit="days")
NUMBERS = Task(kind="regression", targets=("los", "cost"))
COUNT = Task(kind="count", targets=("falls",))


def errors(seed: int, patients: int = 60, each: int = 5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Observed, predicted and patients: errors of one patient's rows resemble each other."""
    draw = np.random.default_rng(seed)
    owner = np.repeat(np.arange(patients), each)
    error = draw.normal(0, 1, patients)[owner] + draw.normal(0, 0.1, len(owner))
    observed = draw.normal(0, 3, (len(owner), 1))
    return observed, observed + error[:, None], owner


def width(interval: Estimate) -> float:
    return interval.high - interval.low


def test_difference_is_paired_and_signed() -> None:
    observed, predicted, owner = errors(0)
    better = observed + 0.9 * (predicted - observed)
    gain = paired_difference(NUMBER, "rmse", observed, better, predicted, owner)
    assert gain.low > 0
    alone = score_with_interval(NUMBER, observed, predicted, owner)["rmse"]
    assert width(gain) < 0.3 * width(alone), "what both share has no part in the difference"
    loss = paired_difference(NUMBER, "rmse", observed, predicted, better, owner)
    assert (loss.value, loss.low, loss.high) == pytest.approx((-gain.value, -gain.high, -gain.low))


@pytest.mark.parametrize("name", INFLUENCES)
def test_difference_of_every_metric_is_positive_where_a_is_better(name: str) -> None:
    draw = np.random.default_rng(0)
    odds = draw.normal(0, 1.5, (400, 1))
    observed = (draw.random((400, 1)) < expit(odds)).astype(np.float64)
    good, bad = expit(odds), expit(-3 * (odds + draw.normal(0, 1, odds.shape)) - 2)
    gain = paired_difference(BINARY, name, observed, good, bad, np.arange(400))
    assert gain.low > 0
    back = paired_difference(BINARY, name, observed, bad, good, np.arange(400))
    assert (back.low, back.high) == pytest.approx((-gain.high, -gain.low))


@pytest.mark.parametrize(
    "task", [BINARY, MULTICLASS, LABELS, NUMBER, NUMBERS, COUNT], ids=lambda t: f"{t.kind}-{t.outputs}"
)
def test_value_is_the_difference_of_the_metrics(task: Task) -> None:
    draw = np.random.default_rng(0)
    if task.kind == "multiclass":
        observed, sides = draw.integers(0, 3, (90, 1)), draw.dirichlet(np.ones(3), (2, 90))
    else:
        observed = draw.integers(0, 2 if task.is_classification else 9, (90, task.outputs))
        sides = draw.random((2, 90, task.outputs))
    for metric in metrics_for(task):
        if METRICS[metric].better == "ideal":
            continue
        made = difference(task, metric, observed.astype(float), *sides, np.arange(90))
        gain = METRICS[metric].gain(*(np.array(score(task, observed, p)[metric]) for p in sides))
        assert made.value == pytest.approx(float(gain))
        assert made.low < made.value < made.high


@pytest.mark.parametrize("name", NUMBER_INFLUENCES)
def test_influences_of_numbers_are_what_a_row_more_would_change(name: str) -> None:
    draw = np.random.default_rng(1)
    observed = draw.poisson(3, (40, 2)).astype(float)
    predicted = observed + draw.random((40, 2)) + 0.1
    found = NUMBER_INFLUENCES[name](observed, predicted)
    task = Task(kind="count", targets=("a", "b"))
    step = 1e-6
    for row in (0, 7, 39):
        weights = np.ones(40)
        weights[row] += step
        more, before = (float(METRICS[name].function(observed, predicted, w)) for w in (weights, np.ones(40)))
        assert found[row] == pytest.approx((more - before) / step, rel=1e-3, abs=1e-7), task
    assert found.sum() == pytest.approx(0.0, abs=1e-12)


def test_repeats_are_averaged_first() -> None:
    observed, predicted, owner = errors(0)
    repeats = np.stack([predicted - 1.0, predicted + 1.0])
    assert paired_difference(NUMBER, "mae", observed, repeats, predicted, owner).value == pytest.approx(0.0)


def test_what_is_not_defined_is_left_out_or_refused() -> None:
    chance, people = np.full((30, 1), 0.2), np.arange(30)
    with pytest.raises(DataError, match=r"Metric must be defined on these rows, got metric='auroc'. Choose a metric"):
        paired_difference(BINARY, "auroc", np.zeros((30, 1)), chance, chance, people)
    assert paired_differences(NUMBER, "r2", np.ones((30, 1)), chance, {"other": chance}, people) == {}
    assert paired_differences(BINARY, "calibration_slope", np.eye(30)[:, :1], chance, {"other": chance}, people) == {}
    with pytest.raises(DataError, match=r"Patients must be at least 2, got patients=1"):
        paired_difference(NUMBER, "mae", np.ones((5, 1)), np.zeros((5, 1)), np.zeros((5, 1)), np.zeros(5))


def pairs(random: np.random.Generator, happened: np.ndarray, rows: int) -> tuple[np.ndarray, ...]:
    """Outcomes, chances that two models give, patients: AUROC 0.8 and 0.7, of scores that are alike."""
    happened = np.repeat(happened, rows)
    owner = np.repeat(np.arange(len(happened) // rows), rows)
    both, *own = random.normal(size=(3, len(happened) // rows))
    prevalence, sides = 0.1, []
    for area, each in zip((0.8, 0.7), own, strict=True):
        shift = np.sqrt(2) * norm.ppf(area)
        score = (np.sqrt(0.6) * both + np.sqrt(0.4) * each)[owner] + shift * happened
        score = score + (0.2 * random.normal(size=len(owner)) if rows > 1 else 0)
        sides.append(expit(shift * (score - shift / 2) + np.log(prevalence / (1 - prevalence)))[:, None])
    return happened[:, None].astype(float), *sides, owner


@pytest.mark.parametrize(("events", "rows"), [(5, 1), (10, 1), (10, 4)])
def test_differences_hold_with_few_events(events: int, rows: int) -> None:
    """Benchmarks.few_events has 93 % and more of many populations; below 0.9 of 150 tables is no chance."""
    random = np.random.default_rng(events)
    population = pairs(random, random.random(40_000) < 0.1, rows)
    truths = [score(BINARY, population[0], p) for p in population[1:3]]
    held: dict[str, list[bool]] = {name: [] for name in INFLUENCES}
    for _ in range(150):
        table = pairs(random, random.permutation(np.arange(10 * events) < events), rows)
        for name in held:
            truth = float(METRICS[name].gain(*(np.array(t[name]) for t in truths)))
            found = paired_difference(BINARY, name, *table)
            held[name].append(found.low <= truth <= found.high)
    assert min(np.mean(each) for each in held.values()) >= 0.9, {n: float(np.mean(e)) for n, e in held.items()}


@pytest.mark.parametrize("name", ["mae", "rmse", "r2"])
def test_differences_hold_with_few_patients(name: str) -> None:
    random = np.random.default_rng(3)

    def table(people: int) -> tuple[np.ndarray, ...]:
        both, a, b, y = random.normal(size=(4, people, 1))
        return 2 * y, 2 * y + 0.7 * (both + a), 2 * y + 0.9 * (both + b), np.arange(people)

    whole = table(100_000)
    truth = METRICS[name].gain(*(np.array(score(NUMBER, whole[0], p)[name]) for p in whole[1:3]))
    found = [paired_difference(NUMBER, name, *table(10)) for _ in range(300)]
    assert np.mean([i.low <= truth <= i.high for i in found]) >= 0.9  # 0.85 where it resamples patients


@pytest.mark.parametrize("name", ["auroc", "auprc", "accuracy"])
def test_what_two_models_have_in_common_has_no_part_in_their_difference(name: str) -> None:
    random = np.random.default_rng(0)
    observed, told, _, people = pairs(random, np.arange(200) < 60, 1)
    other = told * (1 + 1e-3 * random.normal(size=told.shape))
    alone = score_with_interval(BINARY, observed, told, people)[name]
    assert width(paired_difference(BINARY, name, observed, told, other, people)) < 0.5 * width(alone)
    assert width(paired_difference(BINARY, name, observed, told, 1 - told, people)) > width(alone)


def test_no_events_leave_doubt() -> None:
    observed, people = np.zeros((30, 1)), np.arange(30)
    found = paired_difference(BINARY, "log_loss", observed, np.full((30, 1), 0.02), np.full((30, 1), 0.1), people)
    assert found.value > 0, "lower chances are better as long as nobody dies"
    assert found.low < 0, "a death would turn it round"


def test_two_models_that_rank_alike_are_still_told_apart_by_nothing() -> None:
    """All four cases above all others in both: the areas are equal in these rows, and may differ by much in others."""
    observed = np.repeat([[0.0], [1.0]], [60, 4], axis=0)
    a, b = np.linspace(0.1, 0.9, 64)[:, None], np.linspace(0.2, 0.8, 64)[::1, None] ** 2
    found = paired_difference(BINARY, "auroc", observed, a, b, np.arange(64))
    assert found.value == 0.0
    assert found.low < -0.1
    assert found.high > 0.1


def test_the_same_predictions_do_not_differ() -> None:
    observed = np.array([[0.0], [1.0]] * 10)
    same = np.random.default_rng(0).random((20, 1))
    made = difference(BINARY, "log_loss", observed, same, same, np.arange(20))
    assert (made.value, made.low, made.high, made.error) == (0.0, 0.0, 0.0, 0.0)
