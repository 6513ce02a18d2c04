"""One loss by epoch or step: its levels, its noise, where it is best, how it ends. All robust against single points."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rounds.examination.logs.logged_run import Series

START_SHARE = 0.1  # of the points, at least three: the level after the first epochs
WINDOW_SHARE = 0.1  # of the points that are averaged for one level
LEAST_WINDOW, MOST_WINDOW = 2, 15
END_SHARE = 1 / 3  # of the points that tell whether it is still falling
DIFFERENCE_NOISE = 6.0  # variance of a second difference, in variances of one point
FEWEST_DIFFERENCES = 8  # below which a median of differences says little, and their size is looked at as well
MAD = 1.4826  # standard deviations in a median absolute deviation of normal noise
OF_RANGE = (5.0, 95.0)  # percentiles between which values count as the range


@dataclass(frozen=True)
class LossCurve:
    """at, values: [K], finite, lower is better."""

    at: np.ndarray
    values: np.ndarray

    @staticmethod
    def of(series: Series | None) -> "LossCurve | None":
        """Of a series' finite values; None where there are none."""
        known = series.finite if series is not None else None
        return LossCurve(known.at, known.values) if known is not None and len(known) else None

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def window(self) -> int:
        """Points averaged for one level."""
        return int(np.clip(round(WINDOW_SHARE * len(self)), min(LEAST_WINDOW, len(self)), MOST_WINDOW))

    @cached_property
    def start(self) -> float:
        """Level after the first epochs: a first loss that is huge does not count."""
        return float(np.median(self.values[: max(3, round(START_SHARE * len(self)))]))

    @cached_property
    def end(self) -> float:
        """Level of the last points."""
        return float(np.median(self.values[-max(self.window, min(3, len(self))) :]))

    @cached_property
    def unit(self) -> float:
        """What changes are shares of: the level after the first epochs, or the range of a loss that crosses zero."""
        low, high = np.percentile(self.values, OF_RANGE)
        size = abs(self.start) if low > 0 else max(abs(self.start), float(high - low))
        return size if size > 0 else 1.0

    @cached_property
    def smooth(self) -> np.ndarray:
        """Centred moving mean [K] over the window."""
        return smoothed(self.values, self.window)

    @cached_property
    def best_index(self) -> int:
        """Where the smoothed loss is lowest."""
        return int(self.smooth.argmin())

    @cached_property
    def lowest(self) -> float:
        """The lowest smoothed loss."""
        return float(self.smooth.min())

    @cached_property
    def best(self) -> tuple[float, float]:
        """(epoch or step, value) of the lowest single loss."""
        place = int(self.values.argmin())
        return float(self.at[place]), float(self.values[place])

    def noise(self, first: int = 0, last: int | None = None) -> float:
        """Standard deviation of one point about its neighbours' line, between two indices; trends drop out."""
        second = np.diff(self.values[first:last], n=2)
        if not len(second):
            return float(np.std(self.values)) if len(self) > 1 else 0.0
        robust = MAD * float(np.median(np.abs(second)))
        typical = 0.5 * float(np.sqrt((second**2).mean())) if len(second) < FEWEST_DIFFERENCES or not robust else robust
        return max(robust, typical) / DIFFERENCE_NOISE**0.5

    @cached_property
    def fall(self) -> float:
        """From the start to the lowest level, as a share of the unit."""
        return (max(self.start, float(self.values[0])) - self.lowest) / self.unit

    @property
    def late_points(self) -> int:
        """Points of the last third, at least five."""
        return max(min(5, len(self)), round(END_SHARE * len(self)))

    @cached_property
    def moved(self) -> tuple[float, float]:
        """(fall from the first third of the points to the last, its standard error), as shares of the unit."""
        count = max(1, len(self) // 3)
        fall = float(np.median(self.values[:count]) - np.median(self.values[-count:]))
        return fall / self.unit, self.noise() * float(np.sqrt(2 / count)) / self.unit

    @cached_property
    def late_trend(self) -> tuple[float, float]:
        """(fall over the last third, its standard error), as shares of the unit: a line through the last points."""
        count = self.late_points
        y = self.values[-count:]
        x = np.linspace(0.0, 1.0, count)
        slope = theil_sen(x, y)
        spread = float(np.sqrt(((x - x.mean()) ** 2).sum()))
        error = max(self.noise(len(self) - max(count, 6)), float(np.std(y - slope * x))) / spread if spread else np.inf
        return -slope / self.unit, error / self.unit

    def level_at(self, at: float) -> float:
        """The smoothed loss at an epoch or step."""
        return float(np.interp(at, self.at, self.smooth))


def smoothed(values: np.ndarray, window: int) -> np.ndarray:
    """Centred moving mean; at the edges of as many points as there are.

    >>> smoothed(np.array([3.0, 0.0, 3.0]), 3)
    array([1.5, 2. , 1.5])
    """
    before, after = window // 2, window - 1 - window // 2
    total = np.cumsum(np.concatenate([[0.0], values]))
    first = np.maximum(np.arange(len(values)) - before, 0)
    last = np.minimum(np.arange(len(values)) + after + 1, len(values))
    return (total[last] - total[first]) / (last - first)


def theil_sen(x: np.ndarray, y: np.ndarray) -> float:
    """Median of the slopes between all pairs of points (Theil 1950, Sen 1968).

    >>> theil_sen(np.arange(5.0), np.array([0.0, 1.0, 2.0, 3.0, 50.0]))
    1.0
    """
    i, j = np.triu_indices(len(x), 1)
    return float(np.median((y[j] - y[i]) / (x[j] - x[i]))) if len(i) else 0.0
