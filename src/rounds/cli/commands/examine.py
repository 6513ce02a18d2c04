"""The command that says what is wrong with a training."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rounds.cli.app import app
from rounds.cli.options import AsJson
from rounds.cli.readable import print_json, say

if TYPE_CHECKING:
    from rounds.run_folder.findings import FindingsFile

Sources = Annotated[list[Path], typer.Argument(metavar="RUN|LOG...", help="a run folder, or logs of other tools")]
Page = Annotated[Path | None, typer.Option("--out", metavar="PAGE.html", help="draw every run of the logs on a page")]
Step = Annotated[str | None, typer.Option("--step", metavar="COL", help="column of epochs or steps")]
Loss = Annotated[str | None, typer.Option("--loss", metavar="COL", help="column of the training loss")]
Validation = Annotated[str | None, typer.Option("--validation", metavar="COL", help="column of the validation loss")]
Together = Annotated[
    str | None, typer.Option("--as", metavar="folds|seeds", help="what several logs of one configuration are")
]


@app.command("examine")
def examine_command(
    sources: Sources,
    as_json: AsJson = False,
    out: Page = None,
    step: Step = None,
    loss: Loss = None,
    validation: Validation = None,
    together: Together = None,
) -> None:
    """Say what is wrong with a training, with the numbers that show it: a run folder, or logs of other tools."""
    from rounds.examination.logs.runs import Choice
    from rounds.examination.sources import source

    choice = Choice(step, loss, validation)
    alone = len(sources) == 1 and source.is_run_folder(sources[0])
    seeds = [] if alone or together == "folds" else source.watched_folders(sources)
    if (alone or seeds) and not (out or choice.named or (alone and together)):
        from rounds.examination.text import examination_text

        run = source.examine_seeds(seeds) if seeds else source.examine_source(sources[0])
        _print(run.record(), as_json, lambda: examination_text(run))
        return
    from rounds.examination.log_rules.text import log_text

    found = source.examine_log_files(sources, choice, together)
    if out is not None:
        from rounds.report.log_page import write_log_page

        write_log_page(found, out)
    _print(found.record(), as_json, lambda: log_text(found))


def _print(record: "FindingsFile", as_json: bool, words: Callable[[], str]) -> None:
    print_json(record.model_dump(mode="json", exclude_unset=True)) if as_json else say(words())
