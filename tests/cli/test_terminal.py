"""In a real terminal: progress is drawn, and Ctrl-C ends a training with everything so far on disk."""

import contextlib
import io
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from rounds.cli.terminal import _bars, _Watch
from rounds.training.result.progress import Stage

SECONDS = 240  # longest that a busy machine may take to start a training


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_drawn_where_a_person_watches() -> None:
    with contextlib.redirect_stdout(Screen()) as screen:
        console = Console(force_terminal=True)
        with _bars(console) as bars:
            _Watch(bars, console).see(Stage("examining the data"))
            bars.refresh()
    assert "examining the data" in screen.getvalue()


@pytest.mark.slow
def test_interrupted_at_the_keyboard(tmp_path: Path) -> None:
    run = tmp_path / "run"
    words = ["train", "admissions", "--rounds", "0", "--members", "4", "--set", "epochs=2000", "--out", str(run)]
    keyboard, screen = pty.openpty()
    started = subprocess.Popen(
        [sys.executable, "-m", "rounds.cli", *words, "--set", "patience=0"],
        stdin=screen,
        stdout=screen,
        stderr=screen,
        cwd=tmp_path,
        start_new_session=True,
    )
    os.close(screen)
    seen, ends = b"", time.monotonic() + SECONDS
    while b"best validation" not in seen and time.monotonic() < ends:
        seen += os.read(keyboard, 4096)
    started.send_signal(signal.SIGINT)  # what the terminal sends at Ctrl-C
    with contextlib.suppress(OSError):  # the other side is closed
        while chunk := os.read(keyboard, 4096):
            seen += chunk
    assert started.wait(SECONDS) == 130
    assert b"Traceback" not in seen
    plain = b" ".join(seen.split())
    assert b"Interrupted: everything up to the last epoch boundary is on disk in" in plain
    assert f"--resume --out {run} goes on with it.".encode() in plain
    assert list((run / "checkpoints").iterdir())
