"""The command that hands a model over in a format of others."""

from pathlib import Path
from typing import Annotated

import typer

from rounds.cli.app import app
from rounds.cli.options import AllowCode, AsJson, Run
from rounds.cli.readable import print_json, say
from rounds.user_code import code_allowed


@app.command()
def export(
    run: Run,
    format_: Annotated[str, typer.Option("--format", help="onnx or keras")],
    out: Annotated[
        Path | None, typer.Option("--out", help="file to write (else RUN/model.onnx or RUN/model.keras)")
    ] = None,
    allow_code: AllowCode = False,
    as_json: AsJson = False,
) -> None:
    """Write a run's model as ONNX or Keras, checked against the native predictions, with its preparation as JSON."""
    from rounds.export.export import export_run

    with code_allowed(allow_code):
        record = export_run(run, format_, out)
    if as_json:
        print_json(record)
        return
    check = record["check"]
    say(f"{record['file']}: {record['predicts']}, average of {record['members']} networks.")
    say(f"Inputs: {', '.join(record['inputs'])} as {record['file']}.json says how to prepare them.")
    say(f"Differs from native predictions by at most {check['largest_difference']:.1e} ({check['computed_by']}).")
