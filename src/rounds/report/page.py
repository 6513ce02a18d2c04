"""The report: one self-contained HTML file drawn from a run folder; it loads nothing and runs no script."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rounds.files import write_whole
from rounds.run_folder.metrics import MetricsFile

if TYPE_CHECKING:
    from jinja2 import Environment

    from rounds.report.run_files import RunFiles

REPORT = "report.html"
TEMPLATES = Path(__file__).parent / "templates"


def write_report(run: Path, show_images: bool = False) -> Path:
    """Draws RUN/report.html, whole or not at all, and returns its path; show_images: with pictures of patients in it.

    Raises RunFolderError where the folder holds no finished run, a damaged file, or cannot be written.
    """
    MetricsFile.read(run)  # written last: where it is missing, nothing need be loaded to say no
    from rounds.report.pictures import read_pictures
    from rounds.report.run_files import read_run_files

    path = run / REPORT
    pictures = read_pictures(run, show_images)
    content = replace(read_run_files(run), pictures=pictures, shows_patients=show_images and bool(pictures))
    write_whole(path, render(content))
    return path


def render(run: "RunFiles") -> str:
    """The page's text."""
    from rounds.report.figures.table import draw_figures
    from rounds.report.opening import make_opening
    from rounds.report.sections import fill_sections, missing_sections

    figures = draw_figures(run)
    sections = fill_sections(run, {name for name, drawn in figures.items() if drawn})
    page = environment().get_template("page.html")
    missing = missing_sections(run, {filled.section.name for filled in sections})
    return page.render(opening=make_opening(run), sections=sections, missing=missing, figures=figures, run=run)


def environment() -> "Environment":
    """Templates that escape what they are given: column names are the user's, and may hold anything."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["sentence"] = sentence
    return made


def sentence(text: str) -> str:
    """With a capital and one full stop.

    >>> sentence("leaks were not looked for"), sentence("Behind the baseline.")
    ('Leaks were not looked for.', 'Behind the baseline.')
    """
    return text[:1].upper() + text[1:].rstrip(".") + "."
