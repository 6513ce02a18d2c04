"""The command that checks a gradient, on files as a user writes them."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rounds.graph.subjects.python_file import read_function
from rounds.graph.tape.function import FunctionError

FILE = """
import numpy as np
rows = np.arange(6.0).reshape(3, 2)
inputs = {"w": np.array([0.5, -1.0])}
def loss(p):
    return ((rows @ p["w"]) ** 2).mean()
def right(p):
    return {"w": 2 / 3 * rows.T @ (rows @ p["w"])}
def gradient(p):
    return right(p)
def doubled(p):
    return loss(p)
doubled_gradient = lambda p: {"w": 2 * right(p)["w"]}
doubled_inputs = lambda: inputs
def bare(p):
    return 1.0
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "listing.py"
    path.write_text(FILE, encoding="utf-8")
    return path


def rounds(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "rounds.cli", *words], capture_output=True, text=True, check=False)


def test_command_line_says_right_and_wrong_by_its_exit_status(file: Path) -> None:
    right = rounds("check-gradient", f"{file}:loss")
    assert (right.returncode, right.stderr) == (0, "")
    assert "All 1 gradients agree" in right.stdout
    wrong = rounds("check-gradient", f"{file}:doubled", "--json")
    assert wrong.returncode == 1
    record = json.loads(wrong.stdout)
    assert record["wrong"] == ["w"]
    assert record["tensors"][0]["mistake"] == "it is twice too large: the factor 1/2 is missing"


def test_command_line_refuses_in_one_line(file: Path) -> None:
    refused = rounds("check-gradient", f"{file}:lost")
    assert refused.returncode == 2
    assert refused.stderr == "function must be a function of listing.py, got function='lost'. Did you mean loss?\n"


@pytest.mark.parametrize(
    ("content", "where", "text"),
    [
        (FILE, "listing.py", "function must be FILE.py:function"),
        (FILE, "other.py:loss", "file must be a Python file that is there"),
        ("def loss(p): return 1.0", "listing.py:loss", "listing.py must define the inputs of loss, got no loss_inputs"),
        ("import nothing_like_it", "listing.py:loss", "ModuleNotFoundError: No module named 'nothing_like_it' (line 1"),
        (
            "exit(3)",
            "listing.py:loss",
            "file must be a Python file that runs, got listing.py='SystemExit: 3 (line 1 of",
        ),
        ("def loss(:", "listing.py:loss", "SyntaxError"),
        ("def loss(p): pass\ninputs = {}\ngradient = 3", "listing.py:loss", "gradient of loss must be a function"),
        ("def loss(p): pass\ndef inputs(): 1 / 0", "listing.py:loss", "ZeroDivisionError: division by zero (line 2"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, content: str, where: str, text: str) -> None:
    (tmp_path / "listing.py").write_text(content, encoding="utf-8")
    with pytest.raises(FunctionError, match=re.escape(text)):
        read_function(str(tmp_path / where))
