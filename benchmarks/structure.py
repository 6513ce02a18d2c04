"""How the source is built: rooms and what they import, sizes, doubled names, records without a type.

    python -m benchmarks.structure            # JSON
    python -m benchmarks.structure --draw     # docs/rooms.svg anew

A room is a folder or file directly in src/rounds. Its row is one above the highest that it imports; an arrow is left
out where it follows from two others. Lines are counted with comments and docstrings. A name is doubled where two files
define a public class or function of that name.
"""

import argparse
import ast
import json
import re
import statistics
from collections import Counter, defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE, DRAWING = ROOT / "src" / "rounds", ROOT / "docs" / "rooms.svg"
WIDTH, BOX, HEIGHT, GAP = 980, 108, 34, 46  # pixels of the drawing


def files() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def is_door(path: Path) -> bool:
    """The package itself, and `python -m rounds`: they stand above all rooms."""
    return path.parent == SOURCE and path.stem.startswith("__")


def imports() -> dict[str, set[str]]:
    """Rooms that each room imports, itself left out."""
    found: dict[str, set[str]] = {room_of(path): set() for path in files() if not is_door(path)}
    for path in files():
        if is_door(path):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("rounds."):
                found[room_of(path)].add((node.module or "").split(".")[1])
            elif isinstance(node, ast.ImportFrom) and node.module == "rounds":
                found[room_of(path)] |= {alias.name for alias in node.names} & set(found)
    return {room: others - {room} for room, others in found.items()}


def rows(below: dict[str, set[str]]) -> list[list[str]]:
    """Rooms from the ground up; one that imports nothing is in row 0.

    >>> rows({"data": {"errors"}, "errors": set(), "cli": {"data", "errors"}})
    [['errors'], ['data'], ['cli']]
    """
    level: dict[str, int] = {}
    while len(level) < len(below):
        ready = [room for room in below if room not in level and below[room] <= set(level)]
        assert ready, f"rooms that import each other: {sorted(set(below) - set(level))}"
        level |= {room: 1 + max((level[other] for other in below[room]), default=-1) for room in ready}
    return [sorted(room for room in level if level[room] == n) for n in range(1 + max(level.values()))]


def direct(below: dict[str, set[str]]) -> dict[str, set[str]]:
    """Imports that do not follow from others.

    >>> direct({"data": {"errors"}, "errors": set(), "cli": {"data", "errors"}})["cli"]
    {'data'}
    """

    def reach(room: str) -> set[str]:
        return below[room].union(*(reach(other) for other in below[room]))

    return {room: others - set().union(*(reach(other) for other in others)) for room, others in below.items()}


def drawing() -> str:
    """Rooms as boxes, the ground at the bottom; arrows point at what is imported."""
    below = imports()
    floors, place = rows(below), {}
    height = len(floors) * (HEIGHT + GAP)
    for number, floor in enumerate(floors):
        step = WIDTH / len(floor)
        for i, room in enumerate(floor):
            place[room] = (step * (i + 0.5), height - (number + 0.5) * (HEIGHT + GAP))
    lines = [
        f'<line x1="{place[a][0]:.0f}" y1="{place[a][1] + HEIGHT / 2:.0f}" '
        f'x2="{place[b][0]:.0f}" y2="{place[b][1] - HEIGHT / 2:.0f}"/>'
        for a, others in sorted(direct(below).items())
        for b in sorted(others)
    ]
    boxes = [
        f'<rect x="{x - BOX / 2:.0f}" y="{y - HEIGHT / 2:.0f}" width="{BOX}" height="{HEIGHT}" rx="5"/>'
        f'<text x="{x:.0f}" y="{y + 5:.0f}">{room}</text>'
        for room, (x, y) in sorted(place.items())
    ]
    style = (
        "line{stroke:#8a94a0;marker-end:url(#tip)}rect{fill:#eef3f8;stroke:#3b6ea5}"
        "text{font:14px sans-serif;text-anchor:middle;fill:#1c2733}"
    )
    tip = '<marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
            "<title>Rooms of the source, and what each imports</title>",
            f"<style>{style}</style>",
            f'<defs>{tip}<path d="M0 0 8 4 0 8z" fill="#8a94a0"/></marker></defs>',
            f'<rect x="0" y="0" width="{WIDTH}" height="{height}" style="fill:#fff;stroke:none"/>',
            *lines,
            *boxes,
            "</svg>",
            "",
        ]
    )


def sizes() -> dict[str, dict[str, int]]:
    """Files and lines a room."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for path in files():
        found[room_of(path)].update(files=1, lines=len(path.read_text(encoding="utf-8").splitlines()))
    return {room: dict(count) for room, count in sorted(found.items())}


def functions() -> list[tuple[int, str]]:
    """(lines, name) of every function."""
    found = []
    for path in files():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                name = f"{path.relative_to(SOURCE)}:{node.name}"
                found.append(((node.end_lineno or node.lineno) - node.lineno + 1, name))
    return sorted(found)


def doubled() -> list[str]:
    """Public classes and functions that two files define."""
    places: dict[str, set[Path]] = defaultdict(set)
    for path in files():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].add(path)
    return sorted(name for name, paths in places.items() if len(paths) > 1)


def structure() -> dict[str, object]:
    text = [path.read_text(encoding="utf-8") for path in files()]
    lines, lengths = sum(len(t.splitlines()) for t in text), functions()
    folders = Counter(path.parent for path in files())
    longest = max(files(), key=lambda path: len(path.read_text(encoding="utf-8").splitlines()))
    return {
        "rows": rows(imports()),
        "rooms": sizes(),
        "lines": lines,
        "longest_file": [
            str(longest.relative_to(SOURCE)),
            len(longest.read_text(encoding="utf-8").splitlines()),
        ],
        "most_files_in_a_folder": max(folders.values()),
        "functions": len(lengths),
        "function_median": statistics.median(n for n, _ in lengths),
        "longest_functions": [f"{name} ({n})" for n, name in lengths[-5:][::-1]],
        "doubled_names": doubled(),
        "any_per_100_lines": round(100 * sum(len(re.findall(r"\bAny\b", t)) for t in text) / lines, 2),
        "untyped_records": sum(len(re.findall(r"dict\[str, Any\]", t)) for t in text),
        "fmt_skip": sum(t.count("fmt: skip") for t in text),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draw", action="store_true")
    if parser.parse_args().draw:
        DRAWING.write_text(drawing(), encoding="utf-8")
    else:
        print(json.dumps(structure(), indent=2))


if __name__ == "__main__":
    main()
