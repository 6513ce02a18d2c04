"""The command that follows a training while it runs, from the log that it writes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rounds.cli.app import app

if TYPE_CHECKING:
    from rounds.examination.finding import Examination, Finding
    from rounds.examination.log_rules.examination import LogExamination
    from rounds.examination.log_rules.run_row import RunRow

Sources = Annotated[
    list[Path],
    typer.Argument(metavar="LOG...", help="logs that grow, folders of them, or a folder that rounds.watch writes"),
]
Every = Annotated[float, typer.Option("--every", metavar="SECONDS", min=0.1, help="seconds between looks")]
Idle = Annotated[
    float | None, typer.Option("--idle", metavar="SECONDS", help="end after so long without anything new (never)")
]
Live = Annotated[bool, typer.Option("--page", help="serve a live page on this machine, and print its address")]
Host = Annotated[str, typer.Option("--host", help="address to serve on; all but loopback lets others in")]
Port = Annotated[int, typer.Option("--port", help="port to serve on (0: a free one)", min=0, max=65535)]
UntilDone = Annotated[bool, typer.Option("--until-done", help="with --page: end when the run is done")]
Page = Annotated[Path | None, typer.Option("--out", metavar="PAGE.html", help="keep a page that draws every run")]


@app.command()
def watch(
    sources: Sources,
    every: Every = 5.0,
    idle: Idle = None,
    out: Page = None,
    page: Live = False,
    host: Host = "127.0.0.1",
    port: Port = 0,
    until_done: UntilDone = False,
) -> None:
    """Follow a training from its log: a line for each new point, and what is wrong as soon as it can be said."""
    if page:
        _serve(sources, host, port, until_done)
        return
    from rounds.examination.log_rules.examination import LogExamination
    from rounds.examination.sources.following import follow

    shown: dict[str, RunRow] = {}
    said: set[tuple[str, tuple[int, ...]]] = set()
    for found in follow(sources, every, idle):
        if isinstance(found, LogExamination):
            _show_runs(found.rows, shown)
            _write_page(found, out, every)
        for finding in _told_now(found, said):
            print(f"{finding.severity}: {finding.code}. {finding.explanation}", flush=True)


def _serve(sources: list[Path], host: str, port: int, until_done: bool) -> None:
    from rounds.live.beside import check_server

    check_server()
    from rounds.live.serve import serve

    serve(sources, lambda address: print(f"Watch it at {address}", flush=True), host, port, until_done)


def _show_runs(rows: "tuple[RunRow, ...]", shown: "dict[str, RunRow]") -> None:
    """A line for each run that has grown."""
    for row in sorted(rows, key=lambda r: r.run):
        known = shown.get(row.name)
        if (known is None or known.points != row.points) and row.last is not None and row.best is not None:
            at = f"{row.points} {row.unit}s, {row.judged} {row.last:.4g}, best {row.best:.4g}"
            print(f"{row.name}: {at} ({row.unit} {row.best_at:g})", flush=True)
        shown[row.name] = row


def _told_now(found: "Examination", said: "set[tuple[str, tuple[int, ...]]]") -> "list[Finding]":
    """Alarms that were not printed before, of rules that need not wait for the end of a training."""
    from rounds.examination.log_rules.examination import LogExamination
    from rounds.examination.rules import rules_of_logs, rules_of_training

    asked = rules_of_logs() if isinstance(found, LogExamination) else rules_of_training()
    early = {rule.code for rule in asked if rule.seen_at_once}
    new = [f for f in found.findings if f.alarms and f.code in early and (f.code, f.members) not in said]
    said.update((f.code, f.members) for f in new)
    return new


def _write_page(found: "LogExamination", out: Path | None, every: float) -> None:
    if out is None:
        return
    from rounds.report.log_page import write_log_page

    write_log_page(found, out, refresh=every)
