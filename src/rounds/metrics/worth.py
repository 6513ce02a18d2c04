"""What a constant leaves to be gained, and the smallest difference that matters."""

from rounds.metrics.table import METRICS

# A difference below this share of what the constant leaves unexplained changes no decision. A convention of ours (a
# hundredth of the way from the constant to a perfect prediction, in the main metric), printed with every verdict.
SMALLEST_WORTHWHILE_SHARE = 0.01
# A score that removes this share of what a constant leaves unexplained is seldom true of patients: look for a column
# that holds the outcome. A convention, no unit.
TOO_GOOD_SHARE = 0.97


def left_by(metric: str, constant: float) -> float:
    """What a constant leaves to be gained, in the metric's unit: the way from its score to a perfect one. Of an error
    that is the score itself; R2 of a constant is about 0, and leaves about 1.

    >>> left_by("rmse", 20.0), left_by("r2", -0.25)
    (20.0, 1.25)
    """
    return abs(METRICS[metric].ideal - constant)


def smallest_worthwhile(metric: str, constant: float) -> float:
    """The smallest difference that changes a decision, in the metric's unit; constant: the score of a constant.

    >>> smallest_worthwhile("rmse", 20.0), smallest_worthwhile("r2", 0.0)
    (0.2, 0.01)
    """
    return SMALLEST_WORTHWHILE_SHARE * left_by(metric, constant)
