"""A table of stays and their vital signs, from the command line to predictions for a second hospital."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

LEARNED, JUDGED = 60, 30


def write_hospital(folder: Path, name: str, first: int, stays: int, seed: int) -> None:
    """Deaths follow a rising heart rate; the lab value is measured now and then, and says nothing."""
    random = np.random.default_rng(seed)
    ids, slopes = np.arange(first, first + stays), random.normal(size=stays)
    age = random.integers(20, 90, stays)
    table = pl.DataFrame({"stay": ids, "age": age, "death": (slopes + random.normal(0, 0.3, stays) > 0).astype(int)})
    table.write_csv(folder / f"{name}.csv")
    rows = [
        {"stay": int(i), "hour": float(h), "parameter": v, "value": float(value)}
        for i, slope in zip(ids, slopes, strict=True)
        for h in range(10)
        for v, value in (("HR", 80 + 4 * slope * h + random.normal()), ("Lactate", random.normal(2, 1)))
        if v == "HR" or random.random() < 0.3
    ]
    pl.DataFrame(rows).write_parquet(folder / f"{name}.parquet")


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hospital")
    write_hospital(folder, "a", 0, LEARNED, 0)
    write_hospital(folder, "b", 1000, JUDGED, 1)
    return folder


def words(hospital: Path, *more: object) -> list[object]:
    data = [hospital / "a.csv", "--sequences", hospital / "a.parquet", "--key", "stay", "--target", "death"]
    test = ["--test", hospital / "b.csv", "--test-sequences", hospital / "b.parquet"]
    return [*data, *test, "--set", "folds=2", "--rounds", 0, "--quiet", *more]


@pytest.fixture(scope="module")
def run(hospital: Path, command: Callable[..., Any]) -> Path:
    out = hospital / "run"
    ended = command(
        "train", *words(hospital, "--set", "epochs=14", "--set", "batch_size=8", "--set", "mask_span=0.1", "--out", out)
    )
    assert ended.status == 0, ended.err
    return out


def test_networks_of_steps_and_of_features_by_hand_are_averaged(run: Path) -> None:
    plan = json.loads((run / "plan.json").read_text())
    networks = [json.loads(p.read_text()) for p in (run / "model").glob("network_*.json")]
    kinds = {n["kind"]: n for n in networks}
    assert plan["network"] == "recurrent"
    assert set(kinds) == {"recurrent", "dense"}
    assert kinds["recurrent"]["numbers"] == 1
    assert kinds["recurrent"]["array"] == [10, 5]
    assert kinds["dense"]["array"] == []
    assert kinds["dense"]["numbers"] > 12


def test_features_by_hand_beside_the_steps(hospital: Path, command: Callable[..., Any]) -> None:
    out = hospital / "beside"
    chosen = ["--set", "network=recurrent", "--set", "hand_features=true", "--set", "recurrent=3", "--set", "epochs=2"]
    ended = command("train", *words(hospital, *chosen, "--out", out))
    assert ended.status == 0, ended.err
    networks = [json.loads(p.read_text()) for p in (out / "model").glob("network_*.json")]
    assert {n["kind"] for n in networks} == {"recurrent"}
    assert all(n["array"] == [10, 5] and n["numbers"] > 12 for n in networks)
    predicted = command(
        "predict", out, hospital / "b.csv", "--sequences", hospital / "b.parquet", "--out", hospital / "beside.csv"
    )
    judged = pl.read_parquet(out / "predictions.parquet").filter(pl.col("split") == "test").sort("row")
    assert predicted.status == 0, predicted.err
    np.testing.assert_allclose(pl.read_csv(hospital / "beside.csv")["probability"], judged["network"], atol=1e-9)


def test_predictions_rest_on_the_heart_rate(run: Path) -> None:
    made = json.loads((run / "evidence.json").read_text())["importance"]
    columns = {one["name"]: one for one in made["columns"]}
    assert set(columns) == {"age", "HR", "Lactate"}
    assert made["columns"][0]["name"] == "HR"
    assert columns["HR"]["low"] > 0
    assert abs(columns["age"]["value"]) < columns["HR"]["value"] / 4
    assert [one["name"] for one in made["spans"]][::7] == ["hour 0 to 2", "hour 9 to 10"]
    assert made["rows"] == LEARNED


def test_the_second_hospital_judges(run: Path) -> None:
    record = json.loads((run / "metrics.json").read_text())
    assert record["test_kind"] == "given"
    assert record["rows"]["test"] == JUDGED
    assert record["test"]["auroc"]["value"] > 0.9
    assert set(record["baselines"]) == {"constant", "linear", "trees"}
    described = json.loads((run / "dataset.json").read_text())
    assert any("2 variables in 10 steps of 1 (hour)" in note for note in described["notes"])


def test_predictions_are_those_of_the_judged_rows(run: Path, hospital: Path, command: Callable[..., Any]) -> None:
    out = hospital / "predicted.csv"
    ended = command("predict", run, hospital / "b.csv", "--sequences", hospital / "b.parquet", "--out", out)
    assert ended.status == 0, ended.err
    judged = pl.read_parquet(run / "predictions.parquet").filter(pl.col("split") == "test").sort("row")
    predicted = pl.read_csv(out)
    assert predicted["stay"].to_list() == list(range(1000, 1000 + JUDGED))
    np.testing.assert_allclose(predicted["probability"], judged["network"], atol=1e-9)


def test_unknown_variables_of_new_subjects_are_counted(run: Path, hospital: Path, command: Callable[..., Any]) -> None:
    strange = pl.read_parquet(hospital / "b.parquet").with_columns(
        parameter=pl.col("parameter").replace({"Lactate": "Lactat"})
    )
    strange.write_parquet(hospital / "strange.parquet")
    ended = command("predict", run, hospital / "b.csv", "--sequences", hospital / "strange.parquet")
    assert ended.status == 0, ended.err
    count = strange.filter(pl.col("parameter") == "Lactat").height
    assert f"{count:,} measurements of 1 variables that are unknown or too rare: left out" in ended.err


def test_new_outcomes_are_scored(run: Path, hospital: Path, command: Callable[..., Any]) -> None:
    ended = command("evaluate", run, hospital / "b.csv", "--sequences", hospital / "b.parquet", "--json")
    assert ended.status == 0, ended.err
    record = json.loads(ended.out)
    assert record["metrics"]["auroc"]["value"] == pytest.approx(record["before"]["auroc"]["value"])


def test_what_each_column_is_taken_for(hospital: Path, command: Callable[..., Any]) -> None:
    ended = command("data", hospital / "a.csv", "--sequences", hospital / "a.parquet", "--key", "stay", "--json")
    assert ended.status == 0, ended.err
    roles = {c["column"]: c["role"] for c in json.loads(ended.out)["columns"]}
    assert roles["stay"] == "identifier"
    assert roles["HR slope"] == "numeric"


@pytest.mark.parametrize(
    ("left_out", "text"),
    [
        (("--sequences",), "--key must be given beside --sequences"),
        (("--key",), "Key must be named beside --sequences"),
        (("--test-sequences",), "Test sequences must be given beside --test"),
    ],
)
def test_options_that_belong_together(
    left_out: tuple[str, ...], text: str, hospital: Path, command: Callable[..., Any]
) -> None:
    given = words(hospital)
    for option in left_out:
        place = given.index(option)
        given = given[:place] + given[place + 2 :]
    ended = command("train", *given, "--out", hospital / "refused")
    assert ended.status == 2
    assert ended.err.startswith(text)
    assert not (hospital / "refused").exists()


def test_a_model_of_recordings_wants_recordings(run: Path, hospital: Path, command: Callable[..., Any]) -> None:
    ended = command("predict", run, hospital / "b.csv")
    assert ended.status == 2
    assert ended.err.startswith("Recordings must be given beside DATA, got sequences=None. Give the recordings of")


@pytest.mark.parametrize("kind", ["onnx", "keras"])
def test_recurrent_networks_are_exported(kind: str, run: Path, command: Callable[..., Any]) -> None:
    ended = command("export", run, "--format", kind)
    assert ended.status == 0, ended.err
    assert (run / f"model.{kind}").exists()


def test_signals_in_one_file_need_no_target(tmp_path: Path, command: Callable[..., Any]) -> None:
    random = np.random.default_rng(0)
    beats = {}
    for part, rows in (("train", 60), ("test", 30)):
        y = random.integers(0, 2, rows)
        waves = np.sin(np.linspace(0, 6, 20)) * (1 + 0.2 * y[:, None])
        beats |= {f"{part}_x": waves + random.normal(0, 0.3, waves.shape), f"{part}_y": y}
    np.savez(tmp_path / "beats.npz", **beats)
    ended = command(
        "train",
        tmp_path / "beats.npz",
        "--rounds",
        0,
        "--set",
        "epochs=1",
        "--members",
        1,
        "--quiet",
        "--out",
        tmp_path / "run",
    )
    assert ended.status == 0, ended.err
    record = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert record["rows"]["test"] == 30
    assert 0 <= record["test"]["auroc"]["value"] <= 1
