"""The page of a training that this process runs, served by a process of its own, which costs the training nothing."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from rounds.errors import PlanError

NEEDED = ("starlette", "uvicorn")


def check_server() -> None:
    """Raises PlanError where what serves the page is not installed."""
    missing = [package for package in NEEDED if find_spec(package) is None]
    if missing:
        advice = "Install it: pip install 'rounds[watch]'"
        raise PlanError("The live page", "served by what is installed", name="package", got=missing[0], advice=advice)


@contextmanager
def page_beside(wanted: bool) -> Iterator[Callable[[Any], None]]:
    """Takes the events of a job, and serves its folder from when it is there until shortly after the run is done.

    The server prints its address. Raises PlanError where it is wanted and not installed.
    """
    servers: list[subprocess.Popen[bytes]] = []
    if wanted:
        check_server()

    def see(event: Any) -> None:
        folder = getattr(event, "folder", None)
        if wanted and not servers and folder is not None and not hasattr(event, "record"):
            words = ("-m", "rounds.cli", "watch", str(folder), "--page", "--until-done")
            servers.append(subprocess.Popen([sys.executable, *words], stdin=subprocess.DEVNULL))

    try:
        yield see
    except BaseException:
        for server in servers:
            server.terminate()
        raise
