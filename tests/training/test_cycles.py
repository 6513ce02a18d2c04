"""One cyclic training leaves a snapshot at the end of each cycle, and their average predicts."""

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np

from rounds.ensemble.choose import choose_ensemble
from rounds.ensemble.members import configuration, make_parts, sound_members
from rounds.plan import Plan
from rounds.training.compiled.schedule import cycle_ends
from rounds.training.population.build import Population, Trained, train_to_end
from tests.generators import end_of

CYCLIC = Plan(
    hidden=(8,),
    epochs=8,
    cycles=4,
    schedule="cyclic",
    warmup_epochs=0.0,
    learning_rate=0.03,
    batch_size=16,
    normalization="batch",
    dropout=0.0,
)


def test_a_snapshot_at_each_cycle_is_the_network_as_it_was_then(
    population_of: Callable[..., Population], train: Callable[[Population], Trained]
) -> None:
    """The second cycle's snapshot is that of a training cut after it (the same course, the last epoch kept)."""
    trained = train(population_of(CYCLIC))
    (member,) = trained.population.members
    networks = trained.networks(member)
    assert [n.cycle for n in networks] == [0, 1, 2, 3]
    kept_last = train(population_of(CYCLIC.change(keep_best="none")))
    last = trained.weights(networks[-1])
    for name, array in kept_last.weights(member).items():
        np.testing.assert_allclose(last[name], array, rtol=1e-5, atol=1e-6)
    kernels = [trained.weights(n)["hidden_0/kernel"] for n in networks]
    assert all(not np.array_equal(a, b) for a, b in itertools.pairwise(kernels))


def test_snapshots_are_averaged_and_each_is_a_network_of_its_own(
    population_of: Callable[..., Population], train: Callable[[Population], Trained]
) -> None:
    trained = train(population_of(CYCLIC, folds=2))
    sound = sound_members(trained, -1)
    assert len(sound) == 2 * 4
    assert len({configuration(m) for m in sound}) == 4
    made = choose_ensemble(trained, trained.population.folds_data[0])
    assert made.predictor.size == len(made.members) > 1
    inputs = trained.population.folds_data[0].inputs
    alone = np.stack([make_parts(trained, [m])[0].outputs(inputs)[0] for m in made.members])
    together = made.predictor.outputs(inputs)
    assert sorted(together.sum((1, 2))) == sorted(alone.sum((1, 2)))


def test_snapshots_survive_a_resume(population_of: Callable[..., Population], tmp_path: Path) -> None:
    def last(folder: Path) -> Trained:
        return end_of(train_to_end(population_of(CYCLIC), folder))

    first, again = last(tmp_path), last(tmp_path)
    for network in first.networks(first.population.members[0]):
        for name, array in first.weights(network).items():
            assert np.array_equal(array, again.weights(network)[name])


def test_other_schedules_leave_the_best_snapshot_alone(
    population_of: Callable[..., Population], train: Callable[[Population], Trained]
) -> None:
    trained = train(population_of(CYCLIC.change(schedule="cosine")))
    (member,) = trained.population.members
    assert trained.networks(member) == [member]


def test_cycles_end_at_equal_parts_of_the_epochs_and_never_before_the_first() -> None:
    plan = Plan(schedule="cyclic", cycles=2, epochs=10)
    assert cycle_ends(plan) == (5, 10)
    assert cycle_ends(plan.change(cycles=1)) == cycle_ends(plan.change(schedule="cosine")) == ()
    assert cycle_ends(plan.change(cycles=4, epochs=2)) == (1, 2)
