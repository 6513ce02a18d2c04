"""The picture of a finding: the curve, measure or numbers in which it was seen, with what gave it away marked."""

from dataclasses import dataclass

import altair as alt
import polars as pl

from rounds.report.figures.bars import DRAWN_BY_NUMBERS, bars_of
from rounds.report.figures.curves import loss_scale
from rounds.report.figures.theme import BLUE, FAINT, INK, ORANGE, RATES, Chart, to_svg
from rounds.report.run_files import Record, RunFiles

DRAWN_BY_LOSSES = (
    "diverged",
    "not-learning",
    "still-improving",
    "overfitting",
    "plateau",
    "unstable",
    "validation-better",
    "underfitting",
    "decayed-too-early",
    "not-shuffled",
    "loss-output-mismatch",
    "misleading-metric",
    "poor-initialization",
    "unscaled-inputs",
    "augmentation-too-strong",
    "tiny-batch-statistics",
)


@dataclass(frozen=True)
class Seen:
    """measure: in which a finding shows; threshold: its name among the finding's, drawn as a line (empty: none);
    equal_factors: whether the axis is logarithmic."""

    measure: str
    title: str
    threshold: str = ""
    equal_factors: bool = False


DRAWN_BY_MEASURES: dict[str, Seen] = {
    "learning-rate-too-high": Seen("update_ratio", "Step / weights, median layer", "large steps", True),
    "learning-rate-too-low": Seen("update_ratio", "Step / weights, median layer", "small steps", True),
    "vanishing-gradients": Seen("gradient_norm", "Gradient of each layer", equal_factors=True),
    "exploding-gradients": Seen("gradient_norm", "Gradient of each layer", equal_factors=True),
    "dead-units": Seen("dead_share", "Share of units that are dead", "dead units"),
    "saturated-units": Seen("saturated_share", "Share of outputs at their limit", "saturated outputs"),
    "frozen-layer": Seen("weight_norm", "Size of each layer's weights"),
    "over-regularized": Seen("weight_norm", "Size of each layer's weights"),
}


def finding_figure(run: RunFiles, finding: Record) -> str | None:
    """The picture as SVG; None where its curve is not on record, or nothing was measured."""
    name, label = f"finding-picture-{finding['code']}", f"{finding['name']}, where it was seen"
    if finding["code"] in DRAWN_BY_NUMBERS:
        bars = bars_of(finding)
        return None if bars is None else to_svg(bars.properties(height=110), name, label)
    chart = _chart_of(run, finding)
    return None if chart is None else to_svg(chart.properties(height=220), name, label)


def _chart_of(run: RunFiles, finding: Record) -> Chart | None:
    members = _members(run, finding)
    if finding["code"] in DRAWN_BY_MEASURES and not run.tables["measures"].is_empty():
        return _measure(run, finding, members, DRAWN_BY_MEASURES[finding["code"]])
    drawn = finding["code"] in DRAWN_BY_LOSSES or finding["code"] in DRAWN_BY_MEASURES
    return _losses(run, finding, members) if drawn else None


def _members(run: RunFiles, finding: Record) -> list[int]:
    """Members in which it was seen, of those on record."""
    known = run.members["member"].to_list()
    return [m for m in finding["members"] if m in known] or known


def _losses(run: RunFiles, finding: Record, members: list[int]) -> Chart | None:
    """Training and validation loss of the members in which it was seen: each thin, their median thick."""
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
    return alt.layer(thin, thick, *_place(finding, last))


def _measure(run: RunFiles, finding: Record, members: list[int], seen: Seen) -> Chart | None:
    """The measure by layer, median over the members in which it was seen, with the threshold that was crossed."""
    frame = run.of_members("measures").filter((pl.col("measure") == seen.measure) & pl.col("member").is_in(members))
    if seen.equal_factors:
        frame = frame.filter(pl.col("value") > 0)
    if frame.is_empty():
        return None
    middle = frame.group_by("layer", "epoch", maintain_order=True).agg(pl.col("value").median())
    scale = alt.Scale(type="log", nice=False) if seen.equal_factors else alt.Scale(zero=True)
    x, y = alt.X("epoch:Q", title="Epoch"), alt.Y("value:Q", title=seen.title, scale=scale)
    layers = _lines(middle, 2.0, 1.0).encode(x=x, y=y, color=_layer_colour(middle))
    last = int(frame["epoch"].max())  # type: ignore[arg-type]
    return alt.layer(layers, *_limit(finding, seen), *_place(finding, last))


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


def _place(finding: Record, last: int) -> list[alt.Chart]:
    """An upright line at the epoch from which it was seen; last: the last epoch drawn, so that words find room."""
    epoch = finding.get("epoch")
    if epoch is None:
        return []
    said = "before the first step" if epoch == 0 else f"seen from epoch {epoch}"
    rows = alt.InlineData(values=[{"epoch": epoch, "said": said}])
    line = alt.Chart(rows).mark_rule(color=INK, strokeWidth=1.5, strokeDash=[4, 3]).encode(x="epoch:Q")
    early = epoch <= last / 2
    words = alt.Chart(rows).mark_text(color=INK, align="left" if early else "right", dx=5 if early else -5, dy=8)
    return [line, words.encode(x="epoch:Q", y=alt.value(0), text="said:N")]


def _limit(finding: Record, seen: Seen) -> list[alt.Chart]:
    """A level line at the threshold."""
    found = [t for t in finding.get("thresholds", []) if t["name"] == seen.threshold]
    if not found:
        return []
    rows = alt.InlineData(values=[{"value": found[0]["value"], "said": f"threshold: {found[0]['name']}"}])
    line = alt.Chart(rows).mark_rule(color=FAINT, strokeWidth=1.5, strokeDash=[2, 2]).encode(y="value:Q")
    words = alt.Chart(rows).mark_text(color=INK, align="right", dx=-4, dy=-7)
    return [line, words.encode(y="value:Q", x=alt.value("width"), text="said:N")]
