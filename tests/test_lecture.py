"""docs/lecture.md holds what it says: every file is there, and every snippet of its table runs.

Words in capitals stand for what the tests make: RUN (a small run), TABLE and DATA (a table with the outcome
`died`), LOG, FILE.py:function; xrays/ is a small folder of images, and RUN before it a run on them. A snippet that
begins with an option is given to `rounds train TABLE --target died`. Long ones are marked slow.
"""

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest

from rounds.plan import Plan, make_plan, parse_value

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "lecture.md"
SMALL = ["--members", "1", "--rounds", "0", "--set", "epochs=1", "--quiet"]
IMAGES = ["--image-size", "16", "--set", "filters=4,4", "--set", "block_depth=1"]
OWN_GROUP = ("diabetes", "digits", "breast_cancer", "admissions")  # built-in sets, which know their patients
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
    return list(dict.fromkeys(span for span in found if span.startswith(("rounds ", "--"))))


def is_path(span: str) -> bool:
    return "/" in span and " " not in span and not span.startswith(("rounds", "--"))


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.piece[:40])
def test_row_names_files_that_are_there(row: Row) -> None:
    places = [span for span in spans(row.places) if span.endswith((".py", "/"))]
    assert places, f"{row.piece}: where does it live?"
    for span in [*places, *(s for s in spans(row.shown) if is_path(s))]:
        assert any((folder / span).exists() for folder in (ROOT / "src" / "rounds", ROOT, ROOT / "docs")), span


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.piece[:40])
def test_row_is_shown_by_something(row: Row) -> None:
    assert [s for s in spans(row.shown) if s.startswith(("rounds ", "--")) or is_path(s)], row.piece


@pytest.mark.parametrize("snippet", snippets())
def test_snippet_names_what_there_is(snippet: str, command: Command) -> None:
    """Commands, options and plan fields, without the minutes that running them all takes."""
    words = shlex.split(snippet)
    name = words[1] if words[0] == "rounds" else "train"
    known = command(name, "--help")
    assert known.status == 0
    for option in (word for word in words if word.startswith("--")):
        assert option in known.out, f"{name} has no {option}"
    pairs = [words[i + 1].split("=", 1) for i, word in enumerate(words) if word == "--set"]
    make_plan(Plan(), {field: parse_value(field, value) for field, value in pairs})


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, command: Command) -> dict[str, str]:
    """What the words in capitals stand for."""
    folder = tmp_path_factory.mktemp("lecture")
    known = {**written(folder), "folder": str(folder)}
    train = ("train", known["TABLE"], "--target", "died", "--group", "none", "--out", folder / "run")
    made = command(*train, *SMALL)
    assert made.status == 0, made.err
    return {**known, "RUN": str(folder / "run")}


@pytest.fixture(scope="module")
def xrays(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder of small images in two classes, the second brighter."""
    image = pytest.importorskip("PIL.Image")
    folder, random = tmp_path_factory.mktemp("pictures") / "xrays", np.random.default_rng(1)
    for number in range(160):
        label = folder / ("pneumonia" if number % 2 else "normal")
        label.mkdir(parents=True, exist_ok=True)
        pixels = random.normal(90 + 60 * (number % 2), 25, (16, 16)).clip(0, 255).astype(np.uint8)
        image.fromarray(pixels).save(label / f"{number}.png")
    return str(folder)


@pytest.fixture(scope="module")
def image_run(xrays: str, tmp_path_factory: pytest.TempPathFactory, command: Command) -> str:
    folder = tmp_path_factory.mktemp("image_run") / "run"
    made = command("train", xrays, *IMAGES, *SMALL, "--out", folder)
    assert made.status == 0, made.err
    return str(folder)


def written(folder: Path) -> dict[str, str]:
    """The small files that snippets are given, by the words that stand for them."""
    random = np.random.default_rng(0)
    x = random.normal(size=(300, 3))
    noise = random.normal(size=300)
    died = (x[:, 0] + random.normal(size=300) > 0).astype(int)
    columns = {"age": x[:, 0], "pulse": x[:, 1], "sodium": x[:, 2]}
    pl.DataFrame({**columns, "died": died}).write_csv(folder / "died.csv")
    labels = {"label_a": died, "label_b": (x[:, 1] + noise > 0).astype(int)}
    pl.DataFrame({**columns, **labels}).write_csv(folder / "labels.csv")
    pl.DataFrame({**columns, "target_a": x[:, 1] + noise, "target_b": x[:, 2] - noise}).write_csv(
        folder / "targets.csv"
    )
    falling = np.linspace(1.0, 0.2, 30)
    pl.DataFrame({"epoch": range(1, 31), "loss": falling, "val_loss": falling + 0.1}).write_csv(folder / "curves.csv")
    pl.DataFrame({"stay": range(300), "age": columns["age"], "death": died}).write_csv(folder / "stays.csv")
    measured = [
        {"stay": i, "hour": h, "parameter": "HR", "value": 80 + h * x[i, 0]} for i in range(300) for h in range(8)
    ]
    pl.DataFrame(measured).write_parquet(folder / "measurements.parquet")
    (folder / "own.py").write_text(
        "import keras\nmodel = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])\n"
    )
    (folder / "square.py").write_text(
        "import numpy as np\ninputs = {'w': np.ones(3)}\n\n\ndef function(p):\n    return (p['w'] * p['w']).sum()\n"
    )
    return {
        "DATA": str(folder / "died.csv"),
        "TABLE": str(folder / "died.csv"),
        "LOG": str(folder / "curves.csv"),
        "FILE.py:function": str(folder / "square.py:function"),
        "FILE.py:model": str(folder / "own.py:model"),
        "STAY": "stay",
        "stays.csv": str(folder / "stays.csv"),
        "measurements.parquet": str(folder / "measurements.parquet"),
        "target_*": str(folder / "targets.csv"),
        "label_*": str(folder / "labels.csv"),
    }


def filled(snippet: str, place: dict[str, str], number: int) -> list[str]:
    """The words of the command that a snippet stands for."""
    words = shlex.split(snippet)
    if words[0] != "rounds":
        words = ["rounds", "train", "TABLE", "--target", "died", *words]
    table = next((place[w] for w in words if w.endswith("_*")), place["TABLE"])
    words = [w if w.endswith("_*") else {**place, "TABLE": table, "DATA": table}.get(w, w) for w in words[1:]]
    if words[0] == "train":
        small = [w for w in SMALL if not (w in ("--rounds", "0") and "--rounds" in words)]
        pictured = words[1] == place.get("xrays/")
        group = [] if pictured or words[1] in OWN_GROUP else ["--group", "none"]
        small += [*group, *(IMAGES if pictured else []), "--out", f"{place['folder']}/run_{number}"]
        words = [*words[:2], *small, *words[2:]]  # what the snippet says comes last, and holds
    return words


def is_long(snippet: str) -> bool:
    """Images, recordings, large sets and trials take a minute together; the others a second each."""
    return any(word in snippet for word in ("xrays/", "--sequences", "digits", "admissions", "--rounds 1"))


@pytest.mark.parametrize("snippet", [pytest.param(s, marks=pytest.mark.slow if is_long(s) else ()) for s in snippets()])
def test_snippet_runs(snippet: str, place: dict[str, str], command: Command, request: pytest.FixtureRequest) -> None:
    if "xrays/" in snippet:
        place = {**place, "xrays/": request.getfixturevalue("xrays")}
        if "RUN" in snippet:
            place["RUN"] = request.getfixturevalue("image_run")
    done = command(*filled(snippet, place, snippets().index(snippet)))
    assert done.status == 0, f"{snippet}: {done.err}"
