"""What a threshold does to patients: operating points with their four cells, and the net benefit of acting on them."""

from dataclasses import dataclass

import numpy as np

from rounds.metrics.influence import patient_sums
from rounds.run_folder.evidence import NetBenefit, OperatingPoint
from rounds.run_folder.metrics import Estimate
from rounds.statistics.class_intervals import wilson_interval
from rounds.statistics.recalibration import patient_parts
from rounds.statistics.resampling import patient_weights
from rounds.statistics.small_cells import FEWEST_PATIENTS

# What thresholds are chosen for, on validation patients: shares of cases found, of alerts that are right, of rows
# alerted, or alerts a day where the table says how many rows a day has. Round numbers that a ward can talk about.
SENSITIVITIES = (0.8, 0.9, 0.95)
PRECISIONS = (0.2, 0.5, 0.8)
ALERT_SHARES = (0.05, 0.1, 0.2)
ALERTS_A_DAY = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
MOST_ALERTED = 0.5  # share of rows above which an alert load is no longer a choice
# Threshold probabilities of the decision curve (Vickers and Elkin 2006), and resamples of patients behind `above_both`.
CURVE_THRESHOLDS = tuple(round(0.01 * i, 2) for i in (*range(1, 10), *range(10, 100, 5)))
CURVE_RESAMPLES = 300
# The other cell of the patients with the same outcome, and the two cells of each share.
OTHER_OF_OUTCOME = {
    "true_positive": "false_negative",
    "false_negative": "true_positive",
    "false_positive": "true_negative",
    "true_negative": "false_positive",
}
SHARES = {
    "sensitivity": ("true_positive", "false_negative"),
    "specificity": ("true_negative", "false_positive"),
    "precision": ("true_positive", "false_positive"),
    "negative_predictive_value": ("true_negative", "false_negative"),
    "alert_share": ("true_positive", "false_positive"),
}


@dataclass(frozen=True)
class Scored:
    """One outcome of some rows: observed [N] in {0, 1}, predicted [N] probability, patients [N] one code a row."""

    observed: np.ndarray
    predicted: np.ndarray
    patients: np.ndarray

    def take(self, rows: np.ndarray) -> "Scored":
        return Scored(self.observed[rows], self.predicted[rows], self.patients[rows])


def operating_points(validation: Scored, judged: Scored, rows_a_day: float | None = None) -> list[OperatingPoint]:
    """Thresholds chosen on validation patients, and what they do to the patients who judge.

    Where the same patients validate and judge (out of fold), each fifth of them is alerted by thresholds that the
    others chose. rows_a_day: to say alerts a day. A target that no threshold reaches on validation is left out.

    >>> y, p = np.array([0.0, 0.0, 1.0, 1.0] * 10), np.array([0.1, 0.3, 0.2, 0.9] * 10)
    >>> points = operating_points(Scored(y, p, np.arange(40)), Scored(y, p, np.arange(40, 80)))
    >>> points[0].target, points[0].threshold, points[0].sensitivity.value
    ({'sensitivity': 0.8}, 0.2, 1.0)
    """
    alerts = _alerts(validation, judged, rows_a_day)
    found = []
    for target, threshold in chosen_thresholds(validation.observed, validation.predicted, rows_a_day):
        if (alert := alerts.get(str(target))) is None:
            continue
        point = operating_point(target, threshold, alert, judged)
        if rows_a_day is not None and not point.rounded and point.alert_share is not None:
            point = point.model_copy(update={"alerts_a_day": point.alert_share.value * rows_a_day})
        found.append(point)
    return found


def _alerts(validation: Scored, judged: Scored, rows_a_day: float | None) -> dict[str, np.ndarray]:
    """For each target (as text) whether a judged row is alerted, [N] bool; no patient by a threshold they chose."""
    part = np.zeros(len(judged.patients), np.int64)
    if np.isin(judged.patients, validation.patients).any():
        part = patient_parts(judged.patients)
    found: dict[str, np.ndarray] = {}
    for number in range(int(part.max()) + 1):
        inside = part == number
        others = validation.take(~np.isin(validation.patients, judged.patients[inside]))
        for target, threshold in chosen_thresholds(others.observed, others.predicted, rows_a_day):
            alert = found.setdefault(str(target), np.zeros(len(part), bool))
            alert[inside] = judged.predicted[inside] >= threshold
    return found


def chosen_thresholds(
    observed: np.ndarray, predicted: np.ndarray, rows_a_day: float | None = None
) -> list[tuple[dict[str, float], float]]:
    """({what is wanted: how much}, threshold): alert where the prediction is at or above it.

    Sensitivity: the highest threshold that finds the share; precision (positive predictive value): the lowest at which
    alerts are right that often, where not all rows' alerts would be; alert share, or alerts a day where it is known how
    many rows a day has: the threshold that alerts at most so many.
    """
    order = np.argsort(-predicted, kind="stable")
    ranked, cases = predicted[order], observed[order]
    ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    thresholds, alerts, hits = ranked[ends], ends + 1.0, np.cumsum(cases)[ends]
    found: list[tuple[dict[str, float], float]] = []
    if hits[-1] > 0:
        sensitivity, precision = hits / hits[-1], hits / alerts
        found += [({"sensitivity": s}, float(thresholds[np.argmax(sensitivity >= s)])) for s in SENSITIVITIES]
        reached = [(p, np.flatnonzero(precision >= p)) for p in PRECISIONS if p > precision[-1]]
        found += [({"precision": p}, float(thresholds[places[-1]])) for p, places in reached if len(places)]
    loads = [(load, np.flatnonzero(alerts <= share * len(predicted))) for load, share in _loads(rows_a_day)]
    return found + [(load, float(thresholds[places[-1]])) for load, places in loads if len(places)]


def _loads(rows_a_day: float | None) -> list[tuple[dict[str, float], float]]:
    """({alert load: how much}, as a share of rows).

    >>> _loads(8.0)
    [({'alerts_a_day': 1.0}, 0.125), ({'alerts_a_day': 2.0}, 0.25)]
    """
    if rows_a_day is None:
        return [({"alert_share": share}, share) for share in ALERT_SHARES]
    return [({"alerts_a_day": n}, n / rows_a_day) for n in ALERTS_A_DAY if n <= MOST_ALERTED * rows_a_day]


def operating_point(target: dict[str, float], threshold: float, alert: np.ndarray, judged: Scored) -> OperatingPoint:
    """Four cells in rows and shares with 95 % intervals over patients, as far as they tell of no 1 to 9 patients.

    A cell of so few is None, and so is every share made of it. The others are rounded to tens then, that of the same
    outcome so that the hidden one cannot be had from the outcome's total; shares are made of the cells shown, in whole
    percents and without limits. alert: [N] bool.
    """
    case, patients = judged.observed > 0.5, judged.patients
    cells = {
        "true_positive": alert & case,
        "false_positive": alert & ~case,
        "false_negative": ~alert & case,
        "true_negative": ~alert & ~case,
    }
    shares = {
        "sensitivity": (alert, case),
        "specificity": (~alert, ~case),
        "precision": (case, alert),
        "negative_predictive_value": (~case, ~alert),
        "alert_share": (alert, np.ones(len(alert), bool)),
    }
    shown = _shown_cells(cells, patients)
    exact = {name: made for name, (of, among) in shares.items() if (made := _share(of, among, patients)) is not None}
    rounded = None in shown.values()
    shares_shown = {name: _rough_share(name, shown, len(alert)) for name in exact} if rounded else exact
    return OperatingPoint(target=target, threshold=threshold, cells=shown, rounded=rounded, **shares_shown)


def _shown_cells(cells: dict[str, np.ndarray], patients: np.ndarray) -> dict[str, int | None]:
    """Rows of each cell: None for 1 to 9 patients, and all others to the nearest ten then."""
    rows = {name: int(mask.sum()) for name, mask in cells.items()}
    few = {name for name, mask in cells.items() if not _is_telling(len(np.unique(patients[mask])))}
    if not few:
        return dict(rows)
    return {name: None if name in few else _about(rows, OTHER_OF_OUTCOME[name] in few, name) for name in cells}


def _about(rows: dict[str, int], beside_hidden: bool, name: str) -> int:
    """To the nearest ten; beside a hidden cell the outcome's total less five, alike whether 1 or 9 rows are hidden."""
    step, count = FEWEST_PATIENTS, rows[name]
    if beside_hidden:
        other = rows[OTHER_OF_OUTCOME[name]]
        count += other - max(other // step * step, step // 2)
    return (count + step // 2 - 1) // step * step


def _rough_share(name: str, shown: dict[str, int | None], rows: int) -> Estimate | None:
    of, beside = (shown[cell] for cell in SHARES[name])
    if of is None or beside is None:
        return None
    part, whole = (of + beside, rows) if name == "alert_share" else (of, of + beside)
    return Estimate(value=round(part / max(whole, 1), 2))


def _share(of: np.ndarray, among: np.ndarray, patients: np.ndarray) -> Estimate | None:
    if not among.any():
        return None
    value = float(of[among].mean())
    low, high = wilson_interval(value, len(np.unique(patients[among])))
    return Estimate(value=value, low=low, high=high)


def decision_curve(observed: np.ndarray, predicted: np.ndarray, patients: np.ndarray) -> list[NetBenefit]:
    """Net benefit at each threshold probability: of the model with its 95 % interval, of treating all, of nobody (0).

    TP / N - FP / N * t / (1 - t): true positives less false ones at the exchange rate that t stands for, in cases a
    row (Vickers and Elkin 2006, Medical Decision Making 26). above_both: share of resampled patients in which the
    model beats both treating all and treating nobody. Thresholds that would give away 1 to 9 patients are left out.

    >>> y, p = np.array([1.0, 1.0, 0.0, 0.0] * 10), np.array([0.9, 0.6, 0.4, 0.1] * 10)
    >>> point = next(c for c in decision_curve(y, p, np.arange(40)) if c.threshold == 0.5)
    >>> point.net_benefit, point.treat_all
    (0.5, 0.0)
    """
    blocks = list(patient_weights(patients, CURVE_RESAMPLES, seed=0))
    return [_curve_point(t, observed, predicted, patients, blocks) for t in _telling_thresholds(predicted, patients)]


def _telling_thresholds(predicted: np.ndarray, patients: np.ndarray) -> list[float]:
    """Thresholds between which, and above the last of which, there are none or enough patients."""
    kept, start = [], -np.inf
    for t in CURVE_THRESHOLDS:
        cells = (predicted >= start) & (predicted < t), predicted >= t
        if all(_is_telling(len(np.unique(patients[rows]))) for rows in cells):
            kept.append(t)
            start = t
    return kept


def _is_telling(people: int) -> bool:
    return people == 0 or people >= FEWEST_PATIENTS


def _curve_point(
    t: float, observed: np.ndarray, predicted: np.ndarray, patients: np.ndarray, blocks: list[np.ndarray]
) -> NetBenefit:
    gain = np.where(observed > 0.5, 1.0, -t / (1 - t))  # of an alert, per row
    acted = gain * (predicted >= t)
    resampled, everyone = (np.concatenate([b @ each / b.sum(-1) for b in blocks]) for each in (acted, gain))
    low, high = net_benefit_interval(t, acted, patients)
    return NetBenefit(
        threshold=t,
        net_benefit=float(acted.mean()),
        low=low,
        high=high,
        treat_all=float(gain.mean()),
        treat_none=0.0,
        above_both=float(np.mean(resampled > np.maximum(everyone, 0.0))),
    )


def net_benefit_interval(t: float, acted: np.ndarray, patients: np.ndarray) -> tuple[float, float]:
    """95 % limits of a net benefit, from Wilson's of the shares of true and of false alerts among all rows.

    acted [N]: 1 of a true alert, -t / (1 - t) of a false one, 0 of none; patients [N]. The limits of both are joined
    as those of a difference are (Newcombe 1998, Statistics in Medicine 17:873), the two shares being parts of one
    whole; rows count as many patients as their spread says (Kish 1965). So limits have a width with few alerts too.

    >>> limits = net_benefit_interval(0.5, np.array([1.0] * 5 + [0.0] * 15), np.arange(20))
    >>> [round(limit, 2) for limit in limits]
    [0.04, 0.47]
    """
    price, rows = t / (1 - t), len(acted)
    away = acted - acted.mean()
    sums, alone = patient_sums(away, patients), float(away @ away)
    effect = max(float(sums @ sums) / alone, 1.0) if alone > 0 else np.inf
    count = max(rows / effect, len(sums))
    hits, false = float((acted > 0).mean()), float((acted < 0).mean())
    (low, high), (least, most) = wilson_interval(hits, count), wilson_interval(false, count)
    both = (1 - hits) * (1 - false)
    alike = -float(np.sqrt(hits * false / both)) if both > 0 else 0.0
    below, above = (
        float(np.sqrt(h**2 + (price * f) ** 2 - 2 * alike * h * price * f))
        for h, f in ((hits - low, most - false), (high - hits, false - least))
    )
    value = hits - price * false
    return value - below, value + above
