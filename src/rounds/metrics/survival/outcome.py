"""How long each patient was followed, and what ended it."""

from dataclasses import dataclass, replace

import numpy as np

from rounds.errors import DataError


@dataclass(frozen=True)
class TimesToEvent:
    """days: [N] float64 >= 0 from the start of each row to its event, or to the last day that is known of it;
    causes: [N] int64, 0 where the event had not happened by then (censored), 1 for the event that is predicted,
    2, 3, ... for events after which it can no longer happen (competing)."""

    days: np.ndarray
    causes: np.ndarray

    @property
    def happened(self) -> np.ndarray:
        """[N] bool: the event that is predicted was seen."""
        return np.asarray(self.causes == 1)

    @property
    def competed(self) -> np.ndarray:
        """[N] bool: an event was seen after which the predicted one cannot happen."""
        return np.asarray(self.causes > 1)

    def of_cause(self, cause: int) -> "TimesToEvent":
        """That cause as the predicted event, all others as censored: what a hazard of one cause is estimated from."""
        return replace(self, causes=(self.causes == cause).astype(np.int64))

    def take(self, rows: np.ndarray) -> "TimesToEvent":
        return TimesToEvent(self.days[rows], self.causes[rows])


def times_to_event(days: np.ndarray, causes: np.ndarray) -> TimesToEvent:
    """Checked times and causes.

    days: [N] numbers; causes: [N] bool or whole numbers as `TimesToEvent` has them.
    Raises DataError where lengths differ, a time is negative or unknown, a cause is none, or no event was seen.

    >>> times_to_event(np.array([2.0, 5.0]), np.array([True, False])).causes.tolist()
    [1, 0]
    """
    days, causes = np.asarray(days, np.float64), np.asarray(causes)
    if days.ndim != 1 or days.shape != causes.shape:
        advice = "Give one time and one cause for each row"
        raise DataError("Causes", f"of shape {days.shape}", name="shape", got=causes.shape, advice=advice)
    wrong = np.flatnonzero(~(days >= 0) | ~np.isfinite(days))
    if len(wrong):
        advice = "An event before the row begins cannot be predicted from it: mend the dates, or leave it out"
        got = float(days[wrong[0]])
        raise DataError("Times", "0 days or more", name="days", got=got, row=int(wrong[0]) + 1, advice=advice)
    whole = causes.astype(np.int64)
    wrong = np.flatnonzero((whole != causes) | (whole < 0))
    if len(wrong):
        advice = "0 is censored, 1 the event, 2 and more are competing events"
        got = causes[wrong[0]].item()
        raise DataError("Causes", "whole numbers from 0", name="cause", got=got, row=int(wrong[0]) + 1, advice=advice)
    if not (whole == 1).any():
        advice = "Check which value says that the event happened: all rows are censored"
        raise DataError("Events", "at least 1", name="events", got=0, advice=advice)
    return TimesToEvent(days, whole)
