"""The scale of images is learned from the images that are learned from, whatever rows were left out before."""

from pathlib import Path

import numpy as np

from rounds.data.choices import Choices
from rounds.data.loading import load
from rounds.data.splitting import split_dataset
from rounds.training.population.fold_data import make_folds_data


def test_rows_left_out_do_not_move_the_scale(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    kept = np.arange(120) >= 60
    images = np.where(kept[:, None, None], random.integers(100, 120, (120, 6, 6)), 0).astype(np.uint8)
    table = {"train_labels": np.arange(120) % 2, "train_images": images}
    np.savez(tmp_path / "images.npz", **table)
    whole = load(tmp_path / "images.npz", Choices(where='"intensity mean" > 50'))
    assert whole.rows == 60
    assert len(whole.signals.array) == 120, "the images of rows left out are still there"
    fold_data = make_folds_data(whole, split_dataset(whole, folds=3, nested=False))[0]
    scale = fold_data.preparation.array
    assert scale is not None
    assert 100 <= scale.mean[0] < 120
