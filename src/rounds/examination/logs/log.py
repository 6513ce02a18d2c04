"""One training as another tool logged it, and as the rules read it."""

import math
import re
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from rounds.errors import DataError, must_be
from rounds.examination.curve import Curve

Split = Literal["train", "validation", "test"]
Points = list[tuple[float, float]]  # (epoch or step, value) in the order of the file
LOSS, RATE = "loss", "learning_rate"
MOST_POINTS = 200  # of a curve without validation: more are averaged

_WORDS: dict[str, Split] = {
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "eval": "validation",
    "dev": "validation",
    "test": "test",
    "training": "train",
    "train": "train",
}
_RATES = ("lr", "learning_rate", "lr_adam", "lr_sgd", "epoch_lr", "epoch_learning_rate")
_POSITIONS = ("epoch", "epochs", "step", "steps", "iteration", "batch", "global_step", "time", "wall_time", "")
_ANY_LOSS = (LOSS, "", "objective", "cost")  # whatever was minimised, by whatever name
_NAMED_LOSSES = ("nll", "cross_entropy", "crossentropy", "mse", "mae")


@dataclass(frozen=True)
class Log:
    """name: for messages; points: by split and metric ("learning_rate" under train, others as they are called, ""
    where only the split was named); settings: hyperparameters that are numbers."""

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
    named = {_WORDS[w] for w in words if w in _WORDS}
    split: Split = "validation" if "validation" in named else "test" if "test" in named else "train"
    return split, "_".join(w for w in words if w not in _WORDS)


def split_of(name: str) -> Split | None:
    """The split that a word names; None for other words.

    >>> split_of("Val"), split_of("train"), split_of("holdout")
    ('validation', 'train', None)
    """
    return _WORDS.get(name.strip().lower())


def to_curve(log: Log, member: int) -> Curve:
    """The log as a curve: one point for each validation (or training, where there is none) that was logged.

    Training values between two validations are averaged, and epochs without a number before others that have one are
    a gap. Raises DataError where there is no loss, or not the same on both sides, or positions do not rise.
    """
    for points in log.points.values():
        _check_positions(points, log.name)
    losses = _losses(log)
    ends = _ends(losses.get("validation") or losses["train"])
    kept = {split: _averaged(points, ends) for split, points in losses.items()}
    logged = np.all([[v is not None for v in values] for values in kept.values()], axis=0)
    if not logged.any():
        advice = "Log both at the same epochs"
        raise DataError(must_be(f"Curves of {log.name}", "training and validation together", "epochs", 0, advice))
    finite = np.all([np.isfinite(_numbers(values)) for values in kept.values()], axis=0)
    told = logged & (finite | (np.arange(len(ends)) > np.flatnonzero(finite).max(initial=-1)))
    others = {key: _numbers(_averaged(points, ends))[told] for key, points in log.points.items() if points}
    return _curve(log, member, ends[told], {s: _numbers(v)[told] for s, v in kept.items()}, others)


def _losses(log: Log) -> dict[Split, Points]:
    """The loss of training and of validation, or of the one that was logged.

    Where no validation was logged, a test that was repeated stands in for it. Raises DataError where none is a loss,
    none of them the same on both sides, or one of them never a number.
    """
    train, validation = _by_name(log, "train"), _by_name(log, "validation")
    if not validation:
        validation = {name: points for name, points in _by_name(log, "test").items() if len(points) > 1}
    both = [name for name in (LOSS, *_NAMED_LOSSES) if name in train and name in validation]
    if both:
        return _with_numbers({"train": train[both[0]], "validation": validation[both[0]]}, log.name)
    if train and validation:
        named = f"{next(iter(train))} and {next(iter(validation))}"
        advice = "Log the same loss of both (loss, val_loss)"
        what = "of one loss, training and validation"
        raise DataError(must_be(f"Curves of {log.name}", what, "metrics", named, advice))
    if train:
        return {"train": next(iter(train.values()))}
    if validation:
        return {"validation": next(iter(validation.values()))}
    known = ", ".join(sorted({m for _, m in log.points if m})) or "nothing"
    advice = "Log the loss (loss, val_loss), or rename its column"
    raise DataError(must_be(f"Curves of {log.name}", "ones with a loss", "metrics", known, advice))


def _by_name(log: Log, split: Split) -> dict[str, Points]:
    """Losses of a split, the one that was minimised first and by one name."""
    found: dict[str, Points] = {}
    for name in (*_ANY_LOSS, *_NAMED_LOSSES):
        if points := log.points.get((split, name)):
            found.setdefault(LOSS if name in _ANY_LOSS else name, points)
    return found


def _with_numbers(losses: dict[Split, Points], name: str) -> dict[Split, Points]:
    known = {split: any(math.isfinite(value) for _, value in points) for split, points in losses.items()}
    for split, is_known in known.items():
        if not is_known and any(known.values()):
            advice = "Look at what computes it, or leave it out"
            what = f"The {split} loss of {name}"
            raise DataError(must_be(what, "a number in one epoch at least", "loss", float("nan"), advice))
    return losses


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


def _curve(
    log: Log,
    member: int,
    ends: np.ndarray,
    losses: dict[Split, np.ndarray],
    others: dict[tuple[Split, str], np.ndarray],
) -> Curve:
    absent = np.full(len(ends), np.nan)
    rate = others.get(("train", RATE))
    rate = rate if rate is not None and np.isfinite(rate).all() else None
    settings = dict(log.settings)
    if rate is not None:
        settings.setdefault(RATE, float(rate.max()))
    lost = any(not np.isfinite(v).all() for v in losses.values())
    return Curve(
        member=member,
        epochs=_labels(ends),
        train=losses.get("train", absent),
        validation=losses.get("validation", absent),
        settings=settings,
        rate=rate,
        metrics={m: v for (split, m), v in others.items() if split == "validation" and m not in _ANY_LOSS},
        outcome="diverged" if lost else "finished",
        name=log.name,
    )


def _labels(ends: np.ndarray) -> np.ndarray:
    """Epoch numbers from 1 where positions are whole numbers, else 1, 2, 3, ..."""
    if (ends == np.round(ends)).all():
        return ends.astype(int) + (1 if ends[0] == 0 else 0)
    return np.arange(1, len(ends) + 1)
