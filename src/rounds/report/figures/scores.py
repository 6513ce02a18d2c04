"""Who predicts how well: contestants beside each other, each with its interval over patients."""

import math
from collections.abc import Sequence

import altair as alt

from rounds.metrics import METRICS
from rounds.report.figures.theme import BLUE, FAINT, INK, SOFT, Chart
from rounds.report.run_files import RunFiles
from rounds.report.wording import contestant, estimate_cells, label
from rounds.run_folder.metrics import MetricsFile, Scores
from rounds.run_folder.stored import Content

ROW = 40  # px of height a contestant
NETWORKS = ("network", "single network")
AIM = {"lower": "lower is better", "higher": "higher is better", "ideal": "nearer to the ideal is better"}


def forest(run: RunFiles) -> Chart | None:
    """Every contestant's main metric with its 95 % interval."""
    return score_forest(run, run.main_metric)


def ranking_forest(run: RunFiles) -> Chart | None:
    """AUROC of every contestant, where it is not the main metric."""
    return score_forest(run, "auroc") if run.task.is_classification else None


def score_forest(run: RunFiles, metric: str) -> Chart | None:
    """One line a contestant: point and interval, simplest on top."""
    found = [
        {
            "who": contestant(name, run.task.is_classification),
            **scores[metric].content(),
            "text": estimate_cells(scores[metric])[0],
        }
        | {"colour": BLUE if name in NETWORKS else INK}
        for name, scores in scores_by_contestant(run.metrics).items()
        if metric in scores and scores[metric].is_defined and (name, metric) != ("constant", "auroc")
    ]
    if len(found) < 2:
        return None
    chart = alt.Chart(alt.InlineData(values=found)).encode(
        y=alt.Y("who:N", sort=[f["who"] for f in found], title=None).axis(
            labelLimit=190, labelColor=INK, domain=False, ticks=False, labelPadding=10, grid=False
        ),
        color=alt.Color("colour:N", scale=None),
    )
    unit = f"{run.task.unit}, " if run.task.unit and METRICS[metric].unit_like_target else ""
    axis = alt.X("value:Q", title=f"{label(metric)} ({unit}{AIM[METRICS[metric].better]})").scale(zero=False, nice=True)
    whisker = chart.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q", title=axis["title"]), x2="high:Q")
    point = chart.mark_point(filled=True, size=80, opacity=1).encode(x=axis)
    text = chart.mark_text(dy=-12).encode(x="value:Q", text="text:N")
    layers = [*_reference(found), whisker, point, text]
    return alt.layer(*layers).properties(height=ROW * len(found) + 50)


def gains(run: RunFiles) -> Chart | None:
    """The gain on each simpler way, patient by patient, with its interval and what counts as a gain."""
    differences = {name: d for name, d in run.metrics.differences.items() if d.is_defined}
    if not differences:
        return None
    found = [
        {"who": contestant(name, run.task.is_classification), **d.content(), "text": estimate_cells(d)[0]}
        for name, d in differences.items()
    ]
    metric, worth = run.main_metric, run.metrics.difference.smallest_worthwhile
    unit = f" ({run.task.unit})" if run.task.unit and METRICS[metric].unit_like_target else ""
    title = f"Gain in {label(metric)}{unit}; right of 0 the networks are better"
    return interval_rows(found, title, [(0.0, SOFT), *([(worth, BLUE)] if math.isfinite(worth) else [])])


def interval_rows(found: list[Content], title: str, marks: Sequence[tuple[float, str]], row: int = ROW) -> Chart:
    """A line a row: point, interval and number; upright lines at `marks` (value, colour), the first one dashed."""
    chart = alt.Chart(alt.InlineData(values=found)).encode(
        y=alt.Y("who:N", sort=[f["who"] for f in found], title=None).axis(
            labelLimit=220, labelColor=INK, domain=False, ticks=False, labelPadding=10, grid=False
        )
    )
    x = alt.X("value:Q", title=title).scale(nice=True)
    lines = [
        alt.Chart(alt.InlineData(values=[{"value": value}])).mark_rule(color=c, strokeDash=[4, 3]).encode(x="value:Q")
        for value, c in marks
    ]
    whisker = chart.mark_rule(strokeWidth=2, color=BLUE).encode(x=alt.X("low:Q", title=title), x2="high:Q")
    point = chart.mark_point(filled=True, size=70, opacity=1, color=BLUE).encode(x=x)
    words = [chart.mark_text(dy=-11).encode(x="value:Q", text="text:N")] if "text" in found[0] else []
    return alt.layer(*lines, whisker, point, *words).properties(height=row * len(found) + 60)


def _reference(found: list[Content]) -> list[alt.Chart]:
    """A line down from the last one, the ensemble, to compare the others with."""
    last = alt.Chart(alt.InlineData(values=[{"value": found[-1]["value"]}]))
    return [last.mark_rule(strokeDash=[2, 3], color=FAINT).encode(x="value:Q")]


def scores_by_contestant(metrics: MetricsFile) -> dict[str, Scores]:
    """Scores by contestant, simplest first; of two constants only the one that is best for the main metric."""
    baselines = {name: scores for name, scores in metrics.baselines.items() if name != "constant median"}
    return {**baselines, "single network": metrics.single_network, "network": metrics.test}


def target_scores(run: RunFiles) -> Chart | None:
    """Explained variation of each target, where there are several (the forty best explained)."""
    frame = run.predictions()
    if run.task.kind != "regression" or len(run.task.targets) < 2:
        return None
    found: list[Content] = []
    for (name,), part in frame.group_by("target"):
        observed, predicted = part["observed"].to_numpy(), part["network"].to_numpy()
        spread = float(((observed - observed.mean()) ** 2).sum())
        if spread > 0:
            found.append({"target": str(name), "value": 1 - float(((observed - predicted) ** 2).sum()) / spread})
    found = sorted(found, key=lambda f: -f["value"])[:40]
    axis = alt.Y("target:N", sort=None, title=None).axis(labelLimit=190, grid=False)
    chart = alt.Chart(alt.InlineData(values=found)).encode(y=axis, x=alt.X("value:Q", title="R² (higher is better)"))
    return alt.layer(
        alt.Chart(alt.InlineData(values=[{"value": 0}])).mark_rule(color=SOFT).encode(x="value:Q"),
        chart.mark_point(filled=True, size=60, color=BLUE, opacity=1),
    ).properties(height=18 * len(found) + 60)
