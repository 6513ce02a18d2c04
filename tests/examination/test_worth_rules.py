"""Scores that are too good, no better than what is simpler, or judged on too few."""

import numpy as np

from rounds.examination.finding import NotApplicable
from rounds.plan import Plan
from rounds.run_folder.dataset import DatasetFile
from rounds.run_folder.metrics import Estimate
from rounds.task import Task
from tests.examination.planted import behind, dataset_of, folds, run, said, seen


def judged(**gains: float) -> dict[str, object]:
    return {
        "advantages": {n: Estimate(value=g, low=g - 0.02, high=g + 0.02) for n, g in gains.items()},
        "constant_score": 1.0,
    }


def sized(patients: int, events: int, rows: int = 100) -> DatasetFile:
    split = {"patients": {"validation": patients}, "events": {"all": events}}
    return dataset_of(rows=rows, split=split)


DEATH = Task(kind="binary", targets=("death",), classes=("no", "yes"))


def of_death(**gains: float) -> dict[str, object]:
    return {"task": DEATH, **judged(**gains)}


def test_implausible_score() -> None:
    assert seen("implausible-score", run(folds(), **of_death(constant=0.99))).severity == "warning"
    assert said("implausible-score", run(folds(), **of_death(constant=0.9))) is None
    assert (
        seen("implausible-score", run(folds(), **of_death(constant=0.9, linear=0.5, trees=0.4))).severity == "warning"
    )
    assert said("implausible-score", run(folds(), **of_death(constant=0.9, linear=0.5, trees=0.1))) is None
    assert isinstance(said("implausible-score", run(folds())), NotApplicable)


def test_a_baseline_that_is_too_good_is_told_with_the_column_that_does_it() -> None:
    told = {"dataset": dataset_of(tells_most=("row", "age"))}
    found = seen("implausible-score", run(folds(), **of_death(constant=0.6, trees=-0.39), **told))
    assert found.explanation.startswith("The trees baseline removes 99 % of the constant's error")
    assert "row tells most of the outcome by itself: look at it first." in found.explanation


def test_a_number_that_can_be_calculated_is_a_note() -> None:
    """Unless a column is named like an outcome and does not say when it is known."""
    columns = [{"name": name, "role": "numeric", "known": "unknown"} for name in ("x", "discharge_weight")]
    plain, named = ({"dataset": dataset_of(columns=some)} for some in (columns[:1], columns))
    assert seen("implausible-score", run(folds(), **judged(constant=0.99), **plain)).severity == "note"
    assert seen("implausible-score", run(folds(), **judged(constant=0.99), **named)).severity == "warning"


def test_no_better_than_baseline() -> None:
    assert seen("no-better-than-baseline", run(folds(), **judged(constant=0.5, linear=-0.1))).severity == "note"
    assert seen("no-better-than-baseline", run(folds(), **behind("constant"))).severity == "error"
    assert said("no-better-than-baseline", run(folds(), **judged(constant=0.5, linear=0.1))) is None
    assert isinstance(said("no-better-than-baseline", run(folds())), NotApplicable)


def test_of_several_targets_shares_are_of_what_a_constant_leaves() -> None:
    """The R2 of a constant is about 0: shares of that would be of any size."""
    two = {"task": Task(kind="regression", targets=("low", "high")), "constant_score": -0.001}

    def gaining(value: float, half: float) -> dict[str, object]:
        return {**two, "advantages": {"constant": Estimate(value=value, low=value - half, high=value + half)}}

    assert said("implausible-score", run(folds(), **gaining(0.6, 0.02))) is None
    assert seen("implausible-score", run(folds(), **gaining(0.98, 0.01))).evidence["removed_share"] < 1
    assert said("no-better-than-baseline", run(folds(), **gaining(0.01, 0.002))) is None
    assert seen("no-better-than-baseline", run(folds(), **gaining(0.005, 0.004))).severity == "error"


def test_validation_too_small() -> None:
    assert seen("validation-too-small", run(folds(1), dataset=sized(20, 50))).evidence["patients"] == 20
    assert seen("validation-too-small", run(folds(), dataset=sized(20, 5))).evidence["events"] == 5
    assert said("validation-too-small", run(folds(), dataset=sized(20, 50))) is None
    assert isinstance(said("validation-too-small", run(folds())), NotApplicable)


def test_accuracy_that_misleads() -> None:
    death = Task(kind="binary", targets=("death",), classes=("0", "1"))
    rare = {"task": death, "plans": (Plan(keep_best="accuracy"),), "dataset": sized(20, 5)}
    blind, seeing = (folds(metrics={"accuracy": np.full(40, a)}) for a in (0.95, 0.98))
    assert seen("misleading-metric", run(blind, **rare)).evidence["frequent_share"] == 0.95
    assert said("misleading-metric", run(seeing, **rare)) is None
    assert said("misleading-metric", run(blind, **{**rare, "plans": (Plan(),)})) is None
    assert isinstance(said("misleading-metric", run(blind)), NotApplicable)
