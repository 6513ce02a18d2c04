"""Tables of what happened, beside a loop over every number."""

from collections.abc import Callable

import numpy as np
import pytest

from rounds.plan import Plan
from rounds.training.population.build import Population, Trained
from rounds.training.result.tables import curves_frame, measures_frame

PLAN = Plan(hidden=(4,), epochs=6, batch_size=32, learning_rate=(1e-3, 3.0), dropout=0.0, patience=1)


@pytest.fixture
def trained(population_of: Callable[..., Population], train: Callable[[Population], Trained]) -> Trained:
    return train(population_of(PLAN, folds=2))


def test_curves_end_where_a_member_stopped(trained: Trained) -> None:
    frame = curves_frame(trained, 3)
    assert set(frame["round"]) == {3}
    lengths = set()
    for member in trained.population.members:
        result, place = trained.place(member)
        running = [True, *(bool(r.running[place]) for r in result.records[:-1])]
        losses = [float(r.losses[place].mean()) for r, on in zip(result.records, running, strict=True) if on]
        mine = frame.filter(member=member.number, split="train", metric="loss")
        assert mine["epoch"].to_list() == list(range(1, len(losses) + 1))
        assert set(mine["slab"]) == {result.slab.number}
        np.testing.assert_allclose(mine["value"].to_numpy(), losses, rtol=1e-6)
        lengths.add(len(losses))
    assert len(lengths) > 1, "no member stopped before the others: nothing was tested"


def test_every_measure_stands_in_its_place(trained: Trained) -> None:
    frame = measures_frame(trained)
    for member in trained.population.members:
        result, place = trained.place(member)
        named = trained.population.programs[member.plan].measured
        for epoch, taken in result.measures:
            mine = frame.filter(member=member.number, epoch=epoch)
            assert list(zip(mine["layer"], mine["measure"], strict=True)) == list(named)
            np.testing.assert_array_equal(mine["value"].to_numpy(), taken[place].astype(float))
