"""The command that draws a report again."""

from typing import Annotated

import typer

from rounds.cli.app import app
from rounds.cli.options import Run, ShowImages
from rounds.cli.readable import say


@app.command()
def report(
    run: Run,
    licence: Annotated[str | None, typer.Option("--licence", help="of the data, for the model card")] = None,
    show_images: ShowImages = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="print errors only")] = False,
) -> None:
    """Draw a run's report and model card again from its folder."""
    from rounds.report.card.card import write_card
    from rounds.report.page import write_report

    path = write_report(run, show_images)
    write_card(run, licence)
    if not quiet:
        say(str(path))
