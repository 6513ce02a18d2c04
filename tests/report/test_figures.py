"""Every figure: drawn where it should be, from the numbers it should be, from no group that is too small."""

import json
import re
from typing import Any

import numpy as np
import polars as pl
import pytest

from rounds.metrics import auroc
from rounds.report.figures.table import FIGURES, Figure
from rounds.report.figures.theme import to_svg
from rounds.report.page import write_report
from rounds.report.run_files import RunFiles, read_run_files
from rounds.report.sections import SECTIONS
from rounds.report.small_groups import codes
from rounds.report.tables.rounds import rounds_table

from .conftest import PATIENTS, TASKS, MakeRun, metrics, truth_and_guess, write_run

TRIAL = {
    "round": 1,
    "finding": "overfitting",
    "change": {"dropout": [0.1, 0.3]},
    "verdict": "kept",
    "effect": {"value": 0.2, "low": 0.1, "high": 0.3},
}
# The task on which a figure is drawn, where regression does not have it.
DRAWN_ON = {
    "calibration": "binary",
    "ranking-forest": "binary",
    "roc": "binary",
    "risks": "binary",
    "confusions": "multiclass",
    "ranking-by-outcome": "multilabel",
    "target-scores": "targets",
    "reliability": "multiclass",
    "net-benefit": "binary",
}
ELSEWHERE = {  # figures of measures that the run by hand does not hold, and of more rounds or patients than it has
    "density",
    "stay",
    "measure-update_ratio",
    "measure-activation_spread",
    "measure-activation_mean",
    "measure-saturated_share",
    "measure-weight_norm",
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, RunFiles]:
    folder = tmp_path_factory.mktemp("runs")
    return {k: read_run_files(write_run(folder / k, task, {"prescriptions": [TRIAL]})) for k, task in TASKS.items()}


def figure(name: str) -> Figure:
    return next(f for f in FIGURES if f.name == name)


def drawn(name: str, run: RunFiles) -> dict[str, Any]:
    """The Vega-Lite specification of a figure."""
    chart = figure(name).draw(run)
    assert chart is not None
    return chart.to_dict()  # validated against the schema


def data(spec: dict[str, Any], column: str) -> list[dict[str, Any]]:
    """Rows of all tables of a specification that have the column, each row once."""
    tables = [spec.get("data", {}), *(layer.get("data", {}) for layer in spec.get("layer", []))]
    rows = [row for table in [*tables, *spec.get("datasets", {}).values()] for row in values_of(table)]
    return list({str(row): row for row in rows if column in row}.values())


def values_of(table: Any) -> list[dict[str, Any]]:
    return table if isinstance(table, list) else table.get("values", [])


@pytest.mark.parametrize("name", [f.name for f in FIGURES if f.name not in ELSEWHERE])
def test_it_is_drawn_by_the_rules_of_the_language(runs: dict[str, RunFiles], name: str) -> None:
    spec = drawn(name, runs[DRAWN_ON.get(name, "regression")])
    assert re.fullmatch(r"[\w-]+", name)
    assert spec["$schema"].endswith(".json")


def test_names_and_sections_of_the_table() -> None:
    names = [f.name for f in FIGURES]
    assert len(names) == len(set(names))
    assert {f.section for f in FIGURES} <= {"first"} | {s.name for s in SECTIONS}
    assert all(f.sentence.endswith(".") and f.title[0].isupper() for f in FIGURES)


def test_forest_shows_what_was_scored(runs: dict[str, RunFiles]) -> None:
    rows = data(drawn("forest", runs["regression"]), "who")
    assert [r["who"] for r in rows][-1] == "Ensemble of networks"
    assert rows[-1]["value"] == metrics(TASKS["regression"])["test"]["rmse"]["value"]
    assert any("saps" in r["who"] for r in rows)


def test_calibration_is_the_share_of_cases(runs: dict[str, RunFiles]) -> None:
    rows = data(drawn("calibration", runs["binary"]), "patients")
    observed, _ = truth_and_guess(TASKS["binary"])
    assert sum(r["observed"] * r["rows"] for r in rows) == pytest.approx(observed.sum())
    assert min(r["patients"] for r in rows) >= 10


def test_area_under_the_drawn_roc_curve(runs: dict[str, RunFiles]) -> None:
    rows = [r for r in data(drawn("roc", runs["binary"]), "place") if r["who"] == "Ensemble of networks"]
    area = np.trapezoid([r["hits"] for r in rows], [r["alarms"] for r in rows])
    observed, predicted = truth_and_guess(TASKS["binary"])
    assert area == pytest.approx(float(auroc(observed[:, 0], predicted[:, 0])), abs=0.02)
    assert len(rows) <= PATIENTS / 10 + 1


def test_risks_are_of_at_least_ten(runs: dict[str, RunFiles]) -> None:
    observed, predicted = truth_and_guess(TASKS["binary"])
    for row in data(drawn("risks", runs["binary"]), "share"):
        of = observed[:, 0] == TASKS["binary"].classes.index(row["who"])
        inside = of & (predicted[:, 0] >= row["left"]) & (predicted[:, 0] < row["right"])
        assert inside.sum() >= 10
        assert row["share"] == pytest.approx(100 * inside.sum() / of.sum())


def test_groups_of_predictions_have_their_mean(runs: dict[str, RunFiles]) -> None:
    rows = data(drawn("observed-by-predicted", runs["regression"]), "patients")
    observed, predicted = truth_and_guess(TASKS["regression"])
    assert sum(r["observed"] * r["rows"] for r in rows) == pytest.approx(observed.sum())
    assert sum(r["predicted"] * r["rows"] for r in rows) == pytest.approx(predicted.sum())
    assert all(r["lower"] <= r["upper"] and r["patients"] >= 10 for r in rows)


def test_misses_are_of_at_least_ten(runs: dict[str, RunFiles]) -> None:
    rows = data(drawn("misses", runs["regression"]), "share")
    assert min(r["share"] for r in rows) >= 100 * 10 / PATIENTS
    assert sum(r["share"] for r in rows) <= 100 + 1e-9


def test_misses_by_predicted_are_quantiles(runs: dict[str, RunFiles]) -> None:
    rows = data(drawn("misses-by-predicted", runs["regression"]), "e")
    assert len(rows) == PATIENTS // 40
    assert all(r["a"] <= r["b"] <= r["c"] <= r["d"] <= r["e"] for r in rows)


def test_density_leaves_small_cells_empty(runs: dict[str, RunFiles]) -> None:
    random = np.random.default_rng(0)
    predicted = random.gamma(3, 2, 3000)
    frame = pl.DataFrame(
        {
            "patient": np.arange(3000) // 2,
            "split": ["test"] * 3000,
            "target": ["length_of_stay"] * 3000,
            "observed": predicted + random.normal(size=3000),
            "network": predicted,
        }
    )
    base = runs["regression"]
    run = RunFiles(base.dataset, base.plan, base.findings, base.metrics, (), {"predictions": frame})
    rows = data(drawn("density", run), "share")
    assert len(rows) > 10
    for r in rows:
        inside = frame.filter(pl.col("network").is_between(r["left"], r["right"], closed="both"))
        inside = inside.filter(pl.col("observed").is_between(r["bottom"], r["top"], closed="both"))
        on_edge = r["left"] == min(x["left"] for x in rows) or r["bottom"] == min(x["bottom"] for x in rows)
        on_edge |= r["right"] == max(x["right"] for x in rows) or r["top"] == max(x["top"] for x in rows)
        assert on_edge or inside["patient"].n_unique() >= 10
    assert figure("density").draw(base) is None, "240 patients are too few for a density"


def test_confusions_of_few_are_empty(runs: dict[str, RunFiles]) -> None:
    task = TASKS["multiclass"]
    observed, predicted = truth_and_guess(task)
    counted = np.zeros((3, 3), int)
    np.add.at(counted, (observed[:, 0], predicted.argmax(1)), 1)
    rows = data(drawn("confusions", runs["multiclass"]), "truth")
    found = {(r["truth"], r["says"]): r["share"] for r in rows}
    for (t, s), n in np.ndenumerate(counted):
        pair = (task.classes[t], task.classes[s])
        assert (pair in found) == (n >= 10)
        assert n < 10 or found[pair] == pytest.approx(100 * n / counted[t].sum())


def test_each_outcome_is_ranked(runs: dict[str, RunFiles]) -> None:
    rows = data(drawn("ranking-by-outcome", runs["multilabel"]), "name")
    observed, predicted = truth_and_guess(TASKS["multilabel"])
    wanted = [float(auroc(observed[:, t], predicted[:, t])) for t in range(2)]
    assert [r["value"] for r in rows] == pytest.approx(wanted)


def test_reliability_is_that_of_the_evidence(runs: dict[str, RunFiles]) -> None:
    run = runs["multiclass"]
    rows = data(drawn("reliability", run), "who")
    wanted = [p.observed for made in run.evidence.calibration.values() for p in made.curve]
    assert sorted(r["observed"] for r in rows) == pytest.approx(sorted(wanted))
    assert figure("reliability").draw(runs["binary"]) is None, "one curve is on the first screen"


def test_net_benefit_stands_for_enough_patients(runs: dict[str, RunFiles]) -> None:
    rows = [r for r in data(drawn("net-benefit", runs["binary"]), "who") if r["who"] == "this model"]
    predicted = truth_and_guess(TASKS["binary"])[1][:, 0]
    edges = [0.0, *(r["threshold"] for r in rows), 1.1]
    between = np.histogram(predicted, edges)[0]
    assert len(rows) > 5
    assert all(n == 0 or n >= 10 for n in between)


def test_interval_of_a_prediction_is_the_promised_one(runs: dict[str, RunFiles]) -> None:
    run = runs["regression"]
    rows = data(drawn("single-interval", run), "high")
    reach = run.evidence.intervals.above[0]
    assert [r["high"] - r["predicted"] for r in rows] == pytest.approx([reach] * len(rows))
    assert figure("single-interval").draw(runs["binary"]) is None


def test_small_groups_are_not_drawn(runs: dict[str, RunFiles]) -> None:
    groups = [r["who"] for r in data(drawn("subgroup-forest", runs["binary"]), "who")]
    assert groups[:3] == ["all patients", "sex: F", "sex: M"]
    assert not any("west" in who for who in groups)


def test_each_target_is_explained(runs: dict[str, RunFiles]) -> None:
    rows = data(drawn("target-scores", runs["targets"]), "target")
    observed, predicted = truth_and_guess(TASKS["targets"])
    wanted = 1 - ((observed - predicted) ** 2).sum(0) / ((observed - observed.mean(0)) ** 2).sum(0)
    assert [r["value"] for r in rows] == pytest.approx(sorted(wanted, reverse=True))


def test_learning_curve_is_of_the_best_member_that_predicts(runs: dict[str, RunFiles]) -> None:
    spec = drawn("learning-curve", runs["regression"])
    steps = data(spec, "average")
    assert len(steps) == 60
    assert steps[0]["loss"] == 10.0  # member 0, whose best value is the lowest
    assert {r["member"] for r in data(spec, "member")} == set(range(6)), "member 6 only judges"


@pytest.mark.parametrize("name", ["metric-curve", "sweep-curves", "schedule"])
def test_curves_are_medians_of_members(runs: dict[str, RunFiles], name: str) -> None:
    frame = runs["regression"].of_members("curves")
    metric = {"metric-curve": "rmse", "sweep-curves": "loss", "schedule": "learning_rate"}[name]
    by = ["epoch"] if name == "metric-curve" else ["learning_rate", "epoch"]
    split = "train" if name == "schedule" else "validation"
    part = frame.filter(metric=metric, split=split)
    wanted = part.group_by(by).agg(pl.col("value").median())["value"]
    rows = [r for r in data(drawn(name, runs["regression"]), "value") if "member" not in r]
    assert sorted(r["value"] for r in rows) == pytest.approx(sorted(wanted))


def test_sweep_outcome_has_a_point_a_network(runs: dict[str, RunFiles]) -> None:
    rows = data(drawn("sweep-outcome", runs["regression"]), "rate")
    assert sorted(r["best_value"] for r in rows) == pytest.approx([0.2, 0.3, 0.4, 0.5, 0.6, 0.7])


def test_no_sweep_without_rates_to_compare(make_run: MakeRun) -> None:
    run = make_run()
    path = run / "members.parquet"
    pl.read_parquet(path).with_columns(learning_rate=pl.lit(0.01)).write_parquet(path)
    assert figure("sweep-curves").draw(read_run_files(run)) is None
    assert figure("sweep-outcome").draw(read_run_files(run)) is None
    assert figure("schedule").draw(read_run_files(run)) is not None


def test_measure_maps_are_medians(runs: dict[str, RunFiles]) -> None:
    rows = data(drawn("measure-gradient_norm", runs["regression"]), "layer")
    found = {(r["layer"], r["epoch"]): r["value"] for r in rows}
    assert found["output", 3] == pytest.approx(np.median([0.1 * (m + 1) * 4 for m in range(6)]))
    assert figure("measure-weight_norm").draw(runs["regression"]) is None


def test_trial_effects_and_stay(make_run: MakeRun) -> None:
    run = make_run(prescriptions=[TRIAL, {**TRIAL, "round": 2, "verdict": "dropped"}])
    rows = data(drawn("trial-effects", read_run_files(run)), "name")
    assert [r["name"] for r in rows] == ["1: dropout → 0.3", "2: dropout → 0.3"]
    assert rows[0]["colour"] != rows[1]["colour"]
    members = pl.read_parquet(run / "members.parquet")
    later = members.with_columns(pl.col("round") + 1, pl.col("best_value") - 0.1)
    pl.concat([members, later]).write_parquet(run / "members.parquet")
    medians = [r for r in data(drawn("stay", read_run_files(run)), "round") if "text" in r]
    assert {(r["round"], round(r["best_value"], 6)) for r in medians} == {(0, 0.45), (1, 0.35)}
    assert {r["text"] for r in medians} == {"", "dropout → 0.3"}


def test_the_stay_leaves_out_plans_of_before(make_run: MakeRun) -> None:
    """Where a treated plan stands beside the one of before, only the treated one shows what the change did."""
    run = make_run(prescriptions=[TRIAL])
    record = json.loads((run / "metrics.json").read_text())
    (run / "metrics.json").write_text(json.dumps(record | {"rounds": {"own_plans": [None, 1]}}))
    before = pl.read_parquet(run / "members.parquet").with_columns(plan=0)
    beside = before.with_columns(pl.col("round") + 1, plan=1)
    treated = before.with_columns(pl.col("round") + 1, pl.col("best_value") - 0.1)
    pl.concat([before, treated, beside]).write_parquet(run / "members.parquet")
    medians = [r for r in data(drawn("stay", read_run_files(run)), "round") if "text" in r]
    assert {(r["round"], round(r["best_value"], 6)) for r in medians} == {(0, 0.45), (1, 0.35)}


def test_diverged_networks_do_not_stop_the_page(make_run: MakeRun) -> None:
    run = make_run()
    pl.read_parquet(run / "members.parquet").with_columns(
        best_value=pl.lit(None, pl.Float64), outcome=pl.lit("diverged")
    ).write_parquet(run / "members.parquet")
    for name, column in (("curves", "value"), ("steps", "loss"), ("measures", "value")):
        path = run / f"{name}.parquet"
        pl.read_parquet(path).with_columns(pl.lit(float("nan")).alias(column)).write_parquet(path)
    files = read_run_files(run)
    assert [f.name for f in FIGURES if f.section in ("trained", "inside") and f.draw(files) is not None] == []


def test_svg_keeps_its_ids_to_itself(runs: dict[str, RunFiles]) -> None:
    chart = figure("learning-curve").draw(runs["regression"])
    assert chart is not None
    ids = [set(re.findall(r'\bid="([^"]+)"', to_svg(chart, name, name))) for name in ("one", "two")]
    assert ids[0]
    assert not ids[0] & ids[1]


def test_patients_may_be_named_by_text() -> None:
    assert codes(np.array(["anna", "bert", "anna"])).tolist() == [0, 1, 0]


ROUNDS = {
    "examined": 2,
    "remedies_tried": 1,
    "remedies_kept": 1,
    "found": [["overfitting"], []],
    "ended": "nothing alarms",
    "contradictions": [{"round": 1, "reason": "underfitting asks for the opposite change of hidden"}],
    "member_epochs_in_populations": 1200,
    "member_epochs_in_trials": 34,
}
ADVICE = {
    "round": 2,
    "finding": "healthy",
    "remedy": "more patients",
    "change": {"patients": [90, 180]},
    "metric": "rmse",
    "effect": {"value": 0.2, "low": 0.1, "high": 0.3},
    "verdict": "advice",
    "reason": "more patients would help",
}


def test_the_stay_is_told_round_by_round(make_run: MakeRun) -> None:
    run = make_run()
    record = json.loads((run / "metrics.json").read_text())
    (run / "metrics.json").write_text(json.dumps(record | {"rounds": ROUNDS}))
    tried = {**TRIAL, "metric": "rmse", "remedy": "drop more units"}
    (run / "prescriptions.json").write_text(json.dumps([tried, ADVICE]))
    told = rounds_table(read_run_files(run))
    assert told is not None
    first, second = told["rows"]
    assert first["found"] == ["overfitting"]
    assert first["treatments"] == [("dropout 0.1 → 0.3", "kept", "RMSE better by 0.200 (0.100 to 0.300)")]
    assert second["found"] == ["nothing to treat"]
    assert second["treatments"][0][2] == "more patients would help (RMSE better by 0.200 (0.100 to 0.300))"
    page = write_report(run).read_text()
    for text in (
        "The rounds, one by one",
        "More patients would help (RMSE",
        "1,200 in populations, 34 in trials",
        "underfitting asks for the opposite change of hidden",
        "The stay ended: nothing alarms.",
    ):
        assert text in page or text[:1].upper() + text[1:] in page
    assert rounds_table(read_run_files(make_run())) is None
