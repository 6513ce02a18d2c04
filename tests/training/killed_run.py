"""A small training that `test_kill` kills and resumes: python killed_run.py FOLDER.

Leaves FOLDER/digest (of all curves and weights) when it comes to its end, and FOLDER/training when it begins to train.
"""

import hashlib
import sys
from pathlib import Path

import numpy as np

from rounds.data.loading import load
from rounds.data.splitting import split_dataset
from rounds.plan import Plan
from rounds.training import pool
from rounds.training.population.build import Trained, make_population, train_population
from rounds.training.population.fold_data import make_folds_data
from rounds.training.result.tables import curves_frame

PLAN = Plan(
    hidden=(8,),
    epochs=60,
    batch_size=16,
    learning_rate=(1e-3, 1e-2),
    dropout=0.3,
    normalization="batch",
    number_embedding="periodic",
    schedule="plateau",
    plateau_epochs=3,
    ema=0.5,
    mixup=0.2,
    input_noise=0.05,
)


def main(folder: Path) -> None:
    pool.CHECKPOINT_SECONDS = 0.0  # after every epoch, so that kills fall into writing as well
    dataset = load("diabetes")
    split = split_dataset(dataset, folds=2)
    population = make_population([PLAN], dataset.task, make_folds_data(dataset, split)[:1], 4, workers=2)
    (folder / "training").write_text("")
    *_, trained = train_population(population, folder / "checkpoints")
    assert isinstance(trained, Trained)
    digest = hashlib.sha256(curves_frame(trained).write_csv().encode())
    for member in population.members:
        for _, array in sorted(trained.weights(member).items()):
            digest.update(np.ascontiguousarray(array).tobytes())
    (folder / "digest").write_text(digest.hexdigest())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
