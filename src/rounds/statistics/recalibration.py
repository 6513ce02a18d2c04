"""Maps from predictions to better calibrated ones, fitted on patients nobody learned from, kept where they help."""

from collections.abc import Callable
from typing import Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict

from rounds.metrics.columns import RESOLUTION
from rounds.run_folder.evidence import RecalibrationRecord, TriedMap
from rounds.run_folder.metrics import Estimate
from rounds.statistics.calibration import mean_interval
from rounds.target_scale import TargetScale, softened
from rounds.task import Task

RecalibrationKind = Literal["none", "temperature", "logistic", "isotonic", "linear"]
# What is tried for each kind of task, simplest first.
TRIED: dict[str, tuple[RecalibrationKind, ...]] = {
    "binary": ("temperature", "logistic", "isotonic"),
    "multilabel": ("temperature", "logistic", "isotonic"),
    "multiclass": ("temperature",),
    "regression": ("linear",),
    "count": ("linear",),
}
# Parts of the patients that a map is judged on, fitted on the others.
FOLDS = 5
# Cases and non-cases (patients of the rarer side; of several classes, those outside the commonest) below which
# calibration cannot be decided and no map is fitted (Vergouwe et al. 2005, Journal of Clinical Epidemiology 58:475);
# isotonic regression has many more parameters and needs about a thousand patients (Niculescu-Mizil and Caruana 2005,
# ICML).
FEWEST_EVENTS, ISOTONIC_PATIENTS = 100, 1000
MOST_TEMPERATURE = 4.0
ENOUGH_GAIN = 0.9  # share of the best gain that lets a simpler map stand: another parameter must earn its place
FEWEST_PATIENTS = 200  # of numbers: a hundred for each parameter of a line


class Recalibration(BaseModel):
    """One map an output; parameters by kind:

    temperature: (T,), log-odds (multiclass: log probabilities) are divided by T (Guo et al. 2017, arXiv:1706.04599);
    logistic: (a, b), a + b log-odds (Cox 1958; Platt 1999); isotonic: knots, then their values (Zadrozny and Elkan
    2002); linear: (a, b), a + b prediction.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: RecalibrationKind
    parameters: tuple[tuple[float, ...], ...] = ()

    @classmethod
    def fit(cls, task: Task, kind: RecalibrationKind, observed: np.ndarray, predicted: np.ndarray) -> Self:
        """From observed [N, T] (multiclass [N, 1] class index) and predicted [N, T] or [N, C]."""
        if kind == "none":
            return cls(kind=kind)
        if task.kind == "multiclass":
            return cls(kind=kind, parameters=((_class_temperature(observed[:, 0].astype(int), predicted),),))
        fits = {"temperature": _temperature, "logistic": _logistic, "isotonic": _isotonic, "linear": _linear}
        columns = zip(observed.T.astype(np.float64), predicted.T, strict=True)
        return cls(kind=kind, parameters=tuple(fits[kind](y, p) for y, p in columns))

    def apply(self, predicted: np.ndarray) -> np.ndarray:
        """[N, T] -> [N, T] float64.

        >>> half = Recalibration(kind="temperature", parameters=((2.0,),))
        >>> half.apply(np.array([[0.8]])).round(3).tolist()
        [[0.667]]
        """
        if self.kind == "none":
            return np.asarray(predicted, np.float64)
        if len(self.parameters) < predicted.shape[1]:
            return softened(predicted, self.parameters[0][0])
        columns = [_mapped(self.kind, p, x) for p, x in zip(self.parameters, predicted.T, strict=True)]
        return np.stack(columns, axis=1)


def log_odds(p: np.ndarray) -> np.ndarray:
    p = np.clip(p, RESOLUTION, 1 - RESOLUTION)
    return np.asarray(np.log(p) - np.log1p(-p))


def logistic(x: np.ndarray) -> np.ndarray:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)))


def _mapped(kind: RecalibrationKind, parameters: tuple[float, ...], x: np.ndarray) -> np.ndarray:
    if kind == "temperature":
        return logistic(log_odds(x) / parameters[0])
    if kind == "logistic":
        return logistic(parameters[0] + parameters[1] * log_odds(x))
    if kind == "linear":
        return np.asarray(parameters[0] + parameters[1] * x)
    knots, values = np.split(np.array(parameters), 2)
    return np.interp(x, knots, values)


def _temperature(y: np.ndarray, p: np.ndarray) -> tuple[float, ...]:
    x = log_odds(p)
    return (_least(lambda t: float(np.mean(np.logaddexp(0.0, x / t) - y * x / t))),)


def _class_temperature(y: np.ndarray, p: np.ndarray) -> float:
    rows = np.arange(len(y))
    return _least(lambda t: float(-np.mean(np.log(np.maximum(softened(p, t)[rows, y], RESOLUTION)))))


def _least(loss: Callable[[float], float]) -> float:
    """The temperature of least log loss, within MOST_TEMPERATURE of 1: beyond, rows were separated by luck."""
    from scipy.optimize import minimize_scalar

    widest = float(np.log(MOST_TEMPERATURE))
    found = minimize_scalar(lambda s: loss(np.exp(s)), bounds=(-widest, widest), method="bounded")
    return float(np.exp(found.x))


def _logistic(y: np.ndarray, p: np.ndarray) -> tuple[float, ...]:
    from sklearn.linear_model import LogisticRegression

    x = log_odds(p)
    spread = float(x.std()) or 1.0
    model = LogisticRegression(C=1e6).fit(((x - x.mean()) / spread)[:, None], y > 0.5)
    slope = float(model.coef_[0, 0]) / spread
    return float(model.intercept_[0]) - slope * float(x.mean()), slope


def _isotonic(y: np.ndarray, p: np.ndarray) -> tuple[float, ...]:
    """Never 0 or 1: half a patient stands on the other side."""
    from sklearn.isotonic import IsotonicRegression

    model = IsotonicRegression(out_of_bounds="clip").fit(p, y)
    least = 0.5 / (len(y) + 1)
    values = np.clip(model.y_thresholds_, least, 1 - least)
    return (*model.X_thresholds_.tolist(), *values.tolist())


def _linear(y: np.ndarray, p: np.ndarray) -> tuple[float, ...]:
    spread = float(p.var())
    slope = float(np.mean((p - p.mean()) * (y - y.mean()))) / spread if spread > 0 else 0.0
    return float(y.mean()) - slope * float(p.mean()), slope


def cross_fitted(
    task: Task, kind: RecalibrationKind, observed: np.ndarray, predicted: np.ndarray, patients: np.ndarray
) -> np.ndarray:
    """Predictions [N, T] mapped by fits on other patients: five parts, no patient in two."""
    fold = patient_parts(patients)
    made = np.array(predicted, np.float64)
    for part in range(fold.max() + 1):
        inside = fold == part
        made[inside] = Recalibration.fit(task, kind, observed[~inside], predicted[~inside]).apply(predicted[inside])
    return made


def patient_parts(patients: np.ndarray, parts: int = FOLDS, seed: int = 0) -> np.ndarray:
    """[N] part of each row, 0 to parts - 1; rows of one patient share it.

    >>> patient_parts(np.array([3, 3, 8, 9]), parts=2).tolist()[0:2]
    [0, 0]
    """
    codes, owner = np.unique(patients, return_inverse=True)
    part = np.random.default_rng(seed).permutation(len(codes)) % min(parts, len(codes))
    return np.asarray(part[owner])


def row_losses(task: Task, observed: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """[N] loss of each row: log loss of probabilities (mean over labels), squared error of numbers."""
    if task.kind == "multiclass":
        happened = predicted[np.arange(len(predicted)), observed[:, 0].astype(int)]
    elif task.is_classification:
        happened = np.where(observed > 0.5, predicted, 1.0 - predicted)
    else:
        return np.asarray(np.mean((observed - predicted) ** 2, axis=1))
    losses = -np.log(np.maximum(happened, RESOLUTION))
    return np.asarray(losses if losses.ndim == 1 else losses.mean(axis=1))


def can_fit(task: Task, kind: RecalibrationKind, observed: np.ndarray, patients: np.ndarray) -> str:
    """Why a map cannot be fitted on these rows [N, T] of patients [N], "" where it can."""
    people = len(np.unique(patients))
    if not task.is_classification:
        return "" if people >= FEWEST_PATIENTS else f"{people} patients are fewer than {FEWEST_PATIENTS}"
    if kind == "isotonic" and people < ISOTONIC_PATIENTS:
        return f"{people} patients are fewer than {ISOTONIC_PATIENTS}"
    if task.kind == "multiclass":
        classes = observed[:, 0].astype(int)
        sides, what = [classes != np.bincount(classes).argmax()], "outside the commonest class"
    else:
        sides, what = [side for y in observed.T for side in (y > 0.5, y <= 0.5)], "with the rarest outcome"
    events = min(len(np.unique(patients[side])) for side in sides)
    return "" if events >= FEWEST_EVENTS else f"fewer than {FEWEST_EVENTS} patients {what}"


def choose_recalibration(
    task: Task, observed: np.ndarray, predicted: np.ndarray, patients: np.ndarray
) -> tuple[Recalibration, RecalibrationRecord]:
    """The map that helps most on patients it was not fitted on, or none; and what was tried.

    A map is kept where the whole 95 % interval of its gain (in log loss, or mean squared error) is above 0.

    >>> task = Task(kind="binary", targets=("death",), classes=("no", "yes"))
    >>> draw = np.random.default_rng(0)
    >>> x = draw.normal(size=(900, 1))
    >>> happened = (draw.random((900, 1)) < logistic(x)).astype("f4")
    >>> choose_recalibration(task, happened, logistic(x), np.arange(900))[0].kind
    'none'
    >>> choose_recalibration(task, happened, logistic(3 * x), np.arange(900))[0].kind
    'temperature'
    """
    before = row_losses(task, observed, predicted)
    tried: dict[str, TriedMap] = {}
    helped: dict[RecalibrationKind, float] = {}
    for kind in TRIED[task.kind]:
        if reason := can_fit(task, kind, observed, patients):
            tried[kind] = TriedMap(not_tried=reason)
            continue
        gains = before - row_losses(task, observed, cross_fitted(task, kind, observed, predicted, patients))
        low, high = mean_interval(gains, patients)
        tried[kind] = TriedMap(gain=Estimate(value=float(gains.mean()), low=low, high=high))
        if low > 0:
            helped[kind] = float(gains.mean())
    kind = _simplest_best(helped)
    made = Recalibration.fit(task, kind, observed, predicted)
    metric = "log_loss" if task.is_classification else "mean squared error"
    return made, RecalibrationRecord(kept=kind, metric=metric, tried=tried, parameters=_shown(made))


def _simplest_best(helped: dict[RecalibrationKind, float]) -> RecalibrationKind:
    """The simplest that has nearly the best gain."""
    if not helped:
        return "none"
    best = max(helped.values())
    return next(kind for kind, gain in helped.items() if gain >= ENOUGH_GAIN * best)


def _shown(made: Recalibration) -> tuple[tuple[float, ...], ...]:
    """Parameters but for isotonic knots, which are single patients' predictions."""
    return () if made.kind == "isotonic" else made.parameters


# Points of a map in a model folder, even in log-odds between -16 and 16: between them it is straight, and a smooth map
# is off by less than a thousandth of the probability.
MAP_POINTS, MAP_LIMIT = 401, 16.0


def recalibrated_scale(
    task: Task, scale: TargetScale, outputs: np.ndarray, targets: np.ndarray, patients: np.ndarray
) -> tuple[TargetScale, np.ndarray, RecalibrationRecord]:
    """(the way back with the map that helped, cross-fitted predictions [N, T], what was tried).

    outputs: [N, T] of rows that no averaged member learned from; targets [N, T], patients [N] of the same rows. Maps
    are applied to probabilities: one a label, or one over classes that exclude each other. Numbers stay as they are.
    """
    predicted = scale.backward(outputs)
    if not task.is_classification:
        reason = f"maps are not applied to a {task.kind} task"
        return scale, predicted, RecalibrationRecord(kept="none", reason=reason)
    made, record = choose_recalibration(task, targets, predicted, patients)
    if made.kind == "none":
        return scale, predicted, record
    return _with_map(task, scale, made), cross_fitted(task, made.kind, targets, predicted, patients), record


def _with_map(task: Task, scale: TargetScale, made: Recalibration) -> TargetScale:
    """One temperature for classes, else knots and their values for each label."""
    if task.kind == "multiclass":
        return scale.model_copy(update={"temperature": made.parameters[0][0]})
    knots = logistic(np.linspace(-MAP_LIMIT, MAP_LIMIT, MAP_POINTS))
    table = made.apply(np.tile(knots[:, None], (1, task.outputs)))
    columns = {"knots": (tuple(knots.tolist()),) * task.outputs, "table": tuple(map(tuple, table.T.tolist()))}
    return scale.model_copy(update=columns)
