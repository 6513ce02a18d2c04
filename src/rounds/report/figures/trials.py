"""What prescriptions were worth, and how the stay went, round by round."""

import altair as alt
import polars as pl

from rounds.metrics import METRICS
from rounds.report.figures.theme import BLUE, FAINT, INK, SOFT, Chart
from rounds.report.run_files import RunFiles
from rounds.report.tables.scores import value_text
from rounds.report.wording import estimate_cells, label
from rounds.run_folder.metrics import Estimate
from rounds.run_folder.prescriptions import PrescriptionRecord
from rounds.run_folder.stored import Content

ROW = 40  # px of height a trial
LONGEST_LABEL = 240  # px of a line that says what was given


def trial_effects(run: RunFiles) -> Chart | None:
    """The effect of each change that was tried, with its interval; above zero it helped."""
    found = [_effect(p, p.effect) for p in run.prescriptions if p.effect is not None and p.effect.is_defined]
    if not found:
        return None
    y = alt.Y("name:N", sort=[f["name"] for f in found], title=None)
    y = y.axis(labelLimit=220, labelColor=INK, domain=False, ticks=False, grid=False)
    chart = alt.Chart(alt.InlineData(values=found)).encode(y=y, color=alt.Color("colour:N", scale=None))
    metric = run.prescriptions[0].metric or run.main_metric
    unit = f", {run.task.unit}" if run.task.unit and METRICS[metric].unit_like_target else ""
    x = alt.X("value:Q", title=f"Gain in {label(metric)}{unit} (above 0: better)")
    zero = alt.Chart(alt.InlineData(values=[{"value": 0}])).mark_rule(color=FAINT, strokeDash=[4, 3])
    whisker = chart.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q"), x2="high:Q")
    point = chart.mark_point(filled=True, size=80, opacity=1).encode(x=x)
    text = chart.mark_text(dy=-12).encode(x="value:Q", text="text:N")
    return alt.layer(zero.encode(x="value:Q"), whisker, point, text).properties(height=ROW * len(found) + 50)


def _effect(prescription: PrescriptionRecord, effect: Estimate) -> Content:
    return {
        **effect.content(),
        "name": f"{prescription.round}: {_changed(prescription)}",
        "text": estimate_cells(effect)[0],
        "colour": BLUE if prescription.verdict == "kept" else SOFT,
    }


def stay(run: RunFiles) -> Chart | None:
    """The best validation of each network by round, the median, and what was given in between; None
    before a second population."""
    members = run.examined_members.filter(pl.col("best_value").is_not_null())
    if members["round"].n_unique() < 2:
        return None
    rows = members.select("round", "best_value")
    middle = rows.group_by("round").agg(pl.col("best_value").median()).sort("round")
    kept = [p for p in run.prescriptions if p.verdict == "kept"]
    given = {i: _changed(p) for i, p in enumerate(kept, start=1)}
    told = [{**row, "text": given.get(row["round"], "")} for row in middle.to_dicts()]
    x = alt.X("round:O", title="Population").axis(grid=False, labelAngle=0)
    y = alt.Y("best_value:Q", title=f"{label(run.kept_metric)} of the epoch kept, validation").scale(zero=False)
    points = alt.Chart(alt.InlineData(values=rows.to_dicts())).mark_circle(size=40, opacity=0.5, color=SOFT)
    line = alt.Chart(alt.InlineData(values=told)).mark_line(color=BLUE, strokeWidth=2.5, point=True)
    text = alt.Chart(alt.InlineData(values=told)).mark_text(align="right", dx=-8, dy=-10, limit=LONGEST_LABEL)
    return alt.layer(points.encode(x=x, y=y), line.encode(x=x, y=y), text.encode(x=x, y=y, text="text:N"))


def _changed(prescription: PrescriptionRecord) -> str:
    return ", ".join(f"{name} → {value_text(new)}" for name, (_, new) in prescription.change.items())
