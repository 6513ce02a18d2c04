"""What happened inside the networks: one picture a measure, layers against epochs."""

from typing import NamedTuple

import altair as alt
import numpy as np
import polars as pl

from rounds.report.figures.theme import HEAT, INK, Chart
from rounds.report.run_files import RunFiles

ROW = 30  # px of height a layer
COLOURS = [HEAT[i] for i in (0, 1, 3, 4, 6)]  # as many as a legend has room for


class MeasureTerm(NamedTuple):
    """title and meaning: as on the page; factors: whether equal factors, not distances, get a colour step."""

    title: str
    meaning: str
    factors: bool


MEASURE_TERMS = {
    "gradient_norm": MeasureTerm(
        "Gradients",
        "How strongly each layer is pulled: layers far below the others hardly learn, a sudden leap is an explosion.",
        True,
    ),
    "update_ratio": MeasureTerm(
        "Size of a step against the weights",
        "How far one step moves a layer, as a share of its weights: about one in a thousand is usual.",
        True,
    ),
    "activation_spread": MeasureTerm(
        "Spread of activations",
        "How differently a layer answers to different patients: near zero it says the same of everybody.",
        False,
    ),
    "activation_mean": MeasureTerm("Mean of activations", "Where a layer's answers lie on average.", False),
    "dead_share": MeasureTerm(
        "Dead units", "Share of a layer's units that say the same of every patient, and so no longer learn.", False
    ),
    "saturated_share": MeasureTerm(
        "Saturated units", "Share of a layer's outputs stuck at the end of their range, where gradients vanish.", False
    ),
    "weight_norm": MeasureTerm("Size of weights", "How large a layer's weights are, taken together.", False),
}


def measure_map(run: RunFiles, measure: str) -> Chart | None:
    """Median over the networks of one measure: layer against epoch; None where it was not taken or is zero."""
    frame = run.of_members("measures").filter(measure=measure)
    if frame.is_empty() or float(frame["value"].abs().max() or 0.0) == 0.0:  # type: ignore[arg-type]
        return None
    layers = frame["layer"].unique(maintain_order=True).to_list()
    middle = frame.group_by("layer", "epoch").agg(pl.col("value").median()).sort("epoch", "layer")
    edges = colour_edges(middle["value"].to_numpy(), MEASURE_TERMS[measure].factors)
    if not edges:
        return None
    names = [f"under {edges[0]:g}", *(f"≥ {edge:g}" for edge in edges)]
    place = np.searchsorted(edges, middle["value"].to_numpy(), side="right")
    middle = middle.with_columns(step=pl.Series([names[p] for p in place]))
    colour = alt.Color("step:N", title=None, scale=alt.Scale(domain=names, range=COLOURS[: len(names)]))
    chart = alt.Chart(alt.InlineData(values=middle.to_dicts())).mark_rect(strokeWidth=0)
    x = alt.X("epoch:O", title="Epoch").axis(grid=False, labelAngle=0)
    y = alt.Y("layer:N", sort=layers, title=None).axis(grid=False, labelColor=INK)
    shown = colour.legend(symbolType="square", symbolSize=180, symbolStrokeWidth=0, title=None)
    return chart.encode(x=x, y=y, color=shown).properties(height=ROW * len(layers) + 90)


def colour_edges(values: np.ndarray, factors: bool) -> list[float]:
    """Limits between five colours, equal distances or equal factors apart; fewer where values hardly differ.

    >>> colour_edges(np.array([1.0, 8.0]), False)
    [2.4, 3.8, 5.2, 6.6]
    >>> colour_edges(np.array([2.0, 2.0]), False)
    []
    """
    drawn = values[values > 0] if factors else values
    if not len(drawn) or drawn.min() == drawn.max():
        return []
    ends = (float(drawn.min()), float(drawn.max()))
    steps = np.geomspace(*ends, len(COLOURS) + 1) if factors else np.linspace(*ends, len(COLOURS) + 1)
    return sorted({float(f"{edge:.2g}") for edge in steps[1:-1]})
