"""The losses of a log by its own epochs or steps, with the best validation and the places of findings marked."""

from collections.abc import Mapping

import altair as alt
import numpy as np
import polars as pl

from rounds.examination.log_rules.evidence import called, is_loss
from rounds.examination.logs.logged_run import LoggedRun, Series
from rounds.report.figures.curves import loss_scale
from rounds.report.figures.theme import BLUE, INK, ORANGE, PURPLE, Chart, to_svg
from rounds.run_folder.stored import Content

SIDES = {"Training": ORANGE, "Validation": BLUE}


def log_figure(run: LoggedRun, number: int, marked: Mapping[str, int]) -> str:
    """The picture as SVG. marked: by code, where it was seen, in the unit of the log."""
    return to_svg(_chart(run, marked).properties(height=260), f"log-{number}", f"Losses of {run.name}")


def _chart(run: LoggedRun, marked: Mapping[str, int]) -> Chart:
    sides = {"Training": run.loss.train, "Validation": run.loss.validation}
    known = {side: series for side, series in sides.items() if series is not None and len(series.finite)}
    rows = [point for side, series in known.items() for point in _points(side, series)]
    x = alt.X("at:Q", title=run.unit.capitalize())
    losses = run.loss.comparable and all(is_loss(series) for series in known.values())
    title = "Loss" if losses else ", ".join(s.column if is_loss(s) else called(s) for s in known.values())
    scale = loss_scale([pl.Series([p["value"] for p in rows])])
    y = alt.Y("value:Q", title=title, scale=scale)
    colour = alt.Color("side:N", title=None, scale=alt.Scale(domain=list(known), range=[SIDES[s] for s in known]))
    data = alt.Chart(alt.InlineData(values=rows))
    few = len(rows) < 40
    lines = data.mark_line(strokeWidth=2, clip=True, point={"size": 18} if few else False)
    return alt.layer(lines.encode(x=x, y=y, color=colour), *_best(run, x, y), *_marks(marked, x))


def _points(side: str, series: Series) -> list[Content]:
    finite = series.finite
    return [{"side": side, "at": float(a), "value": float(v)} for a, v in zip(finite.at, finite.values, strict=True)]


def _best(run: LoggedRun, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    """The lowest single value of what is judged."""
    finite = run.loss.judged.finite
    if not len(finite):
        return []
    place = int(np.argmin(finite.values))
    row = {"at": float(finite.at[place]), "value": float(finite.values[place])}
    data = alt.Chart(alt.InlineData(values=[row]))
    return [data.mark_point(size=90, color=INK, strokeWidth=2, clip=True).encode(x=x, y=y)]


def _marks(marked: Mapping[str, int], x: alt.X) -> list[alt.Chart]:
    """A line at each place, named; codes at one place share it."""
    by_place: dict[int, list[str]] = {}
    for code, at in marked.items():
        by_place.setdefault(at, []).append(code)
    rows = [
        {"at": at, "what": ", ".join(codes), "from_top": 14 + 18 * i} for i, (at, codes) in enumerate(by_place.items())
    ]
    if not rows:
        return []
    rules = alt.Chart(alt.InlineData(values=rows)).mark_rule(color=PURPLE, strokeDash=[4, 3]).encode(x=x)
    names = [
        alt.Chart(alt.InlineData(values=[row]))
        .mark_text(color=PURPLE, align="left", dx=4, clip=True)
        .encode(x=x, y=alt.value(row["from_top"]), text="what:N")
        for row in rows
    ]
    return [rules, *names]
