"""A run folder holds whole files or none, goes on only with the data it was begun with, and is read back unharmed."""

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import rounds
from rounds.data.choices import Choices
from rounds.data.loading import load
from rounds.job.request import Request
from rounds.job.result import Result
from rounds.job.stages import stages
from rounds.training.result.progress import Stage

N = 90
Command = Callable[..., tuple[int, str, str]]
TINY = ("--set", "epochs=2", "--set", "hidden=8", "--members", "1", "--rounds", "0", "--quiet")
CHANGES = {"epochs": 2, "hidden": 8, "seed": 0}
RECORDS = {"plan.json", "dataset.json", "findings.json", "prescriptions.json", "metrics.json"}
TABLES = {"curves.parquet", "members.parquet", "measures.parquet", "predictions.parquet"}


def patients() -> pl.DataFrame:
    random = np.random.default_rng(0)
    age = random.integers(18, 95, N)
    return pl.DataFrame(
        {
            "patient": [f"{i // 2:05d}" for i in range(N)],
            "age": age,
            "sex": random.choice(["F", "M"], N),
            "icd": random.choice(["250.10", "250.1", "V57"], N),
            "bmi": random.normal(27, 4, N).round(1),
            "weight": random.normal(70, 9, N).round(1),
            "los": (age / 10 + random.normal(0, 1, N)).round(2),
        }
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    patients().write_csv(folder / "stays.csv")
    return folder


@pytest.fixture(scope="module")
def interrupted(place: Path) -> Path:
    """A run that was stopped when everything was trained and nothing was judged."""
    dataset = load(place / "stays.csv", Choices(targets=("los",), group="patient"))
    request = Request(changes=CHANGES, members=1, out=str(place / "interrupted" / "run"), rounds=0)
    for event in stages(dataset, request):
        if isinstance(event, Stage) and event.name == "judging":
            break
    return place / "interrupted" / "run"


@pytest.fixture
def begun(interrupted: Path, tmp_path: Path) -> Path:
    """A copy of the interrupted run, to do anything with."""
    return Path(shutil.copytree(interrupted, tmp_path / "run"))


@pytest.fixture(scope="module")
def finished(interrupted: Path, place: Path, command: Command) -> Path:
    """The run, finished by --resume."""
    run = Path(shutil.copytree(interrupted, place / "finished" / "run"))
    assert go_on(command, place, run) == (0, "", "")
    return run


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "run"))


def go_on(command: Command, place: Path, run: Path, *words: object) -> tuple[int, str, str]:
    default = ("--target", "los", "--group", "patient")
    return command("train", place / "stays.csv", *default, *TINY, *words, "--out", run, "--resume")


def contents(run: Path) -> dict[str, bytes]:
    return {str(p.relative_to(run)): p.read_bytes() for p in sorted(run.rglob("*")) if p.is_file()}


def read_all(run: Path) -> None:
    """Every file can be read, and none was left half-way."""
    for path in run.rglob("*"):
        assert ".part" not in path.name
        if path.suffix == ".json":
            json.loads(path.read_text(encoding="utf-8"))
        if path.suffix == ".parquet" and "checkpoints" not in path.parts:
            pl.read_parquet(path)


def test_folder_is_complete(finished: Path) -> None:
    names = {p.name for p in finished.iterdir()}
    assert names >= {*RECORDS, *TABLES, "model", "baselines", "report.html"}
    assert "checkpoints" not in names
    read_all(finished)


def test_dataset_record_says_what_was_done(finished: Path) -> None:
    said = json.loads((finished / "dataset.json").read_text())
    assert said["content_hash"] == load(patients(), Choices(targets=("los",), group="patient")).provenance.content_hash
    assert (said["rows"], said["patients"], said["group"]) == (N, N // 2, "patient")
    assert said["split"]["seed"] == 0
    assert said["prediction_moment"] is None
    assert {c["name"]: c["role"] for c in said["columns"]}["patient"] == "group"


def test_other_files_hold_no_patient(finished: Path) -> None:
    """Codes of patients stay out of everything but what is needed to predict."""
    for name in ("metrics.json", "findings.json", "dataset.json", "plan.json", "report.html"):
        assert b"00017" not in (finished / name).read_bytes()


def test_going_on_with_a_finished_run_changes_nothing(run: Path, place: Path, command: Command) -> None:
    before = contents(run)
    assert go_on(command, place, run)[0] == 0
    assert {n: c for n, c in contents(run).items() if n != "report.html"} == {
        n: c for n, c in before.items() if n != "report.html"
    }


def test_going_on_without_a_folder_takes_the_last_of_that_name(
    interrupted: Path, place: Path, tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [Path(shutil.copytree(interrupted, tmp_path / "runs" / name)) for name in ("stays-los", "stays-los-2")]
    monkeypatch.chdir(tmp_path)
    words = ("train", place / "stays.csv", "--target", "los", "--group", "patient", *TINY, "--resume")
    assert command(*words) == (0, "", "")
    assert [(run / "metrics.json").exists() for run in runs] == [False, True]
    assert len(list((tmp_path / "runs").glob("stays*"))) == 2


@pytest.mark.parametrize(
    ("words", "what", "differs"),
    [
        (("--seed", "3"), "Plan", "seed (0 then, 3 now)"),
        (("--rounds", "1"), "Rounds", "rounds (0 then, 1 now)"),
        (("--drop", "age"), "Columns", "column age (numeric then, dropped now)"),
    ],
)
def test_a_finished_run_is_no_answer_to_another_request(
    run: Path, place: Path, command: Command, words: tuple[str, str], what: str, differs: str
) -> None:
    before = contents(run)
    status, out, err = go_on(command, place, run, *words)
    assert (status, out) == (2, "")
    assert f"{what} must be as when the run was begun, got out=" in err
    assert f"It differs in {differs}." in err
    assert contents(run) == before


def test_a_run_is_not_overwritten(run: Path, place: Path, command: Command) -> None:
    before = contents(run)
    ended = command("train", place / "stays.csv", "--target", "los", "--group", "patient", *TINY, "--out", run)
    assert ended[0] == 2
    assert "out must be a folder without a run, got out=" in ended[2]
    assert contents(run) == before


OTHERS = {
    "target": (["--target", "bmi"], "Outcome"),
    "group": (["--group", "none"], "Patients"),
    "roles": (["--as", "icd=text"], "Columns"),
    "dropped": (["--drop", "bmi"], "Columns"),
    "split": (["--split-seed", "5"], "Split"),
    "plan": (["--set", "epochs=3"], "Plan"),
    "seed": (["--seed", "3"], "Plan"),
    "cohort": (["--where", "age > 30"], "Table"),
}


@pytest.mark.parametrize("what", OTHERS)
def test_going_on_with_something_else_is_refused(begun: Path, place: Path, command: Command, what: str) -> None:
    words, named = OTHERS[what]
    before = contents(begun)
    target = [] if "--target" in words else ["--target", "los"]
    group = [] if "--group" in words else ["--group", "patient"]
    ended = command("train", place / "stays.csv", *target, *group, *TINY, *words, "--out", begun, "--resume")
    assert ended[0] == 2
    assert ended[2].startswith(f"{named} must be ")
    assert ended[2].count("\n") == 1
    assert contents(begun) == before


def test_going_on_with_another_table_is_refused(begun: Path, tmp_path: Path, command: Command) -> None:
    before = contents(begun)
    other = tmp_path / "other"
    other.mkdir()
    patients().with_columns(
        pl.when(pl.col("age") == 30).then(31).otherwise("age").alias("age"), los=pl.col("los") + 1
    ).write_csv(other / "stays.csv")
    ended = go_on(command, other, begun)
    assert ended[0] == 2
    assert "Table must be that of the run (" in ended[2]
    assert "Give the table that the run was begun with, or choose another folder with --out." in ended[2]
    assert contents(begun) == before


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe"])
def test_going_on_with_a_damaged_record_is_refused(begun: Path, place: Path, command: Command, content: bytes) -> None:
    (begun / "dataset.json").write_bytes(content)
    before = contents(begun)
    ended = go_on(command, place, begun)
    assert ended[0] == 2
    assert "dataset.json must be readable" in ended[2]
    assert contents(begun) == before


@pytest.mark.parametrize("call", [1, 4, 9, 16])
def test_a_disk_that_fills_up_leaves_whole_files(
    begun: Path, place: Path, command: Command, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    """The run says so in one line, and goes on from there once there is space again."""
    left = [call]
    fsync = os.fsync

    def filling(handle: int) -> None:
        left[0] -= 1
        if left[0] <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(handle)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", filling)
        ended = go_on(command, place, begun)
    assert ended[0] in (1, 2)
    assert ended[2].count("\n") == 1
    assert "No space left on device" in ended[2]
    read_all(begun)
    assert not (begun / "metrics.json").exists()


def test_resumed_run_is_the_whole_run(finished: Path, begun: Path, place: Path, command: Command) -> None:
    assert go_on(command, place, begun)[0] == 0
    for name in ("predictions.parquet", "curves.parquet", "members.parquet"):
        assert pl.read_parquet(begun / name).equals(pl.read_parquet(finished / name))
    one, two = (json.loads((run / "metrics.json").read_text()) for run in (begun, finished))
    assert one["test"] == two["test"]


def test_seed_does_not_move_the_split_and_the_ledger_counts(finished: Path, place: Path, command: Command) -> None:
    again = finished.parent / "again"
    words = ("train", place / "stays.csv", "--target", "los", "--group", "patient")
    assert command(*words, *TINY, "--seed", "7", "--out", again)[0] == 0
    first, second = (pl.read_parquet(run / "predictions.parquet") for run in (finished, again))
    assert first.filter(split="test")["row"].sort().equals(second.filter(split="test")["row"].sort())
    assert not first.equals(second)
    ledgers = [json.loads((run / "metrics.json").read_text())["ledger"] for run in (finished, again)]
    assert [ledger["times_before"] for ledger in ledgers] == [0, 1]


def predicted(command: Command, run: Path, table: Path) -> tuple[int, str, str]:
    return command("predict", run, table)


def test_predictions_pass_patients_through(finished: Path, place: Path, command: Command, tmp_path: Path) -> None:
    status, out, err = predicted(command, finished, place / "stays.csv")
    assert status == 0
    table = pl.read_csv(out.encode(), infer_schema=False)
    assert table.columns == ["patient", "los_predicted"]
    assert table["patient"].to_list() == patients()["patient"].to_list()
    assert "90 rows predicted: mean of los" in err
    out_file = tmp_path / "made.parquet"
    assert command("predict", finished, place / "stays.csv", "--out", out_file, "--quiet") == (0, "", "")
    assert pl.read_parquet(out_file).height == N


def test_a_result_predicts_files_and_frames_alike(finished: Path, place: Path) -> None:
    result = Result.load(finished)
    named = result.predict(str(place / "stays.csv"))
    assert named.shape == (N, 1)
    table = pl.read_csv(place / "stays.csv", schema_overrides={"patient": pl.String, "icd": pl.String})
    assert np.array_equal(result.predict(table), named)
    assert np.array_equal(result.predict(table.to_pandas()), named)


def test_a_result_is_examined_like_its_folder(finished: Path) -> None:
    assert rounds.examine(Result.load(finished)) == rounds.examine(str(finished))


def test_codes_keep_their_digits_when_predicting(finished: Path, command: Command, tmp_path: Path) -> None:
    """Rows that happen to hold numbers only would otherwise lose a digit, and with it their level."""
    new = patients().filter(pl.col("icd") == "250.10").head(5)
    new.write_csv(tmp_path / "new.csv")
    status, _, err = predicted(command, finished, tmp_path / "new.csv")
    assert status == 0
    assert "icd" not in err


def files_of(run: Path) -> list[Path]:
    return sorted(p for p in (run / "model").rglob("*") if p.is_file())


@pytest.mark.parametrize("harm", ["flipped", "truncated", "emptied", "removed"])
def test_a_damaged_model_is_refused(run: Path, place: Path, command: Command, harm: str) -> None:
    for path in files_of(run):
        whole = path.read_bytes()
        if harm == "removed":
            path.unlink()
        else:
            path.write_bytes({"flipped": flipped(whole), "truncated": whole[:-9], "emptied": b""}[harm])
        status, out, err = predicted(command, run, place / "stays.csv")
        assert (status, out) == (2, ""), path.name
        assert err.count("\n") == 1
        assert path.name in err or (path.name == "checksums.json" and "checksum" in err)
        path.write_bytes(whole)
    assert predicted(command, run, place / "stays.csv")[0] == 0


def flipped(whole: bytes) -> bytes:
    middle = len(whole) // 2
    return whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]


NEW_TABLES = {
    "other columns": ("colour,size\nred,3\n", "Table must be one with the columns the model was trained on"),
    "header only": ("age,sex,icd,bmi,weight\n", "DATA must be a table with rows"),
}


@pytest.mark.parametrize("name", NEW_TABLES)
def test_new_tables_that_cannot_be_predicted(finished: Path, command: Command, tmp_path: Path, name: str) -> None:
    content, expected = NEW_TABLES[name]
    (tmp_path / "new.csv").write_text(content)
    status, out, err = predicted(command, finished, tmp_path / "new.csv")
    assert (status, out) == (2, "")
    assert expected in err
    assert err.count("\n") == 1


def test_a_word_among_numbers_is_missing_and_said(finished: Path, command: Command, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("age,sex,icd,bmi,weight\n50,F,V57,27,70\nold,F,V57,27,70\n")
    status, out, err = predicted(command, finished, tmp_path / "new.csv")
    assert status == 0
    assert out.count("\n") == 3
    assert "age" in err


def test_places_to_predict_into(finished: Path, place: Path, command: Command, tmp_path: Path) -> None:
    for out, expected in (
        (tmp_path / "made.xlsx", "Output file must be CSV, TSV or Parquet, got out="),
        (place / "stays.csv" / "made.csv", "Place to write must be a folder that can be written"),
    ):
        status, _, err = command("predict", finished, place / "stays.csv", "--out", out)
        assert status == 2
        assert expected in err
    assert predicted(command, place / "stays.csv", place / "stays.csv")[0] == 2
    assert "Run folder must be one with a model" in predicted(command, place, place / "stays.csv")[2]
