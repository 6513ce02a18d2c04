"""Predicted numbers against what happened: by size of the prediction, as a density, and what was missed."""

import altair as alt
import numpy as np

from rounds.report.figures.theme import BLUE, FAINT, HEAT, INK, ORANGE, SOFT, Chart
from rounds.report.run_files import RunFiles
from rounds.report.small_groups import codes, drawable, even_groups
from rounds.run_folder.stored import Content
from rounds.statistics.calibration import curve_bins, error_by_size

CELL_PATIENTS = 15  # patients per cell, on average, that decide how fine the density is drawn
CELLS_A_SIDE = (6, 24)  # coarser than that, the groups of like predictions say more
BARS = (8, 30)
GROUP_PATIENTS, MOST_GROUPS = 40, 10  # patients in a group whose tenths are drawn; deciles
LEAST_SHOWN = 0.5  # share of rows in cells that may be drawn, below which a density would mislead


def observed_by_predicted(run: RunFiles) -> Chart | None:
    """Mean of what happened against mean prediction in tenths of the predictions, with intervals and spread."""
    if (drawn := _numbers(run)) is None:
        return None
    observed, predicted, patients = drawn
    groups = curve_bins(predicted, patients)
    points = error_by_size(observed, predicted, patients, groups)
    if len(points) < 2:
        return None
    kept = [g for g in range(groups.max() + 1) if len(np.unique(patients[groups == g])) >= 10]
    quartiles = (np.quantile(observed[groups == g], [0.25, 0.75]).tolist() for g in kept)
    found = [
        {**point.content(), "lower": lower, "upper": upper}
        for point, (lower, upper) in zip(points, quartiles, strict=True)
    ]
    unit = _unit(run)
    x = alt.X("predicted:Q", title=f"Predicted{unit}, mean of the group").scale(zero=False)
    chart = alt.Chart(alt.InlineData(values=found))
    y = alt.Y("observed:Q", title=f"Observed{unit}").scale(zero=False)
    spread = chart.mark_rule(strokeWidth=9, color=BLUE, opacity=0.18).encode(x=x, y=alt.Y("lower:Q"), y2="upper:Q")
    whisker = chart.mark_rule(strokeWidth=2, color=BLUE).encode(x=x, y=alt.Y("low:Q"), y2="high:Q")
    point = chart.mark_point(filled=True, size=60, color=BLUE, opacity=1).encode(x=x, y=y)
    ends = [f["predicted"] for f in found]
    return alt.layer(_diagonal(min(ends), max(ends)), spread, whisker, point)


def density(run: RunFiles) -> Chart | None:
    """Predicted against observed as cells of patients; cells of fewer than ten are left empty."""
    if (drawn := _numbers(run)) is None:
        return None
    observed, predicted, patients = drawn
    people = len(np.unique(patients))
    side = min(int(np.sqrt(people / CELL_PATIENTS)), CELLS_A_SIDE[1])
    if side < CELLS_A_SIDE[0]:
        return None
    edges = [_edges(values, patients, side) for values in (predicted, observed)]
    if any(len(e) < 3 for e in edges):
        return None
    columns, rows = (
        np.clip(np.searchsorted(e, v, side="right") - 1, 0, len(e) - 2)
        for e, v in zip(edges, (predicted, observed), strict=True)
    )
    width, height = (len(e) - 1 for e in edges)
    cells = columns * height + rows
    inside = np.bincount(cells, minlength=width * height)
    shown = np.flatnonzero(drawable(cells, patients, width * height))
    if inside[shown].sum() < LEAST_SHOWN * len(cells):
        return None
    found = [_cell(edges, divmod(int(c), height), 100 * inside[c] / len(cells)) for c in shown]
    unit = _unit(run)
    x = alt.X("left:Q", title=f"Predicted{unit}").scale(zero=False, nice=False)
    y = alt.Y("bottom:Q", title=f"Observed{unit}").scale(zero=False, nice=False)
    colour = alt.Color("share:Q", title="Rows in the cell, %").scale(type="quantize", range=HEAT[1:])
    chart = alt.Chart(alt.InlineData(values=found)).mark_rect(strokeWidth=0)
    low, high = max(e[0] for e in edges), min(e[-1] for e in edges)
    return alt.layer(chart.encode(x=x, x2="right:Q", y=y, y2="top:Q", color=colour), _diagonal(low, high))


def misses_by_predicted(run: RunFiles) -> Chart | None:
    """Predicted minus observed in tenths of the predictions: middle, middle half, and eight in ten."""
    if (drawn := _numbers(run)) is None:
        return None
    observed, predicted, patients = drawn
    groups = even_groups(predicted, patients, min(len(np.unique(patients)) // GROUP_PATIENTS, MOST_GROUPS))
    if not groups.size or groups.max() < 1:
        return None
    found = []
    for g in range(groups.max() + 1):
        inside = groups == g
        limits = np.quantile((predicted - observed)[inside], [0.1, 0.25, 0.5, 0.75, 0.9])
        found.append({"group": f"{predicted[inside].mean():.3g}"} | dict(zip("abcde", limits.tolist(), strict=True)))
    unit = _unit(run)
    order = [f["group"] for f in found]
    x = alt.X("group:N", sort=order, title=f"Mean prediction of the group{unit}").axis(grid=False, labelAngle=0)
    y = alt.Y("c:Q", title=f"Predicted − observed{unit}")
    chart = alt.Chart(alt.InlineData(values=found))
    zero = alt.Chart(alt.InlineData(values=[{"c": 0}])).mark_rule(color=SOFT, strokeDash=[4, 3]).encode(y="c:Q")
    thin = chart.mark_rule(color=BLUE, strokeWidth=1.5).encode(x=x, y=alt.Y("a:Q"), y2="e:Q")
    thick = chart.mark_rule(color=BLUE, strokeWidth=9, opacity=0.45).encode(x=x, y=alt.Y("b:Q"), y2="d:Q")
    tick = chart.mark_tick(color=INK, thickness=2, size=16).encode(x=x, y=y)
    return alt.layer(zero, thin, thick, tick)


def misses(run: RunFiles) -> Chart | None:
    """How often predictions miss by how much: a histogram whose bars stand for at least ten patients."""
    if (drawn := _numbers(run)) is None:
        return None
    observed, predicted, patients = drawn
    missed = predicted - observed
    edges = _edges(missed, patients, int(np.clip(len(np.unique(patients)) // CELL_PATIENTS, *BARS)))
    if len(edges) < 4:
        return None
    place = np.clip(np.searchsorted(edges, missed, side="right") - 1, 0, len(edges) - 2)
    counted = np.bincount(place, minlength=len(edges) - 1)
    found: list[Content] = [
        {"left": edges[b], "right": edges[b + 1], "share": 100 * counted[b] / len(missed)}
        for b in np.flatnonzero(drawable(place, patients, len(edges) - 1))
    ]
    x = alt.X("left:Q", title=f"Predicted − observed{_unit(run)}").axis(grid=False)
    chart = alt.Chart(alt.InlineData(values=found)).mark_rect(color=BLUE, opacity=0.75)
    zero = alt.Chart(alt.InlineData(values=[{"left": 0}])).mark_rule(color=ORANGE, strokeWidth=2).encode(x="left:Q")
    bars = chart.encode(x=x, x2="right:Q", y=alt.Y("share:Q", title="Rows, %"), y2=alt.datum(0))
    return alt.layer(bars, zero)


def _numbers(run: RunFiles) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """observed, predicted, patients [N] of the first target's judged rows; None for classes."""
    if run.task.is_classification:
        return None
    frame = run.predictions().filter(target=run.task.targets[0])
    observed, predicted = frame["observed"].to_numpy(), frame["network"].to_numpy()
    return (observed, predicted, codes(frame["patient"].to_numpy())) if len(frame) else None


def _edges(values: np.ndarray, patients: np.ndarray, count: int) -> np.ndarray:
    """Equal steps [count + 1] between means of the lowest and highest ten patients: no single value shows."""
    groups = even_groups(values, patients, len(values))
    if not groups.size or groups.max() < 1:
        return np.zeros(0)
    low, high = values[groups == 0].mean(), values[groups == groups.max()].mean()
    return np.linspace(low, high, count + 1)


def _cell(edges: list[np.ndarray], place: tuple[int, int], share: float) -> Content:
    (x, y), (column, row) = edges, place
    corners = {"left": x[column], "right": x[column + 1], "bottom": y[row], "top": y[row + 1]}
    return {name: float(v) for name, v in corners.items()} | {"share": share}


def _diagonal(low: float, high: float) -> alt.Chart:
    """Where a perfect prediction lies."""
    ends = alt.InlineData(values=[{"predicted": low, "observed": low}, {"predicted": high, "observed": high}])
    line = alt.Chart(ends).mark_line(color=FAINT, strokeDash=[5, 4], strokeWidth=1.5)
    return line.encode(x=alt.X("predicted:Q"), y=alt.Y("observed:Q"))


def _unit(run: RunFiles) -> str:
    name = f" {run.task.targets[0]}" if len(run.task.targets) > 1 else ""
    return name + (f" ({run.task.unit})" if run.task.unit else "")
