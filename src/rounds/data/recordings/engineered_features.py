"""Engineered features: what a clinician would note of each variable over time; for baselines and dense networks."""

import numpy as np
import polars as pl

from rounds.data.recordings.timeline import Timeline

STATISTICS = ("first", "last", "min", "max", "mean", "spread", "slope", "count")
COUNTED = f" {STATISTICS[-1]}"  # end of the names of columns that say how often a variable was measured
# Signals have no empty steps: the means of so many equal spans say what their shape is.
SIGNAL_SPANS = 20


def summary_names(timeline: Timeline) -> tuple[str, ...]:
    """Names of the columns, variable by variable.

    >>> summary_names(Timeline(variables=("HR",), step=1, steps=9, unit="hour"))[:3]
    ('HR first', 'HR last', 'HR min')
    """
    return tuple(f"{v} {s}" for v in timeline.variables for s in _statistics(timeline))


def _statistics(timeline: Timeline) -> tuple[str, ...]:
    if not timeline.signal:
        return STATISTICS
    spans = min(SIGNAL_SPANS, timeline.steps)
    return (*STATISTICS[:-1], *(f"part {i + 1}" for i in range(spans)))


def summarise_measurements(frame: pl.DataFrame, timeline: Timeline, subjects: int) -> pl.DataFrame:
    """[subjects] rows of first, last, min, max, mean, standard deviation, slope a unit of time, and count.

    frame: subject, time, variable, value. Everything but the count is missing where a variable was not measured; a
    slope needs two times.
    """
    time, value = pl.col("time"), pl.col("value")
    slope = pl.cov("time", "value") / time.var()
    made = (
        frame.sort("time")
        .group_by("subject", "variable", maintain_order=True)
        .agg(
            first=value.first(),
            last=value.last(),
            min=value.min(),
            max=value.max(),
            mean=value.mean(),
            spread=value.std(),
            slope=pl.when(time.var() > 0).then(slope),
            count=pl.len().cast(pl.Float64),
        )
    )
    whole = pl.DataFrame({"subject": pl.int_range(subjects, dtype=pl.Int64, eager=True)})
    columns = []
    for variable in timeline.variables:
        own = whole.join(made.filter(pl.col("variable") == variable), on="subject", how="left", maintain_order="left")
        columns += [own[s].cast(pl.Float32).alias(f"{variable} {s}") for s in STATISTICS[:-1]]
        columns.append(own["count"].fill_null(0.0).cast(pl.Float32).alias(f"{variable} count"))
    return pl.DataFrame(columns)


def summarise_signals(array: np.ndarray, timeline: Timeline) -> pl.DataFrame:
    """The same of signals [N, T, V] (nan after their end), with the means of equal spans instead of the count."""
    columns: list[pl.Series] = []
    spans = np.array_split(np.arange(array.shape[1]), min(SIGNAL_SPANS, array.shape[1]))
    for place, variable in enumerate(timeline.variables):
        x = np.ma.masked_invalid(array[:, :, place].astype(np.float64))
        made = [*_trend(x), *(x[:, span].mean(axis=1) for span in spans)]
        names = (f"{variable} {s}" for s in _statistics(timeline))
        columns += [
            pl.Series(n, np.ma.filled(m, np.nan).astype(np.float32)).fill_nan(None)
            for n, m in zip(names, made, strict=True)
        ]
    return pl.DataFrame(columns)


def _trend(x: np.ma.MaskedArray) -> list[np.ndarray]:
    """first, last, min, max, mean, spread and slope a step of each row of [N, T]."""
    seen = ~np.ma.getmaskarray(x)
    steps, rows = x.shape[1], np.arange(len(x))
    last = steps - 1 - seen[:, ::-1].argmax(axis=1)
    time = np.ma.array(np.broadcast_to(np.arange(steps, dtype=float), x.shape), mask=~seen)
    apart = time - time.mean(axis=1)[:, None]
    square = (apart**2).sum(axis=1)
    slope = (apart * (x - x.mean(axis=1)[:, None])).sum(axis=1) / np.ma.masked_equal(square, 0.0)
    return [
        x[rows, seen.argmax(axis=1)],
        x[rows, last],
        x.min(axis=1),
        x.max(axis=1),
        x.mean(axis=1),
        x.std(axis=1),
        slope,
    ]
