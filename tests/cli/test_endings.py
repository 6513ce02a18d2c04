"""However a command ends, it says so in a line that any terminal takes, and by its exit status."""

import importlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rounds.cli.console import make_console
from rounds.cli.readable import readable, say

program = importlib.import_module("rounds.cli.app")  # the package's door has the command of that name
ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
ROUNDS = [sys.executable, "-m", "rounds.cli"]


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Puts back how signals were handled."""
    before = [signal.getsignal(number) for number in ENDING]
    yield
    for number, handler in zip(ENDING, before, strict=True):
        signal.signal(number, handler)


def ended(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> int:
    """Exit status of a command that ends in this error."""

    def fails(**_: object) -> None:
        raise error

    monkeypatch.setattr(program, "app", fails)
    with pytest.raises(SystemExit) as stop:
        program.main()
    return int(str(stop.value.code))


def test_an_error_that_nobody_refused_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(monkeypatch, KeyError("a\nb")) == 1
    assert capsys.readouterr().err.startswith("Rounds failed, and should have said why: KeyError: 'a\\nb'. Report it")
    monkeypatch.setenv(program.SHOW_TRACEBACK, "1")
    monkeypatch.setattr(program, "app", lambda **_: int("seen"))
    with pytest.raises(ValueError, match="seen"):
        program.main()


def test_what_the_system_refuses_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(monkeypatch, PermissionError(13, "Permission denied", "secret.csv")) == 2
    assert capsys.readouterr().err == (
        "File must be one that can be read, got file='secret.csv (Permission denied)'. "
        "Check the path, and who may read it.\n"
    )


@pytest.mark.parametrize("number", ENDING)
def test_signals_of_clusters_end_as_ctrl_c_does(number: signal.Signals) -> None:
    for one in ENDING:
        signal.signal(one, signal.default_int_handler if one == signal.SIGINT else signal.SIG_DFL)
    program._end_as_interrupted()
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), number)
    for later in ENDING:  # what the first has to save is not broken off
        os.kill(os.getpid(), later)


def test_a_signal_that_nohup_ignores_stays_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    program._end_as_interrupted()
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN


def table(folder: Path) -> Path:
    path = folder / "g.csv"
    rows = "".join(f"{i % 9},{50 + i % 8},{i % 7}\n" for i in range(40))
    path.write_text(f"Größe,age\x1b[2Jof\u202e,los\n{rows}", encoding="utf-8")
    return path


@pytest.mark.parametrize(("place", "status"), [("> /dev/full", 1), (">&-", 0), ("2>&-", 0), ("| true", 0)])
def test_output_that_nobody_takes(tmp_path: Path, place: str, status: int) -> None:
    words = f"{' '.join(ROUNDS)} data {table(tmp_path)} {place}"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", words], capture_output=True, text=True, check=False)
    assert done.returncode == status
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
    wanted = "Output must be a place that can be written, got error='No space left on device'. Free some space"
    assert (wanted in done.stderr) == (status == 1)


def test_names_of_files_and_columns_are_written_out(tmp_path: Path) -> None:
    surroundings = {**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    path = os.fsencode(table(tmp_path)).replace(b"g.csv", b"g\xff.csv")
    os.rename(table(tmp_path), path)
    done = subprocess.run([*ROUNDS, "data", path], capture_output=True, env=surroundings, check=False)
    assert done.returncode == 0, done.stderr
    assert b"Gr\\xf6\\xdfe" in done.stdout
    assert b"age\\u001b[2Jof\\u202e" in done.stdout
    assert b"\x1b" not in done.stdout


def test_consoles_print_what_is_given_and_nothing_that_obeys(capsys: pytest.CaptureFixture[str]) -> None:
    make_console().print("[red]age[/red] \x1b]0;title\x07")
    say("los\u202e\x9b")
    assert capsys.readouterr().out == "[red]age[/red] \\u001b]0;title\nlos\\u202e\\u009b\n"
    assert readable("kept\tand\n") == "kept\tand\n"
