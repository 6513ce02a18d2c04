"""The commands that say and remove what is kept of single patients: in a run folder, and in the user's cache."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from rounds.cli.app import app
from rounds.cli.options import AsJson, Run


@app.command()
def privacy(
    run: Run,
    strip: Annotated[bool, typer.Option("--strip", help="remove it, so that the folder can be handed on")] = False,
    as_json: AsJson = False,
) -> None:
    """Say what RUN holds of single patients; all else in it is aggregates of ten patients and more."""
    from rounds.run_folder.dataset import DatasetFile
    from rounds.run_folder.privacy import IN_REPORT, holdings
    from rounds.run_folder.privacy import strip as strip_run

    DatasetFile.read(run)  # refused where this is no run folder
    found = holdings(run)
    if strip:
        if any(held.file == IN_REPORT.file for held in found):
            from rounds.report.page import write_report

            write_report(run)
        strip_run(run)
    if as_json:
        print(json.dumps({"held": [asdict(held) for held in found], "removed": strip}, indent=2))
        return
    for held in found:
        print(f"{held.file} ({held.size / 1000:,.0f} kB): {held.holds}. Without it: no {held.lost}.")
    if not found:
        print("Nothing in it is of a single patient.")
    elif strip:
        print("Removed. What is left can be handed on; the names of the outcome's classes stay, however rare.")
    else:
        print(f"`rounds privacy {run} --strip` removes it.")


@app.command()
def clean() -> None:
    """Remove the resized images of patients that Rounds keeps outside of run folders."""
    from rounds.data.images.cached_sets import cache_folder, clear

    print(f"Removed {clear() / 1e6:,.1f} MB of resized images from {cache_folder()}.")
