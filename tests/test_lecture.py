"""docs/lecture.md holds what it says: every file is there, and every command of its table runs as it stands.

The tests add what makes a command small, and put its run folder elsewhere; `runs/died` and `runs/xrays` are what the
page says to train first. Commands on images, recordings and large sets are marked slow.
"""

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from rounds.plan import Plan, make_plan, parse_value

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "lecture.md"
SMALL = ["--members", "1", "--rounds", "0", "--set", "epochs=1", "--quiet"]
IMAGES = ["--set", "filters=4,4", "--set", "block_depth=1"]
FEWER = {
    "admissions:2000": "admissions:300",
    "admissions": "admissions:500",
    "xrays": "xrays:100",
    "vital_signs": "vital_signs:120",
}
Command = Callable[..., Any]


class Row(NamedTuple):
    piece: str
    places: str
    shown: str


def rows() -> list[Row]:
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [Row(*cell) for cell in cells if len(cell) == 3 and not set(cell[0]) <= set("- ") and cell[0] != "piece"]


def spans(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def snippets() -> list[str]:
    found = [span for row in rows() for span in spans(row.shown)]
    return list(dict.fromkeys(span for span in found if span.startswith("rounds ")))


def is_path(span: str) -> bool:
    return "/" in span and " " not in span and not span.startswith("rounds")


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.piece[:40])
def test_row_names_files_that_are_there(row: Row) -> None:
    places = [span for span in spans(row.places) if span.endswith((".py", "/"))]
    assert places, f"{row.piece}: where does it live?"
    for span in [*places, *(s for s in spans(row.shown) if is_path(s))]:
        assert any((folder / span).exists() for folder in (ROOT / "src" / "rounds", ROOT, ROOT / "docs")), span


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.piece[:40])
def test_row_is_shown_by_something(row: Row) -> None:
    assert [s for s in spans(row.shown) if s.startswith("rounds ") or is_path(s)], row.piece


def words_of(snippet: str) -> list[str]:
    return shlex.split(snippet)[1:]


@pytest.mark.parametrize("snippet", snippets())
def test_command_names_what_there_is(snippet: str, command: Command) -> None:
    """Commands, options and plan fields, without the minutes that running them all takes."""
    name, *words = words_of(snippet)
    known = command(name, "--help")
    assert known.status == 0
    for option in (word for word in words if word.startswith("--")):
        assert option in known.out, f"{name} has no {option}"
    pairs = [words[i + 1].split("=", 1) for i, word in enumerate(words) if word == "--set"]
    make_plan(Plan(), {field: parse_value(field, value) for field, value in pairs})


def smaller(snippet: str, out: Path) -> list[str]:
    """The command with less data, one network and one epoch, unless it says otherwise itself."""
    name, *words = words_of(snippet)
    words = [FEWER.get(word, word) for word in words]
    if name != "train":
        return [name, *words]
    small = SMALL if "--rounds" not in words else [w for w in SMALL if w not in ("--rounds", "0")]
    images = IMAGES if words[0].startswith("xrays") else []
    return [name, words[0], *small, *images, *words[1:], "--out", str(out)]  # what it says itself comes last, and holds


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of a repository in which commands write."""
    folder = tmp_path_factory.mktemp("lecture")
    (folder / "examples").symlink_to(ROOT / "examples")
    return folder


@pytest.fixture(scope="module")
def run(place: Path, command: Command) -> Callable[[str], None]:
    """Trains what the page says to train first, where a command looks at it."""
    page = PAGE.read_text(encoding="utf-8")

    def train(name: str) -> None:
        folder = place / "runs" / name
        if not folder.exists():
            said = re.search(rf"^\$ (rounds train .+) --out runs/{name}$", page, re.M)
            assert said is not None
            made = command(*smaller(said[1], folder))
            assert made.status == 0, made.err

    return train


def is_long(snippet: str) -> bool:
    """Images, recordings, large sets and trials take a minute together; the others a second each."""
    return any(word in snippet for word in ("xrays", "vital_signs", "digits", "--rounds 1"))


@pytest.mark.parametrize("snippet", [pytest.param(s, marks=pytest.mark.slow if is_long(s) else ()) for s in snippets()])
def test_command_runs(
    snippet: str, place: Path, run: Callable[[str], None], command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    for name in re.findall(r"runs/(died|xrays)", snippet):
        run(name)
    done = command(*smaller(snippet, place / f"run_{snippets().index(snippet)}"))
    assert done.status == 0, f"{snippet}: {done.err}"
