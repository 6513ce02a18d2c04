"""Times to events as rows of periods: what any network for classes learns hazards from (Brown 1975, Biometrics 31).

A patient is one row for each period in which the event could still happen, and the outcome of the row is what happened
in it. A network of these rows predicts the hazard of each period and cause; multiplied along the periods, they are
the chance of an event by any day. Periods after the end of follow-up have no row, so that nothing is made up for those
who are censored. Several causes are classes that exclude each other.

    periods = rounds.make_periods(stays, "length_of_stay", "ended_by", ("discharge", "death"), group="patient_id")
    result = rounds.train(periods.learning_rows(stays), target="outcome", group=periods.group)
    predicted = result.predict(periods.every_period(new), intervals=True)  # or `rounds predict` of these rows
    incidence = periods.incidence(predicted, days=[3, 7, 14])
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl

from rounds.errors import DataError, nearest
from rounds.metrics.survival import TimesToEvent, times_to_event

PERIOD, OUTCOME, NOTHING, PROBABILITY = "period", "outcome", "no event", "probability"
TABLE_ROW = "table_row"
Days = Sequence[float] | np.ndarray
# Quantiles of the event times are the bounds of periods: with 15 of them a chance by a day inside one is read off a
# straight line over a fifteenth of the events.
MOST_PERIODS = 15
YES, NO = ("1", "true"), ("0", "false")  # of a column of two values: the event, and still without it


@dataclass(frozen=True)
class Periods:
    """days, event: columns of the table; causes: values of the event column that are events, the one of interest first
    (any other value, and none, is censored); bounds: last day of each period, rising; group: the column that says whose
    row it is, which a training splits by (`table_row`, made with the periods, where the table has none)."""

    days: str
    event: str
    causes: tuple[str, ...]
    bounds: tuple[float, ...]
    group: str = TABLE_ROW

    def known(self, table: pl.DataFrame) -> TimesToEvent:
        """What is known of each row, as the metrics of `rounds.metrics.survival` take it."""
        return _known(table, self.days, self.event, self.causes)

    def learning_rows(self, table: pl.DataFrame) -> pl.DataFrame:
        """A row for each period in which a row of the table was followed, with the columns `period` and `outcome`
        (the cause, or "no event") for those of times and events.

        Who is censored within a period counts as followed through it where that was after its middle (Gensheimer and
        Narasimhan 2019, PeerJ 7:e6257). What happens after the last bound is not looked at.
        """
        known, bounds = self.known(table), np.array(self.bounds)
        starts = np.concatenate([[0.0], bounds[:-1]])
        ending = np.searchsorted(bounds, known.days, side="left")  # the period in which follow-up ended
        middle = (starts + bounds) / 2
        through = np.searchsorted(middle, known.days, side="right")  # periods followed to their middle at least
        rows = np.where(known.causes > 0, np.minimum(ending + 1, len(bounds)), through)
        owner = np.repeat(np.arange(len(rows)), rows)
        number = np.arange(len(owner)) - np.repeat(np.cumsum(rows) - rows, rows)
        happened = np.where(number == ending[owner], known.causes[owner], 0)
        outcome = np.array([NOTHING, *self.causes])[happened]
        return self._at(table, owner, number).with_columns(pl.Series(OUTCOME, outcome))

    def every_period(self, table: pl.DataFrame) -> pl.DataFrame:
        """Every row of the table in every period, which `incidence` wants predictions of."""
        count = len(self.bounds)
        return self._at(table, np.repeat(np.arange(table.height), count), np.tile(np.arange(count), table.height))

    def _at(self, table: pl.DataFrame, owner: np.ndarray, number: np.ndarray) -> pl.DataFrame:
        names = np.array([f"to day {bound:g}" for bound in self.bounds])
        kept = table.drop(self.days, self.event, strict=False)[owner].with_columns(pl.Series(PERIOD, names[number]))
        if self.group != TABLE_ROW:
            return kept
        return kept.with_columns(pl.Series(TABLE_ROW, [f"row {n}" for n in owner]))

    def incidence(self, predicted: pl.DataFrame, days: Days) -> np.ndarray:
        """Chance of an event of each cause by each day, [causes, rows, days].

        predicted: probabilities of the rows of `every_period`, in its order, as `rounds predict` writes them: of the
        event (`probability`), or of each class (`probability_NAME`). Days beyond the last bound have what it has.
        Raises DataError where probabilities of a cause are absent, or rows are not those of `every_period`.
        """
        columns = [f"{PROBABILITY}_{cause}" for cause in self.causes]
        columns = [PROBABILITY] if len(self.causes) == 1 and PROBABILITY in predicted.columns else columns
        for name in columns:
            if name not in predicted.columns:
                advice = f"Give what a result of the learning rows predicts. {nearest(name, predicted.columns)}"
                got = predicted.columns[:10]
                raise DataError("Predictions", f"with column {name}", name="columns", got=got, advice=advice)
        if predicted.height % len(self.bounds):
            advice = "Predict the rows of `every_period`, all of them and in their order"
            wanted = f"{len(self.bounds)} rows for each row of the table"
            raise DataError("Predictions", wanted, name="rows", got=predicted.height, advice=advice)
        hazards = np.stack([predicted[name].to_numpy().astype(np.float64) for name in columns])
        return incidence_of_hazards(hazards.reshape(len(columns), -1, len(self.bounds)), self.bounds, days)


def make_periods(
    table: pl.DataFrame,
    days: str,
    event: str,
    causes: Sequence[str] | None = None,
    bounds: Sequence[float] | None = None,
    group: str | None = None,
) -> Periods:
    """Periods of a table of times: columns of days >= 0, and of what ended them.

    causes: values of the event column that count as events, the one of interest first; None: its yes (1 or true).
    bounds: last day of each period; None: quantiles of the times of events. group: patient column; None: every row of
    the table is another patient.
    Raises DataError for columns that are absent, times that cannot be, no events, and bounds that do not rise.

    >>> stays = pl.DataFrame({"days": [1.0, 2.0, 3.0], "died": [1, 0, 1]})
    >>> periods = make_periods(stays, "days", "died", bounds=(2.0, 3.0))
    >>> periods.learning_rows(stays)["outcome"].to_list()
    ['1', 'no event', 'no event', '1']
    """
    for name in (days, event, *([] if group is None else [group])):
        if name not in table.columns:
            raise DataError("Column", "one of the table", name="column", got=name, advice=nearest(name, table.columns))
    for name in (PERIOD, OUTCOME, TABLE_ROW):
        if name in table.columns and name not in (days, event):
            advice = "Rename it: rows of periods have a column of that name"
            raise DataError("Columns", f"of other names than {name}", name="column", got=name, advice=advice)
    said = tuple(causes) if causes is not None else _yes(table[event])
    _refuse_absent(table[event], said)
    known = _known(table, days, event, said)
    found = _bounds(known) if bounds is None else tuple(float(b) for b in bounds)
    if not found or found[0] <= 0 or any(a >= b for a, b in pairwise(found)):
        advice = "Give the last day of each period"
        raise DataError("Bounds", "rising numbers above 0", name="bounds", got=list(found)[:10], advice=advice)
    return Periods(days, event, said, found, TABLE_ROW if group is None else group)


def _yes(values: pl.Series) -> tuple[str, ...]:
    levels = _labels(values).drop_nulls().unique().to_list()
    if yes := [level for level in levels if level in YES]:
        return tuple(yes[:1])
    if set(levels) <= set(NO):
        advice = f"All rows are censored: look whether {values.name} says what happened"
        raise DataError("Events", "at least 1", name="events", got=0, advice=advice)
    advice = "Name the values that are events with causes, the one of interest first"
    raise DataError("Event", "a column of 0 and 1", name=values.name, got=", ".join(sorted(levels)[:10]), advice=advice)


def _labels(values: pl.Series) -> pl.Series:
    """Values as text; whole numbers without a decimal point."""
    if values.dtype.is_float():
        values = values.cast(pl.Int64, strict=False)
    return values.cast(pl.String)


def _refuse_absent(values: pl.Series, causes: tuple[str, ...]) -> None:
    levels = sorted(_labels(values).drop_nulls().unique().to_list())
    for cause in causes:
        if cause not in levels:
            advice = nearest(cause, levels)
            raise DataError("Causes", f"values of {values.name}", name="cause", got=cause, advice=advice)


def _known(table: pl.DataFrame, days: str, event: str, causes: tuple[str, ...]) -> TimesToEvent:
    labels = _labels(table[event])
    places = labels.replace_strict(list(causes), list(range(1, len(causes) + 1)), default=0, return_dtype=pl.Int64)
    times = table[days].cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
    return times_to_event(times, places.fill_null(0).to_numpy())


def _bounds(known: TimesToEvent) -> tuple[float, ...]:
    happened = known.days[known.causes > 0]
    found = np.unique(np.quantile(happened, np.linspace(0.0, 1.0, MOST_PERIODS + 1)[1:], method="higher"))
    return tuple(found[found > 0].tolist())


def incidence_of_hazards(hazards: np.ndarray, bounds: Days, days: Days) -> np.ndarray:
    """Chance of an event of each cause by each day [C, N, K], from its hazard in each period [C, N, J].

    F_c(j) = F_c(j - 1) + S(j - 1) h_cj with S(j) = prod (1 - sum over causes of h), straight lines between the bounds.

    >>> incidence_of_hazards(np.array([[[0.5, 0.5]]]), (1.0, 2.0), (1.0, 1.5, 2.0)).tolist()
    [[[0.5, 0.625, 0.75]]]
    """
    survival = np.cumprod(1.0 - np.minimum(hazards.sum(axis=0), 1.0), axis=1)
    before = np.concatenate([np.ones((len(survival), 1)), survival[:, :-1]], axis=1)
    at_bounds = np.cumsum(hazards * before, axis=2)
    at_bounds = np.concatenate([np.zeros((*at_bounds.shape[:2], 1)), at_bounds], axis=2)
    edges = np.concatenate([[0.0], bounds])
    place = np.clip(np.searchsorted(edges, days, side="left"), 1, len(edges) - 1)
    share = np.clip((np.asarray(days) - edges[place - 1]) / (edges[place] - edges[place - 1]), 0.0, 1.0)
    return np.asarray(at_bounds[:, :, place - 1] * (1.0 - share) + at_bounds[:, :, place] * share)


def median_days(incidence: np.ndarray, days: Days, level: float = 0.5) -> np.ndarray:
    """First day by which the chance of any event reaches a level, [N], straight lines between days; nan where it does
    not within them. incidence: [C, N, K] at rising days [K].

    >>> median_days(np.array([[[0.0, 0.4, 0.6]]]), (0.0, 1.0, 2.0)).tolist()
    [1.5]
    """
    total, at = incidence.sum(axis=0), np.asarray(days, np.float64)
    reached = total >= level
    last = np.where(reached.any(axis=1), reached.argmax(axis=1), 0)
    before, rows = np.maximum(last - 1, 0), np.arange(len(total))
    low, high = total[rows, before], total[rows, last]
    share = np.divide(level - low, high - low, out=np.zeros(len(rows)), where=high > low)
    found = at[before] + np.clip(share, 0.0, 1.0) * (at[last] - at[before])
    return np.asarray(np.where(reached.any(axis=1), found, np.nan))


def restricted_mean_days(incidence: np.ndarray, days: Days) -> np.ndarray:
    """Mean days before any event within the span of days, [N]: the area under 1 - the chance of any event.

    >>> restricted_mean_days(np.array([[[0.0, 0.5, 1.0]]]), (0.0, 1.0, 2.0)).tolist()
    [1.0]
    """
    return np.asarray(np.trapezoid(1.0 - incidence.sum(axis=0), days, axis=1))
