"""Runs beside each other on one page: scores, and the gain over the first run with its interval, drawn."""

from pathlib import Path
from typing import TYPE_CHECKING

from rounds.files import write_whole
from rounds.report.page import environment
from rounds.report.wording import estimate_cells, label
from rounds.run_folder.metrics import Estimate

if TYPE_CHECKING:
    from rounds.evaluation.compare import Comparison

MOST_METRICS = 4  # columns of scores beside the gain


def write_compare_page(found: "Comparison", path: Path) -> Path:
    """Draws the page, whole or not at all, and returns its path."""
    write_whole(path, compare_page(found))
    return path


def compare_page(found: "Comparison") -> str:
    """The page's text; it loads nothing."""
    from rounds.report.figures.compared import gain_figure

    return (
        environment()
        .get_template("compare.html")
        .render(
            found=found,
            metric=label(found.metric),
            rows=comparison_rows(found),
            svg=gain_figure(found.runs[1:], label(found.metric)),
        )
    )


def comparison_rows(found: "Comparison") -> list[dict[str, str | int]]:
    """A row a run: name, gain with its interval, scores, what asks for something."""
    names = list(found.runs[0].score)
    shown = [found.metric, *(n for n in names if n != found.metric)][:MOST_METRICS]
    return [
        {
            "run": one.run,
            "gain": _shown(one.gain) if one.gain else "-",
            **{name: _shown(one.score[name]) for name in shown if name in one.score},
            "networks": one.members,
            "found": ", ".join(one.found) or "nothing",
        }
        for one in found.runs
    ]


def _shown(interval: Estimate) -> str:
    value, limits = estimate_cells(interval)
    return f"{value} ({limits})"
