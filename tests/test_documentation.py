"""Every Python and console block of the documentation runs, page by page, in an empty folder.

A page's Python blocks share their names; its console blocks share a folder. Only `rounds` commands are run of a
console block (lines that start with "$ "), and lines of output that are shown without "..." must appear. A block is
left out where the line above it says why: <!-- not run: needs a GPU -->; a page that holds <!-- slow --> is run by
`make test-all`.
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from benchmarks import draw_results

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
RESULTS_PAGE = ROOT / "docs" / "results.md"
BLOCK = re.compile(r"(?P<skip><!-- not run: .+? -->\n)?^```(?P<kind>python|console)\n(?P<code>.*?)^```$", re.M | re.S)
# Longest a single block may take: pages are for readers who try them, one by one.
SECONDS = 300


class Block(NamedTuple):
    kind: str
    code: str


def blocks_of(page: Path) -> list[Block]:
    found = BLOCK.finditer(page.read_text(encoding="utf-8")) if page.exists() else ()
    return [Block(match["kind"], match["code"]) for match in found if not match["skip"]]


def commands_of(code: str) -> list[tuple[str, list[str]]]:
    """(command, lines of output shown under it) of a console block; a command goes on after a backslash.

    >>> commands_of("$ rounds plan\\nepochs 100\\n$ ls\\n")
    [('rounds plan', ['epochs 100']), ('ls', [])]
    """
    found: list[tuple[str, list[str]]] = []
    for line in code.replace("\\\n", " ").splitlines():
        if line.startswith("$ "):
            found.append((line[2:].strip(), []))
        elif found and line.strip():
            found[-1][1].append(line.strip())
    return found


def run_console(code: str, folder: Path) -> None:
    for command, shown in commands_of(code):
        words = shlex.split(command, comments=True)
        if not words or words[0] != "rounds":
            continue
        environment = {**os.environ, "COLUMNS": "160", "NO_COLOR": "1"}
        started = [sys.executable, "-m", "rounds.cli", *words[1:]]
        done = subprocess.run(
            started, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        assert done.returncode == 0, f"{command}: exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
        missing = [line for line in shown if "..." not in line and line not in done.stdout]
        assert not missing, f"{command} no longer prints {missing}, but\n{done.stdout}"


def page_case(page: Path) -> Any:
    """A page that holds <!-- slow --> takes longer than a test of every change may."""
    marks = pytest.mark.slow if "\n<!-- slow -->\n" in page.read_text(encoding="utf-8") else ()
    return pytest.param(page, marks=marks, id=str(page.relative_to(ROOT)))


@pytest.mark.parametrize("page", [page_case(page) for page in PAGES if blocks_of(page)])
def test_blocks_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": page.stem}
    for block in blocks_of(page):
        if block.kind == "console":
            run_console(block.code, tmp_path)
        else:
            exec(compile(block.code, str(page), "exec"), names)


def test_blocks_are_found() -> None:
    text = "```python\nx = 1\n```\n\n<!-- not run: needs a GPU -->\n```console\n$ rounds train x\n```\n"
    found = [(m["kind"], bool(m["skip"])) for m in BLOCK.finditer(text)]
    assert found == [("python", False), ("console", True)]
    assert commands_of("$ rounds train \\\n  x\nout\n") == [("rounds train    x", ["out"])]


def test_files_to_read_are_there() -> None:
    named = re.findall(r"\]\(\.\./(src/\S+?\.py)\)", (ROOT / "docs" / "reading.md").read_text(encoding="utf-8"))
    assert len(named) >= 12
    assert not [name for name in named if not (ROOT / name).is_file()]


def test_figures_of_results_are_those_of_its_tables():
    page = RESULTS_PAGE.read_text(encoding="utf-8")
    for name in draw_results.FIGURES:
        drawn = (RESULTS_PAGE.parent / "results" / f"{name}.svg").read_text(encoding="utf-8")
        assert f"](results/{name}.svg)" in page, name
        assert drawn.endswith(draw_results.fingerprint(draw_results.chart_of(name, page))), (
            "python -m benchmarks.draw_results"
        )
