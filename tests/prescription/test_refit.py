"""Learning from validation patients too is tried on folds that nobody has seen, and used where it pays."""

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rounds.data.dataset import Dataset
from rounds.data.splitting import split_dataset
from rounds.ensemble.choose import choose_ensemble, refitted
from rounds.ensemble.members import configuration
from rounds.plan import Plan
from rounds.prescription import loop as loop
from rounds.prescription.loop import Circumstances, Loop
from rounds.prescription.trial.design import TrialDesign
from rounds.prescription.trial.fewer_patients import REMEDY
from rounds.prescription.trial.refit import Refit, _places, make_refitted, try_refit, typical_epochs, without_looking
from rounds.run_folder.metrics import Estimate
from rounds.run_folder.prescriptions import PrescriptionRecord
from rounds.training.population.build import Trained, make_population, train_to_end
from rounds.training.population.fold_data import make_folds_data, scaling_of
from tests.generators import end_of

PLAN = Plan(hidden=(4,), epochs=4, batch_size=32, learning_rate=0.01, dropout=0.0, warmup_epochs=1.0)


@pytest.fixture(scope="module")
def trained(ward_data: Dataset) -> Trained:
    folds_data = make_folds_data(ward_data, split_dataset(ward_data, 3))
    made = end_of(train_to_end(make_population([PLAN], ward_data.task, folds_data)))
    assert isinstance(made, Trained)
    return made


@pytest.fixture
def design(ward_data: Dataset, trained: Trained) -> TrialDesign:
    return TrialDesign(ward_data, split_dataset(ward_data, 3), trained.population.folds_data[0], scaling_of(PLAN), 1)


@pytest.mark.parametrize("all_of_them", [False, True])
def test_nobody_learns_from_the_fold_that_judges(design: TrialDesign, all_of_them: bool) -> None:
    place, held = _places(design, [0, 1], all_of_them)
    assert len(held) == 2 * 2
    for number, rows in place.fold_data.folds.items():
        judged = set(held[number])
        assert judged == set(design.fold_data.folds[number // 3].held)
        assert not judged & set(rows.train)
        assert not judged & set(rows.held)
        assert set(rows.held) <= set(rows.train) if all_of_them else not set(rows.held) & set(rows.train)


def test_a_trial_of_it_is_an_entry_like_any_other(design: TrialDesign, trained: Trained) -> None:
    made = end_of(try_refit(design, trained, PLAN, "healthy"))
    assert isinstance(made, Refit)
    assert made.kept == (made.entry.verdict == "kept")
    assert made.entry.effect.low <= made.entry.effect.value <= made.entry.effect.high
    assert made.spent <= 4 * 3 * 2 * 2


def test_all_patients_are_learned_from_for_as_long_as_members_needed(trained: Trained) -> None:
    population = make_refitted(trained, None)
    epochs = typical_epochs(trained, 0)
    assert population.plans[0] == without_looking(PLAN, epochs)
    assert (population.plans[0].epochs, population.plans[0].keep_best) == (epochs, "none")
    assert population.plans[0].warmup_epochs == pytest.approx(epochs / 4)
    (fold_data,) = population.folds_data
    for rows in fold_data.folds.values():
        np.testing.assert_array_equal(rows.train, fold_data.learned)


def test_chosen_weights_outlast_a_refit(ward_data: Dataset) -> None:
    """Greedy weights are those of configurations; networks that are trained again take them over."""
    plan = PLAN.change(learning_rate=(0.01, 0.03))
    folds_data = make_folds_data(ward_data, split_dataset(ward_data, 3))
    swept = end_of(train_to_end(make_population([plan], ward_data.task, folds_data)))
    made = choose_ensemble(swept, folds_data[0])
    low, high = dict.fromkeys(configuration(m) for m in swept.population.members)
    after = refitted(replace(made, weights={low: 0.9, high: 0.1}), swept)
    shares = np.concatenate([part.member_weights for part in after.predictor.parts])
    weighs = {key: shares[[configuration(m) == key for m in after.members]].sum() for key in (low, high)}
    assert weighs == {low: pytest.approx(0.9), high: pytest.approx(0.1)}


def advice(low: float) -> PrescriptionRecord:
    """Whether more patients would help: by 0.2, at least by so much."""
    effect = Estimate(value=0.2, low=low, high=0.3)
    told = {"round": 1, "finding": "healthy", "remedy": REMEDY, "change": {}}
    return PrescriptionRecord(**told, effect=effect, verdict="advice")


def test_where_it_pays_other_networks_predict_and_validation_stays(
    ward_data: Dataset, trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pays(*words: Any) -> Generator[Any, None, Refit]:
        yield from ()
        return Refit(advice(0.1), True, 5)

    monkeypatch.setattr(loop, "try_refit", pays)
    split = split_dataset(ward_data, 3)
    given = Circumstances(ward_data, split, None, 1, np.inf, tmp_path)
    found = end_of(loop.refit(given, Loop((trained,), (advice(0.1),))))
    assert found.member_epochs == 5
    before = choose_ensemble(trained, trained.population.folds_data[0])
    after = refitted(before, found.refitted)
    assert after.predictor.size == before.predictor.size
    frame = ward_data.inputs[:20]
    assert not np.allclose(after.predictor.predict(frame).values, before.predictor.predict(frame).values)
    np.testing.assert_array_equal(after.validation, before.validation)
    assert end_of(loop.refit(given, Loop((trained,), (advice(-0.1),)))).refitted is None
