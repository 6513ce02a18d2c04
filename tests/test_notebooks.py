"""Notebooks: the progress bar in a real kernel, `quiet=`, and those that are stored with their outputs."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
LARGEST = 300_000  # bytes
TRAINED = 'import rounds\nresult = rounds.train("diabetes", rounds=0, members=2, epochs=2, hidden=(4,){quiet})'


def run(code: str, folder: Path) -> list[dict[str, Any]]:
    """The outputs of a cell in a kernel of its own."""
    nbformat = pytest.importorskip("nbformat")
    client = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    client.NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(folder)}}).execute()
    return notebook.cells[0].outputs


@pytest.mark.slow
def test_a_kernel_shows_progress_unless_quiet(tmp_path: Path) -> None:
    assert run(TRAINED.format(quiet=", quiet=True"), tmp_path) == []
    (line,) = run(TRAINED.format(quiet=""), tmp_path)  # one display that is written over, and no warning beside it
    assert (line["output_type"], line["data"]) == ("display_data", {"text/plain": ""})


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_notebooks_have_outputs_and_no_places_of_a_machine(notebook: Path) -> None:
    text = notebook.read_text(encoding="utf-8")
    assert len(text) < LARGEST
    assert not re.findall(r"/(?:home|root|tmp|work|Users)/", text)
    cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    assert all(cell["execution_count"] for cell in cells)
    assert any(cell["outputs"] for cell in cells)
    assert not [o for cell in cells for o in cell["outputs"] if o["output_type"] == "error"]


def test_there_are_notebooks() -> None:
    assert len(NOTEBOOKS) >= 2


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_cells_are_those_of_the_script(notebook: Path) -> None:
    script = notebook.with_suffix(".py").read_text(encoding="utf-8")
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert code == [part.partition("\n")[2].strip() for part in script.split("# %%")[1:] if part.startswith("\n")]
