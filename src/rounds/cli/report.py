"""The command that draws a report anew."""

from typing import Annotated

import typer

from rounds.cli.app import app
from rounds.cli.options import Run


@app.command()
def report(run: Run, quiet: Annotated[bool, typer.Option("--quiet", help="print errors only")] = False) -> None:
    """Draw a run's report anew from its folder."""
    from rounds.report.page import write_report

    path = write_report(run)
    if not quiet:
        print(path)
