"""The one record that rules read: what was planned, what happened, how it was judged."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import polars as pl

from rounds.examination.curve import Configuration, Curve
from rounds.examination.finding import Finding
from rounds.examination.numpy_loss import EACH, least_of_constant
from rounds.metrics import main_metric
from rounds.metrics.worth import left_by
from rounds.model_facts import ModelFacts
from rounds.plan import Plan
from rounds.run_folder.dataset import DatasetFile
from rounds.run_folder.metrics import Estimate, MetricsFile
from rounds.run_folder.stored import Content
from rounds.target_scale import TargetScale
from rounds.task import Task

SETTINGS_OF_A_MEMBER = ("seed", "fold", "outer")
CANDIDATE = -1  # value of `outer` for members of the chosen predictor


@dataclass(frozen=True)
class Run:
    """Evidence of one training.

    plans: the population's, main first (none where it is not known); curves: a member each; constant_loss: the
    loss of always predicting the same, in the unit of the curves (None: not known); advantages: over each baseline on
    judged patients, in the main metric; constant_score: that of the constant baseline; linear_by_fold: validation loss
    by fold of models that any network should reach ("linear"), in the unit of the curves;
    data_findings, data_not_applicable: what the data rules said before training; model: the user's own, where that
    was trained.
    """

    curves: tuple[Curve, ...]
    plans: tuple[Plan, ...] = ()
    task: Task | None = None
    constant_loss: float | None = None
    advantages: dict[str, Estimate] = field(default_factory=dict)
    constant_score: float | None = None
    linear_by_fold: dict[str, dict[int, float]] = field(default_factory=dict)
    metrics: MetricsFile | None = None
    dataset: DatasetFile | None = None
    data_findings: tuple[Finding, ...] = ()
    data_not_applicable: tuple[tuple[str, str], ...] = ()
    data_examined: bool = False
    round: int = 0
    origin: Literal["rounds", "watched"] = "rounds"
    model: ModelFacts | None = None

    @property
    def left_by_constant(self) -> float:
        """What a constant leaves to be gained on judged patients, in the main metric; 0 where nobody was judged."""
        if self.constant_score is None:
            return 0.0
        return left_by("log_loss" if self.task is None else main_metric(self.task), self.constant_score)

    @property
    def judged_elsewhere(self) -> bool:
        """Whether patients of another site or time judge, as was meant, and are found to be others: they tell how far
        networks travel, and not how they were trained."""
        return any(f.code == "shifted-test" and not f.alarms for f in self.data_findings)

    @property
    def plan(self) -> Plan | None:
        """The main plan."""
        return self.plans[0] if self.plans else None

    @cached_property
    def configurations(self) -> tuple[Configuration, ...]:
        """Members that differ in fold and seed alone, in the order of their first member."""
        groups: dict[tuple[Any, ...], list[Curve]] = {}
        for curve in self.curves:
            groups.setdefault((curve.plan, *sorted(curve.settings.items())), []).append(curve)
        return tuple(Configuration(c[0].plan, c[0].settings, tuple(c)) for c in groups.values())

    @cached_property
    def best(self) -> Configuration:
        """The configuration with the lowest median validation loss: what the run has to offer."""
        return min(self.configurations, key=lambda c: c.best_validation)


def constant_loss(task: Task, plan: Plan, targets: np.ndarray) -> float | None:
    """Loss of the best constant prediction for targets [N, T] in the user's unit, as the curves count it; None for a
    loss of the user's own.

    >>> task = Task(kind="binary", targets=("death",), classes=("0", "1"))
    >>> round(constant_loss(task, Plan(), np.array([[0.0], [1.0]])), 4)
    0.6931
    """
    from rounds.training.compiled.objective import loss_name
    from rounds.training.population.fold_data import (
        network_targets,  # brings JAX along, which curves alone do not need
    )

    if loss_name(plan, task) not in EACH:
        return None
    scaled = network_targets(task, TargetScale.fit(task, targets, plan.target_transform), targets).astype(np.float64)
    least = least_of_constant(loss_name(plan, task), scaled)
    if plan.class_weights == "none" or task.kind not in ("binary", "multiclass"):
        return least
    return max(least, float(np.log(max(task.outputs, 2))))  # weighted classes ask for a constant of equal shares


Trace = tuple[np.ndarray, np.ndarray]  # epochs, ascending, and values
Traces = dict[tuple[str, str], Trace]  # by two names, in the order in which they come


def curves_of(
    curves: pl.DataFrame, members: pl.DataFrame, measures: pl.DataFrame | None, steps: pl.DataFrame | None
) -> tuple[Curve, ...]:
    """Curves of the chosen members (those of judging folds repeat them on fewer patients)."""
    chosen = members.filter(pl.col("outer") == CANDIDATE) if "outer" in members.columns else members
    some = chosen.select("member").to_series().implode()
    losses, inside = (
        {} if frame is None else _traces(frame.filter(pl.col("member").is_in(some)), names)
        for frame, names in ((curves, ("split", "metric")), (measures, ("layer", "measure")))
    )
    minibatches = _by_member(steps)
    return tuple(
        _curve(row, losses[row["member"]], inside.get(row["member"], {}), minibatches.get(row["member"]))
        for row in chosen.iter_rows(named=True)
        if row["member"] in losses
    )


def _traces(frame: pl.DataFrame, names: tuple[str, str]) -> dict[int, Traces]:
    """By member, the values of each pair of names."""
    first = pl.col("place").min().over("member", *names)
    ordered = frame.with_row_index("place").with_columns(first).sort("place", "epoch")
    begins = np.flatnonzero(np.diff(ordered["place"].to_numpy().astype(np.int64), prepend=-1))
    epochs, values = (np.split(ordered[name].to_numpy(), begins[1:]) for name in ("epoch", "value"))
    found: dict[int, Traces] = {}
    for i, (member, first, second) in enumerate(ordered[begins].select("member", *names).iter_rows()):
        found.setdefault(int(member), {})[str(first), str(second)] = epochs[i], values[i]
    return found


def _by_member(frame: pl.DataFrame | None) -> dict[int, pl.DataFrame]:
    if frame is None:
        return {}
    return {int(key[0]): part for key, part in frame.partition_by("member", as_dict=True).items()}


def _curve(row: Content, losses: Traces, inside: Traces, steps: pl.DataFrame | None) -> Curve:
    epochs = np.unique(np.concatenate([some for some, _ in losses.values()]))
    values = {key: _aligned(trace, epochs) for key, trace in losses.items()}
    absent = np.full(len(epochs), np.nan)
    known = {"plan", "fold", "outer", "outcome"} & set(row)
    return Curve(
        member=int(row["member"]),
        epochs=epochs,
        train=values.get(("train", "loss"), absent),
        validation=values.get(("validation", "loss"), absent),
        settings=_settings(row),
        rate=values.get(("train", "learning_rate")),
        penalty=values.get(("train", "penalty")),
        metrics={metric: v for (split, metric), v in values.items() if split == "validation" and metric != "loss"},
        measures=inside,
        steps=_steps(steps),
        **{name: row[name] for name in known},
    )


def _aligned(trace: Trace, epochs: np.ndarray) -> np.ndarray:
    values = np.full(len(epochs), np.nan)
    values[np.searchsorted(epochs, trace[0])] = trace[1]
    return values


def _settings(row: Content) -> dict[str, float]:
    left_out = {"round", "slab", "member", "plan", "network", "best_epoch", "best_value", "epochs", "outcome"}
    names = [n for n in row if n not in left_out and n not in SETTINGS_OF_A_MEMBER]
    return {n: float(row[n]) for n in names if isinstance(row[n], int | float)}


def _steps(steps: pl.DataFrame | None) -> tuple[np.ndarray, np.ndarray] | None:
    if steps is None:
        return None
    ordered = steps.sort("step")
    return ordered["epoch"].to_numpy(), ordered["loss"].to_numpy()
