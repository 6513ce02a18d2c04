"""The picture of a finding that no curve shows: what was measured, beside the threshold that it passed."""

import altair as alt

from rounds.examination.figure import Bars
from rounds.examination.finding import Threshold
from rounds.report.figures.theme import BLUE, INK, ORANGE, Chart
from rounds.report.run_files import RunFiles
from rounds.run_folder.findings import FindingRecord


def bars_of(run: RunFiles, finding: FindingRecord, figure: Bars) -> Chart | None:
    """Numbers of the finding with its threshold; None where they were not measured."""
    known = {name: finding.evidence[name] for name in figure.bars if _is_number(finding.evidence.get(name))}
    if not known or not (figure.some or len(known) == len(figure.bars)):
        return None
    values = {figure.bars[name]: float(value) for name, value in known.items()}
    return _drawn(figure, values, finding).properties(height=110)


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
