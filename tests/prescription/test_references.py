"""What networks are held against is fitted once for a stay, and again where rows are read or judged otherwise."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rounds.data.dataset import Dataset
from rounds.data.splitting import split_dataset
from rounds.examination.sources import population as evidence
from rounds.examination.sources.population import same_linear_by_fold
from rounds.plan import Plan
from rounds.prescription.loop import Circumstances, Loop, look
from rounds.training.population.build import Population, make_population, train_to_end
from rounds.training.population.fold_data import make_folds_data, scaling_of
from tests.generators import end_of

TINY: dict[str, Any] = {"hidden": (4,), "epochs": 2, "batch_size": 32, "learning_rate": 0.01, "folds": 2}


@pytest.fixture
def made(ward_data: Dataset) -> Callable[..., Population]:
    split = split_dataset(ward_data, 2)
    folds_data = make_folds_data(ward_data, split, scaling_of(Plan(**TINY)))

    def make(reinitialised: bool = False, **changes: Any) -> Population:
        plan = Plan(**{**TINY, **changes})
        return make_population(
            [plan], ward_data.task, make_folds_data(ward_data, split) if reinitialised else folds_data
        )

    return make


def test_they_are_the_same_where_rows_and_loss_are(made: Callable[..., Population]) -> None:
    before = made()
    assert same_linear_by_fold(before, made(learning_rate=0.1, dropout=0.5))
    assert not same_linear_by_fold(before, made(loss="mae"))
    assert not same_linear_by_fold(before, made(reinitialised=True)), "scaled again"


def test_the_linear_model_is_fitted_once(
    monkeypatch: pytest.MonkeyPatch, ward_data: Dataset, tmp_path: Path, made: Callable[..., Population]
) -> None:
    fitted = []
    fit = evidence.linear_losses
    monkeypatch.setattr(evidence, "linear_losses", lambda *words: fitted.append(words) or fit(*words))
    given = Circumstances(ward_data, split_dataset(ward_data, 2), None, 1, np.inf, tmp_path)
    trained = end_of(train_to_end(made()))
    found, _ = look(given, Loop((trained,)), 9)
    assert len(fitted) == 1
    again, _ = look(given, replace(found, ended=""), 9)
    assert len(fitted) == 1
    assert again.seen is not None
    assert found.seen is not None
    assert again.seen[1] == found.seen[1]
    other = end_of(train_to_end(made(loss="mae")))
    look(given, replace(again, ended="", populations=(other,)), 9)
    assert len(fitted) == 2
