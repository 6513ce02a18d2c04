"""One slab's training as a plain loop over epochs, from any epoch boundary to the end."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from rounds.plan import Plan, setting_names
from rounds.training.batches.orders import NO_ROW, epoch_order, full_batch
from rounds.training.batches.streaming import AnyData, run_epoch, run_measure
from rounds.training.compiled.measures import measure_interval
from rounds.training.compiled.schedule import cycle_ends
from rounds.training.compiled.state import EpochRecord, MemberState, Weights
from rounds.training.population.members import WHOLE_DEVELOPMENT, Slab
from rounds.training.program import Program


@dataclass(frozen=True)
class Rows:
    """Rows of one fold: trained on, and held out for validation (both int64)."""

    train: np.ndarray
    held: np.ndarray


class CompiledShape(NamedTuple):
    """Most rows that any member trains on, and that any is validated on: what the compiled shapes are made for.

    It covers the folds of all slabs that share a program; folds differ by a row or two, and every other shape would
    compile again.
    """

    train: int
    held: int


def compiled_shape_of(folds: Iterable[Rows]) -> CompiledShape:
    """The extent of these folds."""
    each = list(folds)
    return CompiledShape(max(len(rows.train) for rows in each), max(len(rows.held) for rows in each))


@dataclass(frozen=True)
class SlabAt:
    """A slab at an epoch boundary: epochs done, state on the device, one EpochRecord of NumPy arrays an epoch,
    measures [G, M, numbers] by the epoch before whose first step they were taken, and weights [G, M, ...] by the epoch
    at whose end a cycle ended."""

    epoch: int
    state: MemberState
    records: tuple[EpochRecord, ...] = ()
    measures: tuple[tuple[int, np.ndarray], ...] = ()
    cycles: tuple[tuple[int, Weights], ...] = ()


def slab_settings(slab: Slab) -> dict[str, jax.Array]:
    """Settings of all members, {name: [G, M] float32}."""
    members = slab.filled()
    settings = {
        n: jnp.array([[m.settings[n] for m in group] for group in members], jnp.float32) for n in setting_names()
    }
    return {**settings, "key": jnp.array([[m.seed % 2**24 for m in group] for group in members], jnp.float32)}


def begin_slab(program: Program, slab: Slab, data: AnyData) -> SlabAt:
    """Fresh weights for every member, drawn from its own seed; what training rows decide comes from the data."""
    drawn = [[_begun(program, m.seed, data) for m in group] for group in slab.filled()]
    weights = Weights(*(_stacked([[one[part] for one in group] for group in drawn]) for part in (0, 1)))
    return SlabAt(0, program.begin(slab_settings(slab), weights))


def _begun(program: Program, seed: int, data: AnyData) -> tuple[list[np.ndarray], list[np.ndarray]]:
    trainable, state = program.functional.draw(seed)
    names = program.functional.state_names
    return trainable, [np.asarray(data.fitted.get(n, a), a.dtype) for n, a in zip(names, state, strict=True)]


def _stacked(arrays: list[list[list[np.ndarray]]]) -> list[jax.Array]:
    """[G][M][arrays] -> arrays [G, M, ...]."""
    count = len(arrays[0][0])
    return [jnp.asarray(np.stack([np.stack([one[i] for one in group]) for group in arrays])) for i in range(count)]


def slab_epochs(
    program: Program,
    slab: Slab,
    data: AnyData,
    folds: dict[int, Rows],
    start: SlabAt,
    compiled_shape: CompiledShape | None = None,
) -> Iterator[SlabAt]:
    """Trains from `start` and yields after every epoch; ends early when every member has stopped.

    folds: rows of each fold that the slab's members name, of the slab's outer fold; compiled_shape: of all folds that
    share the program (None: of these).
    """
    compiled_shape = compiled_shape or compiled_shape_of(folds.values())
    plan, settings = program.plan, slab_settings(slab)
    groups = [group[0] for group in slab.filled()]
    held = jnp.asarray(_held_rows([folds[m.fold].held for m in groups], compiled_shape))
    at = start
    order = _orders(plan, slab, folds, at.epoch, compiled_shape)
    every, ends = measure_interval(plan, order.shape[1]), cycle_ends(plan)
    while at.epoch < plan.epochs and _running(at):
        number = jnp.float32(at.epoch)
        if slab.outer == WHOLE_DEVELOPMENT and at.epoch % every == 0:
            position = number + 1 / order.shape[1]
            taken = np.asarray(run_measure(program, at.state, settings, data, order[:, 0], position))
            at = replace(at, measures=(*at.measures, (at.epoch, taken)))
        state, record = run_epoch(program, at.state, settings, data, order, held, number)
        order = _orders(plan, slab, folds, at.epoch + 1, compiled_shape)
        record = jax.tree.map(np.asarray, record)
        at = replace(at, epoch=at.epoch + 1, state=state, records=(*at.records, record))
        if at.epoch in ends:
            at = replace(at, cycles=(*at.cycles, (at.epoch, _shown(at))))
        yield at


def _shown(at: SlabAt) -> Weights:
    """Weights as they are validated, copied: the next epoch takes their place."""
    trainable = at.state.average or at.state.weights.trainable
    copied: Weights = jax.tree.map(np.array, Weights(trainable, at.state.weights.state))
    return copied


def _running(at: SlabAt) -> bool:
    return not at.records or bool(at.records[-1].running.any())


def steps_per_epoch(plan: Plan, compiled_shape: CompiledShape) -> tuple[int, int]:
    """(steps, rows a step); the same for every fold, so that one program serves them all."""
    most = compiled_shape.train
    if plan.batch_size == "all":
        return 1, most
    batch = min(plan.batch_size, most)
    return -(-most // batch), batch


def _orders(plan: Plan, slab: Slab, folds: dict[int, Rows], epoch: int, compiled_shape: CompiledShape) -> np.ndarray:
    shape = steps_per_epoch(plan, compiled_shape)
    groups = [group[0] for group in slab.filled()]
    if plan.batch_size == "all":
        return np.stack([full_batch(folds[m.fold].train, shape[1]) for m in groups])
    streams = [(folds[m.fold].train, (plan.seed, m.stream)) for m in groups]
    return np.stack([epoch_order(rows, stream, epoch, shape, plan.shuffle) for rows, stream in streams])


def _held_rows(held: list[np.ndarray], compiled_shape: CompiledShape) -> np.ndarray:
    return np.stack([np.pad(h, (0, compiled_shape.held - len(h)), constant_values=NO_ROW) for h in held]).astype(
        np.int32
    )


def weights_by_member(weights: Weights, slab: Slab) -> dict[int, Weights]:
    """Weights [G, M, ...] of a slab as NumPy arrays of each member by its number."""
    taken: Weights = jax.tree.map(np.asarray, weights)
    return {
        m.number: Weights([a[g, i] for a in taken.trainable], [a[g, i] for a in taken.state])
        for g, group in enumerate(slab.groups)
        for i, m in enumerate(group)
        if m is not None
    }
