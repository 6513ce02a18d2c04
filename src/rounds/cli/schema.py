"""The command that prints the layout of a run folder's records."""

import json
from typing import Annotated

import typer

from rounds.cli.app import app
from rounds.errors import RoundsError, nearest


@app.command()
def schema(
    name: Annotated[str, typer.Argument(help="dataset, evidence, findings, metrics, model, plan or prescriptions")],
) -> None:
    """Print the JSON Schema of a file of the run folder: `rounds schema metrics`."""
    from pydantic import BaseModel

    from rounds.prediction.model_folder import ModelDescription
    from rounds.run_folder.records import RECORDS

    known: dict[str, type[BaseModel]] = {**RECORDS, "model": ModelDescription}
    name = name.removesuffix(".json")
    if name not in known:
        raise RoundsError(
            "NAME", f"one of {', '.join(sorted(known))}", name="name", got=name, advice=nearest(name, list(known))
        )
    print(json.dumps(known[name].model_json_schema(), indent=2))
