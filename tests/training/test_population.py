"""Populations: who the members are, how they are packed, and that K together equal K alone."""

from collections.abc import Callable
from dataclasses import replace

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rounds.plan import Plan
from rounds.training.population.build import Population, Trained
from rounds.training.population.members import Slab, make_members, make_slabs, slab_shape, sweep
from rounds.training.slab import begin_slab, slab_epochs, weights_by_member

PLAN = Plan(
    hidden=(8,), epochs=3, batch_size=16, learning_rate=(1e-3, 1e-2), dropout=0.2, patience=0, warmup_epochs=0.5
)
Make = Callable[..., Population]
Train = Callable[[Population], Trained]


def test_a_sweep_is_every_combination() -> None:
    found = {(s["learning_rate"], s["dropout"]) for s in sweep(Plan(learning_rate=(1.0, 2.0), dropout=(0.0, 0.5)))}
    assert found == {(1.0, 0.0), (1.0, 0.5), (2.0, 0.0), (2.0, 0.5)}


def test_members_of_a_fold_share_weights_and_minibatches_and_folds_do_not() -> None:
    members = make_members([PLAN], folds=(0, 1))
    assert [(m.fold, m.settings["learning_rate"]) for m in members] == [(0, 1e-3), (0, 1e-2), (1, 1e-3), (1, 1e-2)]
    assert members[0].seed == members[1].seed != members[2].seed
    assert members[0].stream == members[1].stream != members[2].stream


def test_own_batches_give_every_member_a_stream() -> None:
    members = make_members([PLAN.change(shared_batches=False)], folds=(0, 1), repeats=(0,))
    assert len({m.stream for m in members}) == len(members) == 8


def test_more_members_than_cells_repeat_them_with_new_seeds() -> None:
    members = make_members([PLAN], folds=(0, 1), count=8)
    assert len({(m.fold, m.settings["learning_rate"], m.seed) for m in members}) == 8
    assert len(make_members([PLAN], folds=(0, 1), count=1)) == 1


@settings(max_examples=80, deadline=None)
@given(
    folds=st.integers(1, 6),
    outers=st.integers(0, 3),
    count=st.integers(1, 40),
    own=st.booleans(),
    size=st.sampled_from([10_000, 900_000, 3_000_000, 50_000_000]),
    workers=st.integers(1, 4),
)
def test_every_member_is_in_one_slab_of_its_plans_shape(
    folds: int, outers: int, count: int, own: bool, size: int, workers: int
) -> None:
    plans = [PLAN.change(shared_batches=not own), PLAN.change(network="linear", dropout=0.0)]
    members = make_members(plans, tuple(range(folds)), (0,) * outers, count)
    slabs = make_slabs(members, {0: size, 1: size}, workers)
    assert sorted(m.number for s in slabs for m in s.members) == list(range(len(members)))
    assert [s.number for s in slabs] == list(range(len(slabs)))
    for plan in {s.plan for s in slabs}:
        assert len({s.shape for s in slabs if s.plan == plan}) == 1
    for slab in slabs:
        assert {m.outer for m in slab.members} == {slab.outer}
        for group in slab.filled():
            assert len({m.stream for m in group}) == 1 or any(m is None for g in slab.groups for m in g)


def test_slab_shapes_respect_the_cache_and_keep_workers_busy() -> None:
    assert slab_shape([[4] * 5], 50_000_000, 2) == (1, 1)
    g, m = slab_shape([[4] * 5] * 6, 100_000, 2)
    assert g * m <= 16
    assert m > 1, "members that share minibatches are packed together"
    assert slab_shape([[64]], 100_000, 2) == (1, 16)


def final(population: Population, slab: Slab) -> dict[int, list[np.ndarray]]:
    work = next(w for w in population.works if w.slab.plan == slab.plan and w.slab.outer == slab.outer)
    *_, at = slab_epochs(work.program, slab, work.data, work.folds, begin_slab(work.program, slab, work.data))
    return {n: w.trainable for n, w in weights_by_member(at.state.best, slab).items()}


FOUR = PLAN.change(learning_rate=(1e-4, 1e-3, 3e-3, 1e-2))


def test_a_member_has_the_same_bits_whatever_its_place_and_companions(population_of: Make) -> None:
    population = population_of(FOUR, folds=1)
    slab = Slab(0, 0, -1, (population.members[:4],))
    together = final(population, slab)
    a, *_, d = population.members[:4]
    elsewhere = final(population, Slab(0, 0, -1, ((d, a, None, None),)))
    for number in elsewhere:
        assert all(np.array_equal(x, y) for x, y in zip(together[number], elsewhere[number], strict=True))


def test_members_together_equal_members_alone_after_few_steps(population_of: Make) -> None:
    population = population_of(FOUR, folds=1)
    together = final(population, Slab(0, 0, -1, (population.members[:4],)))
    for member in population.members[:4]:
        alone = final(population, Slab(0, 0, -1, ((member,),)))
        for x, y in zip(together[member.number], alone[member.number], strict=True):
            assert np.allclose(x, y, atol=1e-5, rtol=1e-4)


def test_own_orders_and_shared_orders_are_the_same_training(population_of: Make) -> None:
    """[G, 1] and [1, M] slabs of the same members differ only in rounding."""
    population = population_of(PLAN, folds=1, count=2)
    a, b = population.members
    wide, tall = final(population, Slab(0, 0, -1, ((a, b),))), final(population, Slab(0, 0, -1, ((a,), (b,))))
    for number in wide:
        assert all(np.allclose(x, y, atol=1e-5) for x, y in zip(wide[number], tall[number], strict=True))


def test_a_structure_compiles_once(population_of: Make, train: Train) -> None:
    plans = PLAN.change(hidden=(5,)), PLAN.change(hidden=(4,), momentum=0.3, epochs=2)
    population = population_of(*plans, folds=4)
    train(population)
    assert [len(p.epoch.compiled) for p in population.programs] == [1, 1]
    again = population_of(*(plan.change(learning_rate=1e-4) for plan in plans), folds=4)
    assert all(a is b for a, b in zip(again.programs, population.programs, strict=True)), "settings are no structure"


def test_seed_moves_weights_and_settings_are_each_members_own(population_of: Make, train: Train) -> None:
    population = population_of(PLAN, folds=1)
    trained = train(population)
    low, high = (trained.weights(m)["hidden_0/kernel"] for m in population.members)
    assert not np.allclose(low, high)
    other = train(population_of(PLAN.change(seed=1), folds=1))
    assert not np.allclose(low, other.weights(other.population.members[0])["hidden_0/kernel"])
    again = train(population_of(PLAN, folds=1))
    assert np.array_equal(low, again.weights(again.population.members[0])["hidden_0/kernel"])


def test_dropout_rates_differ_inside_one_program(population_of: Make, train: Train) -> None:
    """Rate 0 in a slab that has dropout trains like a slab without it."""
    fixed = PLAN.change(learning_rate=1e-2, dropout=(0.0, 0.5))
    both = train(population_of(fixed, folds=1))
    plain = train(population_of(fixed.change(dropout=0.0), folds=1))
    none, half = (both.weights(m)["hidden_0/kernel"] for m in both.population.members)
    assert np.allclose(none, plain.weights(plain.population.members[0])["hidden_0/kernel"], atol=1e-5)
    assert not np.allclose(none, half, atol=1e-3)


def test_jit_equals_eager(population_of: Make) -> None:
    population = population_of(PLAN.change(epochs=1), folds=1)
    slab = population.slabs[0]
    jitted = final(population, slab)
    with jax.disable_jit():
        eager = final(population, replace(slab))
    for number in jitted:
        assert all(np.allclose(x, y, atol=1e-5) for x, y in zip(jitted[number], eager[number], strict=True))


@pytest.mark.parametrize("kind", ["binary", "count", "multiclass"])
def test_every_kind_of_task_learns(population_of: Make, train: Train, kind: str) -> None:
    plan = Plan(hidden=(16,), epochs=40, batch_size=32, learning_rate=1e-2, dropout=0.0, keep_best="loss")
    trained = train(population_of(plan, kind=kind))
    losses = [r.validation[0, 0, 0] for r in trained.results[0].records]
    assert min(losses) < 0.9 * losses[0]
