"""How training went: losses by step and epoch, the metric that matters, rates side by side, and the schedule."""

import altair as alt
import numpy as np
import polars as pl

from rounds.metrics import METRICS
from rounds.report.figures.theme import BLUE, FAINT, GREEN, INK, ORANGE, RATES, Chart
from rounds.report.run_files import RunFiles
from rounds.report.wording import label, with_unit

WINDOW = 21  # points in the moving average of step losses, of at most 400 kept
INNER = 0.98  # quantile of what is drawn at which an axis ends: first steps and outliers would flatten the rest
LOG_SPREAD = 30.0  # ratio of losses from which equal factors, not equal distances, are what is to be seen
EPOCH = "Epoch (pass over the training rows)"


def learning_curve(run: RunFiles) -> Chart | None:
    """One network's loss by step with its moving average, its validation, and the validation of the others."""
    best = best_member(run)
    if best is None:
        return None
    losses = run.of_members("curves").filter((pl.col("metric") == "loss") & (pl.col("split") == "validation"))
    steps = run.of_members("steps").filter(pl.col("member") == best).sort("step")
    average = pl.col("loss").rolling_mean(WINDOW, min_samples=1, center=True)
    steps = steps.select("epoch", "loss", average.alias("average"))
    own = losses.filter(pl.col("member") == best)
    scale = loss_scale([steps["loss"], losses["value"]])
    x, y = alt.X("epoch:Q", title=EPOCH), alt.Y("value:Q", title="Loss", scale=scale)
    others = _chart(losses).mark_line(strokeWidth=1, color=FAINT, clip=True).encode(x=x, y=y, detail="member:N")
    points = _chart(steps).mark_circle(size=9, opacity=0.35, color=ORANGE, clip=True).encode(x=x, y=_like(y, "loss"))
    line = _named(_chart(steps), "Training (moving average)", x, _like(y, "average"), 2.0)
    kept = _named(_chart(own), "Validation", x, y, 2.5)
    return alt.layer(others, points, line, kept)


def metric_curve(run: RunFiles) -> Chart | None:
    """The metric that matters, on each network's validation patients, by epoch."""
    metric = run.main_metric if run.main_metric in _metrics(run) else next(iter(_metrics(run)), None)
    frame = run.of_members("curves").filter((pl.col("metric") == metric) & (pl.col("split") == "validation"))
    if metric is None or frame.is_empty():
        return None
    unit = with_unit(metric, run.task.unit).strip()
    title = f"{label(metric)}{f' ({unit})' if unit else ''}, validation"
    scale = alt.Scale(zero=False, domain=_inner(frame["value"]), clamp=False)
    x, y = alt.X("epoch:Q", title=EPOCH), alt.Y("value:Q", title=title, scale=scale)
    lines = _chart(frame).mark_line(strokeWidth=1, color=FAINT, clip=True).encode(x=x, y=y, detail="member:N")
    value = pl.col("value")
    quarters = value.quantile(0.25, "linear").alias("low"), value.quantile(0.75, "linear").alias("high")
    middle = frame.group_by("epoch").agg(value.median(), *quarters).sort("epoch")
    band = _chart(middle).mark_area(color=BLUE, opacity=0.15, clip=True)
    half = band.encode(x=x, y=_like(y, "low"), y2="high:Q")
    return alt.layer(lines, half, _named(_chart(middle), "Median of the networks", x, y, 2.5))


def sweep_curves(run: RunFiles) -> Chart | None:
    """Validation loss by epoch, one colour a learning rate."""
    frame = run.of_members("curves").filter((pl.col("metric") == "loss") & (pl.col("split") == "validation"))
    if frame["learning_rate"].n_unique() < 2:
        return None
    scale = loss_scale([frame["value"]])
    x, y = alt.X("epoch:Q", title=EPOCH), alt.Y("value:Q", title="Loss, validation", scale=scale)
    middle = frame.group_by("learning_rate", "epoch").agg(pl.col("value").median()).sort("learning_rate", "epoch")
    thin = _chart(_with_rate(frame)).mark_line(strokeWidth=1, opacity=0.3, clip=True)
    thick = _chart(_with_rate(middle)).mark_line(strokeWidth=2.5, clip=True)
    colour = _rate_colour(frame)
    return alt.layer(thin.encode(x=x, y=y, color=colour, detail="member:N"), thick.encode(x=x, y=y, color=colour))


def sweep_outcome(run: RunFiles) -> Chart | None:
    """The best validation loss that each network reached, by its learning rate."""
    frame = run.members.filter(pl.col("best_value").is_not_null()).select("learning_rate", "best_value")
    if frame["learning_rate"].n_unique() < 2:
        return None
    middle = frame.group_by("learning_rate").agg(pl.col("best_value").median()).sort("learning_rate")
    ticks = middle["learning_rate"].to_list()
    x = alt.X("learning_rate:Q", title="Learning rate").scale(type="log", padding=24, nice=False)
    x = x.axis(values=ticks, format="~g", grid=False)
    y = alt.Y("best_value:Q", title=f"{label(run.kept_metric)} of the epoch kept").scale(zero=False)
    points = _chart(_with_rate(frame)).mark_circle(size=46, opacity=0.6)
    line = _chart(middle).mark_line(color=INK, strokeWidth=1.5)
    return alt.layer(line.encode(x=x, y=y), points.encode(x=x, y=y, color=_rate_colour(frame).legend(None)))


def schedule_curve(run: RunFiles) -> Chart | None:
    """Learning rate by epoch, as it was in truth."""
    frame = run.of_members("curves").filter(pl.col("metric") == "learning_rate")
    if frame.is_empty():
        return None
    lines = frame.group_by("learning_rate", "epoch").agg(pl.col("value").median()).sort("learning_rate", "epoch")
    x, y = alt.X("epoch:Q", title=EPOCH), alt.Y("value:Q", title="Learning rate in use").axis(format="~g")
    return _chart(_with_rate(lines)).mark_line(strokeWidth=2).encode(x=x, y=y, color=_rate_colour(lines))


def best_member(run: RunFiles) -> int | None:
    """Number of the network with the best validation: the one drawn in full."""
    kept = run.members.filter(pl.col("best_value").is_not_null())
    if kept.is_empty():
        return None
    metric = METRICS.get(run.kept_metric)
    higher = metric is not None and metric.better == "higher"
    return int(kept.sort("best_value", descending=higher)["member"][0])


def _metrics(run: RunFiles) -> dict[str, None]:
    """Validation metrics but for the loss, in their order."""
    names = run.tables["curves"].filter(pl.col("split") == "validation")["metric"].unique(maintain_order=True)
    return dict.fromkeys(n for n in names.to_list() if n != "loss")


def _chart(frame: pl.DataFrame) -> alt.Chart:
    return alt.Chart(alt.InlineData(values=frame.to_dicts()))


def _like(y: alt.Y, field: str) -> alt.Y:
    return alt.Y(f"{field}:Q", title=y["title"], scale=y["scale"])


def _named(chart: alt.Chart, name: str, x: alt.X, y: alt.Y, width: float) -> alt.Chart:
    """A line that the legend names."""
    colours = {"Training (moving average)": ORANGE, "Validation": BLUE, "Median of the networks": GREEN}
    chosen = [n for n in colours if n != "Median of the networks"] if name != "Median of the networks" else [name]
    scale = alt.Scale(domain=chosen, range=[colours[n] for n in chosen])
    colour = alt.Color("name:N", title=None, scale=scale)
    return (
        chart.transform_calculate(name=f"'{name}'")
        .mark_line(strokeWidth=width, clip=True)
        .encode(x=x, y=y, color=colour)
    )


def loss_scale(drawn: list[pl.Series]) -> alt.Scale:
    """From the lowest to nearly the highest of what is drawn; logarithmic where losses differ by large factors."""
    values = np.concatenate([s.drop_nulls().to_numpy() for s in drawn])
    low, high = (float(q) for q in np.quantile(values, [(1 - INNER) / 4, INNER]))
    if low > 0 and high / low > LOG_SPREAD:
        return alt.Scale(type="log", domain=[low, high], nice=False)
    margin = 0.06 * (high - low or abs(high) or 1.0)
    return alt.Scale(domain=[low - margin, high + margin], nice=False, zero=False)


def _inner(values: pl.Series) -> list[float]:
    """Nearly the whole range: a few bad first epochs would flatten the rest."""
    low, high = (float(values.quantile(q, "linear") or 0.0) for q in (1 - INNER, INNER))
    margin = 0.08 * (high - low or abs(high) or 1.0)
    return [low - margin, high + margin]


def _with_rate(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(rate=pl.col("learning_rate").map_elements(_rate_text, return_dtype=pl.String))


def _rate_text(rate: float) -> str:
    return f"{rate:.2g}"


def _rate_colour(frame: pl.DataFrame) -> alt.Color:
    """Ordered colours, low to high; rates that share one colour where there are more than colours."""
    rates = sorted(frame["learning_rate"].unique().to_list())
    places = np.linspace(0, len(RATES) - 1, len(rates)).round().astype(int) if len(rates) > 1 else [0]
    names = [_rate_text(rate) for rate in rates]
    return alt.Color("rate:N", title="Learning rate", scale=alt.Scale(domain=names, range=[RATES[i] for i in places]))
