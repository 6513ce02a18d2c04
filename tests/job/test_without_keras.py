"""Built-in networks are trained, judged and predicted with where Keras is never imported."""

import subprocess
import sys
from pathlib import Path

COMMANDS = """
import contextlib, sys
import polars as pl
from rounds.cli import main

def run(*words):
    sys.argv = ["rounds", *words]
    with contextlib.suppress(SystemExit):
        main()
    found = [name for name in ("keras", "tensorflow", "torch") if name in sys.modules]
    assert not found, f"{words[0]} imports {found}"

table = {"x": [i % 7 - 3.0 for i in range(160)], "ward": [f"w{i % 4}" for i in range(160)]}
table["days"] = [2 * x + i % 3 for i, x in enumerate(table["x"])]
pl.DataFrame(table).write_csv("stays.csv")
small = ["--set", "epochs=1", "--set", "folds=2", "--set", "hidden=4", "--set", "normalization=batch", "--members", "1"]
run("train", "stays.csv", "--target", "days", "--group", "none", "--rounds", "0", "--quiet", "--out", "run", *small)
run("predict", "run", "stays.csv", "--quiet", "--out", "predicted.csv")
assert pl.read_csv("predicted.csv").height == 160
"""


def test_training_judging_and_prediction_import_no_keras(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", COMMANDS], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "run" / "report.html").is_file()
