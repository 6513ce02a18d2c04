"""What all tests share: type checks of every annotated function, and the folder of real tables."""

import contextlib
import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import pytest
from beartype.claw import beartype_packages

# Rooms of NumPy functions: while tests run, every call is checked against its annotations. Not the networks (Keras
# reads the signature of a layer's constructor, which a checked one hides), nor training (where NumPy arrays may stand
# for JAX ones).
beartype_packages(["rounds.metrics", "rounds.data", "rounds.inference"])


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real tables beside the repository; tests on them are skipped where it is missing."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs the shared tables beside the repository")
    return folder


class Ended(NamedTuple):
    """How a command ended: exit status, standard output, standard error."""

    status: int
    out: str
    err: str


def run_command(*words: object) -> Ended:
    """The `rounds` command in this process, which spares the seconds that a new one takes to import."""
    from rounds.cli import main

    out, err = io.StringIO(), io.StringIO()
    caught = contextlib.redirect_stdout(out), contextlib.redirect_stderr(err)
    with (
        caught[0],
        caught[1],
        pytest.raises(SystemExit) as stop,
        patch.object(sys, "argv", ["rounds", *map(str, words)]),
    ):
        main()
    return Ended(int(stop.value.code or 0), out.getvalue(), err.getvalue())


@pytest.fixture(scope="session")
def command() -> Callable[..., Ended]:
    return run_command
