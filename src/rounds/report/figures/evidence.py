"""What evidence.json says after the score, drawn: reliability of each outcome, net benefit, intervals, subgroups."""

import altair as alt
import numpy as np

from rounds.report.figures.classes import end_of_shares
from rounds.report.figures.scores import interval_rows
from rounds.report.figures.theme import BLUE, FAINT, GREEN, INK, ORANGE, PURPLE, SOFT, Chart
from rounds.report.run_files import RunFiles
from rounds.report.wording import label, with_unit
from rounds.run_folder.evidence import IntervalsRecord
from rounds.run_folder.stored import Content

LONG_NAME = 24  # letters of an outcome, above which a legend has one a line
ROW = 24  # px of height a subgroup
IMPORTANCE_ROW = 20  # px a column
MOST_GROUPS = 24  # lines of a forest that can be read
CURVES = (BLUE, ORANGE, GREEN, PURPLE)  # outcomes beside each other in one figure, the most frequent first
LOWEST_BENEFIT = -0.25  # below treating nobody, in maximal net benefits: there only the fall of "treat all" is drawn
STEPS = 40  # points of a band's edge


def reliability(run: RunFiles) -> Chart | None:
    """Reliability curves of the most frequent outcomes, where there are several (one is on the first screen)."""
    made = run.evidence.calibration if run.evidence else {}
    if not run.task.is_classification or len(made) < 2:
        return None
    names = _most_frequent(run)
    found = [{**point.content(), "who": name} for name in names for point in made[name].curve]
    if not found:
        return None
    end = end_of_shares(point for name in names for point in made[name].curve)
    scale = alt.Scale(domain=[0, end])
    x = alt.X("predicted:Q", title="Predicted probability", scale=scale).axis(format="%")
    y = alt.Y("observed:Q", title="Share with the outcome", scale=scale).axis(format="%")
    colour = alt.Color("who:N", title=None, scale=alt.Scale(domain=names, range=list(CURVES)), sort=names)
    longest = max(map(len, names))
    colour = colour.legend(columns=1 if longest > LONG_NAME else 2 if longest > LONG_NAME // 2 else len(names))
    chart = alt.Chart(alt.InlineData(values=found)).encode(x=x, color=colour)
    whisker = chart.mark_rule(strokeWidth=1.5, opacity=0.6).encode(y=alt.Y("low:Q"), y2="high:Q")
    line = chart.mark_line(strokeWidth=1.5).encode(y=y)
    ends = alt.Chart(alt.InlineData(values=[{"predicted": v, "observed": v} for v in (0, end)]))
    diagonal = ends.mark_line(color=FAINT, strokeDash=[5, 4]).encode(x="predicted:Q", y="observed:Q")
    return alt.layer(diagonal, whisker, line, chart.mark_point(filled=True, size=45, opacity=1).encode(y=y))


def _most_frequent(run: RunFiles) -> list[str]:
    """Outcomes by how common they are, as many as can be distinguished by colour."""
    assert run.evidence is not None
    shares = {name: said.prevalence for name, said in run.evidence.decisions.outputs.items()}
    names = sorted(run.evidence.calibration, key=lambda name: -shares.get(name, 0.0))
    return names[: len(CURVES)]


def net_benefit(run: RunFiles) -> Chart | None:
    """Decision curve of the most frequent outcome: model with its interval, treating all, treating nobody."""
    outputs = run.evidence.decisions.outputs if run.evidence else {}
    if not outputs:
        return None
    name, said = max(outputs.items(), key=lambda one: one[1].prevalence)
    curve = said.curve
    if len(curve) < 2:
        return None
    most = max(point.net_benefit for point in curve)
    floor = LOWEST_BENEFIT * max(most, said.prevalence)
    model = [{**p.content(), "who": "this model"} for p in curve]
    everyone = [
        {"threshold": p.threshold, "net_benefit": p.treat_all, "who": "treat all"}
        for p in curve
        if p.treat_all >= floor
    ]
    nobody = [{"threshold": p.threshold, "net_benefit": 0.0, "who": "treat nobody"} for p in curve]
    names = ["this model", "treat all", "treat nobody"]
    colour = alt.Color("who:N", title=None, scale=alt.Scale(domain=names, range=[BLUE, ORANGE, SOFT]))
    title = "Threshold probability" + (f" of {name}" if run.task.outputs > 1 else "")
    x = alt.X("threshold:Q", title=title).axis(format="%", grid=False)
    y = alt.Y("net_benefit:Q", title="Net benefit (cases a row)")
    lines = alt.Chart(alt.InlineData(values=[*model, *everyone, *nobody])).mark_line(strokeWidth=2)
    low = [{**p.content(), "low": max(p.low, floor)} for p in curve]
    band = alt.Chart(alt.InlineData(values=low)).mark_area(color=BLUE, opacity=0.18)
    return alt.layer(band.encode(x=x, y=alt.Y("low:Q"), y2="high:Q"), lines.encode(x=x, y=y, color=colour))


def single_interval(run: RunFiles) -> Chart | None:
    """How far the interval of one prediction reaches, over the range of predictions of the first target."""
    target = run.task.targets[0]
    if run.evidence is None or target not in run.evidence.calibration:
        return None
    record, curve = run.evidence.intervals, run.evidence.calibration[target].curve
    if not record.made or len(curve) < 2:
        return None
    found = _limits(record, np.linspace(curve[0].predicted, curve[-1].predicted, STEPS))
    unit = f" ({run.task.unit})" if run.task.unit else ""
    x = alt.X("predicted:Q", title=f"Prediction of {target}{unit}").scale(zero=False)
    y = alt.Y("low:Q", title=f"{record.level:.0%} interval{unit}").scale(zero=False)
    chart = alt.Chart(alt.InlineData(values=found))
    band = chart.mark_area(color=BLUE, opacity=0.2).encode(x=x, y=y, y2="high:Q")
    line = chart.mark_line(color=BLUE, strokeWidth=2).encode(x=x, y=alt.Y("predicted:Q"))
    return alt.layer(band, line)


def _limits(record: IntervalsRecord, predicted: np.ndarray) -> list[Content]:
    """Both limits of each prediction, as the run gives them to new patients."""
    from rounds.statistics.conformal import ConformalIntervals

    known = record.model_dump(exclude_unset=True, include=set(ConformalIntervals.model_fields))
    made = ConformalIntervals.model_validate(known)
    low, high = made.limits(np.repeat(predicted[:, None], len(made.below), 1))
    return [
        {"predicted": float(p), "low": float(a), "high": float(b)}
        for p, a, b in zip(predicted, low[:, 0], high[:, 0], strict=True)
    ]


def importance_figure(run: RunFiles) -> Chart | None:
    """What the predictions lose without each column (or group of columns), the most important on top."""
    made = run.evidence.importance if run.evidence else None
    if made is None or not made.columns:
        return None
    found = [{"who": one.name, **one.content()} for one in made.columns]
    return interval_rows(found, f"Worse by, {label(made.metric)}", [(0.0, SOFT)], row=IMPORTANCE_ROW)


def subgroup_forest(run: RunFiles) -> Chart | None:
    """The compared score of each group that is large enough, beside that of all patients."""
    if run.evidence is None:
        return None
    record = run.evidence.subgroups
    metric = record.compared_by
    found: list[Content] = [
        {"who": f"{column}: {group.group}", "colour": BLUE, **group.metrics[metric].content()}
        for column, groups in record.columns.items()
        for group in groups
        if not group.suppressed and metric in group.metrics
    ][:MOST_GROUPS]
    everyone = run.metrics.test.get(metric)
    if len(found) < 2 or not everyone:
        return None
    found = [{"who": "all patients", "colour": INK, **everyone.content()}, *found]
    axis = alt.Y("who:N", sort=[f["who"] for f in found], title=None).axis(
        labelLimit=190, labelColor=INK, domain=False, ticks=False, labelPadding=10, grid=False
    )
    unit = with_unit(metric, run.task.unit).strip()
    title = label(metric) + (f" ({unit})" if unit else "")
    chart = alt.Chart(alt.InlineData(values=found)).encode(y=axis, color=alt.Color("colour:N", scale=None))
    x = alt.X("value:Q", title=title).scale(zero=False, nice=True)
    mark = alt.Chart(alt.InlineData(values=found[:1])).mark_rule(strokeDash=[2, 3], color=FAINT).encode(x="value:Q")
    whisker = chart.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q", title=title), x2="high:Q")
    point = chart.mark_point(filled=True, size=70, opacity=1).encode(x=x)
    return alt.layer(mark, whisker, point).properties(height=ROW * len(found) + 60)
