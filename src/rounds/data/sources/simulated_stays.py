"""How long stays of the simulated hospital last on average, in closed form.

A stay would last L days, Gamma-distributed around a mean m that is a product of effects. Death and transfer come at
constant rates, together r a day, and whichever is first ends it. With T exponential at rate r, independent of L:

    E[min(L, T)] = integral of P(L > t) exp(-r t) = (1 - E[exp(-r L)]) / r = (1 - (1 + r m / k)^-k) / r

and a share (death rate) * E[min(L, T)] of stays ends in death. Where sodium or creatinine was not measured, both are
averaged over what it may have been (Gauss-Hermite quadrature), since nobody at admission knows it.
"""

from collections.abc import Iterator

import numpy as np

Stays = dict[str, np.ndarray]

GAMMA_SHAPE = 2.5  # k: coefficient of variation of L around its mean 0.63
DIAGNOSES = 300
SODIUM_MEAN, SODIUM_SPREAD = 139.0, 4.0  # mmol/L
CREATININE_LOG_SPREAD = 0.35  # of log mg/dL
DEATH_RATE, TRANSFER_RATE = 0.008, 0.02  # a day, before effects
TRANSFERRED_FACTOR = 0.6  # a transferred patient has part of the stay behind
WARD_FACTORS = (1.0, 1.25, 0.85, 1.4, 1.1)
_SEVERITY = np.random.default_rng(7).gamma(4.0, 0.25, DIAGNOSES)
_NODES = 8  # of the quadrature: its error is below 1e-6 of the mean


def creatinine_log_mean(diagnosis: np.ndarray) -> np.ndarray:
    """Mean log creatinine: every seventh diagnosis is of the kidney."""
    return 0.05 + 0.2 * (diagnosis % 7 == 0)


def uncut_mean(stay: Stays) -> np.ndarray:
    """m, in days, of stays without death and transfer; with a bend in age, a U in sodium and an interaction."""
    ward = np.array(WARD_FACTORS)[stay["ward"]]
    age = 1 + 0.012 * np.maximum(stay["age"] - 50, 0)
    both = 1 + 0.25 * (stay["emergency"] & (stay["age"] > 75))
    again = 1 + 0.05 * np.minimum(stay["earlier"], 6)
    part = np.where(stay["transferred"], TRANSFERRED_FACTOR, 1.0)
    rest = 3.2 * _SEVERITY[stay["diagnosis"]] * ward * age * both * again * part
    return np.asarray(rest * _sodium_factor(stay["sodium"]) * _kidney_factor(np.log(stay["creatinine"])))


def _sodium_factor(sodium: np.ndarray) -> np.ndarray:
    return np.asarray(1 + 0.006 * (sodium - SODIUM_MEAN) ** 2)


def _kidney_factor(log_creatinine: np.ndarray) -> np.ndarray:
    return np.asarray(1 + 0.15 * log_creatinine)


def death_rate(stay: Stays) -> np.ndarray:
    """Deaths a day."""
    effects = 0.045 * (stay["age"] - 63) + 0.25 * (stay["heart_rate"] - 82) / 15 + 0.3 * stay["emergency"]
    return np.asarray(DEATH_RATE * np.exp(effects))


def transfer_rate(stay: Stays) -> np.ndarray:
    """Transfers a day; nobody is transferred twice."""
    return np.where(stay["transferred"], 0.0, TRANSFER_RATE * np.where(stay["emergency"], 1.5, 1.0))


def cut_mean(uncut: np.ndarray, rate: np.ndarray) -> np.ndarray:
    """E[min(L, T)] in days, for L of mean `uncut` and T at `rate` > 0 a day.

    >>> cut_mean(np.array([4.0, 4.0]), np.array([1e-9, 0.1])).round(4)
    array([4.    , 3.0999])
    """
    return np.asarray(-np.expm1(-GAMMA_SHAPE * np.log1p(rate * uncut / GAMMA_SHAPE)) / rate)


def expected_stay(stay: Stays, unmeasured: Stays) -> np.ndarray:
    """E[days | columns known at admission], [N]. unmeasured: [N] booleans of sodium and creatinine."""
    rate = death_rate(stay) + transfer_rate(stay)
    expected = np.empty(len(rate))
    for rows, uncut, weights in _possibilities(stay, unmeasured):
        expected[rows] = cut_mean(uncut, rate[rows, None]) @ weights
    return expected


def median_stay(stay: Stays, unmeasured: Stays) -> np.ndarray:
    """Median days given the columns known at admission, [N]: what has the least possible mean absolute error.

    By bisection of P(days > t) = P(L > t) exp(-r t).
    """
    from scipy.special import gammaincc

    rate = death_rate(stay) + transfer_rate(stay)
    median = np.empty(len(rate))
    for rows, uncut, weights in _possibilities(stay, unmeasured):
        low, high = np.zeros(len(rows)), 4 * uncut.max(1)
        for _ in range(40):
            middle = (low + high) / 2
            stays_on = gammaincc(GAMMA_SHAPE, GAMMA_SHAPE * middle[:, None] / uncut) @ weights
            later = stays_on * np.exp(-rate[rows] * middle) > 0.5
            low, high = np.where(later, middle, low), np.where(later, high, middle)
        median[rows] = (low + high) / 2
    return median


def true_incidence(stay: Stays, unmeasured: Stays, days: np.ndarray) -> np.ndarray:
    """Chance of discharge, death and transfer by each day given the columns known at admission, [3, N, K].

    Discharge: the integral of f(u) exp(-r u), a Gamma function of another scale. Of the rest, (1 - P(L > t) exp(-r t) -
    that) is shared by death and transfer as their rates are.
    """
    from scipy.special import gammainc, gammaincc

    death, transfer = death_rate(stay), transfer_rate(stay)
    found = np.empty((3, len(death), len(days)))
    for rows, uncut, weights in _possibilities(stay, unmeasured):
        rate = (death + transfer)[rows, None]
        slower = 1 + rate * uncut / GAMMA_SHAPE
        scaled = GAMMA_SHAPE * days / uncut[..., None]  # [rows, P, K]
        discharged = slower[..., None] ** -GAMMA_SHAPE * gammainc(GAMMA_SHAPE, scaled * slower[..., None])
        stays_on = gammaincc(GAMMA_SHAPE, scaled) * np.exp(-rate[..., None] * days)
        rest = np.einsum("npk,p->nk", 1 - stays_on - discharged, weights)
        found[0, rows] = np.einsum("npk,p->nk", discharged, weights)
        found[1, rows] = rest * death[rows, None] / rate
        found[2, rows] = rest * transfer[rows, None] / rate
    return found


def _possibilities(stay: Stays, unmeasured: Stays) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """(rows, uncut means [rows, P] for what the unmeasured values may be, weights [P]) for each pattern of holes."""
    for no_sodium in (False, True):
        for no_creatinine in (False, True):
            rows = np.flatnonzero((unmeasured["sodium"] == no_sodium) & (unmeasured["creatinine"] == no_creatinine))
            some = {name: values[rows] for name, values in stay.items()}
            uncut, weights = uncut_mean(some)[:, None], np.ones(1)
            if no_sodium:
                z, share = _normal_nodes()
                factor = _sodium_factor(SODIUM_MEAN + SODIUM_SPREAD * z) / _sodium_factor(some["sodium"])[:, None]
                uncut, weights = _spread(uncut, factor), np.outer(weights, share).ravel()
            if no_creatinine:
                z, share = _normal_nodes()
                log_creatinine = creatinine_log_mean(some["diagnosis"])[:, None] + CREATININE_LOG_SPREAD * z
                factor = _kidney_factor(log_creatinine) / _kidney_factor(np.log(some["creatinine"]))[:, None]
                uncut, weights = _spread(uncut, factor), np.outer(weights, share).ravel()
            yield rows, uncut, weights


def _spread(uncut: np.ndarray, factor: np.ndarray) -> np.ndarray:
    width = uncut.shape[1] * factor.shape[1]
    return np.asarray((uncut[:, :, None] * factor[:, None, :]).reshape(len(uncut), width))


def _normal_nodes() -> tuple[np.ndarray, np.ndarray]:
    """Points and weights that average over a standard normal variable."""
    z, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    return z, weights / weights.sum()
