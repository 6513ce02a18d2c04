"""The commands that set finished runs beside each other."""

import json
from pathlib import Path
from typing import Annotated

import typer

from rounds.cli.app import app
from rounds.cli.options import AsJson

Runs = Annotated[list[Path], typer.Argument(metavar="RUN RUN...", help="run folders; the first is compared with")]
Page = Annotated[Path | None, typer.Option("--out", metavar="PAGE.html", help="write the comparison as a page")]


@app.command()
def compare(runs: Runs, out: Page = None, as_json: AsJson = False) -> None:
    """Say which of several runs is better on the same patients, by how much, and with what certainty."""
    from rounds.evaluation.compare import compare_runs

    found = compare_runs(runs)
    if out is not None:
        from rounds.report.compare_page import write_compare_page

        write_compare_page(found, out)
    if as_json:
        print(json.dumps(found.content(), indent=2, ensure_ascii=False, allow_nan=False))
        return
    from rounds.cli.terminal import show_table
    from rounds.report.compare_page import comparison_rows

    print(f"{found.rows:,} rows of {found.patients:,} patients; {found.metric}; gain over {found.runs[0].run}.")
    show_table(comparison_rows(found))


@app.command()
def runs(
    folder: Annotated[Path, typer.Argument(help="folder of runs")] = Path("runs"), as_json: AsJson = False
) -> None:
    """List the finished runs below a folder, the best of each table and outcome first."""
    from rounds.evaluation.leaderboard import list_runs

    found = [run.content() for run in list_runs(folder)]
    if as_json:
        print(json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False))
        return
    from rounds.cli.terminal import show_table

    show_table(found)
