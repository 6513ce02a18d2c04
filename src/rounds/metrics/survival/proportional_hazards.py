"""Cox's proportional hazards with a ridge penalty (Cox 1972, J R Stat Soc B 34; Verweij and Van Houwelingen 1994)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rounds.errors import DataError
from rounds.metrics.survival.curves import StepCurve
from rounds.metrics.survival.outcome import TimesToEvent

# Newton's method needs 4-8 steps; a step that makes the likelihood worse is halved up to MOST_HALVINGS times.
NEWTON_STEPS, MOST_HALVINGS = 50, 20
# A gain in penalized log-likelihood per row this small ends it.
SMALL_GAIN = 1e-12


@dataclass(frozen=True)
class CoxModel:
    """beta: [F] log hazard ratio for one unit of each column; centre: [F] where the baseline hazard holds; baseline:
    its cumulative hazard, by Breslow's estimate."""

    beta: np.ndarray
    centre: np.ndarray
    baseline: StepCurve

    def log_risk(self, x: np.ndarray) -> np.ndarray:
        """[N] log hazard ratio to a patient at the centre, from x [N, F]."""
        return np.asarray((x - self.centre) @ self.beta)

    def cumulative_hazard(self, x: np.ndarray, days: np.ndarray) -> np.ndarray:
        """[N, K] of rows x [N, F] at days [K]."""
        return np.exp(self.log_risk(x))[:, None] * self.baseline.at(days)

    def chance_by(self, x: np.ndarray, days: np.ndarray) -> np.ndarray:
        """[N, K] chance that the event has happened by each of days [K], where no other event can come before."""
        return 1.0 - np.exp(-self.cumulative_hazard(x, days))


def fit_cox(x: np.ndarray, known: TimesToEvent, penalty: float = 0.0) -> CoxModel:
    """Highest partial likelihood (Breslow's for ties) less penalty / 2 times the squared coefficients.

    x: [N, F] without missing values; columns of one scale, where there is a penalty; competing events count as
    censored, so that this is the hazard of cause 1. Raises DataError where rows differ or no event was seen.

    >>> x = np.array([[0.0], [1.0], [0.0], [1.0]])
    >>> model = fit_cox(x, TimesToEvent(np.array([4.0, 1.0, 2.0, 3.0]), np.array([1, 1, 1, 1])))
    >>> round(float(model.beta[0]), 2)
    0.94
    """
    x = np.asarray(x, np.float64)
    if len(x) != len(known.days) or not known.happened.any():
        wanted = f"{len(known.days)} rows with at least 1 event"
        raise DataError("Columns", wanted, name="rows", got=len(x), advice="Give one row for each time, and events")
    centre = x.mean(axis=0)
    risk_sets = _risk_sets(known)
    beta = _highest(x - centre, risk_sets, penalty)
    ratio = np.exp((x - centre) @ beta)
    jumps = risk_sets.events / _from_place(ratio, risk_sets)
    return CoxModel(beta, centre, StepCurve(risk_sets.days, np.cumsum(jumps), 0.0))


@dataclass(frozen=True)
class _RiskSets:
    """days: [K] with an event; events: [K] how many; case: [N] bool; last: [N] how many of days are not after a row's
    own end, so that the row is at risk on the first `last` of them."""

    days: np.ndarray
    events: np.ndarray
    case: np.ndarray
    last: np.ndarray


def _risk_sets(known: TimesToEvent) -> _RiskSets:
    case = known.happened
    days, events = np.unique(known.days[case], return_counts=True)
    return _RiskSets(days, events.astype(np.float64), case, np.searchsorted(days, known.days, side="right"))


def _from_place(values: np.ndarray, sets: _RiskSets) -> np.ndarray:
    """Sum of values [N] or [N, F] over the rows at risk on each day with an event: [K] or [K, F]."""
    summed = np.zeros((len(sets.days) + 1, *values.shape[1:]))
    np.add.at(summed, sets.last, values)
    return np.asarray(summed[::-1].cumsum(axis=0)[::-1][1:])


def _highest(x: np.ndarray, sets: _RiskSets, penalty: float) -> np.ndarray:
    beta = np.zeros(x.shape[1])
    value = _likelihood(x, sets, penalty, beta)
    for _ in range(NEWTON_STEPS):
        step, length = _newton_step(x, sets, penalty, beta), 1.0
        for _ in range(MOST_HALVINGS):
            if (found := _likelihood(x, sets, penalty, beta + length * step)) >= value:
                break
            length /= 2
        else:
            break
        gain, beta, value = found - value, beta + length * step, found
        if gain <= SMALL_GAIN * len(x):
            break
    return beta


def _likelihood(x: np.ndarray, sets: _RiskSets, penalty: float, beta: np.ndarray) -> float:
    line = x @ beta
    shift = line.max(initial=0.0)
    at_risk = _from_place(np.exp(line - shift), sets)
    if not (at_risk > 0).all():  # a step so long that hazards of whole risk sets vanish beside the largest
        return -np.inf
    return float(line[sets.case].sum() - sets.events @ (np.log(at_risk) + shift) - penalty / 2 * beta @ beta)


def _newton_step(x: np.ndarray, sets: _RiskSets, penalty: float, beta: np.ndarray) -> np.ndarray:
    line = x @ beta
    ratio = np.exp(line - line.max(initial=0.0))
    at_risk = _from_place(ratio, sets)
    means = _from_place(ratio[:, None] * x, sets) / at_risk[:, None]  # [K, F]
    hazard = np.concatenate([[0.0], np.cumsum(sets.events / at_risk)])[sets.last]
    gradient = x[sets.case].sum(axis=0) - sets.events @ means - penalty * beta
    information = (x * (ratio * hazard)[:, None]).T @ x - (means * sets.events[:, None]).T @ means
    information += penalty * np.eye(len(beta))
    return np.asarray(np.linalg.lstsq(information, gradient, rcond=None)[0])


def incidence_of_causes(models: Sequence[CoxModel], x: np.ndarray, days: np.ndarray) -> np.ndarray:
    """Chance of an event of each cause by each day, [C, N, K], from one hazard a cause: F_c(t) = sum of S(before) times
    the jump of that cause's cumulative hazard, S = exp(-sum over causes) (Prentice et al. 1978, Biometrics 34).

    models: of cause 1, 2, ..., each fitted by `fit_cox` to `of_cause`; x: [N, F]; days: [K].
    """
    jumps = np.unique(np.concatenate([m.baseline.days for m in models]))
    hazards = np.stack([m.cumulative_hazard(x, jumps) for m in models])  # [C, N, J]
    survival = np.exp(-hazards.sum(axis=0))
    before = np.concatenate([np.ones((len(x), 1)), survival[:, :-1]], axis=1)
    steps = np.diff(hazards, axis=2, prepend=0.0)
    share = np.divide(steps, total := steps.sum(axis=0), out=np.zeros(steps.shape), where=total > 0)
    incidence = np.concatenate(
        [np.zeros((*steps.shape[:2], 1)), np.cumsum(share * (before - survival), axis=2)], axis=2
    )
    return np.asarray(incidence[:, :, np.searchsorted(jumps, days, side="right")])
