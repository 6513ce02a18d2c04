"""Signals in NPZ files and WFDB records: written by hand here, read back to the last bit."""

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pyedflib
import pytest

from rounds.data.recordings.assemble import from_signals, read_recordings
from rounds.data.recordings.edf_records import read_edf
from rounds.data.recordings.record_folder import step_means
from rounds.data.recordings.signal_arrays import SignalFile, holds_signals, read_signal_arrays
from rounds.data.recordings.wfdb_records import read_wfdb_record
from rounds.data.sources.array_file import read_arrays
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
    record = read_wfdb_record(tmp_path / "r1.hea", tmp_path)
    assert [(signal.name, signal.frequency, signal.unit) for signal in record] == [
        ("lead0", 100, "mV"),
        ("lead1", 100, "mV"),
    ]
    np.testing.assert_allclose(np.stack([s.samples for s in record], axis=1), (digital - 5) / 100, atol=1e-6)


def test_invalid_samples_are_missing(tmp_path: Path) -> None:
    write_record(tmp_path, "r1", np.array([[1], [-32768]]))
    assert np.isnan(read_wfdb_record(tmp_path / "r1.hea", tmp_path)[0].samples).tolist() == [False, True]


HEADERS = {
    "": "no header of WFDB",
    "r1 x": "no header of WFDB",
    "r1 2 100 10\nr1.dat 16 100": "2 signals announced, 1 described",
    "r1 1 0 10\nr1.dat 16": "0 samples a second, 10 samples",
    "r1 1 nan 10\nr1.dat 16": "nan samples a second",
    "r1 1 inf 10\nr1.dat 16": "inf samples a second",
    "r1 1 9\nno.dat 16": "no.dat: no such file",
    "r1 1 9 4\nr1.dat 17 100": "a format of samples that is not known: r1.dat 17",
    "r1 1 9 4\nr1.dat 16 e": "no numbers: e",
    "r1 1 9 4\nr1.dat 16 100 16 abc": "no numbers: 100 16 abc",
    "r1 1 9 99999999999\nr1.dat 16": "9 samples a second, 99999999999 samples",
    "r1 1 9 9999\nr1.dat 16": "9,999 samples in r1.dat",
    "r1 1 9 4\nr1.dat 16x99999999": "399,999,996 samples in r1.dat",
    "r1 99999999 9 4\nr1.dat 16": "4 samples of 99999999 signals",
    "r1 1 9 4\n../../r1.dat 16": "../../r1.dat: leads out of its folder",
    "r1 1 9 4\n/dev/zero 16": "/dev/zero: leads out of its folder",
    "r1 1 9 4\nr\0.dat 16": "no name of a file",
    "r1/2 1 9 4\nr1 2\nr1 2": "parts within parts",
    "r1/2 1 9 4\n../r1 2": "2 parts announced, 1 described",
}


@pytest.mark.parametrize(("text", "why"), HEADERS.items(), ids=HEADERS.values())
def test_headers_that_cannot_be_believed_are_said(tmp_path: Path, text: str, why: str) -> None:
    write_record(tmp_path, "r1", np.zeros((4, 1), int))
    (tmp_path / "r1.hea").write_text(text)
    with pytest.raises(DataError) as refused:
        read_wfdb_record(tmp_path / "r1.hea", tmp_path)
    assert str(refused.value).startswith(f"WFDB record must be whole, got file={'r1.hea ('!r}"[:-1])
    assert why.replace("\0", "") in str(refused.value)


def test_pipes_and_links_out_of_the_folder_are_not_opened(tmp_path: Path) -> None:
    folder = tmp_path / "records"
    folder.mkdir()
    write_record(tmp_path, "other", np.zeros((4, 1), int))
    write_record(folder, "r1", np.zeros((4, 1), int))
    (folder / "r1.dat").unlink()
    os.mkfifo(folder / "r1.dat")
    with pytest.raises(DataError, match=r"r1\.dat: no regular file"):
        read_wfdb_record(folder / "r1.hea", folder)
    (folder / "r1.dat").unlink()
    (folder / "r1.dat").symlink_to(tmp_path / "other.dat")
    with pytest.raises(DataError, match=r"r1\.dat: leads out of its folder"):
        read_wfdb_record(folder / "r1.hea", folder)
    with pytest.raises(DataError, match="Record must be a file inside its folder, got record='"):
        read_recordings(folder, pl.DataFrame({"record": ["../other"]}), "record")


def test_records_of_several_parts_are_joined(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_record(tmp_path, name, np.full((20, 1), 105))
    (tmp_path / "whole.hea").write_text("whole/2 1 100 40\na 20\nb 20")
    (signal,) = read_wfdb_record(tmp_path / "whole.hea", tmp_path)
    np.testing.assert_allclose(signal.samples, np.ones(40))


def test_signals_take_the_unit_of_the_first(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_record(tmp_path, name, np.full((20, 1), 105))
    header = tmp_path / "b.hea"
    header.write_text(header.read_text().replace("100(5)/mV", "0.1(5)/uV"))
    found = read_recordings(tmp_path, pl.DataFrame({"record": ["a", "b"]}), "record")
    np.testing.assert_allclose(found.channels[:, :, 1], np.ones((2, 20)), rtol=1e-5)


def write_edf(path: Path, signals: list[np.ndarray], rates: list[int]) -> None:
    """A whole EDF file of seconds, physical from -10 to 10."""
    with pyedflib.EdfWriter(str(path), len(signals)) as file:
        for number, rate in enumerate(rates):
            head = {"label": f"EEG {number}", "dimension": "uV", "sample_frequency": rate, "physical_min": -10.0}
            limits = {
                "physical_max": 10.0,
                "digital_min": -32768,
                "digital_max": 32767,
                "transducer": "",
                "prefilter": "",
            }
            file.setSignalHeader(number, {**head, **limits})
        file.writeSamples(signals)


def test_edf_signals_keep_their_own_rates(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    signals = [random.uniform(-9, 9, 400), random.uniform(-9, 9, 40)]
    write_edf(tmp_path / "n1.edf", signals, [100, 10])
    record = read_edf(tmp_path / "n1.edf", tmp_path)
    assert [(s.name, s.frequency, s.unit) for s in record] == [("EEG 0", 100, "uV"), ("EEG 1", 10, "uV")]
    for signal, wanted in zip(record, signals, strict=True):
        np.testing.assert_allclose(signal.samples, wanted, atol=1e-3)
    found = read_recordings(tmp_path, pl.DataFrame({"night": ["n1"], "age": [50]}), "night")
    assert found.timeline.variables == ("EEG 0", "EEG 1")
    assert np.isfinite(found.channels[0, :, 1]).all()


@pytest.mark.parametrize(
    ("place", "content", "why"),
    [
        (slice(0, 8000), b"", "no header of EDF"),
        (slice(252, 256), b"9999", "9999 signals"),
        (slice(236, 244), b"99999999", "99999999 blocks of"),
        (slice(236, 244), b"-1      ", "-1 blocks of"),
        (slice(252, 256), b"x   ", "no header of EDF"),
    ],
)
def test_edf_headers_that_cannot_be_believed_are_said(tmp_path: Path, place: slice, content: bytes, why: str) -> None:
    write_edf(tmp_path / "n1.edf", [np.zeros(400)], [100])
    raw = bytearray((tmp_path / "n1.edf").read_bytes())
    raw[place] = content
    (tmp_path / "n1.edf").write_bytes(raw)
    with pytest.raises(DataError, match=f"EDF record must be whole, got file='n1.edf .*{why}"):
        read_edf(tmp_path / "n1.edf", tmp_path)


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
    record = read_wfdb_record(tmp_path / "a.hea", tmp_path)
    other = found.timeline.model_copy(update={"variables": ("lead9",)})
    assert np.isnan(step_means(record, other)).all()


def test_no_record_by_that_name_is_refused(tmp_path: Path) -> None:
    write_record(tmp_path, "a", np.zeros((4, 1), int))
    with pytest.raises(DataError, match="Records must be named by the key, got record='z'"):
        read_recordings(tmp_path, pl.DataFrame({"record": ["z"]}), "record")


def read_signal_file(path: Path) -> SignalFile:
    return read_signal_arrays(read_arrays(path))


def test_npz_parts_become_tables(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    arrays = {
        f"{part}_{n}": a
        for part, rows in (("train", 6), ("val", 3), ("test", 4))
        for n, a in (("x", random.normal(size=(rows, 8)).astype("f4")), ("y", np.arange(rows) % 2))
    }
    np.savez(tmp_path / "beats.npz", **arrays, train_extra=np.zeros(6))
    assert holds_signals(arrays)
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


@pytest.mark.parametrize("kind", ["int16", "int32", "uint16", "float16", "float64", ">i2", ">f4"])
def test_signals_of_any_number_are_read(tmp_path: Path, kind: str) -> None:
    x = np.random.default_rng(0).integers(0, 100, (6, 20)).astype(kind)
    np.savez_compressed(tmp_path / "ecg.npz", x=x, y=np.array([[0], [1]] * 3), site=np.array([b"A", b"B"] * 3), fs=500)
    arrays = read_arrays(tmp_path / "ecg.npz")
    assert holds_signals(arrays)
    found = read_signal_arrays(arrays)
    np.testing.assert_array_equal(found.array[:, :, 0], x.astype(np.float32))
    assert found.table.to_dict(as_series=False) == {"site": ["A", "B"] * 3, "y": [0, 1] * 3}
    assert found.notes == ("fs: a single value, left out",)


def test_numbers_that_are_not_finite_are_missing() -> None:
    x = np.array([[1.0, np.inf, -np.inf, 1e300, np.nan]])
    assert np.isnan(read_signal_arrays({"x": x, "y": np.zeros(1)}).array[0, :, 0]).tolist() == [False] + [True] * 4


def test_pixels_are_no_signals() -> None:
    assert not holds_signals({"train_images": np.zeros((2, 4, 4), np.int16), "train_labels": np.zeros(2)})
    assert not holds_signals({"x": np.zeros((2, 4, 4), np.uint8), "y": np.zeros(2)})


def damaged_npz(path: Path, name: str) -> None:
    """NPZ files that cannot be read, by what is wrong."""
    np.savez_compressed(path, x=np.zeros((20, 50)), y=np.zeros(20))
    raw = path.read_bytes()
    if name == "no members":
        with zipfile.ZipFile(path, "w"):
            pass
    elif name == "a .npy":
        np.save(path.with_suffix(".npy"), np.zeros(3))
        path.with_suffix(".npy").rename(path)
    elif name == "cut":
        path.write_bytes(raw[: len(raw) // 2])
    elif name == "empty":
        path.write_bytes(b"")
    elif name == "objects":
        np.savez(path, x=np.array([None, 1]))
    elif name == "times":
        np.savez(path, x=np.zeros(3, "datetime64[s]"))
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            header = io.BytesIO()
            wanted = {"descr": "<f8", "fortran_order": False, "shape": (10**12,) if name == "a shape" else (10**9,)}
            np.lib.format.write_array_header_1_0(header, wanted)
            archive.writestr("x.npy", header.getvalue() + bytes(10_000 if name == "a shape" else 300_000_000))


DAMAGED = ("no members", "a .npy", "cut", "empty", "objects", "times", "a shape", "a bomb")


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_npz_files_are_refused(tmp_path: Path, name: str) -> None:
    damaged_npz(tmp_path / "set.npz", name)
    with pytest.raises(DataError, match=r"(NPZ file|Array of an NPZ file) must be .* Write it again with numpy.savez"):
        read_arrays(tmp_path / "set.npz")
