"""Pages of findings with the fault planted and mended, drawn as the report draws them; writes docs/gallery.

    python -m benchmarks.gallery [CODE ...]

Each fault is a change of plan, trained small on the 442 built-in diabetes patients, without and with it. A page is
written where the finding is made in the first run; what is found in the second is said as it is.
"""

import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rounds
from rounds import report
from rounds.examination.figure import Bars
from rounds.examination.rule import Rule
from rounds.examination.rules import rule_of
from rounds.report.figures.findings import finding_figure
from rounds.report.run_files import RunFiles, read_run_files

ROOT = Path(__file__).resolve().parents[1]
GALLERY = ROOT / "docs" / "gallery"
SMALL = {"members": 2, "epochs": 30, "hidden": (32, 32)}


@dataclass(frozen=True)
class Fault:
    """planted, mended: the fields of the plan in which the two runs differ."""

    code: str
    planted: dict[str, Any]
    mended: dict[str, Any]


FAULTS = (
    Fault("learning-rate-too-low", {"learning_rate": 1e-6}, {"learning_rate": 1e-2}),
    Fault("saturated-units", {"activation": "tanh", "initializer": "random_normal:30"}, {"activation": "tanh"}),
    Fault("dead-units", {"activation": "relu", "bias_initializer": "constant:-20"}, {"activation": "relu"}),
    Fault(
        "vanishing-gradients",
        {"activation": "sigmoid", "hidden": (32,) * 8, "learning_rate": 1e-2},
        {"activation": "relu", "hidden": (32, 32), "learning_rate": 1e-2},
    ),
    Fault("over-regularized", {"l2": 10.0, "learning_rate": 1e-2}, {"learning_rate": 1e-2}),
    Fault("unscaled-inputs", {"scale_inputs": False}, {}),
    Fault(
        "learning-rate-too-high",
        {"optimizer": "sgd", "learning_rate": 1.0},
        {"optimizer": "sgd", "learning_rate": 0.03},
    ),
)


def known_rule(code: str) -> Rule[Any]:
    rule = rule_of(code)
    assert rule is not None, f"{code} is no finding"
    return rule


def train(fields: dict[str, Any], folder: Path) -> RunFiles:
    rounds.train("diabetes", rounds=0, out=folder, quiet=True, **{**SMALL, **fields})
    return read_run_files(folder)


def make(fault: Fault, folder: Path) -> bool:
    """Trains both, and writes the page and its figures; False where the planted fault was not found."""
    planted = train(fault.planted, folder / f"{fault.code}-planted")
    mended = train(fault.mended, folder / f"{fault.code}-mended")
    found = next((f for f in planted.findings.findings if f.code == fault.code), None)
    if found is None:
        print(f"{fault.code}: not found, but {[f.code for f in planted.findings.findings]}", flush=True)
        return False
    clean = found.model_copy(update={"members": (), "epoch": None})
    drawn = {"planted": finding_figure(planted, found)}
    if not any(isinstance(figure, Bars) for figure in known_rule(fault.code).figures[:1]):
        drawn["mended"] = finding_figure(mended, clean)
    for name, svg in drawn.items():
        if svg is not None:
            (GALLERY / f"{fault.code}-{name}.svg").write_text(alone(svg), encoding="utf-8")
    left = [f"`{f.code}`" for f in mended.findings.findings]
    page = page_of(fault, found.explanation, left, [name for name, svg in drawn.items() if svg])
    (GALLERY / f"{fault.code}.md").write_text(page, encoding="utf-8")
    print(f"{fault.code}: found; mended: {', '.join(left)}", flush=True)
    return True


def alone(svg: str) -> str:
    """A figure of the report as a file of its own: with the colours that the report's page gives it, on white."""
    style = (Path(report.__file__).parent / "templates" / "style.css").read_text(encoding="utf-8")
    colours = dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6})", style[: style.index("@media")]))
    svg = re.sub(r"var\(--([a-z0-9-]+)\)", lambda found: colours[found[1]], svg)
    start, inside = svg.split(">", 1)
    return f'{start}><rect width="100%" height="100%" fill="{colours["paper"]}"/>{inside}\n'


def page_of(fault: Fault, explanation: str, left: list[str], drawn: list[str]) -> str:
    """The page of one finding: the rule's own words, the two commands, and the figures of both runs."""
    rule = known_rule(fault.code)
    parts = [
        f"# {rule.name}",
        "<!-- Made by a script: python -m benchmarks.gallery -->",
        f"`{fault.code}`, planted and mended on the built-in diabetes patients.",
        "## Planted",
        _command(fault.planted),
        f"What Rounds says: {explanation.replace('_', chr(92) + '_')}",
        *([_image(fault.code, "planted")] if "planted" in drawn else []),
        "## Mended",
        _command(fault.mended),
        f"What Rounds finds now: {', '.join(left)}.",
        *([_image(fault.code, "mended")] if "mended" in drawn else []),
        "## The rule",
        f"**How it is detected.** {rule.how}",
        f"**Why it matters.** {rule.why}",
        "**What to do.**",
        "\n".join(f"{number}. {remedy}" for number, remedy in enumerate(rule.remedies, 1)),
        "Thresholds, and how often it is right: [findings](../findings.md).",
    ]
    return "\n\n".join(parts) + "\n"


def _command(fields: dict[str, Any]) -> str:
    settings = {**SMALL, **fields}
    members = settings.pop("members")
    words = [f"--set {name}={_value(value)}" for name, value in settings.items()]
    command = f"$ rounds train diabetes --rounds 0 --members {members} {' '.join(words)}"
    return f"<!-- not run: the script runs it -->\n```console\n{command}\n```"


def _value(value: Any) -> str:
    text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return text.lower() if isinstance(value, bool) else text


def _image(code: str, name: str) -> str:
    return f"![{known_rule(code).name}, {name}]({code}-{name}.svg)"


def main(wanted: list[str]) -> None:
    GALLERY.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for fault in FAULTS:
            if not wanted or fault.code in wanted:
                make(fault, Path(folder))


if __name__ == "__main__":
    main(sys.argv[1:])
