"""What happened inside the networks: one picture a measure, layers against epochs."""

from typing import NamedTuple

import altair as alt
import numpy as np
import polars as pl

from rounds.report.run_files import RunFiles
from rounds.report.theme import HEAT, INK, Chart

ROW = 30  # px of height a layer


class MeasureTerm(NamedTuple):
    """title and meaning: as on the page; factors: whether equal factors, not distances, get a colour step."""

    title: str
    meaning: str
    factors: bool


MEASURE_TERMS = {
    "gradient_norm": MeasureTerm(
        "Gradients",
        "How strongly each layer is pulled: layers far paler than the others hardly learn, a sudden dark column is an "
        "explosion.",
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
    middle = frame.group_by("layer", "epoch").agg(pl.col("value").median()).sort("epoch")
    edges = colour_edges(middle["value"].to_numpy(), MEASURE_TERMS[measure].factors)
    if not len(edges):
        return None
    colour = alt.Color("value:Q", title=None).scale(type="threshold", domain=edges, range=HEAT[: len(edges) + 1])
    chart = alt.Chart(alt.InlineData(values=middle.to_dicts())).mark_rect(strokeWidth=0)
    x = alt.X("epoch:O", title="Epoch").axis(grid=False, labelAngle=0)
    y = alt.Y("layer:N", sort=layers, title=None).axis(grid=False, labelColor=INK)
    shown = colour.legend(format=".2~g", gradientLength=280, gradientThickness=10)
    return chart.encode(x=x, y=y, color=shown).properties(height=ROW * len(layers) + 110)


def colour_edges(values: np.ndarray, factors: bool) -> list[float]:
    """Limits between seven colours, equal distances or equal factors apart; fewer where values hardly differ.

    >>> colour_edges(np.array([1.0, 8.0]), False)
    [2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
    >>> colour_edges(np.array([2.0, 2.0]), False)
    []
    """
    drawn = values[values > 0] if factors else values
    if not len(drawn) or drawn.min() == drawn.max():
        return []
    ends = (float(drawn.min()), float(drawn.max()))
    steps = np.geomspace(*ends, len(HEAT) + 1) if factors else np.linspace(*ends, len(HEAT) + 1)
    return sorted({float(f"{edge:.2g}") for edge in steps[1:-1]})
