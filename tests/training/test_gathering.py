"""What was trained before is taken over as it was, and only the rest is trained."""

from collections.abc import Callable

import numpy as np
import pytest

from rounds.plan import Plan
from rounds.training.population.build import Population, Trained
from rounds.training.population.reuse import gathered, of_plans, without
from rounds.training.result.tables import curves_frame, measures_frame, member_epochs, members_frame

Make = Callable[..., Population]
Train = Callable[[Population], Trained]
PLAN = Plan(hidden=(4,), epochs=2, batch_size=32, learning_rate=(1e-3, 1e-2), dropout=0.0, warmup_epochs=0.0)


@pytest.fixture
def halves(population_of: Make, train: Train) -> tuple[Population, Trained, Trained]:
    """A population of two rates on three folds; what a trial trained of it at one rate; and the rest."""
    whole = population_of(PLAN, folds=3)
    one_rate = train(population_of(PLAN.change(learning_rate=1e-2), folds=3))
    rest = train(without(whole, [one_rate]))
    return whole, one_rate, rest


def test_only_what_is_missing_is_trained(halves: tuple[Population, Trained, Trained]) -> None:
    whole, _, rest = halves
    assert [m.settings["learning_rate"] for m in rest.population.members] == pytest.approx([1e-3] * 3)
    assert without(whole, [rest]).members != ()
    assert without(whole, list(halves[1:])).members == ()


def test_it_is_the_population_as_if_trained_at_once(halves: tuple[Population, Trained, Trained], train: Train) -> None:
    whole, *parts = halves
    at_once, joined = train(whole), gathered(whole, parts)
    assert joined.population.members == at_once.population.members
    for member in whole.members:
        for name, array in at_once.weights(member).items():
            np.testing.assert_allclose(joined.weights(member)[name], array, atol=1e-5)
    assert member_epochs(joined) == member_epochs(at_once)
    columns = ["member", "fold", "seed", "learning_rate", "best_epoch"]
    assert members_frame(joined)[columns].equals(members_frame(at_once)[columns])
    for frame in (curves_frame, measures_frame):
        keys = [c for c in frame(joined).columns if c not in ("slab", "value")]
        ours, theirs = (frame(trained).sort(keys)["value"].to_numpy() for trained in (joined, at_once))
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)


def test_plans_of_before_stand_beside_the_new_ones(population_of: Make, train: Train) -> None:
    """The rate that both plans have is one training; the other plan's other rate is kept under its own plan."""
    before, after = train(population_of(PLAN, folds=2)), PLAN.change(learning_rate=1e-2)
    whole = population_of(after, PLAN, folds=2)
    joined = gathered(whole, [before])
    assert without(whole, [before]).members == ()
    assert sorted((m.plan, m.settings["learning_rate"]) for m in joined.population.members) == [
        (0, pytest.approx(1e-2)),
        (0, pytest.approx(1e-2)),
        (1, pytest.approx(1e-3)),
        (1, pytest.approx(1e-3)),
    ]
    own = of_plans(joined, 1)
    assert {m.plan for m in own.population.members} == {0}
    assert members_frame(own)["plan"].unique().to_list() == [0]
    assert all(slab.plan == m.plan for slab in joined.population.slabs for m in slab.members)


def test_another_seed_or_structure_is_another_training(population_of: Make, train: Train) -> None:
    before = train(population_of(PLAN))
    for change in ({"seed": 1}, {"activation": "tanh"}, {"l2": 0.1}):
        other = population_of(PLAN.change(**change))
        assert without(other, [before]).members == other.members
