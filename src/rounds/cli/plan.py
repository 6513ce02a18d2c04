"""The command that prints the plan."""

from rounds.cli.app import app
from rounds.cli.options import AsJson
from rounds.cli.readable import print_json


@app.command()
def plan(as_json: AsJson = False) -> None:
    """Print the whole plan: every field, its default, range, unit, and what it does."""
    from rounds.plan import plan_table

    rows = plan_table()
    if as_json:
        print_json(rows)
        return
    from rounds.cli.terminal import show_table

    show_table(rows)
