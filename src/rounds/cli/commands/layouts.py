"""The commands that print layouts: every field of the plan, and the JSON Schema of a run folder's files."""

import json
from typing import Annotated

import typer

from rounds.cli.app import app
from rounds.cli.options import AsJson
from rounds.cli.readable import print_json
from rounds.errors import RoundsError, nearest


@app.command("plan")
def plan_command(as_json: AsJson = False) -> None:
    """Print the whole plan: every field, its default, range, unit, and what it does."""
    from rounds.plan import plan_table

    rows = plan_table()
    if as_json:
        print_json(rows)
        return
    from rounds.cli.terminal import show_table

    show_table(rows)


@app.command("schema")
def schema_command(
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
