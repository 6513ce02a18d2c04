"""Whether a network was worth it: the paired difference to the best baseline beside the smallest that matters."""

from typing import Any

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


def worth_it(difference: dict[str, Any]) -> dict[str, str]:
    """Yes where the whole interval is above 0 and the effect worthwhile, no where even its upper end is not.

    >>> effect = {"value": 2.0, "low": 1.0, "high": 3.0}
    >>> worth_it({"metric": "rmse", "baseline": "trees", **effect, "smallest_worthwhile": 0.5})["answer"]
    'yes'
    """
    d = difference
    shown = f"{d['metric']} {gain_in_words(d, d['baseline'])}"
    least = f"smallest worthwhile difference {d['smallest_worthwhile']:.3g}"
    if d["low"] > 0 and d["value"] >= d["smallest_worthwhile"]:
        return {"answer": "yes", "reason": f"{shown}; {least}"}
    if d["high"] < d["smallest_worthwhile"]:
        return {"answer": "no", "reason": f"{shown}: less than the {least}"}
    return {"answer": "unknown", "reason": f"{shown}: too few patients to tell it from the {least}"}


def gain_in_words(gain: dict[str, Any], other: str) -> str:
    """A gain on something, with its interval; a loss is said as such.

    >>> gain_in_words({"value": -2.0, "low": -3.0, "high": -1.0}, "trees")
    'worse than trees by 2 (95 % interval of the gain -3 to -1)'
    """
    low, high = f"{gain['low']:.3g}", f"{gain['high']:.3g}"
    if gain["value"] < 0:
        return f"worse than {other} by {-gain['value']:.3g} (95 % interval of the gain {low} to {high})"
    return f"better than {other} by {gain['value']:.3g} (95 % interval {low} to {high})"
