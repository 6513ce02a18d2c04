"""The command that predicts for new patients."""

from pathlib import Path
from typing import Annotated

import typer

from rounds.cli.app import app
from rounds.cli.options import AllowCode, Data, Run, Sequences, SkipBad
from rounds.user_code import code_allowed


@app.command()
def predict(
    run: Run,
    data: Data,
    out: Annotated[
        Path | None, typer.Option("--out", help="CSV or Parquet file to write (else standard output)")
    ] = None,
    skip_bad: SkipBad = False,
    sequences: Sequences = None,
    augment: Annotated[
        str | None, typer.Option("--augment", help="look at every image again: average, max or ten-crop")
    ] = None,
    members: Annotated[bool, typer.Option("--members", help="a column for every network as well")] = False,
    allow_code: AllowCode = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="print errors only")] = False,
) -> None:
    """Predict for the patients of DATA with the networks of a run; identifiers pass through."""
    from rounds.cli.terminal import show_prediction

    with code_allowed(allow_code):
        show_prediction(run, data, (out, members, skip_bad, sequences, augment), quiet)
