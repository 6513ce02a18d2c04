"""The server: one page, one stream of what it shows, one report at the end; under a path that nobody can guess."""

import json
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response, StreamingResponse
from starlette.routing import Mount, Route

from rounds.live.view import LiveView
from rounds.report.page import REPORT, environment

RESTS = 5  # times as long as drawing took, before it is drawn again
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; script-src 'nonce-{}'"


class ShownState:
    """The newest view, drawn by whoever asks first after `every` seconds, for all who ask."""

    def __init__(self, draw: Callable[[], LiveView], every: float) -> None:
        self._draw, self._every = draw, every
        self._lock = threading.Lock()
        self._view: LiveView | None = None
        self._due = 0.0
        self.report_taken = False

    def newest(self) -> LiveView:
        """Drawn again where that is due."""
        with self._lock:
            if self._view is None or time.monotonic() >= self._due:
                started = time.monotonic()
                self._view = self._draw()
                taken = time.monotonic() - started
                self._due = started + taken + max(self._every, RESTS * taken)
            return self._view


def make_app(shown: ShownState, token: str, run: Path | None) -> Starlette:
    """token: the first part of every path; run: the folder whose report is shown in the end, where it is one."""
    nonce = token[:16]

    def page(request: Request) -> Response:
        made = environment().get_template("live.html").render(nonce=nonce, policy=POLICY.format(nonce))
        return HTMLResponse(made, headers=_HEADERS)

    def events(request: Request) -> Response:
        return StreamingResponse(_stream(shown, request), media_type="text/event-stream", headers=_HEADERS)

    def report(request: Request) -> Response:
        if run is None or not (run / REPORT).exists():
            return Response("not yet", status_code=404)
        shown.report_taken = True
        return FileResponse(run / REPORT, headers=_HEADERS)

    inside = [Route("/", page), Route("/events", events), Route(f"/{REPORT}", report)]
    return Starlette(routes=[Mount(f"/{token}", routes=inside)])


_HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}


async def _stream(shown: ShownState, request: Request) -> AsyncIterator[str]:
    """A view whenever it has changed; ends with the view of a run that is done."""
    before = ""
    while not await request.is_disconnected():
        view = await anyio.to_thread.run_sync(shown.newest)
        sent = json.dumps(view.record())
        if sent != before:
            before = sent
            yield f"data: {sent}\n\n"
        if view.finished:
            return
        await anyio.sleep(0.5)
