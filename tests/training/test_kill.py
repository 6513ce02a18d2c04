"""Killed at random instants and resumed, a training comes to the same bits as one that was left in peace."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).with_name("killed_run.py")
PATIENCE = 900.0  # seconds until a training must have begun, or ended: the machine may be busy


def start(folder: Path) -> subprocess.Popen[bytes]:
    (folder / "training").unlink(missing_ok=True)
    return subprocess.Popen([sys.executable, str(SCRIPT), str(folder)], stderr=subprocess.PIPE)


def wait_for_training(folder: Path, process: subprocess.Popen[bytes]) -> None:
    ends = time.monotonic() + PATIENCE
    while not (folder / "training").exists():
        assert process.poll() is None, (process.communicate()[1] or b"").decode()
        assert time.monotonic() < ends, "training never began"
        time.sleep(0.02)


def digest_of(folder: Path) -> tuple[str, float]:
    """Digest of a run to its end, and how many seconds it trained."""
    process = start(folder)
    wait_for_training(folder, process)
    began = time.monotonic()
    assert process.wait(PATIENCE) == 0
    return (folder / "digest").read_text(), time.monotonic() - began


def kill_and_resume(tmp_path: Path, kills: int) -> None:
    for name in ("peace", "killed"):
        (tmp_path / name).mkdir()
    peace, seconds = digest_of(tmp_path / "peace")
    random = np.random.default_rng(0)
    done, folder = 0, tmp_path / "killed"
    while done < kills:
        process = start(folder)
        wait_for_training(folder, process)
        time.sleep(random.uniform(0, seconds / 2))
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            done += 1
        process.wait()
        if (folder / "digest").exists():  # it came to its end before the kill: once more from the start
            assert (folder / "digest").read_text() == peace
            for path in [*(folder / "checkpoints").iterdir(), folder / "digest"]:
                path.unlink()
    assert digest_of(folder)[0] == peace
    assert not [p for p in (folder / "checkpoints").iterdir() if p.suffix != ".safetensors" and p.name[0] != "."]


def test_killed_twice_and_resumed(tmp_path: Path) -> None:
    kill_and_resume(tmp_path, 2)


@pytest.mark.slow
def test_killed_thirty_times_and_resumed(tmp_path: Path) -> None:
    kill_and_resume(tmp_path, 30)
