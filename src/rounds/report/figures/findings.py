"""The picture of a finding: the curve, measure or numbers in which it was seen, with what gave it away marked."""

from collections.abc import Callable
from typing import Any

import altair as alt
import polars as pl

from rounds.examination.figure import Bars, LossCurves, MeasureByLayer
from rounds.examination.rules import rule_of
from rounds.report.figures.bars import bars_of, threshold_rows
from rounds.report.figures.curves import loss_scale
from rounds.report.figures.theme import BLUE, FAINT, INK, ORANGE, RATES, Chart, to_svg
from rounds.report.run_files import RunFiles
from rounds.run_folder.findings import FindingRecord


def finding_figure(run: RunFiles, finding: FindingRecord) -> str | None:
    """The first figure of its rule that can be drawn, as SVG; None where its curve is not on record, or nothing was
    measured."""
    rule = rule_of(finding.code)
    charts = (DRAWN[type(figure)](run, finding, figure) for figure in (rule.figures if rule else ()))
    chart = next((chart for chart in charts if chart is not None), None)
    label = f"{finding.name}, where it was seen"
    return None if chart is None else to_svg(chart, f"finding-picture-{finding.code}", label)


def _members(run: RunFiles, finding: FindingRecord) -> list[int]:
    """Members in which it was seen, of those on record."""
    known = run.members["member"].to_list()
    return [m for m in finding.members if m in known] or known


def _losses(run: RunFiles, finding: FindingRecord, figure: LossCurves) -> Chart | None:
    """Training and validation loss of the members in which it was seen: each thin, their median thick."""
    members = _members(run, finding)
    frame = run.of_members("curves").filter((pl.col("metric") == "loss") & pl.col("member").is_in(members))
    if frame.is_empty():
        return None
    frame = frame.with_columns(kind=pl.col("split").replace({"train": "Training", "validation": "Validation"}))
    middle = frame.group_by("kind", "epoch").agg(pl.col("value").median()).sort("kind", "epoch")
    x = alt.X("epoch:Q", title="Epoch")
    y = alt.Y("value:Q", title="Loss", scale=loss_scale([frame["value"]]))
    colour = alt.Color("kind:N", title=None, scale=alt.Scale(domain=["Training", "Validation"], range=[ORANGE, BLUE]))
    thin = _lines(frame, 1.0, 0.3).encode(x=x, y=y, color=colour, detail=["member:N", "kind:N"])
    thick = _lines(middle, 2.5, 1.0).encode(x=x, y=y, color=colour)
    last = int(frame["epoch"].max())  # type: ignore[arg-type]
    return alt.layer(thin, thick, *_place(finding, last)).properties(height=220)


def _measure(run: RunFiles, finding: FindingRecord, figure: MeasureByLayer) -> Chart | None:
    """The measure by layer, median over the members in which it was seen, with the threshold that was crossed."""
    if run.tables["measures"].is_empty():
        return None
    members = _members(run, finding)
    frame = run.of_members("measures").filter((pl.col("measure") == figure.measure) & pl.col("member").is_in(members))
    if figure.equal_factors:
        frame = frame.filter(pl.col("value") > 0)
    if frame.is_empty():
        return None
    middle = frame.group_by("layer", "epoch", maintain_order=True).agg(pl.col("value").median())
    scale = alt.Scale(type="log", nice=False) if figure.equal_factors else alt.Scale(zero=True)
    x, y = alt.X("epoch:Q", title="Epoch"), alt.Y("value:Q", title=figure.title, scale=scale)
    layers = _lines(middle, 2.0, 1.0).encode(x=x, y=y, color=_layer_colour(middle))
    last = int(frame["epoch"].max())  # type: ignore[arg-type]
    chart = alt.layer(layers, *_limit(finding, figure), *_place(finding, last))
    return chart.properties(height=220)


def _layer_colour(frame: pl.DataFrame) -> alt.Color:
    """Ordered colours, from the first layer to the last."""
    layers = frame["layer"].unique(maintain_order=True).to_list()
    colours = [RATES[round(i * (len(RATES) - 1) / max(len(layers) - 1, 1))] for i in range(len(layers))]
    return alt.Color("layer:N", title=None, sort=layers, scale=alt.Scale(domain=layers, range=colours))


def _lines(frame: pl.DataFrame, width: float, opacity: float) -> alt.Chart:
    """A line, or dots where there is a single epoch."""
    rows = alt.InlineData(values=frame.to_dicts())
    dots = frame["epoch"].n_unique() == 1
    return alt.Chart(rows).mark_line(strokeWidth=width, opacity=opacity, clip=True, point=dots)


def _place(finding: FindingRecord, last: int) -> list[alt.Chart]:
    """An upright line at the epoch from which it was seen; last: the last epoch drawn, so that words find room."""
    epoch = finding.epoch
    if epoch is None:
        return []
    said = "before the first step" if epoch == 0 else f"seen from epoch {epoch}"
    rows = alt.InlineData(values=[{"epoch": epoch, "said": said}])
    line = alt.Chart(rows).mark_rule(color=INK, strokeWidth=1.5, strokeDash=[4, 3]).encode(x="epoch:Q")
    early = epoch <= last / 2
    words = alt.Chart(rows).mark_text(color=INK, align="left" if early else "right", dx=5 if early else -5, dy=8)
    return [line, words.encode(x="epoch:Q", y=alt.value(0), text="said:N")]


def _limit(finding: FindingRecord, figure: MeasureByLayer) -> list[alt.Chart]:
    """A level line at the threshold."""
    rows = threshold_rows(finding, figure.threshold)
    if rows is None:
        return []
    line = alt.Chart(rows).mark_rule(color=FAINT, strokeWidth=1.5, strokeDash=[2, 2]).encode(y="value:Q")
    words = alt.Chart(rows).mark_text(color=INK, align="right", dx=-4, dy=-7)
    return [line, words.encode(y="value:Q", x=alt.value("width"), text="said:N")]


DRAWN: dict[type, Callable[[RunFiles, FindingRecord, Any], Chart | None]] = {
    LossCurves: _losses,
    MeasureByLayer: _measure,
    Bars: bars_of,
}
