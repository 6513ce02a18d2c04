"""Snapshots of the best epoch beside the last: what keeping the best would have come to, without training it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from rounds.errors import RunFolderError
from rounds.plan import Plan, usual_patience
from rounds.training.compiled.best_snapshots import (
    begin_best_snapshots,
    has_best_snapshots,
    keep_best_snapshots,
)
from rounds.training.compiled.state import EpochRecord, Weights
from rounds.training.population.build import Population, Trained
from rounds.training.result.best_epoch import at_epoch_of, records_with_patience, with_best_epochs
from rounds.training.result.checkpoint import load_checkpoint, save_checkpoint
from rounds.training.result.tables import curves_frame, member_epochs, members_frame
from rounds.training.slab import SlabAt, begin_slab, slab_epochs

Make = Callable[..., Population]
Train = Callable[[Population], Trained]
# Learns its few patients by heart: the best epoch comes early, and is one of many that are tried.
GREEDY = Plan(
    hidden=(32,),
    epochs=60,
    batch_size=16,
    learning_rate=(1e-2, 3e-2),
    dropout=0.0,
    weight_decay=0.0,
    schedule="constant",
    keep_best="none",
)


def begun(population: Population) -> SlabAt:
    work = population.works[0]
    return begin_slab(work.program, work.slab, work.data)


def kept(plan: Plan) -> Plan:
    return plan.change(keep_best="loss", patience=usual_patience(plan.epochs))


@pytest.mark.parametrize("changes", [{}, {"normalization": "batch", "ema": 0.5}], ids=["plain", "statistics and ema"])
def test_best_epochs_read_off_are_those_of_a_training_that_keeps_them(
    population_of: Make, train: Train, changes: dict[str, object]
) -> None:
    plan = GREEDY.change(**changes)
    last, best = population_of(plan, folds=2), population_of(kept(plan), folds=2)
    read, trained = with_best_epochs(train(last), best), train(best)
    assert member_epochs(read) == member_epochs(trained) < 4 * plan.epochs
    for column in ("best_epoch", "epochs", "outcome"):
        assert members_frame(read)[column].to_list() == members_frame(trained)[column].to_list()
    assert curves_frame(read).shape == curves_frame(trained).shape
    for one, other in zip(read.population.members, trained.population.members, strict=True):
        mine, theirs = read.weights(one), trained.weights(other)
        for name in theirs:
            np.testing.assert_allclose(mine[name], theirs[name], atol=1e-4)


def test_the_last_epoch_stays_what_is_handed_over(population_of: Make, train: Train) -> None:
    trained = train(population_of(GREEDY))
    result = trained.results[0]
    assert (result.records[-1].best_epoch == GREEDY.epochs - 1).all()
    for number, weights in result.best.items():
        best_snapshots = result.best_snapshots[number]
        assert {leaf.shape[0] for leaf in jax.tree.leaves(best_snapshots)} == {3}
        assert any((a != b[0]).any() for a, b in zip(weights.trainable, best_snapshots.trainable, strict=True))


def test_each_chooser_asks_its_own_patients(population_of: Make) -> None:
    """Twin: losses of every epoch's weights on either half, by NumPy; the lowest one's weights are kept."""
    population = population_of(GREEDY.change(epochs=6, learning_rate=0.03))
    work, fold_data = population.works[0], population.folds_data[0]
    member = work.slab.members[0]
    held = fold_data.folds[member.fold].held
    targets = fold_data.target_scale.forward(fold_data.targets)[held]
    inputs = [np.asarray(x)[held] for x in work.data.inputs]
    losses = []
    for at in slab_epochs(work.program, work.slab, work.data, work.folds, begun(population), work.compiled_shape):
        weights = jax.tree.map(lambda leaf: leaf[0, 0], at.state.weights)
        outputs, _ = work.program.functional.apply(weights.trainable, weights.state, inputs, False)
        losses.append(((np.asarray(outputs) - targets) ** 2).mean(1))
    halves = fold_data.patient_half[held]
    for selector, asked in enumerate((halves >= 0, halves == 0, halves == 1)):
        means = [loss[asked].mean() for loss in losses]
        np.testing.assert_allclose(at.state.best_snapshots.value[0, 0, selector], min(means), rtol=1e-5)
    assert abs(int((halves == 1).sum()) - len(held) / 2) <= 1


def test_a_snapshot_waits_no_longer_than_the_patience() -> None:
    """Losses fall, rise for three epochs, and fall below all: with a patience of 3 the last is not taken, with 4 it
    is; an epoch that is not finite is never taken."""
    course = [3.0, 1.0, 2.0, 2.0, 2.0, 0.5]
    for patience, best in ((3, 1.0), (4, 0.5)):
        best_snapshots = begin_best_snapshots(Weights([jnp.zeros(2)], []))
        for loss in course:
            shown = Weights([jnp.full(2, loss)], [])
            best_snapshots = keep_best_snapshots(best_snapshots, shown, jnp.full(3, loss), jnp.array(True), patience)
        np.testing.assert_array_equal(best_snapshots.weights.trainable[0], np.full((3, 2), best))
    shown = Weights([jnp.full(2, -1.0)], [])
    lost = keep_best_snapshots(best_snapshots, shown, jnp.full(3, -1.0), jnp.array(False), 4)
    np.testing.assert_array_equal(lost.weights.trainable[0], np.full((3, 2), 0.5))


def test_the_course_ends_where_the_last_member_stops() -> None:
    losses = np.array([[[1.0, 1.0]], [[2.0, 0.5]], [[2.0, 0.6]], [[2.0, 0.7]], [[0.1, 0.8]]], np.float32)
    alive = np.ones((1, 2), bool)
    records = tuple(
        EpochRecord(loss[..., None], None, None, loss[..., None], None, None, alive, None, None) for loss in losses
    )
    seen = list(records_with_patience(records, 2))
    assert [r.running.tolist() for r in seen] == [[[True, True]], [[True, True]], [[False, True]], [[False, False]]]
    assert seen[-1].best_epoch.tolist() == [[0, 1]]
    np.testing.assert_allclose(seen[-1].best_value, [[1.0, 0.5]])


@pytest.mark.parametrize("changes", [{"keep_best": "loss"}, {"schedule": "cyclic", "cycles": 2}], ids=str)
def test_no_snapshots_where_the_best_is_kept_or_would_train_otherwise(population_of: Make, changes: object) -> None:
    plan = GREEDY.change(**changes)  # type: ignore[arg-type]
    assert has_best_snapshots(GREEDY)
    assert not has_best_snapshots(plan)
    assert begun(population_of(plan)).state.best_snapshots is None


def test_snapshots_go_on_from_a_checkpoint_to_the_same_bits(population_of: Make, tmp_path: Path) -> None:
    population = population_of(GREEDY.change(epochs=8))
    work = population.works[0]

    def from_here(start: SlabAt) -> Iterator[SlabAt]:
        return slab_epochs(work.program, work.slab, work.data, work.folds, start, work.compiled_shape)

    for at in from_here(begun(population)):
        if at.epoch == 4:
            save_checkpoint(tmp_path / "half", at)
    *_, resumed = from_here(load_checkpoint(tmp_path / "half", begun(population)))
    for one, other in zip(jax.tree.leaves(at.state), jax.tree.leaves(resumed.state), strict=True):
        np.testing.assert_array_equal(one, other)
    _refused_where_damaged(tmp_path / "half", begun(population))


def _refused_where_damaged(path: Path, fresh: SlabAt) -> None:
    """A checkpoint without one of its arrays is told, whichever it is; one whose folder is gone is not written."""
    arrays = load_file(path)
    for name in arrays:
        if name != "measures":
            save_file({n: a for n, a in arrays.items() if n != name}, path)
            with pytest.raises(RunFolderError, match="checkpoint must be whole and of this run, got file='half'"):
                load_checkpoint(path, fresh)
    with pytest.raises(RunFolderError, match="Run folder must be left where it is until the end"):
        save_checkpoint(path.parent / "gone" / "slab", fresh)


def test_the_halves_choose_other_epochs_than_all(population_of: Make, train: Train) -> None:
    trained = train(population_of(GREEDY, folds=3))
    member = trained.population.members[0]
    weights = [at_epoch_of(trained, selector).weights(member) for selector in range(3)]
    assert any((weights[1][name] != weights[2][name]).any() for name in weights[0])
