"""Baselines of judging folds, fitted side by side, are those that each fold has alone."""

import numpy as np
import polars as pl

from rounds.data.choices import Choices
from rounds.data.loading import load
from rounds.data.splitting import split_dataset
from rounds.ensemble.judge import fit_fold_baselines, fit_judging_baselines
from rounds.training.population.fold_data import make_folds_data


def test_side_by_side_is_the_same() -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=90)
    frame = pl.DataFrame({"x": x, "y": x + 0.3 * random.normal(size=90)})
    data = load(frame, Choices(targets=("y",), group="none"))
    split = split_dataset(data)
    folds = make_folds_data(data, split)[1:4]
    together = fit_judging_baselines(data, split, folds, 0)
    for fold_data, baselines in zip(folds, together, strict=True):
        alone = fit_fold_baselines(data, split, fold_data, 0)
        assert [b.name for b in baselines] == [b.name for b in alone]
        for one, other in zip(baselines, alone, strict=True):
            np.testing.assert_array_equal(one.predict(data.inputs), other.predict(data.inputs))
