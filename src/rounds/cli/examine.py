"""The command that says what is wrong with a training."""

import json
from pathlib import Path
from typing import Annotated

import typer

from rounds.cli.app import app
from rounds.cli.options import AsJson

Source = Annotated[Path, typer.Argument(metavar="RUN|CURVES", help="run folder, or curves that another tool left")]


@app.command()
def examine(source: Source, as_json: AsJson = False) -> None:
    """Say what is wrong with a training, with the numbers that show it: a run folder, or curves from elsewhere."""
    from rounds.examination.sources.source import examine_source

    found = examine_source(source)
    if as_json:
        print(json.dumps(found.record(), indent=2, ensure_ascii=False, allow_nan=False))
        return
    from rounds.examination.text import examination_text

    print(examination_text(found))
