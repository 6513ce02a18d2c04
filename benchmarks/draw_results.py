"""The figures of docs/results.md, drawn from its tables: python -m benchmarks.draw_results

A figure and the table under it cannot disagree, since the table is what is drawn, which `tests/test_documentation.py`
checks.
"""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import altair as alt

RESULTS = Path("docs/results.md")
FOLDER = Path("docs/results")
WIDTH = 420
NUMBER = re.compile(r"[-+]?[\d,]*\.?\d+(?:e[-+]?\d+)?")
BLUE, GREY, ORANGE = "#0072b2", "#8a8a8a", "#d55e00"  # of the palette of Okabe and Ito (2008)

Row = dict[str, str]


def tables_of(text: str, heading: str) -> list[list[Row]]:
    """Every table under a heading of the page, in order: a dict a row, cells as they are written."""
    section = re.split(r"^## ", text.split(f"## {heading}\n", 1)[1], maxsplit=1, flags=re.M)[0]
    tables = []
    for block in re.findall(r"(?:^\|.*\|\n)+", section, flags=re.M):
        head, _, *lines = ([cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines())
        tables.append([dict(zip(head, line, strict=True)) for line in lines])
    return tables


def number(cell: str) -> float:
    """The first number of a cell.

    >>> number("**0.4336**"), number("1,410 (1,357 to 1,895)")
    (0.4336, 1410.0)
    """
    return float(NUMBER.search(cell)[0].replace(",", ""))  # type: ignore[index]


def interval(cell: str) -> tuple[float, float]:
    """The limits in a cell's brackets.

    >>> interval("+0.2 (-0.1 to +0.6)")
    (-0.1, 0.6)
    """
    low, high = cell.split("(")[1].split(")")[0].split(" to ")
    return number(low), number(high)


def peers(text: str) -> alt.Chart:
    """How far each peer is from Rounds on the shared tables: positive is worse than Rounds."""
    rows = []
    for row in tables_of(text, "Real tables, on the rows on which peers were measured")[0]:
        mine, better = number(row["Rounds"]), -1 if row["metric"] == "r2" else 1
        for peer in ("linear", "hgb", "catboost", "realmlp", "tabm"):
            if row[peer]:
                some = "one or two" if "(" in row[peer] else "all"
                worse = 100 * better * (number(row[peer]) - mine) / mine
                rows.append({"table": row["table"], "peer": peer, "worse": worse, "divisions": some})
    return (
        alt.Chart(alt.InlineData(values=rows))
        .mark_point(filled=True, size=80)
        .encode(
            x=alt.X("worse:Q", title="Worse than Rounds by, % of its figure (left of 0: better than Rounds)"),
            y=alt.Y("table:N", title=None, sort=None),
            color=alt.Color("peer:N", title=None, scale=alt.Scale(scheme="tableau10")),
            shape=alt.Shape("divisions:N", title="Divisions", scale=alt.Scale(range=["circle", "triangle"])),
        )
        .properties(width=WIDTH, height=180)
    )


def steps(text: str) -> alt.Chart:
    """Microseconds of a network's step beside what others take, on CPUs."""
    names = ("20-64-64-1, 64 members", "60-256-256-1, 8 members")
    rows = [
        {"network": name, "contestant": row["contestant"].strip("`"), "us": number(row["us a member-step (range)"])}
        for name, table in zip(names, tables_of(text, "Time of a network's step")[:2], strict=True)
        for row in table
    ]
    mine = alt.condition("indexof(datum.contestant, 'Rounds') == 0", alt.value(BLUE), alt.value(GREY))
    bars = (
        alt.Chart()
        .mark_bar()
        .encode(
            x=alt.X("us:Q", title="Microseconds a network's step (logarithmic)").scale(type="log", domainMin=5),
            x2=alt.datum(5),
            y=alt.Y("contestant:N", title=None, sort=None).axis(labelLimit=240),
            color=mine,
        )
        .properties(width=WIDTH - 160, height=170)
    )
    return alt.layer(bars, data=alt.InlineData(values=rows)).facet(row=alt.Row("network:N", title=None, sort=None))


def card(text: str) -> alt.Chart:
    """How many times as fast as PyTorch's best a network's step is on a card."""
    rows = [
        {"what": f"{row['network']}, {row['contestant'].removeprefix('Rounds, ')}", "times": number(cell)}
        for row in tables_of(text, "On a card")[0]
        if (cell := row["times as fast as PyTorch's best"])
    ]
    return (
        alt.Chart(alt.InlineData(values=rows))
        .mark_bar()
        .encode(
            x=alt.X("times:Q", title="Times as fast as PyTorch's best (logarithmic; 1 is level)").scale(type="log"),
            x2=alt.datum(1),
            y=alt.Y("what:N", title=None, sort=None).axis(labelLimit=320),
            color=alt.condition("datum.times >= 1", alt.value(BLUE), alt.value(ORANGE)),
        )
        .properties(width=WIDTH - 60, height=360)
    )


def choices(text: str) -> alt.Chart:
    """What single design choices are worth beside the control plan, with 95 % intervals."""
    rows = []
    for row in tables_of(text, "What single design choices are worth")[0]:
        for table in ("pima", "cleveland", "nhanes_bps"):
            if row["choice"] != "inputs not scaled":  # a quarter of a constant's error: the others would be a line
                low, high = interval(row[table])
                rows.append(
                    {"choice": row["choice"], "table": table, "gain": number(row[table]), "low": low, "high": high}
                )
    base = alt.Chart().encode(y=alt.Y("choice:N", title=None, sort=None).axis(labelLimit=200))
    title = "Gain, % of a constant's error"
    drawn = base.mark_rule(color=BLUE, strokeWidth=2).encode(x=alt.X("low:Q", title=title), x2="high:Q")
    points = base.mark_point(filled=True, color=BLUE, size=40).encode(x=alt.X("gain:Q", title=title))
    zero = alt.Chart().mark_rule(color=GREY).encode(x=alt.datum(0))
    layers = alt.layer(zero, drawn, points, data=alt.InlineData(values=rows)).properties(width=170, height=430)
    return layers.facet(column=alt.Column("table:N", title=None, sort=None))


def coverage(text: str) -> alt.Chart:
    """Share of 95 % intervals that hold the true value, by number of cases."""
    table = next(
        t
        for t in tables_of(text, "Verdicts where nothing is wrong, where something leaks, and where cases are few")
        if "5 cases, 1 row a patient" in t[0]
    )
    rows = [
        {
            "value": row["value"],
            "cases": int(number(name)),
            "rows": name.split(", ")[1],
            "held": number(cell),
        }
        for row in table
        for name, cell in row.items()
        if name != "value"
    ]
    title, scale = "Intervals that hold, %", alt.Scale(domain=[90, 100], zero=False)
    lines = (
        alt.Chart()
        .mark_line(point=True)
        .encode(
            x=alt.X("cases:O", title="Cases").axis(labelAngle=0),
            y=alt.Y("held:Q", title=title, scale=scale),
            color=alt.Color("value:N", title=None, sort=None, scale=alt.Scale(scheme="tableau20")),
        )
    )
    wanted = alt.Chart().mark_rule(color=GREY, strokeDash=[4, 4]).encode(y=alt.YDatum(95, title=title, scale=scale))
    layers = alt.layer(wanted, lines, data=alt.InlineData(values=rows)).properties(width=190, height=260)
    return layers.facet(column=alt.Column("rows:N", title=None, sort=None))


FIGURES: dict[str, Callable[[str], alt.Chart]] = {
    "peers": peers,
    "steps": steps,
    "card": card,
    "choices": choices,
    "coverage": coverage,
}


def chart_of(name: str, text: str) -> alt.Chart:
    """The figure of this name; text: docs/results.md."""
    return FIGURES[name](text).configure_view(stroke=None).configure(background="white", font="sans-serif")


def fingerprint(chart: alt.Chart) -> str:
    """What the figure was drawn from, as a comment at the end of its file: fonts of a machine do not change it."""
    return f"<!-- {hashlib.sha256(chart.to_json().encode()).hexdigest()} -->"


def main() -> None:
    import vl_convert

    FOLDER.mkdir(exist_ok=True)
    text = RESULTS.read_text(encoding="utf-8")
    for name in FIGURES:
        chart, place = chart_of(name, text), FOLDER / f"{name}.svg"
        if not (place.exists() and place.read_text(encoding="utf-8").endswith(fingerprint(chart))):
            place.write_text(vl_convert.vegalite_to_svg(chart.to_json()) + fingerprint(chart), encoding="utf-8")


if __name__ == "__main__":
    main()
