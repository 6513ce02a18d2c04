"""Predicted probabilities against what happened: calibration, ranking, who gets which risk, and confusions."""

import math
from collections.abc import Iterable, Sequence
from itertools import takewhile

import altair as alt
import numpy as np
import polars as pl

from rounds.metrics import auroc
from rounds.report.figures.theme import BLUE, FAINT, HEAT, INK, ORANGE, Chart
from rounds.report.run_files import RunFiles
from rounds.report.small_groups import codes, drawable, even_groups, patients_per_cell
from rounds.report.wording import contestant
from rounds.run_folder.evidence import CurvePoint
from rounds.run_folder.stored import Content
from rounds.statistics.calibration import curve_bins, reliability_curve
from rounds.statistics.small_cells import FEWEST_PATIENTS

THRESHOLDS = 60  # points of a ROC curve: smooth to the eye, and no point stands for one patient
BAR_PATIENTS, BARS = 15, (4, 20)  # patients a bar, on average, that decide how many bars there are
SMALL_SHARE = 0.1  # below which axes of a reliability curve end at the next hundredth
LONG_NAME = 16  # letters of a class that its label has room for
MOST_CLASSES = 20  # beyond that a table of confusions cannot be read


def calibration_figure(run: RunFiles) -> Chart | None:
    """Share with the outcome against predicted probability, in tenths of the predictions."""
    if not run.task.is_classification:
        return None
    frame = run.predictions()
    observed, predicted, patients = _columns(frame)
    found = reliability_curve(observed, predicted, patients, curve_bins(predicted, patients))
    if not found:
        return None
    outcome = run.task.classes[1] if run.task.kind == "binary" and run.task.classes else "the outcome"
    return calibration_chart(found, outcome)


def calibration_chart(found: Sequence[CurvePoint], outcome: str) -> Chart:
    """Points (predicted, observed, low, high) of a reliability curve beside the line that is perfect."""
    chart = alt.Chart(alt.InlineData(values=[point.content() for point in found]))
    end = end_of_shares(found)
    scale = alt.Scale(domain=[0, end])
    x = alt.X("predicted:Q", title="Predicted probability", scale=scale).axis(format="%")
    y = alt.Y("observed:Q", title=f"Share with {outcome}", scale=scale).axis(format="%")
    whisker = chart.mark_rule(strokeWidth=2, color=BLUE).encode(x=x, y=alt.Y("low:Q"), y2="high:Q")
    line = chart.mark_line(strokeWidth=1.5, color=BLUE, opacity=0.6).encode(x=x, y=y)
    point = chart.mark_point(filled=True, size=60, color=BLUE, opacity=1).encode(x=x, y=y)
    return alt.layer(_diagonal("predicted", "observed", end), line, whisker, point)


def end_of_shares(points: Iterable[CurvePoint]) -> float:
    """Where the axes of a reliability curve end: the next tenth (or hundredth, where all is below it) above every
    point and interval.

    >>> end_of_shares([CurvePoint(predicted=0.02, observed=0.03, low=0.01, high=0.042, rows=50, patients=50)])
    0.05
    """
    most = max((max(one.predicted, one.observed, one.high) for one in points), default=1.0)
    step = 0.01 if most <= SMALL_SHARE else 0.1
    return round(min(1.0, max(step, math.ceil(most / step - 1e-9) * step)), 2)


def roc(run: RunFiles) -> Chart | None:
    """Sensitivity against false alarms as the threshold falls, for the ensemble and the best baseline."""
    if run.task.kind != "binary":
        return None
    frame = run.predictions()
    best = run.metrics.difference.baseline
    names = {name: contestant(name, True) for name in ("network", best)}
    found = [{**p, "who": text} for name, text in names.items() for p in _roc_points(frame, name)]
    if not found:
        return None
    scale = alt.Scale(domain=list(names.values()), range=[BLUE, ORANGE])
    x = alt.X("alarms:Q", title="False alarms (share of those without the outcome)").axis(format="%")
    y = alt.Y("hits:Q", title="Sensitivity (share of cases found)").axis(format="%")
    colour = alt.Color("who:N", title=None, scale=scale)
    chart = alt.Chart(alt.InlineData(values=found)).mark_line(strokeWidth=2)
    return alt.layer(_diagonal("alarms", "hits"), chart.encode(x=x, y=y, color=colour, order="place:Q"))


def _roc_points(frame: pl.DataFrame, name: str) -> list[Content]:
    """Corners of the ROC curve, between which there are at least ten patients."""
    observed, predicted, patients = _columns(frame, name)
    groups = even_groups(-predicted, patients, THRESHOLDS)
    if not groups.size or observed.min() == observed.max():
        return []
    hits, alarms = (np.append(0.0, np.cumsum(np.bincount(groups, w)) / w.sum()) for w in (observed, 1 - observed))
    return [{"place": i, "hits": h, "alarms": a} for i, (h, a) in enumerate(zip(hits, alarms, strict=True))]


def risks(run: RunFiles) -> Chart | None:
    """Which risks are predicted for whom: shares of those with and without the outcome by predicted probability."""
    if run.task.kind != "binary":
        return None
    observed, predicted, patients = _columns(run.predictions())
    names = list(run.task.classes or ("no", "yes"))
    fewest = min(len(np.unique(patients[observed == value])) for value in (0, 1))
    bars = int(np.clip(fewest // BAR_PATIENTS, *BARS))
    found = [
        {"left": b / bars, "right": (b + 1) / bars, "share": height, "who": names[value]}
        for value in (0, 1)
        for b, height in _bars(predicted[observed == value], patients[observed == value], bars)
    ]
    if not found:
        return None
    colour = alt.Color("who:N", title=None, scale=alt.Scale(domain=names, range=[BLUE, ORANGE]))
    x = alt.X("left:Q", title="Predicted probability").scale(domain=[0, 1]).axis(format="%", grid=False)
    y = alt.Y("share:Q", title="Rows with this outcome, %", stack=None)
    chart = alt.Chart(alt.InlineData(values=found)).mark_rect(opacity=0.55, stroke="var(--paper)", strokeWidth=1)
    return chart.encode(x=x, x2="right:Q", y=y, y2=alt.datum(0), color=colour)


def _bars(predicted: np.ndarray, patients: np.ndarray, bars: int) -> list[tuple[int, float]]:
    """(bar, percent of the rows in it) of the bars that may be drawn."""
    place = np.minimum((predicted * bars).astype(int), bars - 1)
    counted = np.bincount(place, minlength=bars)
    return [(int(b), float(100 * counted[b] / len(place))) for b in np.flatnonzero(drawable(place, patients, bars))]


def ranking_by_outcome(run: RunFiles) -> Chart | None:
    """AUROC of each class or outcome, where there are several; those of fewer than ten patients are left out."""
    if run.task.kind not in ("multiclass", "multilabel"):
        return None
    found = []
    for (name,), part in run.predictions().group_by("target", maintain_order=True):
        observed, predicted, patients = _columns(part)
        sizes = [len(np.unique(patients[observed == value])) for value in (0, 1)]
        if min(sizes) >= FEWEST_PATIENTS:
            found.append({"name": str(name), "value": float(auroc(observed, predicted))})
    if not found:
        return None
    y = alt.Y("name:N", sort=None, title=None).axis(labelLimit=190, grid=False, labelColor=INK)
    x = alt.X("value:Q", title="AUROC, against all others (higher is better)").scale(zero=False)
    chart = alt.Chart(alt.InlineData(values=found[:40])).mark_point(filled=True, size=70, color=BLUE, opacity=1)
    return chart.encode(x=x, y=y).properties(height=22 * min(len(found), 40) + 60)


def confusions(run: RunFiles) -> Chart | None:
    """True class against most probable class, in percent of the true class; cells under ten patients stay empty."""
    names = list(run.task.classes)
    if run.task.kind != "multiclass" or len(names) > MOST_CLASSES:
        return None
    wide = run.predictions().pivot(on="target", index=["row", "patient"], values=["observed", "network"])
    truth, says = (wide.select([f"{k}_{n}" for n in names]).to_numpy().argmax(1) for k in ("observed", "network"))
    cells, patients = truth * len(names) + says, codes(wide["patient"].to_numpy())
    counted = np.bincount(cells, minlength=len(names) ** 2).reshape(len(names), -1)
    # Not complementary: totals of a row are not shown, so one hidden cell cannot be worked out.
    shown = patients_per_cell(cells, patients, counted.size).reshape(counted.shape) >= FEWEST_PATIENTS
    found = [
        {"truth": names[t], "says": names[s], "share": 100 * counted[t, s] / counted[t].sum()}
        for t, s in np.argwhere(shown)
    ]
    return _confusion_chart(found, names) if found else None


def _confusion_chart(found: list[Content], names: list[str]) -> Chart:
    same = _same_start(names)
    short = {name: name.removeprefix(same) for name in names}
    rows: list[Content] = [{**one, "truth": short[one["truth"]], "says": short[one["says"]]} for one in found]
    names, of = list(short.values()), f" ({same.strip()} ...)" if same else ""
    x = alt.X("says:N", title=f"Most probable class{of}", scale=alt.Scale(domain=names)).axis(
        grid=False, labelLimit=110, labelAngle=0 if len(names) <= 4 else -45, labelOverlap=False
    )
    y = alt.Y("truth:N", title=f"True class{of}", scale=alt.Scale(domain=names)).axis(grid=False, labelOverlap=False)
    colour = alt.Color("share:Q", title="% of the true class")
    colour = colour.scale(type="quantize", domain=[0, 100], range=HEAT[1:])
    chart = alt.Chart(alt.InlineData(values=rows)).encode(x=x, y=y)
    return alt.layer(chart.mark_rect().encode(color=colour)).properties(height=26 * len(names) + 120)


def _same_start(names: Sequence[str]) -> str:
    """Words that all names begin with, where they are too long for a label.

    >>> _same_start(["Ward of medicine 1", "Ward of medicine 12"]), _same_start(["I", "II"])
    ('Ward of medicine ', '')
    """
    if max(map(len, names)) <= LONG_NAME:
        return ""
    first, *others = (name.split(" ")[:-1] for name in names)
    same = takewhile(lambda place: all(o[: place + 1] == first[: place + 1] for o in others), range(len(first)))
    return "".join(f"{first[place]} " for place in same)


def _columns(frame: pl.DataFrame, name: str = "network") -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """observed, predicted, patients [N]."""
    known = frame.filter(pl.col(name).is_not_null())
    return known["observed"].to_numpy(), known[name].to_numpy(), codes(known["patient"].to_numpy())


def _diagonal(x: str, y: str, end: float = 1.0) -> alt.Chart:
    ends = alt.InlineData(values=[{x: 0.0, y: 0.0}, {x: end, y: end}])
    line = alt.Chart(ends).mark_line(color=FAINT, strokeDash=[5, 4], strokeWidth=1.5)
    return line.encode(x=alt.X(f"{x}:Q"), y=alt.Y(f"{y}:Q"))
