"""One training as another tool logged it, and as the rules read it."""

import re
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from rounds.errors import DataError, must_be
from rounds.examination.curve import Curve

Split = Literal["train", "validation"]
Points = list[tuple[float, float]]  # (epoch or step, value) in the order of the file
LOSS, RATE = "loss", "learning_rate"
MOST_POINTS = 200  # of a curve without validation: more are averaged

_VALIDATION = ("validation", "valid", "val", "eval", "dev", "test")
_TRAIN = ("training", "train")
_RATES = ("lr", "learning_rate", "lr_adam", "lr_sgd", "epoch_lr", "epoch_learning_rate")
_POSITIONS = ("epoch", "epochs", "step", "steps", "iteration", "batch", "global_step", "time", "wall_time", "")
_LOSSES = ("loss", "objective", "cost", "nll", "cross_entropy", "crossentropy", "mse", "mae", "")


@dataclass(frozen=True)
class Log:
    """name: for messages; points: by split and metric ("loss", "learning_rate" under train, others as they are
    called); settings: hyperparameters that are numbers."""

    name: str
    points: dict[tuple[Split, str], Points]
    settings: dict[str, float] = field(default_factory=dict)


def split_and_metric(name: str) -> tuple[Split, str] | None:
    """What a column or tag means; None for positions (epoch, step) and times.

    >>> split_and_metric("val_loss"), split_and_metric("train/accuracy"), split_and_metric("loss")
    (('validation', 'loss'), ('train', 'accuracy'), ('train', 'loss'))
    """
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    if plain in _RATES or plain.startswith("lr_"):
        return "train", RATE
    if plain in _POSITIONS:
        return None
    words = [w for w in plain.split("_") if w not in ("epoch", "step")]
    split: Split = "validation" if any(w in _VALIDATION for w in words) else "train"
    rest = "_".join(w for w in words if w not in (*_VALIDATION, *_TRAIN))
    return split, LOSS if rest in _LOSSES else rest


def to_curve(log: Log, member: int) -> Curve:
    """The log as a curve: one point for each validation (or training, where there is none) that was logged.

    Training values between two validations are averaged. Raises DataError where there is no loss, or positions do
    not rise.
    """
    train, validation = log.points.get(("train", LOSS), []), log.points.get(("validation", LOSS), [])
    if not train and not validation:
        known = ", ".join(sorted({m for _, m in log.points})) or "nothing"
        advice = "Log the loss (loss, val_loss), or rename its column"
        raise DataError(must_be(f"Curves of {log.name}", "ones with a loss", "metrics", known, advice))
    for points in log.points.values():
        _check_positions(points, log.name)
    ends = _ends(validation or train)
    kept = {key: _averaged(points, ends) for key, points in log.points.items() if points}
    losses = [v for key, v in kept.items() if key[1] == LOSS]
    logged = np.all([[v is not None for v in values] for values in losses], axis=0)
    if not logged.any():
        advice = "Log both at the same epochs"
        raise DataError(must_be(f"Curves of {log.name}", "training and validation together", "epochs", 0, advice))
    return _curve(log, member, ends[logged], {k: _numbers(v)[logged] for k, v in kept.items()})


def _check_positions(points: Points, name: str) -> None:
    positions = np.array([p for p, _ in points])
    if not np.isfinite(positions).all() or (positions < 0).any():
        wrong = positions[~(np.isfinite(positions) & (positions >= 0))][0]
        raise DataError(must_be(f"Epochs of {name}", "numbers from 0", "epoch", float(wrong), "Mend the file"))
    falls = np.flatnonzero(np.diff(positions) < 0)
    if len(falls):
        at = float(positions[falls[0] + 1])
        advice = "Two trainings in one file? Give each its own, or a column named run"
        raise DataError(
            must_be(f"Epochs of {name}", "rising", "epoch", f"{at:g} after {positions[falls[0]]:g}", advice)
        )


def _ends(points: Points) -> np.ndarray:
    positions = np.unique([p for p, _ in points])
    if len(positions) <= MOST_POINTS:
        return positions
    return np.unique(np.quantile(positions, np.linspace(0, 1, MOST_POINTS + 1)[1:], method="nearest"))


def _averaged(points: Points, ends: np.ndarray) -> list[float | None]:
    """Mean of the values since the end before, for each end; None where none was logged."""
    place = np.searchsorted(ends, [p for p, _ in points])
    sums: list[list[float]] = [[] for _ in range(len(ends) + 1)]
    for where, (_, value) in zip(place, points, strict=True):
        sums[where].append(value)
    return [float(np.mean(values)) if values else None for values in sums[:-1]]


def _numbers(values: list[float | None]) -> np.ndarray:
    return np.array([np.nan if v is None else v for v in values], float)


def _curve(log: Log, member: int, ends: np.ndarray, values: dict[tuple[Split, str], np.ndarray]) -> Curve:
    absent = np.full(len(ends), np.nan)
    train, validation = values.get(("train", LOSS), absent), values.get(("validation", LOSS), absent)
    rate = values.get(("train", RATE))
    rate = rate if rate is not None and np.isfinite(rate).all() else None
    settings = dict(log.settings)
    if rate is not None:
        settings.setdefault(RATE, float(rate.max()))
    recorded = [v for key, v in values.items() if key[1] == LOSS]
    lost = any(not np.isfinite(v).all() for v in recorded)
    return Curve(
        member=member, epochs=_labels(ends), train=train, validation=validation, settings=settings, rate=rate,
        metrics={m: v for (split, m), v in values.items() if split == "validation" and m != LOSS},
        outcome="diverged" if lost else "finished",
    )  # fmt: skip


def _labels(ends: np.ndarray) -> np.ndarray:
    """Epoch numbers from 1 where positions are whole numbers, else 1, 2, 3, ..."""
    if (ends == np.round(ends)).all():
        return ends.astype(int) + (1 if ends[0] == 0 else 0)
    return np.arange(1, len(ends) + 1)
