"""The command that hands a model over in a format of others."""

import json
from pathlib import Path
from typing import Annotated

import typer

from rounds.cli.app import app
from rounds.cli.options import AllowCode, AsJson, Run
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
        print(json.dumps(record, indent=2, ensure_ascii=False))
        return
    check = record["check"]
    print(f"{record['file']}: {record['predicts']}, average of {record['members']} networks.")
    print(f"Inputs: {', '.join(record['inputs'])} as {record['file']}.json says how to prepare them.")
    print(f"Differs from native predictions by at most {check['largest_difference']:.1e} ({check['computed_by']}).")
