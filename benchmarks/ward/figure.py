"""docs/ward.svg: rates of each wing, and of each fault beside the published rule sets."""

import altair as alt
import polars as pl
import vl_convert

from benchmarks.ward.page_tables import of_groups
from benchmarks.ward.rates import Rate, detected, named, rate
from benchmarks.ward.verdicts import ROUNDS, WATCHERS, Verdict
from benchmarks.ward.wings import WINGS, wing_of

WIDTH, OF_WING, OF_FAULT = 420, 36, 18  # px: of a panel, of a row
BLUE, ORANGE, GREY, RED = "#0072b2", "#e69f00", "#999999", "#d55e00"
ALL = "all"


def figure(verdicts: list[Verdict]) -> str:
    """SVG of verdicts on one half."""
    panels = alt.vconcat(_wings(verdicts), _faults(verdicts), spacing=30).resolve_scale(
        color="independent", y="independent"
    )
    drawn = panels.configure(
        background="white",
        font="Liberation Sans, Arial, Helvetica, sans-serif",
        view=alt.ViewConfig(stroke=None),
        axis=alt.AxisConfig(labelLimit=260, gridColor="#eeeeee"),
    )
    return str(vl_convert.vegalite_to_svg(drawn.to_json()))


def wings_with(verdicts: list[Verdict]) -> list[tuple[str, list[Verdict]]]:
    """Each wing that has verdicts, and all of them together."""
    found = [(wing, [v for v in verdicts if wing_of(v.task) == wing]) for wing in WINGS]
    return [*((wing, some) for wing, some in found if some), (ALL, verdicts)]


def _wings(verdicts: list[Verdict]) -> alt.LayerChart:
    rows = []
    for wing, some in wings_with(verdicts):
        faulty, healthy = of_groups(some, "faulty"), of_groups(some, "healthy")
        rates = {
            "detected": rate(faulty, detected(ROUNDS)),
            "cause named first": rate(faulty, named(ROUNDS)),
            "alarms on healthy plans": rate(healthy, detected(ROUNDS)),
        }
        rows += [{"wing": wing, "what": what, **_shares(found)} for what, found in rates.items() if found.runs]
    colours = alt.Scale(domain=["detected", "cause named first", "alarms on healthy plans"], range=[BLUE, ORANGE, RED])
    base = alt.Chart(pl.DataFrame(rows)).encode(
        y=alt.Y("wing:N", sort=[name for name, _ in wings_with(verdicts)], title=None),
        yOffset=alt.YOffset("what:N", sort=colours.domain),
        color=alt.Color("what:N", scale=colours, title=None, legend=alt.Legend(orient="top")),
    )
    share = alt.Scale(domain=[0, 100])
    ranges = base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q", scale=share, title="% of runs"), x2="high:Q")
    points = base.mark_point(filled=True, size=50, opacity=1).encode(x="share:Q")
    title = "Rates of Rounds by wing, 95 % intervals over tasks"
    return (ranges + points).properties(width=WIDTH, height=OF_WING * len(wings_with(verdicts)), title=title)


def _faults(verdicts: list[Verdict]) -> alt.Chart:
    faulty = of_groups(verdicts, "faulty")
    rows = [
        {"fault": fault, "who": who, **_shares(rate([v for v in faulty if v.name == fault], named(who)))}
        for fault in sorted({v.name for v in faulty})
        for who in WATCHERS
    ]
    order = [row["fault"] for row in sorted(rows, key=lambda row: -row["share"]) if row["who"] == ROUNDS]
    colours = alt.Scale(domain=list(WATCHERS), range=[BLUE, ORANGE, GREY])
    return (
        alt.Chart(pl.DataFrame(rows))
        .mark_point(filled=True, size=40, opacity=1)
        .encode(
            x=alt.X("share:Q", scale=alt.Scale(domain=[0, 100]), title="% of runs"),
            y=alt.Y("fault:N", title=None, sort=order),
            yOffset=alt.YOffset("who:N", sort=list(WATCHERS)),
            color=alt.Color("who:N", scale=colours, title=None, legend=alt.Legend(orient="top")),
        )
        .properties(width=WIDTH, height=OF_FAULT * len(order), title="Cause named first, fault by fault")
    )


def _shares(found: Rate) -> dict[str, float]:
    return {"share": 100 * found.share, "low": 100 * found.low, "high": 100 * found.high}
