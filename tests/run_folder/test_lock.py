"""Two runs never share a folder, and a folder that was deleted meanwhile is said."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rounds.errors import RunFolderError
from rounds.run_folder.lock import LOCK, locked

HOLD = """
import sys
from pathlib import Path
from rounds.run_folder.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def _refused(run: Path, text: str) -> None:
    with pytest.raises(RunFolderError, match=text), locked(run):
        pass


def test_a_folder_is_one_runs_alone(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with locked(run) as lock:
        lock.check()
        _refused(run, "out must be a folder that no other run is writing, got out=")
        assert (run / LOCK).exists()
    assert not run.exists()  # nothing was written into it
    (run).mkdir()
    (run / "plan.json").write_text("{}")
    with locked(run):
        pass
    assert [path.name for path in run.iterdir()] == ["plan.json"]


def test_another_process_is_told_and_a_killed_one_holds_nothing(tmp_path: Path) -> None:
    words = [sys.executable, "-c", HOLD, str(tmp_path / "run")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        _refused(tmp_path / "run", rf"\(process {other.pid}\)")
        other.kill()
    with locked(tmp_path / "run"):
        pass


def test_a_deleted_folder_is_said(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with locked(run) as lock:
        shutil.rmtree(run)
        with pytest.raises(RunFolderError, match="Run folder must be left where it is until the end"):
            lock.check()
        run.mkdir()  # another run may have begun there
        (run / LOCK).write_text("")
        with pytest.raises(RunFolderError, match="left where it is"):
            lock.check()


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    _refused(tmp_path / "file" / "run", "Place to write must be a folder that can be written")
