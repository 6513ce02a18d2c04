"""No file of a run folder tells a patient: canaries of each kind are planted in a table and searched in every file."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import load_file

from rounds.errors import RunFolderError
from rounds.report.page import write_report
from rounds.run_folder.privacy import STRIPPED, holdings, strip

ROWS = 240
Command = Callable[..., tuple[int, str, str]]
# What is planted: a patient's number, a level of nine patients, one of one patient with twenty rows, the extremes of
# numbers, a name and an e-mail address among many, a free text, and the last day of a row.
CANARIES = {
    "patient": "PATIENT-4711",
    "few": "nine of them",
    "often": "twenty rows",
    "age": "104.25",
    "lab": "-77.125",
    "name": "Kanarienvogel",
    "email": "canary@example.org",
    "text": "heard a canary sing",
    "day": "2031-12-24",
}


def table() -> pl.DataFrame:
    random = np.random.default_rng(0)
    patients = [f"PATIENT-{4500 + i // 2}" for i in range(ROWS)]
    patients[200:220] = ["PATIENT-4711"] * 20
    age, lab = random.normal(60, 10, ROWS).round(0), random.normal(0, 5, ROWS).round(1)
    age[3], lab[4] = 104.25, -77.125
    levels = random.choice(["I10", "E11", "J44"], ROWS).astype(object)
    levels[0:18] = "nine of them"
    levels[200:220] = "twenty rows"
    days = [f"2030-{1 + i % 12:02d}-{1 + i % 28:02d}" for i in range(ROWS)]
    days[7] = "2031-12-24"
    return pl.DataFrame(
        {
            "patient": patients,
            "age": age,
            "lab": lab,
            "diagnosis": levels.tolist(),
            "relative": [
                f"{'Anna' if i % 3 else 'Karl'} {'Kanarienvogel' if i == 9 else f'Meier{i}'}" for i in range(ROWS)
            ],
            "email": [f"p{i}@example.org" if i != 5 else "canary@example.org" for i in range(ROWS)],
            "note": [
                f"came on foot, number {i}, and went home after tea"
                if i
                else "heard a canary sing in the garden at night"
                for i in range(ROWS)
            ],
            "day": days,
            "died": (0.2 * lab + random.normal(size=ROWS) > 0).astype(int),
        }
    )


def texts(folder: Path) -> Iterator[tuple[str, str]]:
    """Every file of a folder as text: tables as CSV, arrays as numbers."""
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = str(path.relative_to(folder))
        if path.suffix == ".parquet":
            yield name, pl.read_parquet(path).write_csv()
        elif path.suffix == ".safetensors":
            yield name, " ".join(str(v) for array in load_file(path).values() for v in np.unique(array).tolist())
        yield name, path.read_bytes().decode("utf-8", "replace")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, command: Command) -> Path:
    place = tmp_path_factory.mktemp("canaries")
    table().write_csv(place / "stays.csv")
    options = ("--target", "died", "--group", "patient", "--time", "day", "--subgroup", "diagnosis", "--members", "4")
    plan = ("--set", "epochs=2", "--set", "hidden=8", "--set", "folds=2", "--rounds", "0", "--quiet")
    allowed = ("--allow", "names-of-people")
    status, _, error = command("train", place / "stays.csv", *options, *plan, *allowed, "--out", place / "run")
    assert status == 0, error
    return place / "run"


@pytest.mark.parametrize("kind", CANARIES)
def test_no_file_of_a_finished_run_holds_a_canary(run: Path, kind: str) -> None:
    pattern = re.compile(rf"(?<![\d.]){re.escape(CANARIES[kind])}(?!\d)")
    assert [name for name, text in texts(run) if pattern.search(text)] == []


def test_what_is_left_of_patients_is_said_and_removed(run: Path, command: Command, tmp_path: Path) -> None:
    assert {held.file for held in holdings(run)} == {"predictions.parquet", "seen.parquet"}
    status, told, _ = command("privacy", run, "--json")
    assert status == 0
    assert [held["file"] for held in json.loads(told)["held"]] == ["predictions.parquet", "seen.parquet"]
    strip(run)
    assert holdings(run) == []
    assert json.loads((run / STRIPPED).read_text())["removed"] == ["predictions.parquet", "seen.parquet"]
    status, told, _ = command("privacy", run)
    assert "Nothing in it is of a single patient." in told
    status, _, error = command("predict", run, run.parent / "stays.csv", "--out", tmp_path / "p.csv", "--quiet")
    assert status == 0, error
    with pytest.raises(RunFolderError, match=r"predictions.parquet must be there, got .* \(removed by rounds privacy"):
        write_report(run)
