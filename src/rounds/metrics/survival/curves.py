"""Curves of a group of patients: survival (Kaplan and Meier 1958), and incidence of one of several causes."""

from dataclasses import dataclass

import numpy as np

from rounds.metrics.survival.outcome import TimesToEvent

NORMAL_95 = 1.959963984540054


@dataclass(frozen=True)
class StepCurve:
    """A function of time that jumps: `start` before days[0], values[k] from days[k] on (the jump's day included)."""

    days: np.ndarray
    values: np.ndarray
    start: float

    def at(self, days: np.ndarray) -> np.ndarray:
        """Values at any days; after the last jump the last value."""
        return self._read(np.asarray(np.searchsorted(self.days, days, side="right")))

    def before(self, days: np.ndarray) -> np.ndarray:
        """Values just before any days: a jump on the day itself has not happened."""
        return self._read(np.asarray(np.searchsorted(self.days, days, side="left")))

    def _read(self, place: np.ndarray) -> np.ndarray:
        return np.asarray(np.concatenate([[self.start], self.values])[place])


@dataclass(frozen=True)
class SurvivalCurve(StepCurve):
    """The share that is free of the event, with its 95 % interval by Greenwood's variance on the scale of log(-log)
    (Kalbfleisch and Prentice): low and high [K], nan where the share is 0 or 1."""

    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class _Counts:
    """At each day on which any follow-up ended: days [K], patients still followed [K], of them with each of the causes
    1, 2, ... [C, K] and censored [K]."""

    days: np.ndarray
    at_risk: np.ndarray
    events: np.ndarray
    censored: np.ndarray


def _counts(known: TimesToEvent) -> _Counts:
    days, place = np.unique(known.days, return_inverse=True)
    causes = max(1, int(known.causes.max(initial=0)))
    each = np.stack([np.bincount(place[known.causes == c], minlength=len(days)) for c in range(causes + 1)])
    ended = each.sum(axis=0)
    return _Counts(days, len(place) - np.cumsum(ended) + ended, each[1:], each[0])


def kaplan_meier(known: TimesToEvent) -> SurvivalCurve:
    """S(t) = prod over days up to t of (1 - events / patients at risk), an event of any cause being one.

    >>> curve = kaplan_meier(TimesToEvent(np.array([1.0, 2.0, 3.0]), np.array([1, 0, 1])))
    >>> curve.at(np.array([0.5, 1.0, 2.5])).round(3).tolist()
    [1.0, 0.667, 0.667]
    """
    counts = _counts(known)
    events, at_risk = counts.events.sum(axis=0), counts.at_risk
    survival = np.cumprod(1.0 - events / at_risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(events / (at_risk * (at_risk - events)))
        reach = NORMAL_95 * np.sqrt(greenwood) / np.abs(np.log(survival))
        low, high = survival ** np.exp(reach), survival ** np.exp(-reach)
    open_ends = (survival > 0) & (survival < 1)
    low, high = (np.where(open_ends, limit, np.nan) for limit in (low, high))
    return SurvivalCurve(counts.days, survival, 1.0, low, high)


def censoring_curve(known: TimesToEvent) -> StepCurve:
    """G(t), the chance of still being followed after t: Kaplan and Meier's estimate with censoring as the event.

    Who has an event on a day is not at risk of being censored on it.
    """
    counts = _counts(known)
    at_risk = counts.at_risk - counts.events.sum(axis=0)
    share = np.divide(counts.censored, at_risk, out=np.zeros(len(at_risk)), where=at_risk > 0)
    return StepCurve(counts.days, np.cumprod(1.0 - share), 1.0)


def aalen_johansen(known: TimesToEvent) -> tuple[StepCurve, ...]:
    """F_c(t) = sum over days up to t of S(before) events_c / at risk: the share with an event of each cause by t
    (Aalen and Johansen 1978). One minus Kaplan and Meier's estimate with competing events as censored is too high.

    >>> known = TimesToEvent(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1, 2, 0, 1]))
    >>> [curve.at(np.array([4.0])).item() for curve in aalen_johansen(known)]
    [0.75, 0.25]
    """
    counts = _counts(known)
    hazards = counts.events / counts.at_risk
    survival = np.cumprod(1.0 - hazards.sum(axis=0))
    before = np.concatenate([[1.0], survival[:-1]])
    return tuple(StepCurve(counts.days, np.cumsum(before * hazard), 0.0) for hazard in hazards)


def numbers_at_risk(known: TimesToEvent, days: np.ndarray) -> np.ndarray:
    """How many patients are still followed just before each of some days, what stands under a survival curve.

    >>> numbers_at_risk(TimesToEvent(np.array([1.0, 2.0, 3.0]), np.array([1, 0, 1])), np.array([0.0, 2.0])).tolist()
    [3, 2]
    """
    return np.asarray(len(known.days) - np.searchsorted(np.sort(known.days), days, side="left"))


def median_time(survival: StepCurve) -> float:
    """First day on which at most half are free of the event; nan where the curve stays above one half."""
    reached = np.flatnonzero(survival.values <= 0.5)
    return float(survival.days[reached[0]]) if len(reached) else float("nan")


def restricted_mean(survival: StepCurve, until: float) -> float:
    """Mean days free of the event of the first `until` days: the area under the curve (Royston and Parmar 2013).

    >>> restricted_mean(kaplan_meier(TimesToEvent(np.array([1.0, 3.0]), np.array([1, 1]))), 2.0)
    1.5
    """
    bounds = np.concatenate([[0.0], survival.days[survival.days < until], [until]])
    return float(np.diff(bounds) @ survival.at(bounds[:-1]))
