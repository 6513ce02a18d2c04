"""The command that prints the plan."""

import json

from rounds.cli.app import app
from rounds.cli.options import AsJson


@app.command()
def plan(as_json: AsJson = False) -> None:
    """Print the whole plan: every field, its default, range, unit, and what it does."""
    from rounds.plan import plan_table

    rows = plan_table()
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    from rounds.cli.terminal import show_table

    show_table(rows)
