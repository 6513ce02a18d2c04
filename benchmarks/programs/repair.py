"""How far remedies bring faulty programs: `python -m benchmarks.programs.repair [--file PROGRAMS.py] [NAME ...]`.

Each program that has a mended one beside it is trained with two rounds of advice, and the mended one without. What is
compared is the gain over a constant in the task's main metric, on rows that judge: a program counts as repaired where
it reaches 90 % of the mended one's gain. Writes the table of docs/results.md where all of the wing was run.
"""

import argparse
import importlib.util
import json
import re
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import benchmarks.programs.faulty
import benchmarks.programs.published  # noqa: F401 (both fill PROGRAMS)
import rounds
from benchmarks.programs.__main__ import arrays
from benchmarks.programs.parts import PROGRAMS

ENOUGH = 0.9  # share of the mended program's gain
ALLOWED = ("target-leak", "duplicate-rows")
PAGE = Path("docs/results.md")
MARKS = r"(<!-- repair: [^\n]*-->\n).*(<!-- end of repair -->)"


@dataclass(frozen=True)
class Repair:
    """gain, mended: over a constant, in the main metric; kept: remedies that were kept; code: the change in words of
    Keras."""

    name: str
    gain: float
    mended: float
    kept: tuple[str, ...]
    code: tuple[str, ...]

    @property
    def repaired(self) -> bool:
        return self.gain >= ENOUGH * self.mended

    @property
    def row(self) -> str:
        kept = ", ".join(self.kept) or "nothing"
        return f"| {self.name} | {self.gain:.3g} | {self.mended:.3g} | {'yes' if self.repaired else 'no'} | {kept} |"


def trained(program: Any, advice: int) -> Any:
    """A program through Rounds, with as many networks as it trains by itself."""
    with tempfile.TemporaryDirectory() as place:
        result = rounds.train(
            arrays(program),
            task=program.task,
            model=program.model(),
            rounds=advice,
            out=Path(place) / "run",
            allow=ALLOWED,
            **program.fit,
        )
        kept = [e for e in result.prescriptions if e["verdict"] == "kept"]
        changes = tuple(f"{name} {new}" for e in kept for name, (_, new) in e["change"].items())
        return gain(result.record), changes, tuple(result.model_changes) if advice else ()


def gain(record: dict[str, Any]) -> float:
    """How much less than a constant's the network's error is, or how much more its score."""
    metric = record["main_metric"]
    network, constant = record["test"][metric]["value"], record["baselines"]["constant"][metric]["value"]
    return abs(constant) - abs(network) if metric in ("log_loss", "mae", "rmse") else network - constant


def repair(name: str, program: Any) -> Repair:
    best, _, _ = trained(program.mended, 0)
    reached, kept, code = trained(program, 2)
    return Repair(name, reached, best, kept, code)


def programs_of(file: Path) -> dict[str, Any]:
    """PROGRAMS of a file of Python."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    return dict(module.PROGRAMS)


def table(repairs: Iterable[Repair]) -> str:
    done = list(repairs)
    head = "| program | gain after advice | gain of the mended one | repaired | kept |\n| --- | --- | --- | --- | --- |"
    said = f"{sum(r.repaired for r in done)} of {len(done)} programs of the wing were repaired."
    return "\n".join([said, "", head, *(r.row for r in done)])


def main(names: list[str], file: Path | None) -> None:
    every = programs_of(file) if file else PROGRAMS
    asked = {n: p for n, p in every.items() if p.mended is not None and (not names or n in names)}
    done = []
    for name, program in asked.items():
        done.append(repair(name, program))
        print(json.dumps({**vars(done[-1]), "repaired": done[-1].repaired}), flush=True)
    print(table(done))
    if file is None and not names:
        text = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(re.sub(MARKS, lambda m: f"{m[1]}{table(done)}\n{m[2]}", text, flags=re.S), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--file", type=Path)
    given = parser.parse_args()
    main(given.names, given.file)
