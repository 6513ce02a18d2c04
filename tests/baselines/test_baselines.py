"""Baselines: as good as their scikit-learn twins, fitted on their rows only, and the same from disk as from memory."""

import subprocess
import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import sparse
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge

from rounds.baselines.fit import (
    FOLDS,
    LARGE_ROWS,
    fit_baselines,
    judged_inputs,
    load_baselines,
    patient_folds,
    save_baselines,
    skipped_baselines,
)
from rounds.baselines.linear import LOSS_PENALTIES, RIDGE_PENALTIES, design_matrix, fit_by_loss, fit_ridge
from rounds.baselines.trees import TreeColumn, forest_outputs, tree_inputs
from rounds.baselines.trees_fit import fit_forest, tree_data
from rounds.data.dataset import Cohort, Column, Dataset, Inputs
from rounds.errors import DataError, RunFolderError
from rounds.input_shape import InputShape
from rounds.metrics import score
from rounds.target_scale import TargetScale
from rounds.task import Kind, Task

ROWS = 400
CLASSES: dict[Kind, tuple[str, ...]] = {"binary": ("0", "1"), "multiclass": ("home", "ward", "hospice")}


def make_table(kind: Kind, rows: int = ROWS, seed: int = 0, targets: int = 1) -> Dataset:
    """Numbers with missing values, a code of many levels, a boolean; the outcome depends on all of them."""
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(rows, 3))
    level = draw.integers(0, 30, rows)
    flag = draw.random(rows) < 0.4
    effect = draw.normal(size=30)[level] + 1.5 * x[:, 0] + np.abs(x[:, 1]) + flag
    signal = effect[:, None] * np.ones(targets) - effect.mean()
    y: np.ndarray = {
        "regression": signal + 0.3 * draw.normal(size=signal.shape),
        "count": draw.poisson(np.exp(0.5 * signal)),
        "binary": draw.random(signal.shape) < 1 / (1 + np.exp(-2 * signal)),
        "multilabel": draw.random(signal.shape) < 1 / (1 + np.exp(-2 * signal)),
        "multiclass": np.digitize(signal, [-1.0, 1.0]),
    }[kind]
    x[draw.random(x.shape) < 0.15] = np.nan
    inputs = pl.DataFrame({f"x{i}": x[:, i] for i in range(3)}).fill_nan(None)
    inputs = inputs.with_columns(code=pl.Series([f"c{i}" if i else None for i in level]), flag=pl.Series(flag))
    roles = {"code": "categorical", "flag": "boolean"}
    return Dataset(
        name="made",
        task=Task(kind=kind, targets=tuple(f"y{t}" for t in range(targets)), classes=CLASSES.get(kind, ())),
        inputs=inputs,
        columns=tuple(Column(name=n, role=roles.get(n, "numeric")) for n in inputs.columns),
        targets=y.astype(np.int32 if kind == "multiclass" else np.float32),
        cohort=Cohort(patients=np.arange(rows) // 2),
    )


def fit(dataset: Dataset, rows: np.ndarray) -> dict[str, object]:
    scale = TargetScale.fit(dataset.task, dataset.targets[rows])
    return {b.name: b for b in fit_baselines(dataset, rows, scale, seed=0)}


KINDS: list[tuple[Kind, int]] = [("regression", 1), ("regression", 3), ("count", 1), ("binary", 1)]
KINDS += [("multilabel", 2), ("multiclass", 1)]


@pytest.mark.parametrize(("kind", "targets"), KINDS)
def test_every_kind_of_task_is_predicted_better_than_by_a_constant(kind: Kind, targets: int) -> None:
    dataset = make_table(kind, targets=targets)
    seen, new = np.arange(300), np.arange(300, ROWS)
    inputs, observed = dataset.inputs[new], dataset.targets[new]
    metric = {"regression": "rmse", "count": "poisson_deviance"}.get(kind, "log_loss")
    found = {n: b.predict(inputs) for n, b in fit(dataset, seen).items()}  # type: ignore[attr-defined]
    values = {name: score(dataset.task, observed, p)[metric] for name, p in found.items()}
    assert all(p.shape == (len(new), dataset.task.outputs) and np.isfinite(p).all() for p in found.values())
    assert max(values["linear"], values["trees"]) < 0.9 * values["constant"]
    if dataset.task.is_classification:
        assert all(((p >= 0) & (p <= 1)).all() for p in found.values())
    if kind == "multiclass":
        assert all(np.allclose(p.sum(1), 1) for p in found.values())


@pytest.mark.parametrize("kind", ["regression", "binary"])
def test_columns_that_hardly_any_patient_has_are_no_failure(kind: Kind) -> None:
    """Where the trees leave rows out, such a column may be empty."""
    dataset = make_table(kind)
    rare = {name: pl.when(pl.int_range(pl.len()) < 2).then(pl.col(name)) for name in ("x2", "code", "flag")}
    sparse = Dataset(**{**dataset.__dict__, "inputs": dataset.inputs.with_columns(**rare)})
    for baseline in fit(sparse, np.arange(100)).values():
        assert np.isfinite(baseline.predict(sparse.inputs)).all()  # type: ignore[attr-defined]


@pytest.mark.parametrize(("kind", "targets"), KINDS)
def test_on_disk_is_the_same(kind: Kind, targets: int, tmp_path: Path) -> None:
    dataset = make_table(kind, targets=targets)
    made = list(fit(dataset, np.arange(300)).values())
    save_baselines(tmp_path / "baselines", made)  # type: ignore[arg-type]
    for before, after in zip(made, load_baselines(tmp_path / "baselines"), strict=True):
        assert before.record == after.record  # type: ignore[attr-defined]
        twin = before.predict(dataset.inputs)  # type: ignore[attr-defined]
        np.testing.assert_array_equal(after.predict(dataset.inputs), twin)


def test_other_rows_have_no_part_in_a_fit() -> None:
    dataset = make_table("regression")
    rows = np.arange(0, 300)
    spoilt = dataset.targets.copy()
    spoilt[300:] = 1e6
    other = replace(dataset, targets=spoilt)
    for one, two in zip(fit(dataset, rows).values(), fit(other, rows).values(), strict=True):
        np.testing.assert_array_equal(one.predict(dataset.inputs), two.predict(dataset.inputs))  # type: ignore[attr-defined]


def test_constants_are_mean_and_median() -> None:
    dataset = make_table("regression")
    found = fit(dataset, np.arange(ROWS))
    y = dataset.targets.astype(np.float64)
    assert found["constant"].predict(dataset.inputs)[0] == pytest.approx(y.mean(0))  # type: ignore[attr-defined]
    assert found["constant median"].predict(dataset.inputs)[0] == pytest.approx(np.median(y, 0))  # type: ignore[attr-defined]
    shares = fit(make_table("multiclass"), np.arange(ROWS))["constant"].predict(dataset.inputs)[0]  # type: ignore[attr-defined]
    assert shares == pytest.approx(np.bincount(make_table("multiclass").targets[:, 0]) / ROWS)


def test_skewed_outcome_is_predicted_as_a_mean() -> None:
    draw = np.random.default_rng(0)
    dataset = make_table("regression", rows=2000)
    stays = np.expm1(1.5 + 0.4 * dataset.targets + 0.5 * draw.normal(size=dataset.targets.shape)).clip(0)
    dataset = replace(dataset, targets=stays.astype(np.float32))
    rows = np.arange(1500)
    assert TargetScale.fit(dataset.task, stays[rows]).kind == "log1p"
    for name in ("linear", "trees"):
        said = fit(dataset, rows)[name].predict(dataset.inputs[1500:])  # type: ignore[attr-defined]
        assert said.mean() == pytest.approx(stays[1500:].mean(), rel=0.08)  # a median would be 15 % lower


def test_ridge_equals_its_twin_also_with_more_columns_than_rows() -> None:
    draw = np.random.default_rng(0)
    for rows, columns in ((120, 8), (40, 90)):
        x, y = draw.normal(size=(rows, columns)), draw.normal(size=(rows, 3))
        folds = np.array_split(np.arange(rows), 4)
        found = fit_ridge(x, y, list(folds))
        twin = Ridge(alpha=found.penalty).fit(x, y)
        np.testing.assert_allclose(found.coefficients, twin.coef_.T, atol=1e-8)
        np.testing.assert_allclose(found.intercept, twin.intercept_, atol=1e-8)
        errors = []
        for penalty in RIDGE_PENALTIES:
            models = [Ridge(alpha=penalty).fit(np.delete(x, f, 0), np.delete(y, f, 0)) for f in folds]
            errors.append(sum(((m.predict(x[f]) - y[f]) ** 2).sum() for m, f in zip(models, folds, strict=True)))
        assert found.penalty == RIDGE_PENALTIES[int(np.argmin(errors))]


def test_logistic_equals_its_twin() -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(size=(200, 4))
    y = (draw.random((200, 1)) < 1 / (1 + np.exp(-2 * x[:, :1]))).astype(np.float64)
    task = Task(kind="binary", targets=("y",), classes=("0", "1"))
    found = fit_by_loss(task, x, y, list(np.array_split(np.arange(200), 5)))
    twin = LogisticRegression(C=1 / found.penalty, tol=1e-8).fit(x, y[:, 0])
    np.testing.assert_allclose(found.coefficients[:, 0], twin.coef_[0], atol=1e-2)
    assert LOSS_PENALTIES[-1] < found.penalty < LOSS_PENALTIES[0]


@pytest.mark.parametrize(("levels", "is_sparse"), [((2, 3), False), ((40, 50), True)])
def test_design_has_a_column_a_level(levels: tuple[int, ...], is_sparse: bool) -> None:
    draw = np.random.default_rng(0)
    numbers, flags = draw.normal(size=(30, 2)).astype(np.float32), np.eye(3, dtype=np.float32)[draw.integers(0, 3, 30)]
    codes = np.stack([draw.integers(0, n, 30) for n in levels], axis=1).astype(np.int32)
    twin = np.array(
        [
            [*x, *f, *(float(level == code) for code, n in zip(row, levels, strict=True) for level in range(n))]
            for x, f, row in zip(numbers.tolist(), flags.tolist(), codes.tolist(), strict=True)
        ]
    )
    made = design_matrix(Inputs(numbers, flags, codes), InputShape(2, 3, levels))
    assert sparse.issparse(made) == is_sparse
    np.testing.assert_array_equal(made.toarray() if is_sparse else made, twin)


def test_what_baselines_read_stands_in_memory_once() -> None:
    """A million rows must fit beside the table: nothing is stacked from pieces as large as the result."""
    rows, width = 20_000, 40
    numbers = np.random.default_rng(0).normal(size=(rows, width)).astype(np.float32)
    frame = pl.DataFrame({f"x{i}": numbers[:, i] for i in range(width)})
    inputs = Inputs(numbers, np.zeros((rows, 0), np.float32), np.zeros((rows, 0), np.int32))
    columns = tuple(TreeColumn(column=n, role="numeric") for n in frame.columns)
    for make in (lambda: design_matrix(inputs, InputShape(width, 0)), lambda: tree_inputs(columns, frame)):
        tracemalloc.start()
        made = make()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert made.nbytes < peak < 1.2 * made.nbytes


def test_walk_equals_the_library_with_missing_values_and_levels() -> None:
    dataset = make_table("regression", rows=1500)
    columns = tuple(
        TreeColumn.fit(c, dataset.inputs.get_column(c.name), dataset.cohort.patients) for c in dataset.features
    )
    values = tree_inputs(columns, dataset.inputs)
    strange = values[:300].copy()
    strange[:40, 3] = 29.0  # a level past those that were kept, which training had or not
    strange[40:80] = np.nan
    strange[80:120, :3] *= 1e6
    y = dataset.targets.astype(np.float64)
    fold_data = tree_data(columns, values, [np.arange(300)], seed=0, small=True)
    forest, left_out = fit_forest(dataset.task, fold_data, y)
    count = len(forest["root"])
    by_level = [c.role == "categorical" for c in columns]
    twin = HistGradientBoostingRegressor(
        **{**fold_data.options, "categorical_features": by_level}, max_iter=count, early_stopping=False
    ).fit(values, y[:, 0])
    for rows in (values, strange):
        np.testing.assert_allclose(forest_outputs(forest, rows)[:, 0], twin.predict(rows), atol=1e-9)
    assert (forest["category"] >= 0).any()
    assert (forest["missing_left"] != forest["missing_left"][0]).any()
    assert np.corrcoef(left_out[:, 0], y[:300, 0])[0, 1] > 0.8


def test_unseen_levels_missing_and_absent_columns_are_predicted() -> None:
    dataset = make_table("binary")
    new = dataset.inputs.with_columns(code=pl.lit("never seen"), x0=None).drop("x1", "flag")
    for baseline in fit(dataset, np.arange(300)).values():
        assert np.isfinite(baseline.predict(new)).all()  # type: ignore[attr-defined]


@pytest.mark.parametrize(("kind", "targets"), KINDS)
def test_one_outcome_in_the_training_rows_is_no_failure(kind: Kind, targets: int) -> None:
    dataset = make_table(kind, targets=targets)
    same = dataset.targets.copy()
    same[:300, 0] = same[0, 0]
    dataset = replace(dataset, targets=same)
    for baseline in fit(dataset, np.arange(300)).values():
        said = baseline.predict(dataset.inputs)  # type: ignore[attr-defined]
        expected = said[:, int(same[0, 0])] if kind == "multiclass" else said[:, 0]
        assert expected == pytest.approx(1.0 if kind == "multiclass" else float(same[0, 0]), abs=0.02)


def test_class_that_only_other_rows_have_gets_next_to_nothing() -> None:
    dataset = make_table("multiclass")
    rows = np.flatnonzero(dataset.targets[:, 0] != 1)
    for baseline in fit(dataset, rows).values():
        said = baseline.predict(dataset.inputs[rows])  # type: ignore[attr-defined]
        assert said[:, 1].max() < 1e-3
        assert score(dataset.task, dataset.targets[rows], said)["accuracy"] > 0.4


def test_folds_part_patients_not_rows() -> None:
    patients = np.random.default_rng(0).integers(0, 60, 200)
    folds = patient_folds(patients, np.random.default_rng(1).random((200, 1)), seed=0)
    assert len(folds) == FOLDS
    assert sorted(np.concatenate(folds)) == list(range(200))
    owners = [set(patients[f]) for f in folds]
    assert sum(map(len, owners)) == len(set(patients))
    many = patient_folds(np.arange(LARGE_ROWS + 5), np.zeros((LARGE_ROWS + 5, 1)), seed=0)
    assert [len(f) for f in many] == [(LARGE_ROWS + 5) // FOLDS]


def test_the_one_fold_of_a_large_table_keeps_its_outcomes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are put in another order so that nothing is copied; outcomes must go with them."""
    monkeypatch.setattr("rounds.baselines.fit.LARGE_ROWS", 100)
    dataset = make_table("regression", rows=900)
    new = np.arange(700, 900)
    for name in ("linear", "trees"):
        says = fit(dataset, np.arange(700))[name].predict(dataset.inputs[new])  # type: ignore[attr-defined]
        assert np.corrcoef(says[:, 0], dataset.targets[new, 0])[0, 1] > 0.7


def test_thousands_of_targets_leave_trees_out_and_say_so() -> None:
    dataset = make_table("regression", rows=120, targets=40)
    assert set(fit(dataset, np.arange(100))) == {"constant", "constant median", "linear"}
    assert skipped_baselines(dataset) == {"trees": "grown one target at a time, and 40 targets would take hours"}
    assert skipped_baselines(make_table("regression")) == {}


def test_many_columns_of_several_targets_leave_trees_out_too(monkeypatch: pytest.MonkeyPatch) -> None:
    several = make_table("regression", rows=120, targets=3)
    monkeypatch.setattr("rounds.baselines.fit.MOST_TO_GROW", 3 * len(several.features) - 1)
    assert "3 targets would take hours" in skipped_baselines(several)["trees"]
    assert skipped_baselines(make_table("regression", rows=900)) == {}, "a single target is grown however long it takes"


def with_score(dataset: Dataset, column: np.ndarray) -> Dataset:
    return replace(dataset, cohort=replace(dataset.cohort, baseline=column, baseline_name="SAPS"))


def test_score_in_use_keeps_its_order_and_gets_probabilities() -> None:
    dataset = make_table("binary")
    points = np.nan_to_num(dataset.inputs["x0"].fill_null(0).to_numpy()).round(1) * 10 + 40
    dataset = with_score(dataset, np.where(np.arange(ROWS) % 50 == 0, np.nan, points))
    rows = np.arange(300)
    baseline = fit(dataset, rows)["SAPS, recalibrated"]
    said = baseline.predict(judged_inputs(dataset, rows))  # type: ignore[attr-defined]
    plain = np.where(
        np.isnan(dataset.cohort.baseline[rows]),
        np.nanmedian(dataset.cohort.baseline[rows]),
        dataset.cohort.baseline[rows],
    )
    found = score(dataset.task, dataset.targets[rows], said)
    assert found["auroc"] == pytest.approx(score(dataset.task, dataset.targets[rows], plain[:, None])["auroc"])
    assert (found["calibration_slope"], found["calibration_intercept"]) == pytest.approx((1.0, 0.0), abs=1e-3)
    assert "missing scores taken as the median" in baseline.note  # type: ignore[attr-defined]


def test_score_in_use_for_numbers_stands_as_it_is_and_on_its_line() -> None:
    dataset = make_table("regression")
    dataset = with_score(dataset, 3.0 - 2.0 * dataset.targets[:, 0].astype(np.float64))
    found = fit(dataset, np.arange(300))
    inputs = judged_inputs(dataset, np.arange(300, ROWS))
    assert found["SAPS"].predict(inputs)[:, 0] == pytest.approx(dataset.cohort.baseline[300:])  # type: ignore[attr-defined]
    straight = found["SAPS, recalibrated"]
    assert straight.predict(inputs) == pytest.approx(dataset.targets[300:], abs=1e-5)  # type: ignore[attr-defined]
    assert "its order is turned round" in straight.note  # type: ignore[attr-defined]


def test_score_of_one_value_or_none_is_no_failure() -> None:
    dataset = make_table("count")
    flat = with_score(dataset, np.full(ROWS, 7.0))
    said = fit(flat, np.arange(ROWS))["SAPS, recalibrated"].predict(judged_inputs(flat, np.arange(ROWS)))  # type: ignore[attr-defined]
    assert said == pytest.approx(dataset.targets.mean(), rel=1e-6)
    assert "SAPS" not in str(fit(with_score(dataset, np.full(ROWS, np.nan)), np.arange(ROWS)))
    several = with_score(make_table("multiclass"), np.ones(ROWS))
    assert skipped_baselines(several) == {"SAPS": "one score cannot stand for several outputs"}


def test_score_that_is_not_in_the_table_is_asked_for() -> None:
    dataset = with_score(make_table("binary"), np.arange(ROWS) * 1.0)
    baseline = fit(dataset, np.arange(300))["SAPS, recalibrated"]
    with pytest.raises(
        DataError, match=r"Table must be one with column SAPS, got columns=.*Add the score in use today"
    ):
        baseline.predict(dataset.inputs)  # type: ignore[attr-defined]


@pytest.mark.parametrize("damage", ["arrays", "records", "gone"])
def test_damaged_folder_is_refused(damage: str, tmp_path: Path) -> None:
    folder = tmp_path / "baselines"
    save_baselines(folder, list(fit(make_table("binary"), np.arange(100)).values()))  # type: ignore[arg-type]
    file = folder / ("baselines.safetensors" if damage == "arrays" else "baselines.json")
    file.write_bytes(file.read_bytes()[:-9]) if damage != "gone" else file.unlink()
    with pytest.raises(RunFolderError, match=r"Baselines must be whole, got folder='.*'.*Copy the folder again"):
        load_baselines(folder)


def test_saved_baselines_predict_without_scikit_learn(tmp_path: Path) -> None:
    dataset = make_table("binary")
    save_baselines(tmp_path / "b", list(fit(dataset, np.arange(300)).values()))  # type: ignore[arg-type]
    dataset.inputs.write_parquet(tmp_path / "new.parquet")
    code = "import sys, polars as pl; from pathlib import Path\n"
    code += "from rounds.baselines.folder import load_baselines\n"
    code += "inputs = pl.read_parquet(sys.argv[1] + '/new.parquet')\n"
    code += "for b in load_baselines(Path(sys.argv[1]) / 'b'): print(b.name, b.predict(inputs).shape)\n"
    code += "assert not {'sklearn', 'scipy', 'jax', 'keras'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "trees (400, 1)" in done.stdout
