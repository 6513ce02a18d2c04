"""Pictures and notebooks of docs/ideas, made from the pages themselves: python docs/make_pages.py [PAGE ...]

A page's Python blocks run in order in an empty folder; what they save is put beside the page, and the page's text and
code become a notebook of the same name.
"""

import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

IDEAS = Path(__file__).resolve().parent / "ideas"
BLOCK = re.compile(r"^(?:<!-- picture: (?P<picture>\S+) -->\n)?```python\n(?P<code>.*?)^```\n", re.M | re.S)


def notebook_of(page: Path) -> dict[str, Any]:
    """The page as a notebook record (nbformat 4.5): text and code by turns, without outputs."""
    text, cells, end = page.read_text(encoding="utf-8"), [], 0
    for found in BLOCK.finditer(text):
        cells.append(_text_cell(text[end : found.start()]))
        shown = "\npicture" if found["picture"] else ""  # a notebook shows the chart itself
        cells.append(
            {"cell_type": "code", "execution_count": None, "outputs": [], "source": found["code"].strip() + shown}
        )
        end = found.end()
    cells.append(_text_cell(re.sub(r"^!\[.*?\]\(\w+\.svg\)\n", "", text[end:], flags=re.M | re.S)))
    kept = [cell for cell in cells if cell["source"]]
    return {
        "cells": [{"id": _identity(page, i), "metadata": {}, **cell} for i, cell in enumerate(kept)],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _text_cell(text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "source": re.sub(r"^!\[.*?\]\(\w+\.svg\)\n", "", text, flags=re.M | re.S).strip()}


def _identity(page: Path, place: int) -> str:
    return hashlib.sha256(f"{page.stem} {place}".encode()).hexdigest()[:8]


def notebook_text(page: Path) -> str:
    return json.dumps(notebook_of(page), indent=1, ensure_ascii=False) + "\n"


def run_page(page: Path, folder: Path) -> list[Path]:
    """Runs every block of the page in `folder`; the pictures it saved."""
    before, names = os.getcwd(), {"__name__": page.stem}
    os.chdir(folder)
    try:
        for found in BLOCK.finditer(page.read_text(encoding="utf-8")):
            exec(compile(found["code"], str(page), "exec"), names)
    finally:
        os.chdir(before)
    return sorted(folder.glob("*.svg"))


def main() -> None:
    wanted = sys.argv[1:] or sorted(path.stem for path in IDEAS.glob("*.md"))
    for name in wanted:
        page = IDEAS / f"{name}.md"
        with tempfile.TemporaryDirectory() as folder:
            for picture in run_page(page, Path(folder)):
                shutil.copyfile(picture, IDEAS / picture.name)
        (IDEAS / f"{name}.ipynb").write_text(notebook_text(page), encoding="utf-8")


if __name__ == "__main__":
    main()
