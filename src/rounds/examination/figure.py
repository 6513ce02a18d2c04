"""What shows a finding: records that a rule carries and the report draws."""

from dataclasses import dataclass

from rounds.examination.finding import Threshold


@dataclass(frozen=True)
class LossCurves:
    """Training and validation loss of the members in which it was seen, by epoch."""


@dataclass(frozen=True)
class MeasureByLayer:
    """A measure of those members by layer and epoch; equal_factors: whether its axis is logarithmic."""

    measure: str
    title: str
    threshold: Threshold | None = None
    equal_factors: bool = False


@dataclass(frozen=True)
class Bars:
    """Numbers of the finding's evidence side by side.

    bars: label by the name of a number; all must be there for the figure to be drawn, unless `some` will do.
    """

    title: str
    bars: dict[str, str]
    threshold: Threshold | None = None
    some: bool = False


FindingFigure = LossCurves | MeasureByLayer | Bars
LOSSES = LossCurves()
