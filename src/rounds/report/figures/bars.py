"""The picture of a finding that no curve shows: what was measured, beside the threshold that it passed."""

import altair as alt

from rounds.examination.figure import Bars
from rounds.examination.finding import Threshold
from rounds.report.figures.theme import BLUE, FAINT, INK, ORANGE, Chart
from rounds.report.run_files import RunFiles
from rounds.run_folder.findings import FindingRecord


def bars_of(run: RunFiles, finding: FindingRecord, figure: Bars) -> Chart | None:
    """Numbers of the finding with its threshold; None where they were not measured."""
    known = {name: finding.evidence[name] for name in figure.bars if _is_number(finding.evidence.get(name))}
    if not known or not (figure.some or len(known) == len(figure.bars)):
        return None
    if {"low", "high"} < known.keys() and len(known) == 3:
        return _interval(figure, known, finding)
    values = {figure.bars[name]: float(value) for name, value in known.items()}
    return _drawn(figure, values, finding).properties(height=110)


def _interval(figure: Bars, known: dict[str, float], finding: FindingRecord) -> Chart:
    """A number with its interval on one line."""
    name = next(name for name in known if name not in ("low", "high"))
    row = {"label": figure.bars[name], "value": known[name], "low": known["low"], "high": known["high"]}
    rows = alt.InlineData(values=[{**row, "said": f"{known[name]:,.3g}"}])
    x, y = alt.X("value:Q", title=figure.title), alt.Y("label:N", title=None)
    zero = alt.Chart(alt.InlineData(values=[{"value": 0}])).mark_rule(color=FAINT).encode(x="value:Q")
    chart = alt.Chart(rows).encode(y=y)
    whisker = chart.mark_rule(strokeWidth=3, color=ORANGE).encode(x=alt.X("low:Q", title=figure.title), x2="high:Q")
    point = chart.mark_point(filled=True, size=90, opacity=1, color=ORANGE).encode(x=x)
    words = chart.mark_text(color=INK, dy=-12).encode(x=x, text="said:N")
    return alt.layer(zero, whisker, point, words, *_limit(finding, figure.threshold)).properties(height=110)


def threshold_rows(finding: FindingRecord, threshold: Threshold | None) -> alt.InlineData | None:
    """What a line at the threshold is drawn from: its value as the finding has it; None where it has none."""
    found = [t for t in finding.thresholds if threshold is not None and t.name == threshold.name]
    if not found:
        return None
    return alt.InlineData(values=[{"value": found[0].value, "said": f"threshold: {found[0].name}"}])


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _drawn(figure: Bars, values: dict[str, float], finding: FindingRecord) -> Chart:
    rows = alt.InlineData(values=[{"label": n, "value": v, "said": f"{v:,.3g}"} for n, v in values.items()])
    x, y = alt.X("value:Q", title=figure.title), alt.Y("label:N", title=None, sort=list(values))
    shown = alt.Chart(rows).mark_bar(color=ORANGE, height=18).encode(x=x, y=y)
    words = alt.Chart(rows).mark_text(color=INK, align="left", dx=5).encode(x=x, y=y, text="said:N")
    return alt.layer(shown, words, *_limit(finding, figure.threshold))


def _limit(finding: FindingRecord, threshold: Threshold | None) -> list[alt.Chart]:
    """An upright line at the threshold."""
    rows = threshold_rows(finding, threshold)
    if rows is None:
        return []
    line = alt.Chart(rows).mark_rule(color=BLUE, strokeWidth=1.5, strokeDash=[4, 3]).encode(x="value:Q")
    words = (
        alt.Chart(rows).mark_text(color=INK, align="center", dy=-6).encode(x="value:Q", y=alt.value(0), text="said:N")
    )
    return [line, words]
