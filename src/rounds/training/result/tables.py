"""What a training left behind, as tables: a curve an epoch, a row a member, and a thinned trace of step losses."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import polars as pl

from rounds.plan import Plan
from rounds.training.compiled.state import EpochRecord
from rounds.training.compiled.validation import is_higher_better, metric_names
from rounds.training.pool import SlabResult
from rounds.training.population.build import Population, Trained
from rounds.training.population.members import Member

STEP_POINTS = 400  # step losses kept a member: enough to see the noise, few enough to draw

CURVES = pl.Schema(
    {
        "round": pl.Int32(),
        "slab": pl.Int32(),
        "member": pl.Int32(),
        "epoch": pl.Int32(),
        "split": pl.String(),
        "metric": pl.String(),
        "value": pl.Float64(),
    }
)


MEASURES = pl.Schema(
    {
        "round": pl.Int32(),
        "slab": pl.Int32(),
        "member": pl.Int32(),
        "epoch": pl.Int32(),
        "layer": pl.String(),
        "measure": pl.String(),
        "value": pl.Float64(),
    }
)


def curves_frame(trained: Trained, number: int = 0) -> pl.DataFrame:
    """(round, slab, member, epoch, split, metric, value), epochs from 1; a member's rows end when it stopped."""
    parts = []
    for result, member, record in _each_member(trained):
        alive = _alive(record)
        epochs = np.flatnonzero(alive) + 1
        for (split, metric), values in _curves(trained, member, record).items():
            parts.append(_Part(result, member, epochs, (split,), (metric,), values[alive]))
    return _long(CURVES, number, parts)


def _curves(trained: Trained, member: Member, record: EpochRecord) -> dict[tuple[str, str], np.ndarray]:
    """What a member leaves behind of every epoch [E], by split and metric."""
    columns = {("train", "loss"): record.losses.mean(-1), ("train", "learning_rate"): record.learning_rate}
    if record.penalties.any():
        columns["train", "penalty"] = record.penalties.mean(-1)
    if record.model_losses.any():
        columns["train", "model losses"] = record.model_losses.mean(-1)
    if np.isfinite(record.gradient_norm).any():
        columns["train", "gradient_norm"] = record.gradient_norm
    names = metric_names(trained.population.task.kind, trained.population.plans[member.plan].metrics)
    return columns | {("validation", name): record.validation[:, i] for i, name in enumerate(names)}


def last_values(population: Population, so_far: SlabResult) -> Iterator[tuple[Member, dict[str, float]]]:
    """Every member that trained in the last epoch, and what it left behind: train_loss, validation_loss, ..."""
    last = replace(so_far, records=so_far.records[-2:])  # the one before says who went on
    trained = Trained(population, (last,))
    for _, member, record in _each_member(trained):
        if _alive(record)[-1]:
            values = _curves(trained, member, record).items()
            yield member, {_value_name(split, metric): float(value[-1]) for (split, metric), value in values}


def _value_name(split: str, metric: str) -> str:
    return metric if metric == "learning_rate" else f"{split}_{metric}".replace(" ", "_")


def members_frame(trained: Trained, number: int = 0) -> pl.DataFrame:
    """(round, slab, member, network, every setting, seed, fold, outer, best_epoch, best_value, outcome)."""
    rows = []
    for result, member, record in _each_member(trained):
        plan = trained.population.plans[member.plan]
        rows.append(
            {
                "round": number,
                "slab": result.slab.number,
                "member": member.number,
                "plan": member.plan,
                "network": plan.network,
                **member.settings,
                "seed": member.seed,
                "fold": member.fold,
                "outer": member.outer,
                "best_epoch": int(record.best_epoch[-1]) + 1,
                "best_value": best_value(plan, record),
                "epochs": int(_alive(record).sum()),
                "outcome": member_outcome(record),
            }
        )
    # Where every member diverged, no value tells the column's type.
    return pl.DataFrame(rows).with_columns(pl.col("best_value").cast(pl.Float64)).sort("member")


def steps_frame(trained: Trained, number: int = 0) -> pl.DataFrame:
    """(round, slab, member, step, epoch, loss): at most STEP_POINTS evenly spaced steps a member."""
    frames = []
    for result, member, record in _each_member(trained):
        steps = record.losses.shape[1]
        losses = record.losses[_alive(record)].ravel()
        chosen = np.unique(np.linspace(0, len(losses) - 1, min(STEP_POINTS, len(losses))).astype(int))
        frame = pl.DataFrame({"step": chosen + 1, "epoch": (chosen + 1) / steps, "loss": losses[chosen].astype(float)})
        names = {"round": number, "slab": result.slab.number, "member": member.number}
        frames.append(frame.with_columns(**{k: pl.lit(v, pl.Int32) for k, v in names.items()}))
    return pl.concat(frames).select("round", "slab", "member", "step", "epoch", "loss")


def measures_frame(trained: Trained, number: int = 0) -> pl.DataFrame:
    """(round, slab, member, epoch, layer, measure, value); epoch: how many were done when it was taken."""
    parts = []
    for result in trained.results:
        plan = result.slab.plan
        layers, names = zip(*trained.population.programs[plan].measured, strict=True)
        members = [(m, g, i) for g, group in enumerate(result.slab.groups) for i, m in enumerate(group) if m]
        for epoch, taken in result.measures:
            done = np.array([epoch])
            parts += [_Part(result, member, done, layers, names, taken[g, i]) for member, g, i in members]
    return _long(MEASURES, number, parts)


class _Part(NamedTuple):
    """Rows of a table that one member left; epochs and both kinds of names are of every row, or one of all."""

    result: SlabResult
    member: Member
    epochs: np.ndarray
    first: tuple[str, ...]
    second: tuple[str, ...]
    values: np.ndarray


def _long(schema: pl.Schema, number: int, parts: list[_Part]) -> pl.DataFrame:
    """One table of all parts, put together column by column: a table for each part would take a thousand times the
    time of its few numbers."""
    lengths = [len(part.values) for part in parts]

    def numbers(each: Iterable[int]) -> np.ndarray:
        return np.repeat(np.fromiter(each, np.int32, len(parts)), lengths)

    def spread(each: Iterable[tuple[str, ...]]) -> list[str]:
        pairs = zip(each, lengths, strict=True)
        return [name for names, n in pairs for name in (names * n if len(names) == 1 else names)]

    epochs = [np.broadcast_to(part.epochs, n) for part, n in zip(parts, lengths, strict=True)]
    columns = (
        np.full(sum(lengths), number, np.int32),
        numbers(p.result.slab.number for p in parts),
        numbers(p.member.number for p in parts),
        np.concatenate([np.zeros(0, np.int32), *epochs]),
        spread(p.first for p in parts),
        spread(p.second for p in parts),
        np.concatenate([np.zeros(0), *(p.values for p in parts)]),
    )
    return pl.DataFrame(dict(zip(schema.names(), columns, strict=True)), schema_overrides=schema)


def member_epochs(trained: Trained) -> int:
    """Epochs that members trained, added up; those after a member stopped do not count."""
    return sum(int(_alive(record).sum()) for _, _, record in _each_member(trained))


def member_outcome(record: EpochRecord) -> str:
    """What became of a member, from its record [E, ...]: diverged, stopped (early) or finished."""
    if is_diverged(record.losses, record.running):
        return "diverged"
    return "finished" if record.running[-1] else "stopped"


def is_diverged(losses: np.ndarray, running: np.ndarray) -> bool:
    """Whether a step loss [E, steps] of a member was lost while it trained; running [E]: whether it went on after."""
    return not np.isfinite(losses[_trained(running)]).all()


def best_value(plan: Plan, record: EpochRecord) -> float | None:
    """Validation value of the epoch kept, in the metric that kept it; None where no epoch was finite."""
    value = float(record.best_value[-1])
    higher = plan.keep_best != "none" and is_higher_better(plan.keep_best, plan.metrics)
    return (-value if higher else value) if np.isfinite(value) else None


def _alive(record: EpochRecord) -> np.ndarray:
    """Epochs [E] in which the member trained: the first, and each that began with the member still running."""
    return _trained(record.running)


def _trained(running: np.ndarray) -> np.ndarray:
    return np.concatenate([[True], running[:-1]])


def _each_member(trained: Trained) -> Iterator[tuple[SlabResult, Member, EpochRecord]]:
    """Every member with its slab and its own record, fields [E, ...]."""
    for result in trained.results:
        stacked = EpochRecord(*(np.stack(field) for field in zip(*result.records, strict=True)))
        for g, group in enumerate(result.slab.groups):
            for i, member in enumerate(group):
                if member is not None:
                    yield result, member, EpochRecord(*(field[:, g, i] for field in stacked))
