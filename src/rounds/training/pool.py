"""Slabs trained side by side, one thread a core: compiled programs run outside the interpreter's lock."""

import math
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from rounds.files import writable
from rounds.training.batches.streaming import AnyData
from rounds.training.compiled.state import EpochRecord, Weights
from rounds.training.population.members import Slab
from rounds.training.program import Program
from rounds.training.result.checkpoint import checkpoint_path, load_checkpoint, save_checkpoint
from rounds.training.slab import CompiledShape, Rows, SlabAt, begin_slab, slab_epochs, weights_by_member

LOOKS = (0.3, 0.6)  # of the epochs of a slab: where what it did so far is shown to whoever watches
FEWEST_LOOKED_AT = 8  # epochs: shorter trainings end before anybody could act
CHECKPOINT_SECONDS = 5.0  # at most this much training is done again after a kill, plus one epoch


@dataclass(frozen=True)
class Work:
    """One slab and all that training it needs."""

    slab: Slab
    program: Program
    data: AnyData
    folds: dict[int, Rows]
    compiled_shape: CompiledShape


@dataclass(frozen=True)
class SlabResult:
    """One trained slab: a record an epoch (NumPy, [G, M, ...]), measures [G, M, numbers] by epoch, best weights by
    member, for a cyclic schedule (epoch, weights by member) of each cycle's end, and where the last epoch is kept the
    snapshots of the best beside it by member, leaves [3, ...] (`training.compiled.best_snapshots`)."""

    slab: Slab
    records: tuple[EpochRecord, ...]
    measures: tuple[tuple[int, np.ndarray], ...]
    best: dict[int, Weights]
    cycles: tuple[tuple[int, dict[int, Weights]], ...] = ()
    best_snapshots: dict[int, Weights] = field(default_factory=dict)


@dataclass(frozen=True)
class Progress:
    """Something happened in a slab: an epoch ended, or (with a result) its training did. so_far: what it did until
    then, without weights."""

    slab: int
    epoch: int
    best_value: float
    result: SlabResult | None = None
    so_far: SlabResult | None = None


@dataclass(frozen=True)
class _SharedState:
    """What the threads share: where events go, and when to stop."""

    folder: Path | None
    events: "queue.Queue[Progress | BaseException]"
    stop: threading.Event
    deadline: float
    hopeless: "Hopeless"


# Whether a slab has come to nothing: judged at each epoch boundary, from what it did until then and nothing else, so
# that a run which is killed and resumed ends at the same epoch.
Hopeless = Callable[[Work, SlabAt], bool]


def never(work: Work, at: SlabAt) -> bool:
    """No slab is given up."""
    return False


def train_slabs(
    works: list[Work], workers: int, folder: Path | None = None, deadline: float = math.inf, hopeless: Hopeless = never
) -> Iterator[Progress]:
    """Trains every slab, yields each epoch's end, and each slab's result as it comes.

    folder: where checkpoints are kept and looked for; None keeps none. deadline: on the monotonic clock; slabs end
    at their first epoch boundary after it. hopeless: which slabs end before their last epoch. Whatever stops the
    caller (an interrupt, an error) stops the slabs at their next epoch boundary, with their checkpoints written.
    """
    shared = _SharedState(folder, queue.Queue(), threading.Event(), deadline, hopeless)
    if folder is not None:
        with writable(folder):
            folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(workers) as threads:
        for work in _one_of_each_first(works):
            threads.submit(_train_one, work, shared)
        try:
            yield from _until_done(shared.events, len(works))
        finally:
            shared.stop.set()


def _one_of_each_first(works: list[Work]) -> list[Work]:
    """Slabs of different programs by turns, so that the threads compile side by side."""
    seen: dict[int, int] = {}
    turns = []
    for work in works:
        turns.append(seen.get(id(work.program), 0))
        seen[id(work.program)] = turns[-1] + 1
    return [work for _, _, work in sorted(zip(turns, range(len(works)), works, strict=True), key=lambda t: t[:2])]


def _until_done(events: "queue.Queue[Progress | BaseException]", left: int) -> Iterator[Progress]:
    while left:
        event = events.get()
        if isinstance(event, BaseException):
            raise event
        left -= event.result is not None
        yield event


def _train_one(work: Work, shared: _SharedState) -> None:
    try:
        if not shared.stop.is_set():
            _train(work, shared)
    except BaseException as error:
        shared.stop.set()
        shared.events.put(error)


def _train(work: Work, shared: _SharedState) -> None:
    path = checkpoint_path(shared.folder, work.slab.number) if shared.folder else None
    saved = time.monotonic()
    at = None
    for at in _epochs(work, path, shared):
        now = time.monotonic()
        if path and (now - saved > CHECKPOINT_SECONDS or shared.stop.is_set()):
            save_checkpoint(path, at)
            saved = now
        if shared.stop.is_set():
            return
        so_far = SlabResult(work.slab, at.records, at.measures, {})
        shared.events.put(Progress(work.slab.number, at.epoch, float(at.records[-1].best_value.min()), so_far=so_far))
        if now > shared.deadline or shared.hopeless(work, at):
            break
    assert at is not None
    if path:
        save_checkpoint(path, at)
    best = weights_by_member(at.state.best, work.slab)
    cycles = tuple((epoch, weights_by_member(taken, work.slab)) for epoch, taken in at.cycles)
    best_snapshots = (
        weights_by_member(at.state.best_snapshots.weights, work.slab) if at.state.best_snapshots is not None else {}
    )
    result = SlabResult(work.slab, at.records, at.measures, best, cycles, best_snapshots)
    shared.events.put(Progress(work.slab.number, at.epoch, 0.0, result))


def looked_at(epochs: int) -> frozenset[int]:
    """Epochs after which a training of so many is looked at.

    >>> sorted(looked_at(40)), sorted(looked_at(7))
    ([12, 24], [])
    """
    return frozenset(math.ceil(share * epochs) for share in LOOKS) if epochs >= FEWEST_LOOKED_AT else frozenset()


def _epochs(work: Work, path: Path | None, shared: _SharedState) -> Iterator[SlabAt]:
    """The slab's epochs from its checkpoint or its beginning."""
    start = begin_slab(work.program, work.slab, work.data)
    if path and path.exists():
        start = load_checkpoint(path, start)
    epochs = slab_epochs(work.program, work.slab, work.data, work.folds, start, work.compiled_shape)
    yield start if shared.hopeless(work, start) else next(epochs, start)
    yield from epochs
