"""The report: one self-contained HTML file drawn from a run folder; it loads nothing and runs no script."""

from pathlib import Path
from typing import Any

from rounds.files import write_whole
from rounds.run_record import read_record

REPORT = "report.html"


def write_report(run: Path) -> Path:
    """Draws RUN/report.html, whole or not at all, and returns its path.

    Raises RunFolderError where the folder holds no finished run or cannot be written.
    """
    records = {name: read_record(run, f"{name}.json") for name in ("dataset", "plan", "findings", "metrics")}
    path = run / REPORT
    write_whole(path, render(records))
    return path


def render(records: dict[str, Any]) -> str:
    """The page's text."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(Path(__file__).parent)
    page = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    metrics = records["metrics"]
    scores = {"network": metrics["test"], "single network": metrics["single_network"], **metrics["baselines"]}
    return page.get_template("page.html").render(**records, scores=scores)
