"""Bad luck and bad input: the loop ends in a model that can be used, and says truly what happened."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from rounds.data.choices import Choices
from rounds.data.dataset import Dataset
from rounds.data.loading import load
from rounds.data.splitting import split_dataset
from rounds.errors import RunFolderError
from rounds.examination.finding import Answer, Examination, Finding, Verdict
from rounds.examination.sources.source import examine_source
from rounds.job.request import Request
from rounds.job.result import Result
from rounds.job.train import improve
from rounds.plan import Plan
from rounds.prescription import loop as loop
from rounds.prescription.loop import Circumstances, Loop, look, refit, treat
from rounds.prescription.remedies.prescribe import remedies_by_finding
from rounds.prescription.remedies.remedy import Remedy
from rounds.prescription.trial.fewer_patients import REMEDY as ASKED
from rounds.prescription.trial.refit import REMEDY as REFIT
from rounds.training import pool
from rounds.training.population.build import make_population, train_to_end
from rounds.training.population.fold_data import make_folds_data
from tests.generators import end_of

TINY: dict[str, Any] = {"hidden": (4,), "epochs": 4, "batch_size": 32, "learning_rate": 0.01, "dropout": 0.0}
UNSURE = Answer("unknown", "")


def said(*alarms: str) -> Examination:
    findings = tuple(Finding("training", code, code, "warning", "") for code in alarms)
    return Examination(findings, (), Verdict(UNSURE, UNSURE, UNSURE))


def entries(folder: Path) -> list[dict[str, Any]]:
    return list(json.loads((folder / "prescriptions.json").read_text(encoding="utf-8")))


def patients(rows: int, columns: int, noise: float) -> pl.DataFrame:
    random = np.random.default_rng(3)
    x = random.normal(size=(rows, columns))
    y = x @ random.normal(size=columns) / np.sqrt(columns) + noise * random.normal(size=rows)
    return pl.DataFrame({**{f"x{i}": x[:, i] for i in range(columns)}, "y": y})


def test_a_population_that_diverged_to_the_last_member_is_mended(
    treat: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dose = Remedy("a rate that can be used", lambda plan: [{"learning_rate": 0.03}], "losses fall", {})
    for code in remedies_by_finding():
        monkeypatch.setitem(remedies_by_finding(), code, (dose,))
    faulty = {"hidden": (8,), "epochs": 6, "batch_size": 32, "folds": 4, "learning_rate": 1e30, "optimizer": "sgd"}
    made = treat(tmp_path / "run", changes=faulty)
    members = pl.read_parquet(made.folder / "members.parquet")
    assert members.filter(pl.col("round") == 0)["outcome"].unique().to_list() == ["diverged"]
    (entry,) = entries(made.folder)
    assert entry["verdict"] == "kept"
    assert entry["effect"]["low"] > 0
    assert made.record["test"]["rmse"]["value"] < made.record["baselines"]["constant"]["rmse"]["value"]


def test_a_disk_that_fills_in_round_two_leaves_what_round_one_kept(
    treat: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(loop, "examine_run", lambda run: said("unstable"))
    monkeypatch.setattr(loop, "against_oddities", lambda *words: [])
    changes = Remedy("one after the other", lambda plan: [{"learning_rate": 0.03}, {"l2": 0.01}], "", {})
    first_only = Remedy("first", lambda plan: changes.doses(plan)[:1] if plan.learning_rate == 10.0 else [], "", {})
    second = Remedy("second", lambda plan: changes.doses(plan)[1:] if plan.learning_rate != 10.0 else [], "", {})
    monkeypatch.setitem(remedies_by_finding(), "unstable", (first_only, second))
    written = pool.save_checkpoint

    def full(path: Path, at: Any) -> None:
        if "round_2" in str(path):
            raise RunFolderError("Place to write must be a folder that can be written (no space left on device).")
        written(path, at)

    monkeypatch.setattr(pool, "save_checkpoint", full)
    made = treat(tmp_path / "run", rounds=2)
    kept, lost = entries(made.folder)
    assert (kept["verdict"], kept["change"]["learning_rate"]) == ("kept", [10.0, 0.03])
    assert (lost["round"], lost["verdict"], lost["effect"]) == (2, "dropped", None)
    assert "no space left on device" in lost["reason"]
    assert made.record["rounds"]["ended"].startswith("round 2 was broken off")
    assert made.record["test"]["rmse"]["value"] < 0.75 * made.record["baselines"]["constant"]["rmse"]["value"]


def test_forty_patients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Judging folds, a round, and a report: what is claimed says of how few patients."""
    monkeypatch.setattr(loop, "examine_run", lambda run: said("not-shuffled"))
    data = load(patients(40, 3, 0.5), Choices(targets=("y",), group="none"))
    plan = {**TINY, "epochs": 2, "folds": 3, "shuffle": False}
    made = improve(data, plan, Request(out=tmp_path / "run", rounds=1, members=3))
    assert made.predict(data.inputs[:4]).shape == (4, 1)
    assert made.record["rows"]["test"] == 40
    (tried,) = entries(made.folder)
    if tried["verdict"] == "kept":
        found = json.loads((made.folder / "findings.json").read_text(encoding="utf-8"))["findings"]
        assert "not-shuffled" not in {f["code"] for f in found}, "the plan of before is not looked at again"
        again = [f.code for f in examine_source(made.folder).findings]
        assert again == [f["code"] for f in found], "by the command neither"
    assert tried["verdict"] == ("kept" if tried["effect"]["low"] > 0 else "dropped")
    assert made.write_report().stat().st_size > 10_000


def test_a_limit_of_time_ends_the_rounds_and_not_the_run(tmp_path: Path) -> None:
    data = load(patients(200, 4, 0.3), Choices(targets=("y",), group="none"), test=patients(60, 4, 0.3))
    request = Request(out=tmp_path / "run", rounds=2, minutes=1 / 60)
    made = improve(data, {**TINY, "epochs": 100_000, "folds": 2, "learning_rate": 1e-7}, request)
    assert made.record["rounds"]["ended"] == "the time is spent"
    assert entries(made.folder) == []
    assert np.isfinite(made.predict(data.inputs[:4])).all()


def stayed(data: Dataset, plan: Plan, folder: Path) -> Loop:
    """A stay in which nothing alarms, so that only more patients are asked for, and then the refit."""
    split = split_dataset(data, 3)
    given = Circumstances(data, split, 18, 1, np.inf, folder)
    population = make_population([plan], data.task, make_folds_data(data, split), 18)
    found = Loop((end_of(train_to_end(population, folder)),))
    found, this_round = look(given, found, 1)
    assert this_round is not None
    found = end_of(treat(given, found, this_round))
    made = end_of(refit(given, found))
    assert isinstance(made, Loop)
    return made


def test_where_every_patient_counts_validation_patients_are_learned_from(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Forty columns and 120 patients: a fold more to learn from is worth much, and the trial says so."""
    monkeypatch.setattr(loop, "examine_run", lambda run: said())
    table = patients(180, 40, 0.1)
    data = load(table[:120], Choices(targets=("y",), group="none"), test=table[120:])
    made = stayed(data, Plan(**{**TINY, "network": "linear", "hidden": (), "epochs": 40}), tmp_path)
    asked, tried = made.entries
    assert (asked.remedy, tried.remedy, tried.verdict) == (ASKED, REFIT, "kept")
    assert asked.effect.low > 0
    assert tried.effect.low > 0
    assert made.refitted is not None
    learned = made.refitted.population.folds_data[0]
    assert all(len(rows.train) == len(learned.learned) for rows in learned.folds.values())


def test_where_half_of_the_patients_do_nobody_asks_for_a_refit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ward_data: Dataset
) -> None:
    monkeypatch.setattr(loop, "examine_run", lambda run: said())
    made = stayed(ward_data, Plan(**{**TINY, "epochs": 6, "learning_rate": 0.03}), tmp_path)
    assert [e.remedy for e in made.entries] == [ASKED]
    assert made.entries[0].effect.low <= 0
    assert made.refitted is None
