"""Curves that other tools left: read as they are, refused in one line, judged with restraint."""

import json
import struct
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from rounds.errors import DataError
from rounds.examination.examine import examine
from rounds.examination.logs.detect import read_curves
from rounds.examination.logs.tensorboard import read_scalars
from rounds.examination.text import examination_text

EPOCHS = np.arange(30)
TRAIN = 0.3 + np.exp(-EPOCHS / 4)
VALIDATION = 0.35 + np.exp(-EPOCHS / 4)
RISING = VALIDATION + np.maximum(EPOCHS - 10, 0) * 0.02


def write_csv(path: Path, **columns: object) -> Path:
    pl.DataFrame(columns).write_csv(path)
    return path


def keras_csv(folder: Path, name: str = "log.csv", validation: np.ndarray = VALIDATION) -> Path:
    return write_csv(folder / name, epoch=EPOCHS, accuracy=1 - TRAIN / 2, loss=TRAIN, val_loss=validation)


def codes(path: Path) -> list[str]:
    return [f.code for f in examine(read_curves(path)).findings]


def assert_read(path: Path, members: int = 1) -> None:
    """The curves in the file are those above."""
    found = read_curves(path)
    assert len(found.curves) == members
    assert found.origin == "elsewhere"
    np.testing.assert_allclose(found.curves[0].train, TRAIN, rtol=1e-6)
    np.testing.assert_allclose(found.curves[0].validation, VALIDATION, rtol=1e-6)


def test_keras_csv(tmp_path: Path) -> None:
    path = keras_csv(tmp_path)
    assert_read(path)
    assert read_curves(path).curves[0].epochs[0] == 1
    assert codes(path) == ["healthy"]


def test_keras_history(tmp_path: Path) -> None:
    path = tmp_path / "history.json"
    path.write_text(json.dumps({"loss": TRAIN.tolist(), "val_loss": VALIDATION.tolist()}))
    assert_read(path)


def test_lightning_csv(tmp_path: Path) -> None:
    """Steps between epochs are averaged, and empty cells are no gaps."""
    lines = ["epoch,step,train_loss_step,train_loss_epoch,val_loss"]
    for e in EPOCHS:
        lines += [f"{e},{10 * e + 4},9.0,,", f"{e},{10 * e + 9},,,{VALIDATION[e]}", f"{e},{10 * e + 9},,{TRAIN[e]},"]
    folder = tmp_path / "lightning_logs" / "version_0"
    folder.mkdir(parents=True)
    (folder / "metrics.csv").write_text("\n".join(lines))
    assert_read(tmp_path)


@pytest.mark.parametrize("final", ["test_loss", "test/loss", "loss/test"])
def test_a_final_test_is_not_validation(tmp_path: Path, final: str) -> None:
    """Lightning sorts columns, so that a test stands before validation; one value of it is no curve."""
    lines = [f"epoch,{final},train_loss,val_loss"]
    lines += [f"{e},,{TRAIN[e]},{VALIDATION[e]}" for e in EPOCHS]
    (tmp_path / "metrics.csv").write_text("\n".join([*lines, "30,9.9,,"]))
    assert_read(tmp_path)
    metrics = tmp_path / "run" / "metrics"
    metrics.mkdir(parents=True)
    for name, values in {"train_loss": TRAIN, "val_loss": VALIDATION, "test_loss": [9.9]}.items():
        (metrics / name).write_text("".join(f"1700000000 {v} {e}\n" for e, v in enumerate(values)))
    assert_read(tmp_path / "run")


def test_a_repeated_test_stands_in_where_there_is_no_validation(tmp_path: Path) -> None:
    assert_read(write_csv(tmp_path / "a.csv", epoch=EPOCHS, loss=TRAIN, test_loss=VALIDATION))


def test_the_loss_that_was_minimised_comes_before_metrics(tmp_path: Path) -> None:
    assert_read(
        write_csv(
            tmp_path / "a.csv", epoch=EPOCHS, mae=5 * TRAIN, loss=TRAIN, val_mae=5 * VALIDATION, val_loss=VALIDATION
        )
    )
    assert_read(write_csv(tmp_path / "b.csv", epoch=EPOCHS, loss=9 * TRAIN, mae=TRAIN, val_mae=VALIDATION))


def test_trainer_state(tmp_path: Path) -> None:
    history: list[dict[str, float]] = []
    for e in range(len(EPOCHS)):
        history += [{"epoch": e + 0.5, "step": 10 * e + 5, "loss": TRAIN[e], "learning_rate": 1e-4}]
        history += [{"epoch": e + 1.0, "step": 10 * e + 10, "eval_loss": VALIDATION[e], "eval_runtime": 1.0}]
    history += [{"epoch": 30.0, "step": 300, "train_loss": 0.5, "train_runtime": 60.0}]
    for number in (150, 300):
        folder = tmp_path / f"checkpoint-{number}"
        folder.mkdir()
        kept = [h for h in history if h["step"] <= number]
        (folder / "trainer_state.json").write_text(json.dumps({"log_history": kept}))
    assert_read(tmp_path)
    assert read_curves(tmp_path).curves[0].settings == {"learning_rate": 1e-4}


def test_mlflow(tmp_path: Path) -> None:
    for run in ("a1", "b2"):
        metrics = tmp_path / "0" / run / "metrics"
        metrics.mkdir(parents=True)
        for name, values in {"train_loss": TRAIN, "val_loss": VALIDATION}.items():
            (metrics / name).write_text("".join(f"1700000000 {v} {e}\n" for e, v in enumerate(values)))
        (tmp_path / "0" / run / "params").mkdir()
        (tmp_path / "0" / run / "params" / "lr").write_text("0.01")
    assert_read(tmp_path, members=2)
    assert_read(tmp_path / "0" / "a1")
    assert read_curves(tmp_path).curves[1].settings == {"learning_rate": 0.01}


def field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2, len(content)]) + content


def event(step: int, tag: str, value: float, as_tensor: bool) -> bytes:
    """One TFRecord frame; checksums are not looked at."""
    number = struct.pack("<f", value)
    tensor = b"\x08\x01" + field(4, number)
    scalar = field(1, tag.encode()) + (field(8, tensor) if as_tensor else bytes([2 << 3 | 5]) + number)
    payload = bytes([1 << 3 | 1]) + struct.pack("<d", 1.7e9) + bytes([2 << 3, step]) + field(5, field(1, scalar))
    return struct.pack("<Q", len(payload)) + b"\0" * 4 + payload + b"\0" * 4


@pytest.mark.parametrize("as_tensor", [False, True])
def test_tensorboard(tmp_path: Path, as_tensor: bool) -> None:
    for split, values in {"train": TRAIN, "validation": VALIDATION}.items():
        folder = tmp_path / "logs" / split
        folder.mkdir(parents=True)
        events = [event(e, "epoch_loss", v, as_tensor) for e, v in enumerate(values)]
        (folder / "events.out.tfevents.17.host").write_bytes(b"".join(events))
    assert_read(tmp_path)


def test_event_file_of_a_killed_writer(tmp_path: Path) -> None:
    path = tmp_path / "events.out.tfevents.17.host"
    whole = event(0, "loss", 1.0, False) + event(1, "loss", 0.5, False)
    path.write_bytes(whole[:-7])
    assert [s.step for s in read_scalars(path)] == [0]


def test_any_csv_and_several_in_a_folder(tmp_path: Path) -> None:
    for name in "abc":
        write_csv(tmp_path / f"{name}.csv", epoch=EPOCHS, train=TRAIN, validation=RISING)
    assert len(read_curves(tmp_path).curves) == 3
    assert codes(tmp_path)[0] == "overfitting"


def test_trainings_are_named(tmp_path: Path) -> None:
    """Lightning calls every log metrics.csv: where it stands tells them apart."""
    for number in range(2):
        folder = tmp_path / f"version_{number}"
        folder.mkdir()
        write_csv(folder / "metrics.csv", epoch=EPOCHS, train_loss=TRAIN, val_loss=RISING)
    found = examine(read_curves(tmp_path))
    names = ["version_0/metrics.csv", "version_1/metrics.csv"]
    assert found.record()["networks"] == names
    assert f"network 0: {names[0]}; network 1: {names[1]}" in examination_text(found)
    assert examine(read_curves(tmp_path / names[0])).names == ("metrics.csv",)


def test_trainings_in_one_file(tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "runs.csv",
        run=["a"] * 30 + ["b"] * 30,
        epoch=[*EPOCHS, *EPOCHS],
        loss=[*TRAIN, *TRAIN],
        val_loss=[*VALIDATION, *VALIDATION],
    )
    assert_read(path, members=2)


def test_folds_of_one_run_are_trainings(tmp_path: Path) -> None:
    rows = [f"a,{fold},{e},{TRAIN[e]},{VALIDATION[e]}" for fold in range(3) for e in EPOCHS]
    (tmp_path / "runs.csv").write_text("\n".join(["run,fold,epoch,loss,val_loss", *rows]))
    assert_read(tmp_path / "runs.csv", members=3)


def test_curves_of_rounds(tmp_path: Path) -> None:
    parts = [
        pl.DataFrame({"member": 0, "epoch": EPOCHS + 1, "split": split, "metric": "loss", "value": values})
        for split, values in {"train": TRAIN, "validation": VALIDATION}.items()
    ]
    pl.concat(parts).write_parquet(tmp_path / "curves.parquet")
    assert_read(tmp_path / "curves.parquet")


@pytest.mark.parametrize(
    ("validation", "code"),
    [
        (RISING, "overfitting"),
        (np.where(EPOCHS > 20, np.nan, VALIDATION), "diverged"),
        (1.4 - 0.03 * EPOCHS, "still-improving"),
    ],
)
def test_what_one_curve_shows(tmp_path: Path, validation: np.ndarray, code: str) -> None:
    found = examine(read_curves(keras_csv(tmp_path, validation=validation)))
    assert found.findings[0].code == code
    assert found.verdict.well_trained.answer == "no"


def test_one_curve_knows_no_noise(tmp_path: Path) -> None:
    """A noisy curve without a fault gets no alarm, and most rules say that they cannot judge."""
    random = np.random.default_rng(0)
    for number in range(20):
        noisy = VALIDATION + 0.05 * random.standard_normal(30)
        found = examine(read_curves(keras_csv(tmp_path, f"{number}.csv", noisy)))
        assert not found.alarms
        assert found.verdict.well_trained.answer == "unknown"
        assert len(found.not_applicable) > 10


def test_validation_now_and_then(tmp_path: Path) -> None:
    sparse = [v if e % 5 == 4 else None for e, v in enumerate(VALIDATION)]
    path = write_csv(tmp_path / "log.csv", epoch=EPOCHS, loss=TRAIN, val_loss=sparse)
    assert read_curves(path).curves[0].epochs.tolist() == [4, 9, 14, 19, 24, 29]


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_an_epoch_without_a_number_is_a_gap(tmp_path: Path, wrong: float) -> None:
    """A network that was lost stays lost: what is finite again afterwards was never lost."""
    loss = np.where(EPOCHS == 5, wrong, TRAIN)
    path = write_csv(tmp_path / "log.csv", epoch=EPOCHS, loss=loss, val_loss=VALIDATION)
    assert codes(path) == ["healthy"]
    assert read_curves(path).curves[0].epochs.tolist() == [*range(1, 6), *range(7, 31)]


def test_validation_alone_is_not_lost_training(tmp_path: Path) -> None:
    assert codes(write_csv(tmp_path / "log.csv", epoch=EPOCHS, val_loss=VALIDATION)) == ["healthy"]


def test_the_first_epoch_that_was_lost_is_named(tmp_path: Path) -> None:
    lost = keras_csv(tmp_path, validation=np.where(EPOCHS > 20, np.nan, VALIDATION))
    assert examine(read_curves(lost)).findings[0].evidence["first_epoch"] == 22


def test_losses_that_rise_on_both_sides_are_no_overfitting(tmp_path: Path) -> None:
    growth = np.exp(EPOCHS / 3)
    path = write_csv(tmp_path / "log.csv", epoch=EPOCHS, loss=TRAIN * growth, val_loss=VALIDATION * growth)
    assert codes(path) == ["not-learning", "unstable"]


def test_a_sweep_of_curves_is_told_in_what_is_known(tmp_path: Path) -> None:
    for name, rate, factor in (("a", 0.01, 1.0), ("b", 0.01, 1.01), ("c", 1.0, 4.0), ("d", 1.0, 4.1)):
        write_csv(
            tmp_path / f"{name}.csv", epoch=EPOCHS, lr=[rate] * 30, loss=factor * TRAIN, val_loss=factor * VALIDATION
        )
    found = {f.code: f for f in examine(read_curves(tmp_path)).findings}
    assert "of the highest loss" in found["learning-rate-too-high"].explanation
    assert found["learning-rate-too-high"].evidence["learning_rate"] == 1.0


def test_one_epoch(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "log.csv", epoch=[0], loss=[1.0], val_loss=[1.1])
    assert codes(path) == ["healthy"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must be a CSV with a head and rows"),
        ("loss,val_loss\n1,2\n", "must be a CSV with an epoch column"),
        ("epoch,accuracy\n0,0.5\n1,0.6\n", "must be ones with a loss, got metrics='accuracy'"),
        ("epoch,loss\n0,1.0\n1,oops\n", "row 3, column loss must be a number, got value='oops'"),
        ("epoch,loss\n3,1.0\n1,0.5\n", "must be rising, got epoch='1 after 3'"),
        ("epoch,loss\n-1,1.0\n1,0.5\n", "must be numbers from 0, got epoch=-1.0"),
        ("epoch,loss\n0,1.0,7\n", "row 2 must be 2 cells, got cells=3"),
        ("epoch,split,metric,value\n0,train\n", "row 2 must be 4 cells, got cells=2"),
        ("epoch,split,metric,value\n0,odd,loss,1\n", "column split must be train, validation or test, got value='odd'"),
        (
            "epoch,loss,val_mae\n0,1,2\n1,1,2\n",
            "must be of one loss, training and validation, got metrics='loss and mae'",
        ),
        (
            "epoch,loss,val_loss\n0,1,nan\n1,1,nan\n",
            "The validation loss of log.csv must be a number in one epoch at least",
        ),
    ],
)
def test_bad_csv(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "log.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_curves(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("notes.txt", b"hello", "must be a file of a kind that is known, got file='notes.txt'"),
        ("x.json", b"{", "must be a JSON file that can be read"),
        ("x.json", b"[1, 2]", "must be curves by name"),
        ("x.parquet", b"nothing", "must be a Parquet file that can be read"),
        ("x.csv", b"\xff\xfe\x00", "must be a CSV file that can be read"),
        ("events.out.tfevents.1.h", b"\x00" * 50, "must be ones with a loss, got metrics='nothing'"),
    ],
)
def test_unknown_files(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_curves(tmp_path / name)


def test_an_mlflow_metric_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics" / "loss").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="loss must be a metric that can be read"):
        read_curves(tmp_path)


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="must be a file or folder that exists"):
        read_curves(tmp_path / "nowhere")
    with pytest.raises(DataError, match="must be curves of a training"):
        read_curves(tmp_path)
