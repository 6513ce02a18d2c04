"""Signals in NPZ files and WFDB records: written by hand here, read back to the last bit."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from rounds.data.recordings.assemble import from_signals, read_recordings
from rounds.data.recordings.signal_arrays import holds_signals, read_signal_file
from rounds.data.recordings.wfdb_records import averaged, read_record
from rounds.errors import DataError


def write_record(folder: Path, name: str, digital: np.ndarray, kind: str = "16", frequency: float = 100) -> None:
    """A record of [T, V] integers with gain 100 and baseline 5."""
    lines = [f"{name} {digital.shape[1]} {frequency:g} {len(digital)}"]
    lines += [f"{name}.dat {kind} 100(5)/mV 12 0 0 0 0 lead{v}" for v in range(digital.shape[1])]
    (folder / f"{name}.hea").write_text("\n".join(["# made up", *lines, "# a comment"]))
    flat = digital.ravel()
    if kind == "212":
        pairs = (flat if len(flat) % 2 == 0 else np.append(flat, 0)).reshape(-1, 2) & 0xFFF
        high = (pairs[:, 0] >> 8) | ((pairs[:, 1] >> 8) << 4)
        content = np.stack([pairs[:, 0] & 0xFF, high, pairs[:, 1] & 0xFF], axis=1).astype(np.uint8).tobytes()
    elif kind == "80":
        content = (flat + 128).astype(np.uint8).tobytes()
    else:
        content = flat.astype("<i2" if kind == "16" else ">i2").tobytes()
    (folder / f"{name}.dat").write_bytes(content)


@pytest.mark.parametrize("kind", ["16", "61", "212", "80"])
def test_records_come_back_in_physical_units(tmp_path: Path, kind: str) -> None:
    digital = np.random.default_rng(0).integers(-100, 100, (30, 2))
    write_record(tmp_path, "r1", digital, kind)
    record = read_record(tmp_path / "r1.hea")
    assert record.names == ("lead0", "lead1")
    assert record.frequency == 100
    np.testing.assert_allclose(record.samples, (digital - 5) / 100, atol=1e-6)


def test_invalid_samples_are_missing(tmp_path: Path) -> None:
    write_record(tmp_path, "r1", np.array([[1], [-32768]]))
    assert np.isnan(read_record(tmp_path / "r1.hea").samples[:, 0]).tolist() == [False, True]


def test_records_of_other_formats_are_refused_by_name(tmp_path: Path) -> None:
    write_record(tmp_path, "r1", np.zeros((4, 1), int), "16")
    header = tmp_path / "r1.hea"
    header.write_text(header.read_text().replace(" 16 ", " 516 "))
    with pytest.raises(DataError, match="Format of a WFDB file must be one of 16, 61, 212, 80, got format='516 in r1"):
        read_record(header)


@pytest.mark.parametrize(
    "text", ["", "r1 2 100 10\nr1.dat 16 100", "r1 x", "r1 1 0 10\nr1.dat 16", "r1 1 9\nno.dat 16"]
)
def test_damaged_records_are_named(tmp_path: Path, text: str) -> None:
    write_record(tmp_path, "r1", np.zeros((4, 1), int))
    (tmp_path / "r1.hea").write_text(text)
    with pytest.raises(DataError, match="WFDB record must be whole, got file="):
        read_record(tmp_path / "r1.hea")


def test_records_of_different_lengths_share_a_grid(tmp_path: Path) -> None:
    for name, length in (("a", 40), ("b", 25)):
        write_record(tmp_path, name, np.full((length, 1), 105))
    found = read_recordings(tmp_path, pl.DataFrame({"record": ["a", "b", "c"]}), "record")
    assert found.channels.shape == (3, 40, 2)
    assert found.channels[:, :, 0].sum(axis=1).tolist() == [40, 25, 0]
    assert found.notes == ("1 subjects without a record: kept, everything missing",)
    np.testing.assert_allclose(found.summaries["lead0 mean"].to_list()[:2], [1, 1], rtol=1e-6)


def test_fast_signals_are_averaged(tmp_path: Path) -> None:
    digital = np.random.default_rng(1).integers(-100, 100, (2048, 1))
    write_record(tmp_path, "a", digital)
    found = read_recordings(tmp_path, pl.DataFrame({"record": ["a"]}), "record")
    assert found.timeline.steps == 512
    want = ((digital - 5) / 100).reshape(512, 4).mean(1)
    np.testing.assert_allclose(found.channels[0, :, 1], want, atol=1e-5)
    record = read_record(tmp_path / "a.hea")
    other = found.timeline.model_copy(update={"variables": ("lead9",)})
    assert np.isnan(averaged(record, other)).all()


def test_no_record_by_that_name_is_refused(tmp_path: Path) -> None:
    write_record(tmp_path, "a", np.zeros((4, 1), int))
    with pytest.raises(DataError, match="Records must be named by the key, got record='z'"):
        read_recordings(tmp_path, pl.DataFrame({"record": ["z"]}), "record")


def test_npz_parts_become_tables(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    arrays = {
        f"{part}_{n}": a
        for part, rows in (("train", 6), ("val", 3), ("test", 4))
        for n, a in (("x", random.normal(size=(rows, 8)).astype("f4")), ("y", np.arange(rows) % 2))
    }
    np.savez(tmp_path / "beats.npz", **arrays, train_extra=np.zeros(6))
    assert holds_signals(tmp_path / "beats.npz")
    found = read_signal_file(tmp_path / "beats.npz")
    assert found.test is not None
    assert (found.table.height, found.test.height, found.target) == (9, 4, "y")
    assert found.notes == ("extra: not in every part of the file, left out",)
    np.testing.assert_array_equal(found.array[:6, :, 0], arrays["train_x"])
    channels = from_signals(found.array, found.timeline).channels
    assert channels.shape == (9, 8, 2)
    assert (channels[:, :, 0] == 1).all()


def test_long_npz_signals_are_averaged(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(2, 1030, 3))
    np.savez(tmp_path / "long.npz", x=x, y=[0, 1])
    found = read_signal_file(tmp_path / "long.npz")
    assert found.array.shape == (2, 344, 3)
    np.testing.assert_allclose(found.array[:, 0], x[:, :3].mean(1), rtol=1e-5)
    assert found.timeline.variables == ("signal 1", "signal 2", "signal 3")


def test_npz_files_that_do_not_fit_together_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "two.npz", x=np.zeros((2, 5)), z=np.zeros((2, 5)))
    with pytest.raises(DataError, match="NPZ file must be one array of signals, got arrays='x, z'"):
        read_signal_file(tmp_path / "two.npz")
    np.savez(tmp_path / "short.npz", x=np.zeros((2, 5)), y=np.zeros(3))
    with pytest.raises(DataError, match=r"Array of an NPZ file must be of 2 values, got array='y \(3,\)'"):
        read_signal_file(tmp_path / "short.npz")


def test_other_files_hold_no_signals(tmp_path: Path) -> None:
    np.savez(tmp_path / "images.npz", train_images=np.zeros((2, 4, 4), np.uint8), train_labels=np.zeros(2))
    (tmp_path / "broken.npz").write_bytes(b"PK no")
    assert not any(holds_signals(tmp_path / n) for n in ("images.npz", "broken.npz", "missing.npz"))
