"""How numbers, metrics and contestants are said to a clinician."""

import math
from typing import NamedTuple

from rounds.metrics import METRICS
from rounds.run_folder.metrics import Estimate, StoppedEarly
from rounds.statistics.small_cells import FEWEST_PATIENTS


class Term(NamedTuple):
    """label: as a heading; meaning: one plain sentence."""

    label: str
    meaning: str


METRIC_TERMS = {
    "mae": Term("Mean absolute error", "how far a prediction is from the truth, on average"),
    "rmse": Term("RMSE", "typical error in which large misses weigh more (root mean squared error)"),
    "r2": Term("R²", "share of the variation between patients that is explained; 0 is what a constant reaches"),
    "poisson_deviance": Term("Poisson deviance", "how badly the predicted rates fit the counts; 0 is perfect"),
    "auroc": Term("AUROC", "chance that a patient with the outcome is ranked above one without; 0.5 is guessing"),
    "auprc": Term("AUPRC", "precision averaged over sensitivity; guessing reaches the share of cases"),
    "log_loss": Term("Log loss", "penalty for probabilities far from what happened; lower is better"),
    "brier": Term("Brier score", "mean squared distance of the probability to what happened; lower is better"),
    "accuracy": Term("Accuracy", "share of rows whose most probable class is the true one"),
    "calibration_slope": Term("Calibration slope", "1 is ideal; below 1 the predicted risks are too extreme"),
    "calibration_intercept": Term("Calibration intercept", "0 is ideal; below 0 risks are too high on the whole"),
    "loss": Term("Loss", "what training makes small, on its own scale"),
}

CONTESTANT_NAMES = {
    "network": "Ensemble of networks",
    "single network": "Single network",
    "constant": "Constant (mean)",
    "constant median": "Constant (median)",
    "linear": "Linear model",
    "trees": "Gradient-boosted trees",
}
CLASS_CONTESTANT_NAMES = {**CONTESTANT_NAMES, "constant": "Constant (share)", "linear": "Logistic model"}

MOMENTS = {"admission": "at admission", "stay": "during the stay", "outcome": "only with the outcome"}


def contestant(name: str, is_classification: bool) -> str:
    """What a contestant is called; a score in use today keeps its column's name.

    >>> contestant("linear", True), contestant("saps", True)
    ('Logistic model', 'saps (score in use)')
    """
    names = CLASS_CONTESTANT_NAMES if is_classification else CONTESTANT_NAMES
    return names.get(name, f"{name} (score in use)")


def number(value: float | None, decimals: int | None = None) -> str:
    """Three significant digits or so many decimals, thousands set apart; a dash where there is no number.

    >>> number(54.0415), number(0.98765), number(-0.30199), number(101766), number(None), number(0.00001234)
    ('54.0', '0.988', '−0.302', '101,766', '–', '1.23e-05')
    >>> number(-0.00012, decimals=3)
    '0.000'
    """
    if value is None or not math.isfinite(value):
        return "–"
    if decimals is None and 0 < abs(value) < 0.001:
        text = f"{abs(value):.3g}"
    else:
        text = f"{abs(value):,.{decimals_of(value) if decimals is None else decimals}f}"
    return f"−{text}" if value < 0 and text.strip("0.") else text


def decimals_of(value: float) -> int:
    """Decimals that leave three significant digits, at most three of them."""
    return min(max(2 - math.floor(math.log10(abs(value))), 0), 3) if value else 0


def estimate_cells(score: Estimate | None) -> tuple[str, str]:
    """A value and its 95 % interval with the same decimals, as many as the interval can bear; a dash where none is.

    >>> estimate_cells(Estimate(value=2.0, low=1.5, high=10.25))
    ('2.0', '1.5 to 10.2')
    >>> estimate_cells(Estimate(value=0.99918, low=0.99872, high=0.99954))
    ('0.9992', '0.9987 to 0.9995')
    >>> estimate_cells(None)
    ('–', '')
    """
    if score is None or not score.is_defined:
        return "–", ""
    known = [v for v in (score.value, score.low, score.high) if not math.isnan(v)]
    width = max(known) - min(known)
    decimals = max(decimals_of(max(known, key=abs)), min(-math.floor(math.log10(width)), 6) if width > 0 else 0)
    value, low, high = (number(v, decimals) for v in (score.value, score.low, score.high))
    return value, f"{low} to {high}"


def count(value: int | None) -> str:
    """A count of patients or rows that names nobody.

    >>> count(1186), count(7), count(0), count(None)
    ('1,186', 'fewer than 10', '0', '–')
    """
    if value is None:
        return "–"
    return f"fewer than {FEWEST_PATIENTS}" if 0 < value < FEWEST_PATIENTS else f"{value:,}"


def share(value: float, rows: int) -> str:
    """A share of rows in percent, not shown where it stands for fewer than 10 of them.

    >>> share(0.25, 1000), share(0.0, 1000), share(0.004, 1000)
    ('25 %', '0', 'under 10 rows')
    """
    if value == 0:
        return "0"
    if value * rows < FEWEST_PATIENTS - 0.5:
        return f"under {FEWEST_PATIENTS} rows"
    return f"{100 * value:.0f} %" if value >= 0.01 else f"{100 * value:.1f} %"


def percent(value: float, decimals: int = 0) -> str:
    """A share in percent.

    >>> percent(0.9), percent(0.1234, 1)
    ('90 %', '12.3 %')
    """
    return f"{100 * value:.{decimals}f} %"


def with_unit(metric: str, unit: str) -> str:
    """The unit behind a metric's value: the target's, where the metric is in it.

    >>> with_unit("mae", "days"), with_unit("r2", "days")
    (' days', '')
    """
    return f" {unit}" if unit and metric in METRICS and METRICS[metric].unit_like_target else ""


def label(metric: str) -> str:
    """A metric's heading.

    >>> label("auroc")
    'AUROC'
    """
    return METRIC_TERMS[metric].label if metric in METRIC_TERMS else metric.replace("_", " ").capitalize()


def stopped_in_words(stopped: StoppedEarly) -> str:
    """What was given up, and what that saved.

    >>> some = {"slabs": 2, "of_slabs": 2, "epochs_done": 30, "epochs_left_out": 70, "seconds_saved": 12.3}
    >>> stopped_in_words(StoppedEarly(**some))
    '2 of 2 groups of networks had come to nothing and were given up: 70 of 100 epochs left out, about 12 s saved'
    """
    planned = stopped.epochs_done + stopped.epochs_left_out
    return (
        f"{stopped.slabs} of {stopped.of_slabs} groups of networks had come to nothing and were given up: "
        f"{stopped.epochs_left_out:,} of {planned:,} epochs left out, about {stopped.seconds_saved:.0f} s saved"
    )


def p_value(value: float) -> str:
    """
    >>> p_value(0.0000012), p_value(0.0421), p_value(1.0)
    ('< 0.001', '0.042', '1')
    """
    return "< 0.001" if value < 0.001 else f"{value:.2g}"
