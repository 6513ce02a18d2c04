"""The pages of docs/ideas: their pictures come from their code, and each is a valid notebook of the same text."""

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
IDEAS = ROOT / "docs" / "ideas"
PAGES = sorted(IDEAS.glob("*.md"))
LARGEST_PICTURE = 100_000  # bytes: pages are read on slow lines

_spec = importlib.util.spec_from_file_location("make_pages", ROOT / "docs" / "make_pages.py")
assert _spec is not None
assert _spec.loader is not None
make_pages: Any = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(make_pages)


def pictures_of(page: Path) -> list[str]:
    return re.findall(r"\]\((\w+\.svg)\)", page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_pictures_are_made_by_the_page(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for name in pictures_of(page):
        assert f"<!-- picture: {name} -->" in text
        assert f'.save("{name}")' in text
        content = (IDEAS / name).read_bytes()
        assert content.startswith(b"<svg")
        assert len(content) < LARGEST_PICTURE


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_notebook_is_the_page(page: Path) -> None:
    assert (IDEAS / f"{page.stem}.ipynb").read_text(encoding="utf-8") == make_pages.notebook_text(page), (
        f"python docs/make_pages.py {page.stem}"
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_notebook_is_valid(page: Path) -> None:
    """The rules of nbformat 4.5 that concern what we write (jupyter/nbformat, nbformat.v4.5.schema.json)."""
    made = json.loads((IDEAS / f"{page.stem}.ipynb").read_text(encoding="utf-8"))
    assert set(made) == {"cells", "metadata", "nbformat", "nbformat_minor"}
    assert (made["nbformat"], made["nbformat_minor"]) == (4, 5)
    assert {"display_name", "name"} <= set(made["metadata"]["kernelspec"])
    assert {cell["cell_type"] for cell in made["cells"]} == {"markdown", "code"}
    identities = [cell["id"] for cell in made["cells"]]
    assert len(set(identities)) == len(identities)
    for cell in made["cells"]:
        code = {"outputs", "execution_count"} if cell["cell_type"] == "code" else set()
        assert set(cell) == {"id", "cell_type", "metadata", "source"} | code
        assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", cell["id"])
        assert isinstance(cell["source"], str)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_notebook_runs_what_the_page_runs(page: Path) -> None:
    """Its code cells are the page's blocks, which `test_documentation` runs, each picture shown at its end."""
    made = json.loads((IDEAS / f"{page.stem}.ipynb").read_text(encoding="utf-8"))
    cells = [cell["source"] for cell in made["cells"] if cell["cell_type"] == "code"]
    blocks = re.findall(r"^```python\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S)
    assert [cell.removesuffix("\npicture") for cell in cells] == [block.strip() for block in blocks]
    assert sum(cell.endswith("\npicture") for cell in cells) == len(pictures_of(page))
