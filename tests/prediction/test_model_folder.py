"""A model folder gives back the same predictions bit for bit, and names the file that is damaged."""

import hashlib
import json
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import load, save

from rounds.errors import RunFolderError
from rounds.prediction.model_folder import load_predictor, save_predictor

FILES = ("description.json", "preparation.json", "target.json", "network_0.json", "weights_1.safetensors")


@pytest.fixture
def folder(make_predictor, tmp_path):
    save_predictor(tmp_path / "model", make_predictor())
    return tmp_path / "model"


@pytest.mark.parametrize("kind", ["regression", "several", "count", "binary", "multiclass", "multilabel"])
def test_predictions_are_the_same_bit_for_bit(make_predictor, table, tmp_path, kind):
    predictor = make_predictor(kind)
    save_predictor(tmp_path / "model", predictor)
    again = load_predictor(tmp_path / "model")
    before, after = predictor.predict(table, members=True), again.predict(table, members=True)
    assert np.array_equal(before.values, after.values)
    assert np.array_equal(before.members, after.members)
    assert (again.task, again.preparation, again.columns) == (predictor.task, predictor.preparation, predictor.columns)


def test_one_member_is_loaded_alone(make_predictor, table, folder):
    assert np.array_equal(load_predictor(folder, member=4).predict(table).values, make_predictor().members(table)[4])


def test_folder_explains_itself_and_holds_no_pickle(folder):
    description = json.loads((folder / "description.json").read_text())
    assert "hidden_i/kernel" in description["forward_pass"]
    assert {p.suffix for p in folder.iterdir()} == {".json", ".safetensors"}


def test_saving_again_replaces_the_folder(make_predictor, folder):
    save_predictor(folder, make_predictor(members=(1,)))
    assert load_predictor(folder).size == 1
    assert not (folder / "network_1.json").exists()


@pytest.mark.parametrize("name", FILES)
def test_changed_byte_is_found(folder, name):
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(
        RunFolderError, match=rf"Model file must be whole, got file='.*{name}' \(its content does not agree"
    ):
        load_predictor(folder)


@pytest.mark.parametrize("name", FILES)
def test_truncated_file_is_found(folder, name):
    (folder / name).write_bytes((folder / name).read_bytes()[:-10])
    with pytest.raises(RunFolderError, match=rf"{name}' \(its content does not agree.*Copy the folder again"):
        load_predictor(folder)


@pytest.mark.parametrize("name", [*FILES, "checksums.json"])
def test_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(RunFolderError, match=rf"{name}' \(it is missing\)"):
        load_predictor(folder)


@pytest.mark.parametrize("content", ["", "{", "[]", "\xff", '{"description.json": 3}', '{"../../secret": "0"}', "{}"])
def test_damaged_checksums_are_named(folder, content):
    (folder / "checksums.json").write_text(content, encoding="latin-1")
    with pytest.raises(RunFolderError, match="Model file must be whole, got file="):
        load_predictor(folder)


@pytest.mark.parametrize("name", ["preparation.json", "network_1.json", "weights_0.safetensors"])
def test_nonsense_with_a_fitting_checksum_is_refused(folder, name):
    import hashlib

    (folder / name).write_bytes(b'{"nonsense": 1}')
    sums = json.loads((folder / "checksums.json").read_text())
    sums[name] = hashlib.sha256(b'{"nonsense": 1}').hexdigest()
    (folder / "checksums.json").write_text(json.dumps(sums))
    with pytest.raises(RunFolderError, match=rf"Model file must be whole, got file='.*{name}'"):
        load_predictor(folder)


def test_newer_format_is_refused(folder, monkeypatch):
    monkeypatch.setattr("rounds.prediction.model_folder.VERSION", 0)
    with pytest.raises(
        RunFolderError, match=r"of format rounds-model up to 0, got format='rounds-model 1'\. Install a newer Rounds"
    ):
        load_predictor(folder)


def test_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(RunFolderError, match="Model folder must be a folder that `rounds train` wrote, got path="):
        load_predictor(tmp_path / "nowhere")


def test_failed_write_leaves_no_folder(make_predictor, tmp_path, monkeypatch):
    import errno
    import os

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunFolderError, match="No space left on device"):
        save_predictor(tmp_path / "model", make_predictor())
    assert list(tmp_path.iterdir()) == []


def test_prediction_loads_neither_jax_nor_keras():
    code = (
        "import sys, rounds.prediction.table;"
        "print([m for m in ('jax', 'keras', 'sklearn', 'scipy') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def edited(folder, name, change):
    """The folder with one file changed, and its checksums made again."""
    path = folder / name
    path.write_bytes(change(path.read_bytes()))
    sums = json.loads((folder / "checksums.json").read_text())
    (folder / "checksums.json").write_text(json.dumps({**sums, name: hashlib.sha256(path.read_bytes()).hexdigest()}))


def without_numbers(content):
    arrays = {name: np.full_like(a, np.nan) for name, a in load(content).items()}
    return save(arrays)


def without_encodings(content):
    record = json.loads(content)
    return json.dumps({**record, "encodings": []}).encode()


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("weights_0.safetensors", without_numbers),
        ("preparation.json", without_encodings),
        ("description.json", lambda content: b"[" * 100_000),
        ("target.json", lambda content: content.replace(b": ", b": 1" + b"0" * 5_000 + b', "x": ', 1)),
    ],
)
def test_an_edited_folder_with_new_checksums_is_refused(folder, name, change):
    edited(folder, name, change)
    with pytest.raises(RunFolderError, match="Model file must be whole"):
        load_predictor(folder)


def test_checksums_nested_too_deep_are_refused(folder):
    (folder / "checksums.json").write_text("[" * 100_000)
    with pytest.raises(RunFolderError, match="Model file must be whole"):
        load_predictor(folder)
