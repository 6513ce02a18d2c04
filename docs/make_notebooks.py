"""Notebooks of docs/notebooks with their outputs, made by the scripts beside them: python docs/make_notebooks.py

A script's cells begin with `# %%`, its texts with `# %% [markdown]`. Each runs in a kernel of its own, in an empty
folder.
"""

import hashlib
import re
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).resolve().parent / "notebooks"


def notebook_of(script: Path) -> nbformat.NotebookNode:
    """The cells of a script, without outputs."""
    made = nbformat.v4.new_notebook(metadata={"kernelspec": {"display_name": "Python 3", "name": "python3"}})
    for place, cell in enumerate(re.split(r"^# %%", script.read_text(encoding="utf-8"), flags=re.M)[1:]):
        kind, _, text = cell.partition("\n")
        new = nbformat.v4.new_code_cell(text.strip())
        if "[markdown]" in kind:
            new = nbformat.v4.new_markdown_cell(re.sub(r"^# ?", "", text.strip(), flags=re.M))
        new["id"] = hashlib.sha256(f"{script.stem} {place}".encode()).hexdigest()[:8]
        made.cells.append(new)
    return made


def main() -> None:
    for script in sorted(NOTEBOOKS.glob("*.py")):
        notebook = notebook_of(script)
        with tempfile.TemporaryDirectory() as folder:
            NotebookClient(notebook, timeout=600, resources={"metadata": {"path": folder}}).execute()
        for cell in notebook.cells:
            cell.metadata.pop("execution", None)  # when it ran
        nbformat.write(notebook, script.with_suffix(".ipynb"))


if __name__ == "__main__":
    main()
