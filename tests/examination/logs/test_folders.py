"""Folders of logs: TensorBoard, MLflow, Hugging Face's checkpoints, and whatever else lies beside."""

import json
import sqlite3
import struct
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from rounds.errors import DataError
from rounds.examination.logs.read import read_logs
from rounds.examination.logs.tensorboard import read_scalars
from tests.examination.logs.written import EPOCHS, TRAIN, VALIDATION, assert_curves, keras_rows, read, write


def test_tensorboard_exports_are_one_run(tmp_path: Path) -> None:
    for tag, values in {"loss_train": TRAIN, "loss_validation": VALIDATION}.items():
        rows = [f"1700000000.{e},{e},{values[e]}" for e in EPOCHS]
        write(tmp_path / f"run-.-tag-{tag}.csv", "Wall time,Step,Value", *rows)
    (run,) = read(tmp_path)
    assert_curves(run)
    (alone,) = read(tmp_path / "run-.-tag-loss_train.csv")
    assert_curves(alone, TRAIN, None)


def field(place: int, content: bytes) -> bytes:
    return bytes([place << 3 | 2, len(content)]) + content


def event(step: int, tag: str, value: float, as_tensor: bool = False) -> bytes:
    """One TFRecord frame; checksums are not looked at."""
    raw = struct.pack("<f", value)
    scalar = field(1, tag.encode()) + (
        field(8, b"\x08\x01" + field(4, raw)) if as_tensor else bytes([2 << 3 | 5]) + raw
    )
    payload = bytes([1 << 3 | 1]) + struct.pack("<d", 1.7e9) + bytes([2 << 3, step]) + field(5, field(1, scalar))
    return struct.pack("<Q", len(payload)) + b"\0" * 4 + payload + b"\0" * 4


def write_events(
    folder: Path, tags: dict[str, np.ndarray], first: int = 0, file: str = "17", as_tensor: bool = False
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    events = [event(first + i, tag, v, as_tensor) for tag, values in tags.items() for i, v in enumerate(values)]
    (folder / f"events.out.tfevents.{file}.host").write_bytes(b"".join(events))


@pytest.mark.parametrize("as_tensor", [False, True])
def test_keras_writes_a_folder_a_split(tmp_path: Path, as_tensor: bool) -> None:
    write_events(tmp_path / "logs" / "train", {"epoch_loss": TRAIN}, as_tensor=as_tensor)
    write_events(tmp_path / "logs" / "validation", {"epoch_loss": VALIDATION}, as_tensor=as_tensor)
    (run,) = read(tmp_path)
    assert_curves(run)


def test_torch_add_scalars_writes_a_folder_a_line(tmp_path: Path) -> None:
    write_events(tmp_path / "Loss_train", {"Loss": TRAIN})
    write_events(tmp_path / "Loss_val", {"Loss": VALIDATION})
    (run,) = read(tmp_path)
    assert_curves(run)


def test_event_files_that_were_resumed(tmp_path: Path) -> None:
    """The later file wins from where it begins."""
    stale = np.concatenate([TRAIN[:6], np.full(3, 9.0)])
    write_events(tmp_path, {"train/loss": stale}, file="17")
    write_events(tmp_path, {"train/loss": TRAIN[6:]}, first=6, file="18")
    (run,) = read(tmp_path)
    assert_curves(run, TRAIN, None)


def test_two_trainings_in_one_folder_of_events(tmp_path: Path) -> None:
    write_events(tmp_path, {"train/loss": TRAIN}, file="17")
    write_events(tmp_path, {"train/loss": VALIDATION}, file="18")
    runs = read(tmp_path)
    assert len(runs) == 2
    assert_curves(runs[1], VALIDATION, None)


def test_event_file_of_a_killed_writer(tmp_path: Path) -> None:
    path = tmp_path / "events.out.tfevents.17.host"
    path.write_bytes((event(0, "loss", 1.0) + event(1, "loss", 0.5))[:-7])
    assert [s.step for s in read_scalars(path)] == [0]


def write_mlflow(run: Path, columns: int = 3) -> None:
    for name, values in {"train_loss": TRAIN, "val_loss": VALIDATION}.items():
        write(
            run / "metrics" / name, *(f"{1700000000 + e} {v} {e if columns == 3 else 0}" for e, v in enumerate(values))
        )
    write(run / "params" / "lr", "0.01")
    write(run / "tags" / "mlflow.runName", f"named-{run.name}")


@pytest.mark.parametrize("columns", [3, 1])
def test_mlflow(tmp_path: Path, columns: int) -> None:
    """MLflow 3 repeats metrics beside the model; without steps, values count in their order."""
    root = tmp_path / "mlruns" / "0"
    write_mlflow(root / "a1", columns)
    write_mlflow(root / "b2", columns)
    write(root / "models" / "m-1" / "metrics" / "train_loss", "1700000000 0.5 0 a1 x")
    runs = read(tmp_path)
    assert [run.name for run in runs] == ["named-a1", "named-b2"]
    assert_curves(runs[0])
    assert runs[0].settings == {"learning_rate": 0.01}


def test_mlflow_s_database(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    losses = {"train_loss": TRAIN, "val_loss": VALIDATION}
    points = [("a1", name, float(v[e]), 0, int(e), int(e)) for name, v in losses.items() for e in EPOCHS]
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE runs (run_uuid, name)")
        database.execute("CREATE TABLE metrics (run_uuid, key, value, is_nan, step, timestamp)")
        database.execute("CREATE TABLE params (run_uuid, key, value)")
        database.execute("INSERT INTO runs VALUES ('a1', 'calm')")
        database.execute("INSERT INTO params VALUES ('a1', 'lr', '0.01')")
        database.executemany("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", points)
    for place in (path, tmp_path):
        (run,) = read(place)
        assert_curves(run)
        assert run.settings == {"learning_rate": 0.01}
    with closing(sqlite3.connect(tmp_path / "other.db")) as database, database:
        database.execute("CREATE TABLE notes (text)")
    with pytest.raises(DataError, match="must be MLflow's database"):
        read(tmp_path / "other.db")


def test_checkpoints_of_hugging_face_count_once(tmp_path: Path) -> None:
    history = [{"epoch": e / 3, "step": int(10 * e), "loss": TRAIN[e], "eval_loss": VALIDATION[e]} for e in EPOCHS]
    for until in (6, 12):
        write(tmp_path / f"checkpoint-{until}" / "trainer_state.json", json.dumps({"log_history": history[:until]}))
    (run,) = read(tmp_path)
    assert_curves(run)
    assert run.unit == "step"


def test_one_bad_file_in_a_folder_is_left_out_by_name(tmp_path: Path) -> None:
    write(tmp_path / "good.csv", "epoch,accuracy,loss,val_loss", *keras_rows())
    write(tmp_path / "notes.txt", "nothing of use")
    (tmp_path / "bad.log").write_bytes(b"\0\1\2\3" * 50)
    logs = read_logs([tmp_path])
    assert len(logs.runs) == 1
    assert {name for name, _ in logs.left_out} == {"notes.txt", "bad.log"}


def test_a_folder_of_both_kinds(tmp_path: Path) -> None:
    write(tmp_path / "a" / "log.csv", "epoch,accuracy,loss,val_loss", *keras_rows())
    write_events(tmp_path / "b", {"train/loss": TRAIN})
    assert {run.name for run in read(tmp_path)} == {"b", "a/log.csv"}
