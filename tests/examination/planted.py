"""Curves with a planted fault: populations made by formula, so that each rule is tried on what it looks for."""

from collections.abc import Callable

import numpy as np

from rounds.examination.curve import Curve
from rounds.examination.evidence import Run
from rounds.plan import Plan
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
    epochs = np.arange(1, int(fields.pop("count", EPOCHS)) + 1)  # type: ignore[call-overload]
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
