"""The gain of each run over the first, with its interval."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import altair as alt

from rounds.report.figures.theme import BLUE, FAINT, INK, to_svg

if TYPE_CHECKING:
    from rounds.evaluation.compare import ComparedRun

ROW = 34  # px of height a run


def gain_figure(runs: "Iterable[ComparedRun]", metric: str) -> str:
    """SVG of each run's gain; above 0 it is better than the first."""
    values = [{"run": one.run, **one.gain.content()} for one in runs if one.gain is not None]
    y = alt.Y("run:N", sort=None, title=None).axis(
        labelLimit=260, labelColor=INK, domain=False, ticks=False, grid=False
    )
    bars = alt.Chart(alt.InlineData(values=values)).encode(y=y)
    x = alt.X("value:Q", title=f"Gain in {metric} over the first run (above 0: better)")
    zero = (
        alt.Chart(alt.InlineData(values=[{"value": 0}])).mark_rule(color=FAINT, strokeDash=[4, 3]).encode(x="value:Q")
    )
    whisker = bars.mark_rule(strokeWidth=2, color=BLUE).encode(x="low:Q", x2="high:Q")
    point = bars.mark_point(filled=True, size=80, opacity=1, color=BLUE).encode(x=x)
    chart = alt.layer(zero, whisker, point).properties(height=ROW * len(values) + 40)
    return to_svg(chart, "gain", f"Gain in {metric} over the first run")
