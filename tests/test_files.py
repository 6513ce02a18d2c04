"""Files are written whole or not at all, and a place that cannot be written is said plainly."""

import errno
import json
import os
import shutil
from pathlib import Path

import pytest

from rounds.errors import RunFolderError
from rounds.files import existing_folder, json_text, new_folder, remove_leftovers, write_json, write_whole


def fail_with(code):
    def fail(*_args, **_options):
        raise OSError(code, os.strerror(code))

    return fail


def test_text_and_bytes_are_written_and_replaced(tmp_path):
    path = tmp_path / "run" / "deep" / "note.txt"
    write_whole(path, "naïve")
    write_whole(path, "später")
    assert path.read_text(encoding="utf-8") == "später"
    write_whole(path, b"\x00\xff")
    assert path.read_bytes() == b"\x00\xff"
    assert [p.name for p in path.parent.iterdir()] == ["note.txt"]


def test_open_reader_keeps_the_old_file(tmp_path):
    path = tmp_path / "metrics.json"
    write_whole(path, "old")
    with path.open() as reader:
        write_whole(path, "new, and longer")
        assert reader.read() == "old"


def test_json_is_plain_and_refuses_nan(tmp_path):
    write_json(tmp_path / "a.json", {"rows": 3, "name": "Zoë"})
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {"rows": 3, "name": "Zoë"}
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_text({"value": float("nan")})


@pytest.mark.parametrize(
    ("code", "advice"), [(errno.ENOSPC, "Free some space"), (errno.EROFS, "read-only"), (errno.EACCES, "may write to")]
)
def test_failing_disk_leaves_the_old_file_and_no_trace(tmp_path, monkeypatch, code, advice):
    path = tmp_path / "metrics.json"
    write_whole(path, "old")
    monkeypatch.setattr(os, "fsync", fail_with(code))
    with pytest.raises(
        RunFolderError, match=rf"must be a folder that can be written, got path='.*metrics\.json'.*{advice}"
    ):
        write_whole(path, "new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["metrics.json"]


def test_file_in_the_way_of_a_folder_is_said(tmp_path):
    (tmp_path / "run").write_text("a file")
    with pytest.raises(RunFolderError, match=r"A file stands where a folder is needed|Part of the path is a file"):
        write_whole(tmp_path / "run" / "plan.json", "{}")


def test_folder_replaces_the_old_one_whole(tmp_path):
    for content in ("first", "second"):
        with new_folder(tmp_path / "model") as place:
            write_whole(place / f"{content}.txt", content)
    assert [p.name for p in (tmp_path / "model").iterdir()] == ["second.txt"]
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


def test_folder_that_fails_midway_leaves_the_old_one(tmp_path):
    with new_folder(tmp_path / "model") as place:
        write_whole(place / "whole.txt", "x")
    with pytest.raises(KeyboardInterrupt):
        _fill_and_stop(tmp_path / "model")
    assert [p.name for p in (tmp_path / "model").iterdir()] == ["whole.txt"]
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


class Killed(BaseException):
    """What ends a process, in a test that goes on after it."""


def refuse_rename(monkeypatch, number, error):
    """The rename of this number fails, and with `Killed` every one after it; deleting does nothing then either."""
    real, count = os.replace, iter(range(1, 100))

    def replace(source, target):
        now = next(count)
        if now == number or (now > number and error is Killed):
            raise error() if error is Killed else OSError(errno.EIO, os.strerror(errno.EIO))
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    if error is Killed:
        monkeypatch.setattr(shutil, "rmtree", lambda *_args, **_options: None)


def one_of_two(folder):
    with new_folder(folder) as place:
        (place / "first.txt").write_text("x")
    assert [p.name for p in folder.iterdir()] == ["first.txt"]


def replace_with_second(folder):
    with new_folder(folder) as place:
        (place / "second.txt").write_text("x")


@pytest.mark.parametrize("number", [1, 2])
def test_a_rename_that_fails_leaves_the_old_folder(tmp_path, monkeypatch, number):
    one_of_two(tmp_path / "model")
    refuse_rename(monkeypatch, number, OSError)
    with pytest.raises(RunFolderError, match="Input/output error"):
        replace_with_second(tmp_path / "model")
    assert [p.name for p in (tmp_path / "model").iterdir()] == ["first.txt"]
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


def test_what_is_killed_between_two_renames_is_found_and_replaced(tmp_path, monkeypatch):
    one_of_two(tmp_path / "model")
    with monkeypatch.context() as killed:
        refuse_rename(killed, 2, Killed)
        with pytest.raises(Killed):
            replace_with_second(tmp_path / "model")
    assert not (tmp_path / "model").exists()
    assert [p.name for p in existing_folder(tmp_path / "model").iterdir()] == ["first.txt"]
    replace_with_second(tmp_path / "model")
    assert [p.name for p in existing_folder(tmp_path / "model").iterdir()] == ["second.txt"]
    (tmp_path / ".model.1-1.old").mkdir()
    assert existing_folder(tmp_path / "model") == tmp_path / "model", "what is in its place comes first"


def _fill_and_stop(folder):
    with new_folder(folder) as place:
        write_whole(place / "half.txt", "x")
        raise KeyboardInterrupt


def test_leftovers_of_a_killed_process_are_removed_or_put_back(tmp_path: Path) -> None:
    (tmp_path / ".plan.json.12-140.part").write_text("{")
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / ".slab_0.12-140.part").mkdir()
    (tmp_path / ".model.12-140.old").mkdir()
    (tmp_path / ".model.12-140.old" / "description.json").write_text("whole")
    (tmp_path / ".baselines.12-140.old").mkdir()
    (tmp_path / "baselines").mkdir()
    (tmp_path / ".mine").write_text("kept")
    remove_leftovers(tmp_path)
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*"))
    assert left == [".mine", "baselines", "checkpoints", "model", "model/description.json"]


def test_text_that_is_no_utf8_is_written_as_json_reads_it(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"name": "ward\udcff"})
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {"name": "ward\udcff"}
