"""What is said while a population trains, and what is not."""

from collections.abc import Iterator
from typing import Any

import pytest

from rounds.data.loading import load
from rounds.data.splitting import split_dataset
from rounds.examination.while_training.early import SeenEarly, watched
from rounds.plan import Plan
from rounds.training.pool import Progress
from rounds.training.population.build import Trained, make_population, train_to_end
from rounds.training.population.fold_data import make_folds_data

DATA = load("diabetes")
FOLDS_DATA = make_folds_data(DATA, split_dataset(DATA, 3))
PLAN = Plan(hidden=(16,), epochs=20, batch_size=64, number_embedding="none", learning_rate=(3e-3, 1e-2))


def events(**changes: Any) -> Iterator[Progress | SeenEarly | Trained]:
    """Of a training of a plan, and at last what was trained."""
    population = make_population([PLAN.change(**changes)], DATA.task, FOLDS_DATA)
    training = watched(population, train_to_end(population))
    while True:
        try:
            yield next(training)
        except StopIteration as end:
            yield end.value
            return


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"learning_rate": 10.0}, "learning-rate-too-high"), ({"initializer": "zeros"}, "poor-initialization")],
)
def test_a_fault_is_said_once_long_before_the_end(changes: dict[str, Any], code: str) -> None:
    *seen, trained = events(**changes)
    early = [e for e in seen if isinstance(e, SeenEarly)]
    assert [e.finding.code for e in early] == [code], "a cause, once; what follows from it is left to the end"
    assert early[0].epoch == 6
    assert 1 <= early[0].networks <= len(trained.population.members)
    epochs_after = [e.epoch for e in seen[seen.index(early[0]) :] if isinstance(e, Progress)]
    assert max(epochs_after) == 20


def test_networks_that_were_lost_before_anybody_looked_are_looked_at_when_they_end() -> None:
    *seen, _ = events(learning_rate=1e30, optimizer="sgd")
    early = [e for e in seen if isinstance(e, SeenEarly)]
    assert early[0].epoch < 6
    assert early[0].finding.code in ("learning-rate-too-high", "diverged")


def test_a_sound_training_is_let_alone() -> None:
    *seen, trained = events()
    assert all(isinstance(e, Progress) for e in seen)
    assert len(trained.results) == len({e.slab for e in seen})


def test_nobody_looks_at_a_short_training() -> None:
    *seen, _ = events(epochs=6, learning_rate=10.0)
    assert all(isinstance(e, Progress) for e in seen)
