"""Which columns are the loss, its parts, scores and the learning rate, and which of both splits belong together."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from rounds.examination.logs.columns import DISCRIMINATORS, GENERATORS, LOSS, Kind, Meaning, Split, meaning
from rounds.examination.logs.logged_run import Measured, Series

_MAIN_METRICS = (LOSS, "objective", "cost", "criterion", "crossentropy", "ce", "nll", "bce", "logloss")
_FIRST_SCORES = ("auroc", "auc", "rocauc", "dice", "iou", "map50_95_b", "f1", "accuracy", "acc")
PERCENT = 1.5  # a score between 0 and 1 whose highest value is above this is in percent


@dataclass(frozen=True)
class Quantities:
    """What the columns of one training are; read, ignored: in words."""

    loss: Measured
    parts: tuple[Measured, ...]
    scores: tuple[Measured, ...]
    rate: Series | None
    read: tuple[str, ...]
    ignored: tuple[str, ...]
    adversarial: bool = False


@dataclass(frozen=True)
class _Column:
    meaning: Meaning
    series: Series

    @property
    def key(self) -> tuple[Split, str]:
        return self.meaning.split, self.meaning.metric


def quantities(every: list[Series], loss: str | None, validation: str | None) -> Quantities | None:
    """None where no column is a loss, an error or a score.

    loss, validation: columns that the user named.
    """
    columns = _distinct([_Column(meaning(s.column), s) for s in every])
    columns = _test_as_validation(_unnamed_scores(_first_as_train(columns)))
    scores = _paired([c for c in columns if c.meaning.kind == "score"])
    losses = _paired([c for c in columns if c.meaning.kind == "loss"])
    errors = _paired([c for c in columns if c.meaning.kind == "error"])
    if loss or validation:
        main, parts = _by_hand(every, loss, validation), ()
    else:
        main, parts = _main(losses, errors, scores)  # type: ignore[assignment]
    if main is None:
        return None
    scores = tuple(s for s in (*scores, *errors) if s.judged is not main.judged)
    rate = next((c.series for c in columns if c.meaning.kind == "rate"), None)
    used = {s.column for m in (main, *parts, *scores) for s in (m.train, m.validation) if s} | {
        rate.column if rate else ""
    }
    read, ignored = _read(main, parts, scores), _ignored(every, used)
    return Quantities(main, parts, scores, rate, read, ignored, _is_adversarial(columns))


def _is_adversarial(columns: list[_Column]) -> bool:
    """Whether losses of a generator and of its opponent are among them (g_loss, d_loss)."""
    words = {word for c in columns if c.meaning.kind == "loss" for word in c.meaning.metric.split("_")}
    return bool(words & GENERATORS) and bool(words & DISCRIMINATORS)


def _distinct(columns: list[_Column]) -> list[_Column]:
    """One column a split and metric: of an epoch rather than of single steps, else the one with most points; and one
    of columns that are equal."""
    best: dict[tuple[Split, str, Kind], _Column] = {}
    for c in sorted(columns, key=lambda c: (c.series.column.lower().endswith("_step"), -len(c.series))):
        best.setdefault((*c.key, c.meaning.kind), c)
    kept: list[_Column] = []
    for c in sorted(best.values(), key=columns.index):
        if not any(_equal(c.series, other.series) for other in kept):
            kept.append(c)
    return kept


def _equal(a: Series, b: Series) -> bool:
    return len(a) == len(b) > 2 and bool(np.array_equal(a.values, b.values, equal_nan=True)) and len(set(a.values)) > 1


def _first_as_train(columns: list[_Column]) -> list[_Column]:
    """XGBoost's validation_0 is the first of the sets that it was given: where there is another, that of training."""
    first = [c for c in columns if c.meaning.metric.split("_")[0] == "0"]
    if not first or any(c.meaning.split == "train" and c.meaning.kind != "rate" for c in columns):
        return [replace(c, meaning=_without_number(c.meaning)) for c in columns]
    others = any(c.meaning.metric.split("_")[0] == "1" for c in columns)
    return [
        replace(
            c, meaning=replace(_without_number(c.meaning), split="train" if c in first and others else c.meaning.split)
        )
        for c in columns
    ]


def _unnamed_scores(columns: list[_Column]) -> list[_Column]:
    """Scores without a split, where losses name theirs (train/box_loss, metrics/mAP50), are of validation."""
    named = {c.key for c in columns if c.meaning.named and c.meaning.split == "train" and c.meaning.kind == "loss"}
    taken = {c.key for c in columns if c.meaning.split == "validation"}
    return [
        replace(c, meaning=replace(c.meaning, split="validation"))
        if named and c.meaning.kind == "score" and not c.meaning.named and ("validation", c.meaning.metric) not in taken
        else c
        for c in columns
    ]


def _without_number(said: Meaning) -> Meaning:
    head, _, rest = said.metric.partition("_")
    return replace(said, metric=rest) if head.isdigit() and rest else said


def _test_as_validation(columns: list[_Column]) -> list[_Column]:
    """Where no validation was logged, a test that was repeated stands in for it."""
    if any(c.meaning.split == "validation" for c in columns):
        return [c for c in columns if c.meaning.split != "test"]
    kept = [c for c in columns if c.meaning.split != "test" or len(c.series) > 1]
    return [
        replace(c, meaning=replace(c.meaning, split="validation")) if c.meaning.split == "test" else c for c in kept
    ]


def _paired(columns: Iterable[_Column]) -> tuple[Measured, ...]:
    """By metric, both splits. Scores in percent are brought to shares."""
    found: dict[str, Measured] = {}
    for c in columns:
        scaled = _as_share(c.series) if c.meaning.bounded else c.series
        if c.meaning.negated and c.meaning.kind != "score":
            scaled = replace(scaled, values=-scaled.values)
        higher = c.meaning.kind == "score"
        known = found.get(c.meaning.metric, Measured(c.meaning.metric, higher=higher, bounded=c.meaning.bounded))
        of_training = c.meaning.split == "train"
        found[c.meaning.metric] = replace(known, train=scaled) if of_training else replace(known, validation=scaled)
    return tuple(found.values())


def _as_share(series: Series) -> Series:
    finite = series.finite.values
    return replace(series, values=series.values / 100) if len(finite) and finite.max() > PERCENT else series


Main = tuple[Measured | None, tuple[Measured, ...]]


def _main(losses: tuple[Measured, ...], errors: tuple[Measured, ...], scores: tuple[Measured, ...]) -> Main:
    """The loss that is judged, and its parts. Without a total, losses that both splits have are summed."""
    by_name = {m.name: m for m in losses}
    named = next((by_name[n] for n in _MAIN_METRICS if n in by_name), None)
    others = tuple(m for m in losses if m is not named and m.train and m.validation)
    if named is None and len(others) > 1:
        named = _sum(others)
    if named is None:
        named = next(iter(others or losses), None)
        others = tuple(m for m in others if m is not named)
    if named is None:
        named = next((e for e in errors if e.train and e.validation), next(iter(errors), None))
    if named is None:
        return _as_error(_first_score(scores)), ()
    return _completed(named, (*losses, *errors), scores), others


def _sum(parts: tuple[Measured, ...]) -> Measured:
    """The sum of parts at the epochs that all of them have."""
    train, validation = ([s for p in parts if (s := side(p)) is not None] for side in (_train, _validation))
    return Measured("sum of " + ", ".join(p.name for p in parts), _summed(train), _summed(validation))


def _train(measured: Measured) -> Series | None:
    return measured.train


def _validation(measured: Measured) -> Series | None:
    return measured.validation


def _summed(series: list[Series]) -> Series:
    at = series[0].at
    for s in series[1:]:
        at = np.intersect1d(at, s.at)
    values = np.sum([s.values[np.searchsorted(s.at, at)] for s in series], axis=0)
    return Series(" + ".join(s.column for s in series), at, values)


def _completed(main: Measured, losses: tuple[Measured, ...], scores: tuple[Measured, ...]) -> Measured:
    """With the other split, where that was logged by another name: it shows a trend, and no gap."""
    for side in ("validation", "train"):
        if getattr(main, side) is not None:
            continue
        stand_in = next((m for m in losses if getattr(m, side) is not None and m is not main), None)
        if stand_in is None and side == "validation":
            stand_in = _as_error(_first_score(tuple(s for s in scores if s.validation)))
        if stand_in is not None and getattr(stand_in, side) is not None:
            return replace(main, **{side: getattr(stand_in, side)}, comparable=False)
    return main


def _first_score(scores: tuple[Measured, ...]) -> Measured | None:
    """The score that stands for the loss where there is none."""
    sided = [s for s in scores if s.validation] or list(scores)
    return next((s for name in _FIRST_SCORES for s in sided if s.name == name), next(iter(sided), None))


def _as_error(score: Measured | None) -> Measured | None:
    """What a score leaves to be gained, which falls as a loss does."""
    if score is None:
        return None
    top = 1.0 if score.bounded else 0.0
    train, validation = (
        None if s is None else replace(s, values=top - s.values) for s in (score.train, score.validation)
    )
    return replace(score, train=train, validation=validation, higher=False)


def _by_hand(every: list[Series], loss: str | None, validation: str | None) -> Measured | None:
    by_column = {s.column: s for s in every}
    train, other = by_column.get(loss or ""), by_column.get(validation or "")
    if train is None and other is None:
        return None
    higher = meaning((validation or loss) or "").kind == "score"
    named = Measured(loss or validation or "", train, other, comparable=bool(train and other))
    return _as_error(replace(named, bounded=meaning(validation or loss or "").bounded)) if higher else named


def _read(main: Measured, parts: tuple[Measured, ...], scores: tuple[Measured, ...]) -> tuple[str, ...]:
    sides = (("training", main.train), ("validation", main.validation))
    found = [f"{side} {_quantity(s)} ({len(s)} points)" for side, s in sides if s is not None]
    if parts:
        found.append(f"parts {', '.join(p.name for p in parts)}")
    if scores:
        found.append(f"scores {', '.join(s.judged.column for s in scores)}")
    return tuple(found)


def error_in_words(column: str) -> str:
    """What a score leaves to be gained, in words.

    >>> error_in_words("val_acc"), error_in_words("val_r2")
    ('1 - val_acc', '-val_r2')
    """
    return f"1 - {column}" if meaning(column).bounded else f"-{column}"


def _quantity(series: Series) -> str:
    """What stands for the loss: itself, or an error that is made of a score."""
    of_score = meaning(series.column).kind == "score"
    return f"error as {error_in_words(series.column)}" if of_score else f"loss from {series.column}"


def _ignored(every: list[Series], used: set[str]) -> tuple[str, ...]:
    summed = {name for column in used for name in column.split(" + ")}
    left = [s.column for s in every if s.column not in summed]
    return (f"columns that are no loss, score or rate, or say the same again: {', '.join(left)}",) if left else ()
