"""What rules of logs share: the curves of a run, words for places and levels."""

import numpy as np

from rounds.examination.finding import Threshold
from rounds.examination.log_rules.loss_curve import LossCurve
from rounds.examination.logs.columns import meaning
from rounds.examination.logs.logged_run import LoggedRun, Measured, Series
from rounds.examination.logs.quantities import error_in_words
from rounds.examination.rule import Need

FEWEST = Threshold("points", 5, "epochs or steps with a loss or score, below which no trend is judged")
WORTHWHILE = Threshold(
    "smallest worthwhile change", 0.01, "share of the level after the first epochs, a tenth of the training"
)
SURE = Threshold("certainty", 3.0, "standard errors, from the curve's own roughness")
FEW_POINTS = 4  # points by which a Student factor is approximated: 3 errors become 5 at six points
LEARNED_ON = Threshold("training goes on", 0.03, "share of the training loss's level, fall after validation was best")


ONE_NETWORK: Need[LoggedRun] = Need(
    "the loss of one network, not of two that play against each other", lambda run: not run.adversarial
)


def train_curve(run: LoggedRun) -> LossCurve | None:
    """Of the training loss; None where it has too few points."""
    return long_enough(LossCurve.of(run.loss.train))


def validation_curve(run: LoggedRun) -> LossCurve | None:
    """Of the validation loss; None where it has too few points."""
    return long_enough(LossCurve.of(run.loss.validation))


def long_enough(curve: LossCurve | None) -> LossCurve | None:
    """The curve, if it has points enough to see a trend."""
    return curve if curve is not None and len(curve) >= FEWEST.value else None


def score_curve(score: Measured) -> LossCurve | None:
    """A validation score as what it leaves to be gained, which falls as a loss does."""
    curve = long_enough(LossCurve.of(score.validation))
    if curve is None or not score.higher:
        return curve
    return LossCurve(curve.at, (1.0 if score.bounded else 0.0) - curve.values)


def is_loss(series: Series | None) -> bool:
    """Whether a column is a loss or an error, and no score that stands for one."""
    return series is None or meaning(series.column).kind != "score"


def called(series: Series | None) -> str:
    """What a series is in words: "validation loss", or "1 - val_acc" where a score stands for it.

    >>> called(Series("val_loss", np.array([]), np.array([]))), called(Series("val_acc", np.array([]), np.array([])))
    ('validation loss', '1 - val_acc')
    """
    if series is None:
        return "loss"
    said = meaning(series.column)
    if said.kind == "score":
        return error_in_words(series.column)
    return f"{'training' if said.split == 'train' else 'validation'} loss"


def log_place(run: LoggedRun, at: float) -> str:
    """A place in the log's own counting.

    >>> from rounds.examination.logs.logged_run import LoggedRun, Measured
    >>> log_place(LoggedRun("log.csv", "step", Measured("")), 1500.0)
    'step 1500'
    """
    return f"{run.unit} {at:g}"


def sure_of(points: int) -> float:
    """Standard errors that make an alarm, from so few points that their noise is itself uncertain.

    >>> sure_of(6), sure_of(60)
    (5.0, 3.2)
    """
    return SURE.value * (1 + FEW_POINTS / points)


def rises(curve: LossCurve) -> tuple[float, float]:
    """(rise of the level from its lowest to the end, its standard error), as shares of the unit.

    Everything after the lowest counts: the end is a level, and the noise is that of the points around both.
    """
    first = max(curve.best_index - 2 * curve.window, 0)
    spread = curve.noise(first) if len(curve) - first >= 6 else curve.noise()
    count = max(curve.window, min(3, len(curve)))
    return (curve.end - curve.lowest) / curve.unit, spread * float(np.sqrt(1 / curve.window + 1 / count)) / curve.unit


def fall_of_noise(curve: LossCurve) -> float:
    """The fall that a flat curve may show by its noise, as a share of the unit: a first point that is high, and the
    lowest of many levels."""
    return curve.noise() / curve.unit * (2 + SURE.value / curve.window**0.5)
