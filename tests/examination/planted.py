"""Curves with a planted fault: populations made by formula, so that each rule is tried on what it looks for."""

from collections.abc import Callable
from typing import Any

import numpy as np

from rounds.examination.curve import Curve, Series
from rounds.examination.finding import Seen
from rounds.examination.harm import weighed
from rounds.examination.rule import Judged
from rounds.examination.rules import rules_of_training
from rounds.examination.run import Run
from rounds.plan import Plan
from rounds.run_folder.dataset import ColumnRecord, DatasetFile, SplitRecord
from rounds.run_folder.metrics import Estimate, MetricsFile
from rounds.task import Task

REGRESSION = Task(kind="regression", targets=("los",))
EPOCHS = 40
Shape = Callable[[np.ndarray], np.ndarray]


def healthy_loss(floor: float = 0.5, start: float = 1.1, pace: float = 4.0) -> Shape:
    """A loss that falls from `start` to `floor` and is there by a third of the epochs."""
    return lambda epochs: floor + (start - floor) * np.exp(-epochs / pace)


def curve(member: int = 0, train: Shape | None = None, validation: Shape | None = None, **fields: object) -> Curve:
    """One member with losses by formula and a little noise of its own."""
    random = np.random.default_rng(member)
    epochs = np.arange(1, int(fields.pop("length", EPOCHS)) + 1)  # type: ignore[call-overload]
    noise = fields.pop("noise", 0.003)
    made = (train or healthy_loss(0.5))(epochs), (validation or healthy_loss(0.52))(epochs)
    wobble = [values + noise * random.standard_normal(len(epochs)) for values in made]
    settings = {"learning_rate": float(fields.pop("learning_rate", 1e-3)), "dropout": 0.0}  # type: ignore[arg-type]
    return Curve(member, epochs, *wobble, settings=settings, **fields)  # type: ignore[arg-type]


def folds(count: int = 5, first: int = 0, **fields: object) -> tuple[Curve, ...]:
    """`count` members that differ in fold and noise."""
    return tuple(curve(first + i, fold=i, **fields) for i in range(count))


def run(*groups: tuple[Curve, ...], **fields: object) -> Run:
    """A run of regression on a standardised target, whose constant prediction has loss 1."""
    fixed = {"plans": (Plan(),), "task": REGRESSION, "constant_loss": 1.0}
    return Run(tuple(c for group in groups for c in group), **{**fixed, **fields})  # type: ignore[arg-type]


def said(code: str, evidence: Run) -> Judged:
    """What one rule says."""
    return next(rule for rule in rules_of_training() if rule.code == code).judge(evidence)


def seen(code: str, evidence: Run) -> Seen:
    """What one rule saw, weighed by harm; fails where it saw nothing."""
    rule = next(rule for rule in rules_of_training() if rule.code == code)
    found = rule.judge(evidence)
    assert isinstance(found, Seen), f"{code}: {found}"
    return weighed(evidence, found, rule.in_good_plans)


def inside(count: int = EPOCHS, **changed: object) -> dict[tuple[str, str], Series]:
    """Measures of a healthy network of two hidden layers, some changed: name -> one value (or start, end) for all
    layers, or a list with one of them for each layer."""
    layers = {"activation": ("activation_0", "activation_1"), "kernel": ("hidden_0", "hidden_1", "output")}
    usual: dict[str, tuple[str, object]] = {
        "gradient_norm": ("kernel", (1.0, 0.3)),
        "weight_norm": ("kernel", (10.0, 10.0)),
        "update_ratio": ("kernel", (1e-4, 1e-3)),
        "activation_spread": ("activation", 0.5),
        "dead_share": ("activation", 0.0),
    }
    epochs = np.array([0, count // 2, count - 1])
    made: dict[tuple[str, str], Series] = {
        ("network", "loss"): (epochs, _over_time(changed.pop("loss", (1.1, 0.5)))),
        ("network", "penalty_share"): (epochs, _over_time(changed.pop("penalty_share", 0.0))),
    }
    if "saturated_share" in changed:
        usual["saturated_share"] = ("activation", 0.0)
    for name, (where, value) in usual.items():
        values = changed.get(name, value)
        each = values if isinstance(values, list) else [values] * len(layers[where])
        made |= {(layer, name): (epochs, _over_time(v)) for layer, v in zip(layers[where], each, strict=True)}
    return made


def _over_time(value: object) -> np.ndarray:
    """A number at all times, or (start, end): the end from the first epoch on."""
    start, final = value if isinstance(value, tuple) else (value, value)
    return np.array([start, final, final], float)  # type: ignore[arg-type]


def behind(name: str = "linear", share: float = 0.3) -> dict[str, object]:
    """Fields of a run that was judged worse than a baseline by this share of the constant's score."""
    return {"advantages": {name: Estimate(value=-share, low=-1.2 * share, high=-0.8 * share)}, "constant_score": 1.0}


def dataset_of(**known: Any) -> DatasetFile:
    """As much of dataset.json as a rule reads."""
    columns = tuple(ColumnRecord.model_construct(**column) for column in known.get("columns", ()))
    split = SplitRecord.model_construct(**{"events": None, **known.get("split", {})})
    return DatasetFile.model_construct(**{**known, "columns": columns, "split": split})


def metrics_of(**known: Any) -> MetricsFile:
    """As much of metrics.json as a rule reads."""
    return MetricsFile.model_construct(**known)
