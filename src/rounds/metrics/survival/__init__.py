"""Times until an event that are not all known: curves of whole groups, and what predictions of them are worth.

A patient is followed for some days, until an event (cause 1, or a competing one: 2, 3, ...) or until nobody knows any
more (cause 0, censored). `TimesToEvent` holds both; curves.py has Kaplan and Meier's estimate and Aalen and Johansen's,
proportional_hazards.py Cox's model with a ridge penalty, and the other files one metric each. Predictions are chances
that the event of cause 1 has happened by each of some days. Censored patients are made up for by weighting those that
are known with the inverse chance of still being followed, `censoring_curve`.

Read first: outcome.py, then curves.py.
"""

from rounds.metrics.survival.brier import brier_at, integrated_brier
from rounds.metrics.survival.calibration import CalibrationAt, calibration_at
from rounds.metrics.survival.concordance import harrell_concordance, uno_concordance
from rounds.metrics.survival.curves import (
    StepCurve,
    SurvivalCurve,
    aalen_johansen,
    censoring_curve,
    kaplan_meier,
    median_time,
    numbers_at_risk,
    restricted_mean,
)
from rounds.metrics.survival.discrimination import auroc_at
from rounds.metrics.survival.outcome import TimesToEvent, times_to_event
from rounds.metrics.survival.proportional_hazards import CoxModel, fit_cox, incidence_of_causes

__all__ = [
    "CalibrationAt",
    "CoxModel",
    "StepCurve",
    "SurvivalCurve",
    "TimesToEvent",
    "aalen_johansen",
    "auroc_at",
    "brier_at",
    "calibration_at",
    "censoring_curve",
    "fit_cox",
    "harrell_concordance",
    "incidence_of_causes",
    "integrated_brier",
    "kaplan_meier",
    "median_time",
    "numbers_at_risk",
    "restricted_mean",
    "times_to_event",
    "uno_concordance",
]
