"""What prescriptions were worth, round by round."""

import altair as alt

from rounds.report.run_files import RunFiles
from rounds.report.theme import BLUE, FAINT, INK, SOFT, Chart
from rounds.report.wording import estimate

ROW = 40


def trial_effects(run: RunFiles) -> Chart | None:
    """The effect of each change that was tried, with its interval; above zero it helped."""
    found = [
        {
            **p["effect"], "name": f"Round {p['round']}: {', '.join(p['change'])}",
            "text": estimate(p["effect"])[0], "colour": BLUE if p["verdict"] == "kept" else SOFT,
        }
        for p in run.prescriptions
        if p.get("effect", {}).get("value") is not None
    ]  # fmt: skip
    if not found:
        return None
    y = alt.Y("name:N", sort=[f["name"] for f in found], title=None)
    y = y.axis(labelLimit=190, labelColor=INK, domain=False, ticks=False, grid=False)
    chart = alt.Chart(alt.InlineData(values=found)).encode(y=y, color=alt.Color("colour:N", scale=None))
    x = alt.X("value:Q", title="Effect of the change (above 0: better)")
    zero = (
        alt.Chart(alt.InlineData(values=[{"value": 0}])).mark_rule(color=FAINT, strokeDash=[4, 3]).encode(x="value:Q")
    )
    whisker = chart.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q"), x2="high:Q")
    point = chart.mark_point(filled=True, size=80, opacity=1).encode(x=x)
    text = chart.mark_text(dy=-12).encode(x="value:Q", text="text:N")
    return alt.layer(zero, whisker, point, text).properties(height=ROW * len(found) + 50)
