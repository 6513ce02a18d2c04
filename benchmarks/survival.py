"""Times to events on public tables: Rounds's networks on rows of periods beside Cox's model and scikit-survival's.

    python -m benchmarks.survival [--tables NAME ...] [--splits 3] [--records FILE] [--page]

Tables: gbsg2, whas500, veterans (those that scikit-survival ships), flchain (../shared/data; time to death), and
admissions (the simulated hospital: length of stay until discharge, with death and transfer as competing events, whose
true chances are known). A third of the rows, drawn by the number of the split, judges; everything is fitted on the
others. Cox is `fit_cox` on scaled columns, its penalty chosen on five parts of the training rows. Prints a record a
table, split and model; --page prints the Markdown table of FILE. Intervals are of the difference to Cox over the judged
rows of one split.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import polars as pl

import rounds
from benchmarks.machine import keep, kept
from rounds.data.sources.simulated_hospital import simulate_admissions
from rounds.metrics.survival import (
    TimesToEvent,
    aalen_johansen,
    auroc_at,
    calibration_at,
    censoring_curve,
    fit_cox,
    harrell_concordance,
    incidence_of_causes,
    integrated_brier,
    uno_concordance,
)
from rounds.person_periods import Periods, make_periods
from rounds.statistics.resampling import patient_weights

FLCHAIN = Path(__file__).resolve().parents[2] / "shared" / "data" / "flchain" / "flchain.csv"
PENALTIES = (0.1, 1.0, 10.0, 100.0, 1000.0)
RESAMPLES = 1000
DAYS = 60  # at which chances are compared, from the 5th to the 90th percentile of the times of events
NAMES = {
    "uno": "Uno's C",
    "harrell": "Harrell's C",
    "integrated_brier": "integrated Brier",
    "auroc_at_median": "AUROC by the median day",
    "ici_at_median": "ICI by that day",
}


class Table(NamedTuple):
    """frame: columns with `days` and `event`; causes: the one of interest first; truth: of it, days -> [N, K]."""

    frame: pl.DataFrame
    causes: tuple[str, ...]
    truth: Callable[[np.ndarray], np.ndarray] | None = None


class Side(NamedTuple):
    frame: pl.DataFrame
    x: np.ndarray
    known: TimesToEvent


def shipped(name: str) -> Table:
    from sksurv import datasets

    x, y = getattr(datasets, {"veterans": "load_veterans_lung_cancer"}.get(name, f"load_{name}"))()
    event, days = y.dtype.names
    columns = {c: x[c].astype(str).to_list() if str(x[c].dtype) == "category" else x[c].to_list() for c in x.columns}
    frame = pl.DataFrame(columns | {"days": y[days].astype(float), "event": y[event].astype(int)})
    return Table(frame, ("1",))


def flchain() -> Table:
    frame = pl.read_csv(FLCHAIN, null_values=["NA", ""]).drop("chapter")
    return Table(frame.rename({"futime": "days", "death": "event"}), ("1",))


def admissions() -> Table:
    hospital = simulate_admissions(1_500)
    ended = pl.when("died").then(pl.lit("death")).when("transferred_out").then(pl.lit("transfer"))
    names = ("stay_id", "patient_id", "admitted", "procedures", "icu_days", "discharged", "died", "transferred_out")
    frame = hospital.table.with_columns(event=ended.otherwise(pl.lit("discharge"))).drop(names)
    return Table(
        frame.rename({"length_of_stay": "days"}),
        ("discharge", "death", "transfer"),
        lambda days: hospital.incidence(days)[0],
    )


TABLES: dict[str, Callable[[], Table]] = {
    **{name: lambda name=name: shipped(name) for name in ("gbsg2", "whas500", "veterans")},
    "flchain": flchain,
    "admissions": admissions,
}


def design(train: pl.DataFrame, test: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Columns of both as scaled numbers: medians for what is missing, one column a level."""
    both = pl.concat([train, test]).drop("days", "event")
    texts = [c for c in both.columns if both[c].dtype == pl.String]
    numbers = both.with_columns(pl.col(texts).fill_null("missing")).to_dummies(texts, drop_first=True).cast(pl.Float64)
    values = numbers.select(pl.all().fill_null(pl.all().median())).to_numpy()
    seen = values[: train.height]
    scaled = (values - seen.mean(axis=0)) / np.where(seen.std(axis=0) > 0, seen.std(axis=0), 1.0)
    return scaled[: train.height], scaled[train.height :]


def cox(train: Side, test: Side, causes: int, days: np.ndarray) -> np.ndarray:
    models = [fit_cox(train.x, known, _penalty(train.x, known)) for known in _each_cause(train.known, causes)]
    return incidence_of_causes(models, test.x, days)[0]


def _each_cause(known: TimesToEvent, causes: int) -> list[TimesToEvent]:
    return [known.of_cause(cause) for cause in range(1, causes + 1)]


def _penalty(x: np.ndarray, known: TimesToEvent) -> float:
    """The best concordance on parts left out."""
    part = np.random.default_rng(0).permutation(len(x)) % 5

    def left_out(penalty: float) -> float:
        risk = np.empty(len(x))
        for number in range(5):
            inside = part == number
            risk[inside] = fit_cox(x[~inside], known.take(np.flatnonzero(~inside)), penalty).log_risk(x[inside])
        parts = [harrell_concordance(known.take(r), risk[r]) for r in map(np.flatnonzero, np.eye(5)[part].T)]
        return float(np.nanmean(parts))

    return max(PENALTIES, key=left_out)


def group_curve(train: Side, test: Side, causes: int, days: np.ndarray) -> np.ndarray:
    """Kaplan and Meier's estimate, of several causes Aalen and Johansen's: the same for everybody."""
    return np.tile(aalen_johansen(train.known)[0].at(days), (len(test.x), 1))


def of_scikit_survival(name: str) -> Callable[[Side, Side, int, np.ndarray], np.ndarray]:
    def fitted(train: Side, test: Side, causes: int, days: np.ndarray) -> np.ndarray:
        from sksurv import ensemble
        from sksurv.util import Surv

        options: dict[str, dict[str, Any]] = {
            "RandomSurvivalForest": {"n_estimators": 200, "min_samples_leaf": 10, "random_state": 0},
            "GradientBoostingSurvivalAnalysis": {"n_estimators": 100, "max_depth": 2, "random_state": 0},
        }
        model = getattr(ensemble, name)(**options[name])
        model.fit(train.x, Surv.from_arrays(train.known.happened, train.known.days))
        curves = model.predict_survival_function(test.x)
        return np.stack([1.0 - curve(np.clip(days, *curve.domain)) for curve in curves])

    return fitted


def networks(train: Side, test: Side, periods: Periods, days: np.ndarray) -> np.ndarray:
    """A population as Rounds proposes it, without rounds of advice, on rows of periods."""
    with TemporaryDirectory() as folder:
        result = rounds.train(
            periods.learning_rows(train.frame),
            target="outcome",
            group=periods.group,
            rounds=0,
            quiet=True,
            out=Path(folder) / "run",
            **({"positive": periods.causes[0]} if len(periods.causes) == 1 else {"task": "multiclass"}),
        )
        predicted = result.predict(periods.every_period(test.frame), intervals=True)
    return periods.incidence(predicted, days)[0]


def judged(train: TimesToEvent, test: TimesToEvent, chances: np.ndarray, days: np.ndarray) -> dict[str, float]:
    censoring, middle = censoring_curve(train), len(days) // 2
    risk = chances.mean(axis=1)
    calibration = None if test.competed.any() or not np.ptp(chances[:, middle]) else calibration_at
    ici = float("nan") if calibration is None else calibration(test, chances[:, middle], float(days[middle])).ici
    return {
        "uno": float(uno_concordance(test, risk, censoring, until=float(days[-1]))),
        "harrell": float(harrell_concordance(test, risk)),
        "integrated_brier": float(integrated_brier(test, chances, days, censoring)),
        "auroc_at_median": float(auroc_at(test, chances[:, [middle]], days[[middle]], censoring)[0]),
        "ici_at_median": ici,
    }


def measure(name: str, split: int) -> list[dict[str, Any]]:
    table = TABLES[name]()
    order = np.random.default_rng(split).permutation(table.frame.height)
    rows = np.sort(order[table.frame.height // 3 :]), np.sort(order[: table.frame.height // 3])
    frames = [table.frame[r] for r in rows]
    periods = make_periods(frames[0], "days", "event", table.causes)
    train, test = (Side(frame, x, periods.known(frame)) for frame, x in zip(frames, design(*frames), strict=True))
    seen = train.known.days[train.known.happened]
    first, last = np.quantile(seen, (0.05, 0.9)).tolist()
    days, causes = np.linspace(first, last, DAYS), len(table.causes)
    models: dict[str, Callable[[], np.ndarray]] = {
        "group curve": lambda: group_curve(train, test, causes, days),
        "Cox, ridge": lambda: cox(train, test, causes, days),
        "Rounds": lambda: networks(train, test, periods, days),
    }
    if causes == 1:
        models["boosted Cox"] = lambda: of_scikit_survival("GradientBoostingSurvivalAnalysis")(train, test, 1, days)
        if len(train.x) < 3_000:  # its curves of a large table take tens of GB
            models["survival forest"] = lambda: of_scikit_survival("RandomSurvivalForest")(train, test, 1, days)
    if table.truth is not None:
        truth = table.truth(days)[rows[1]]
        models["the truth"] = lambda: truth
    chances = {model: predict() for model, predict in models.items()}
    found = []
    for model, said in chances.items():
        scores = judged(train.known, test.known, said, days)
        gain = gains(train.known, test.known, (said, chances["Cox, ridge"]), days)
        found.append({"table": name, "split": split, "model": model, "patients": len(test.x), **scores, **gain})
    return found


def gains(
    train: TimesToEvent, test: TimesToEvent, sides: tuple[np.ndarray, np.ndarray], days: np.ndarray
) -> dict[str, tuple[float, float, float]]:
    """Of the first over the second: value and 95 % percentile interval over patients, positive where the first is
    better."""
    censoring, until = censoring_curve(train), float(days[-1])
    weights = np.concatenate([np.ones((1, len(test.days))), *patient_weights(np.arange(len(test.days)), RESAMPLES, 0)])
    areas = [uno_concordance(test, side.mean(axis=1), censoring, until, weights) for side in sides]
    errors = [integrated_brier(test, side, days, censoring, weights) for side in sides]
    each = {"uno_gain": areas[0] - areas[1], "brier_gain": errors[1] - errors[0]}
    return {name: (float(g[0]), *np.quantile(g[1:], (0.025, 0.975)).tolist()) for name, g in each.items()}


def page(records: list[dict[str, Any]]) -> str:
    """A table of Markdown, a line a table, split and model."""
    head = ["table", "judged", "model", *NAMES.values(), "Uno's C over Cox", "integrated Brier below Cox"]
    lines = [f"| {' | '.join(head)} |", f"| {' | '.join(['---'] * len(head))} |"]
    for row in records:
        cells = ["-" if np.isnan(row[m]) else f"{row[m]:.3f}" for m in NAMES]
        over = ["{:+.3f} ({:+.3f} to {:+.3f})".format(*row[g]) for g in ("uno_gain", "brier_gain")]
        over = ["", ""] if row["model"] == "Cox, ridge" else over
        lines.append(f"| {' | '.join([row['table'], str(row['patients']), row['model'], *cells, *over])} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--tables", nargs="+", default=list(TABLES), choices=list(TABLES))
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("--records", type=Path)
    parser.add_argument("--page", action="store_true")
    asked = parser.parse_args()
    if asked.page:
        print(page(kept(asked.records)))
        return
    for name in asked.tables:
        for split in range(asked.splits):
            for record in measure(name, split):
                keep(asked.records, record) if asked.records else print(record)


if __name__ == "__main__":
    main()
