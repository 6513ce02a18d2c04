"""How recordings of any length and rhythm lie on one grid of time steps; saved with the model."""

import math

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from rounds.data.tables.cells.reading import Reading

# Steps of a grid of irregular measurements at most: a recurrent network takes them one after another.
MOST_STEPS = 96
# Steps at least, where the rhythm of measuring is slower: a trend needs some.
FEWEST_STEPS = 8
# The grid ends where so many of the subjects have ended; a single very long stay would stretch every step.
SUBJECTS_COVERED = 0.99
# Widths of a step that people count in (minutes, hours, days), each the next of the one before.
ROUND_WIDTHS = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 15.0, 20.0, 24.0, 30.0, 60.0)


class Timeline(BaseModel):
    """Steps of `step` units; a step holds the mean of what was measured in it.

    start: of the first step, below 0 where subjects were measured before their recording began; key, time, day,
    variable, value, value_unit: columns of the table of measurements ("" where there is none: signals, or a column a
    variable); unit: of time, in words; units: of variables, where they are known; signal: sampled evenly; incomplete:
    variables that miss in some step of some recording, whose presence is an input; readings: of the
    columns of the table of measurements.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    variables: tuple[str, ...]
    step: float
    steps: int
    unit: str
    key: str = ""
    time: str = ""
    variable: str = ""
    value: str = ""
    day: str = ""
    value_unit: str = ""
    start: float = 0.0
    units: dict[str, str] = Field(default_factory=dict)
    signal: bool = False
    incomplete: tuple[str, ...] = ()
    readings: dict[str, Reading] = Field(default_factory=dict)

    @property
    def text(self) -> str:
        """In words.

        >>> Timeline(variables=("HR", "Temp"), step=60, steps=48, unit="minute").text
        '2 variables in 48 steps of 60 (minute)'
        """
        count = len(self.variables)
        return f"{count} variable{'s' * (count != 1)} in {self.steps} steps of {self.step:g} ({self.unit})"


def choose_steps(measured: pl.DataFrame) -> tuple[float, int, float]:
    """(width, number, start) of steps from measurements (subject, time, variable): the width is the median time between
    two measurements of one variable, rounded to what people count in, within FEWEST_STEPS and MOST_STEPS. They begin
    before 0 where subjects were measured before, at most as long before as they go on after.

    >>> hourly = pl.DataFrame({"subject": [0] * 48, "variable": ["HR"] * 48, "time": [60.0 * i for i in range(48)]})
    >>> choose_steps(hourly)
    (60.0, 48, 0.0)
    """
    ends = measured.group_by("subject").agg(first=pl.col("time").min(), last=pl.col("time").max())
    last = max(0.0, float(ends["last"].quantile(SUBJECTS_COVERED, "higher") or 0.0))
    first = min(0.0, float(ends["first"].quantile(1 - SUBJECTS_COVERED, "lower") or 0.0))
    first = max(first, -last) if last > 0 else first
    horizon = last - first
    if horizon <= 0:
        return 1.0, 1, 0.0
    ordered = measured.sort("subject", "variable", "time")
    gap = pl.col("time").diff().over("subject", "variable").alias("gap")
    gaps = ordered.select(gap).filter(pl.col("gap") > 0)["gap"]
    rhythm = float(gaps.median() or horizon)  # type: ignore[arg-type]
    width = min(max(rhythm, horizon / MOST_STEPS), horizon / FEWEST_STEPS)
    step = rounded_width(width)
    before = math.ceil(-first / step)
    return step, min(before + max(1, math.floor(last / step) + 1), MOST_STEPS), -before * step


def rounded_width(width: float) -> float:
    """The next width that people count in, not below `width`.

    >>> rounded_width(31.0), rounded_width(0.4), rounded_width(700.0)
    (60.0, 0.4, 720.0)
    """
    for scale in (1e-4, 1e-3, 1e-2, 1e-1, 1.0):
        for one in ROUND_WIDTHS:
            if width <= one * scale * (1 + 1e-9) and (scale == 1.0 or one <= 10):
                return round(one * scale, 10)
    return math.ceil(width / 60 - 1e-9) * 60.0
