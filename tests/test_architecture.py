"""The rules that keep the code small and its parts replaceable, checked on every file."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "rounds"
FILES = sorted(SOURCE.rglob("*.py"))
ALL_CODE = [f for folder in ("src", "tests", "benchmarks", "examples") for f in sorted((ROOT / folder).rglob("*.py"))]

# Rooms from the ground up; a file imports its own room and those of lower rows. Rooms of one row never meet.
ROWS = (
    ("errors", "task"),
    ("foreign_files",),
    ("files", "user_code", "plan", "metrics", "model_facts", "input_shape"),
    ("proposal", "run_folder", "target_scale", "person_periods"),
    ("data", "networks"),
    ("statistics", "training", "baselines", "datasets"),
    ("prediction", "examination", "graph"),
    ("ensemble", "evaluation", "export"),
    ("report", "prescription", "watch", "loggers"),
    ("live",),
    ("job",),
    ("cli", "estimators"),
)
ROW = {room: row for row, rooms in enumerate(ROWS) for room in rooms}

FILE_LINES, FUNCTION_LINES, FOLDER_FILES = 500, 80, 16
UNTYPED = 40  # places of `dict[str, Any]`
SAME = {"load"}  # `rounds.load` is that of `data`, with errors in words of Python
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "base", "common", "misc", "tools"}
HEAVY = ("jax", "keras", "sklearn", "scipy", "polars", "altair", "optax", "pandas")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def room_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    """Dotted names of every import in a file, those inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield node.module or ""
            if node.module == "rounds":
                yield from (f"rounds.{alias.name}" for alias in node.names)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", [f for f in FILES if f.parent != SOURCE or not f.stem.startswith("__")], ids=name_of)
def test_imports_point_down(path: Path) -> None:
    own = room_of(path)
    assert own in ROW, f"{own} has no row: add it to ROWS and to the design"
    for name in imported(path):
        parts = name.split(".")
        if parts[0] != "rounds" or len(parts) < 2:
            continue
        other = parts[1]
        assert other == own or ROW[other] < ROW[own], f"{name_of(path)} may not import {name}"


def test_keras_and_optax_stay_in_their_rooms() -> None:
    users: dict[str, set[str]] = {"keras": set(), "optax": set()}
    for path in FILES:
        for name in imported(path):
            if (package := name.split(".")[0]) in users:
                users[package].add(name_of(path))
    own = ("src/rounds/networks/", "src/rounds/watch/")  # `watch` is asked for by name, where Keras is there already
    outside = {f for f in users["keras"] if not f.startswith(own)}
    assert len(outside) <= 1, f"one file of training turns Keras models into arrays, not {sorted(outside)}"
    assert all(f.startswith("src/rounds/training/") for f in outside | users["optax"])


@pytest.mark.parametrize("path", ALL_CODE, ids=name_of)
def test_sizes(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= FILE_LINES, f"more than {FILE_LINES} lines: two ideas in one file"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, Function) and not is_command(node):
            assert lines_of(node) <= FUNCTION_LINES, f"{node.name}: more than {FUNCTION_LINES} lines"


def lines_of(node: Function) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def is_command(node: Function) -> bool:
    """A command's parameters are its options on the command line, as many as it has."""
    return any("command" in ast.unparse(decorator) for decorator in node.decorator_list)


def test_files_are_named_by_what_they_hold() -> None:
    named = {name_of(f) for f in ALL_CODE if f.stem in FORBIDDEN_NAMES or f.parent.name in FORBIDDEN_NAMES}
    assert not named


def loaded_after(code: str) -> set[str]:
    """Heavy packages that a fresh Python has loaded after running `code`."""
    ending = f"; import sys; print('LOADED', *[m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code + ending], capture_output=True, text=True, check=True)
    return set(done.stdout.split("LOADED")[-1].split())


def test_import_loads_nothing_heavy() -> None:
    assert loaded_after("import rounds") == set()


def test_help_loads_nothing_heavy() -> None:
    code = "import sys, contextlib; sys.argv = ['rounds', '--help']; from rounds.cli import main\n"
    code += "with contextlib.suppress(SystemExit): main()\n"
    code += "pass"
    assert loaded_after(code) == set()


def committed() -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("needs a git checkout")
    files = [ROOT / name for name in done.stdout.split("\0") if name]
    return [f for f in files if f.is_file() and f != Path(__file__).resolve()]


@pytest.mark.parametrize(
    ("what", "pattern"),
    [
        ("a path of one machine", rb"(?<![\w.])/(root|home|Users|work|opt)/\w"),
        ("an address of a package index", rb"https?://[\w.-]*(pypi|pythonhosted|conda|npmjs)|index-url"),
        ("a pinned address", rb"^\S+ @ (file|https?|git)"),
    ],
)
def test_committed_files_travel(what: str, pattern: bytes) -> None:
    found = [name_of(f) for f in committed() if re.search(pattern, f.read_bytes(), re.MULTILINE)]
    assert not found, f"{what} in {found}"


def test_constraints_are_plain_pins() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert all(re.fullmatch(r"[\w.-]+==[\w.!+]+", line) for line in lines)
    assert not [line for line in lines if line.lower().startswith(("torch", "tensorflow", "rounds"))]


PACKAGES = sorted(p.parent for p in SOURCE.rglob("__init__.py") if p.parent != SOURCE)


@pytest.mark.parametrize("package", PACKAGES, ids=name_of)
def test_a_package_has_a_door(package: Path) -> None:
    """Its `__init__` says what comes in and out, and which file to read first."""
    said = ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8"))) or ""
    first = re.search(r"Read first: (\S+\.py)", said)
    assert first, f"{name_of(package)}/__init__.py: say what comes in, what goes out, and 'Read first: FILE.py'"
    assert (package / first[1]).exists(), f"{name_of(package)}/__init__.py names {first[1]}, which is not there"


def test_a_public_name_has_one_meaning_and_a_folder_few_files() -> None:
    from benchmarks.structure import structure

    found = structure()
    assert set(found["doubled_names"]) <= SAME, "name it so that it stands alone, or begin it with an underscore"
    assert found["most_files_in_a_folder"] <= FOLDER_FILES
    assert found["untyped_records"] < UNTYPED, "give the record a class, or name what is free in form (JsonObject)"


def test_the_drawing_is_that_of_the_imports() -> None:
    from benchmarks.structure import DRAWING, drawing

    assert DRAWING.read_text(encoding="utf-8") == drawing(), "python -m benchmarks.structure --draw"
