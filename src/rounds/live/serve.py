"""Serving until the reader stops it, or until a run is done and its report was given."""

import secrets
import socket
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import uvicorn

from rounds.errors import PlanError
from rounds.live.app import ShownState, make_app
from rounds.live.view import live_view_of

LOOPBACK = "127.0.0.1"
EVERY = 1.0  # seconds between two drawings, at least
LINGER = 10.0  # seconds in which a browser may still fetch the report of a run that is done


def serve(
    paths: Sequence[Path],
    say: Callable[[str], None],
    host: str = LOOPBACK,
    port: int = 0,
    until_done: bool = False,
) -> None:
    """Serves a page that follows a run folder or logs, until interrupted.

    say: called with the address, with the token that it needs; port: 0 takes a free one; until_done: ends with the run.
    Raises PlanError where the port is taken.
    """
    token = secrets.token_urlsafe(24)
    listening = _listen(host, port)
    shown = ShownState(lambda: live_view_of(paths), EVERY)
    run = paths[0] if len(paths) == 1 else None
    config = uvicorn.Config(
        make_app(shown, token, run), log_level="error", lifespan="off", timeout_graceful_shutdown=1, access_log=False
    )
    server = uvicorn.Server(config)
    if until_done:
        threading.Thread(target=_end_with_the_run, args=(server, shown), daemon=True).start()
    say(f"http://{host}:{listening.getsockname()[1]}/{token}/")
    server.run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen()
    except OSError as error:
        advice = "Choose another with --port, or leave it out for a free one"
        raise PlanError("Port", "free", name="port", got=f"{port} ({error.strerror})", advice=advice) from None
    return listening


def _end_with_the_run(server: uvicorn.Server, shown: ShownState) -> None:
    while not shown.newest().finished:
        time.sleep(EVERY)
    ends = time.monotonic() + LINGER
    while time.monotonic() < ends and not shown.report_taken:
        time.sleep(0.2)
    time.sleep(1.0)  # what is on its way arrives
    server.should_exit = True
