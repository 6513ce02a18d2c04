"""A population whose last epochs were kept, as it would be with its best ones: read off, not trained again."""

from collections.abc import Iterator
from dataclasses import replace

import jax
import numpy as np

from rounds.plan import Plan, usual_patience
from rounds.training.compiled.best_snapshots import EVERYBODY, has_best_snapshots
from rounds.training.compiled.state import EpochRecord, Weights
from rounds.training.pool import SlabResult
from rounds.training.population.build import Population, Trained, with_exact_statistics


def at_epoch_of(trained: Trained, selector: int) -> Trained:
    """The same networks at the epochs that one of the three choosers took (`best_snapshots`)."""
    population = trained.population
    chosen = (replace(r, best=_chosen(r, selector), cycles=()) for r in trained.results)
    return Trained(population, tuple(with_exact_statistics(population, r) for r in chosen))


def _chosen(result: SlabResult, selector: int) -> dict[int, Weights]:
    return {n: jax.tree.map(lambda leaf: leaf[selector], weights) for n, weights in result.best_snapshots.items()}


def without_halves(trained: Trained) -> Trained:
    """The same networks without the snapshots that only a trial asked for."""
    plans = trained.population.plans
    kept = (r if has_best_snapshots(plans[r.slab.plan]) else replace(r, best_snapshots={}) for r in trained.results)
    return Trained(trained.population, tuple(kept))


def with_best_epochs(trained: Trained, like: Population) -> Trained:
    """What training the plans of `like` would have come to: its first ones are those of `trained`, one by one, but that
    they keep the epoch of the best loss and stop `usual_patience` epochs after it."""
    works = tuple(replace(work, program=like.programs[work.slab.plan]) for work in trained.population.works)
    treated = replace(trained.population, plans=like.plans, programs=like.programs, works=works)
    results = at_epoch_of(trained, EVERYBODY).results
    return Trained(treated, tuple(_stopped(result, like.plans[result.slab.plan]) for result in results))


def _stopped(result: SlabResult, plan: Plan) -> SlabResult:
    records = tuple(records_with_patience(result.records, usual_patience(plan.epochs)))
    measures = tuple((epoch, taken) for epoch, taken in result.measures if epoch < len(records))
    return replace(result, records=records, measures=measures, best_snapshots={})


def records_with_patience(records: tuple[EpochRecord, ...], patience: int) -> Iterator[EpochRecord]:
    """Records [G, M, ...] of members that keep the epoch of the lowest loss, up to where the last of them stops."""
    shape = records[0].running.shape
    best, epoch, waited = np.full(shape, np.inf, np.float32), np.full(shape, -1, np.int32), np.zeros(shape, np.int32)
    running = np.ones(shape, bool)
    for number, record in enumerate(records):
        value, finite = record.validation[..., 0], np.isfinite(record.losses.mean(-1))
        better = running & finite & (value < best)
        best, epoch = np.where(better, value, best), np.where(better, np.int32(number), epoch)
        waited = np.where(better, 0, waited + 1)
        running = running & record.running & (waited < patience)
        yield record._replace(running=running, best_epoch=epoch, best_value=best)
        if not running.any():
            return
