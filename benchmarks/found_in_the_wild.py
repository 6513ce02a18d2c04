"""What the data rules say of public data sets, each as its file comes; writes docs/found-in-the-wild.md.

    python -m benchmarks.found_in_the_wild [FOLDER of the shared data sets, ../shared/data]

The sets of the folder, those that scikit-learn ships, and those of scikit-survival where it is installed. Nothing is
dropped and nothing declared but the outcome, and the column of patients where the file names one: so a user meets them.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import polars as pl

from rounds.data.choices import Choices
from rounds.data.dataset import Dataset
from rounds.data.loading import load
from rounds.data.splitting import split_dataset
from rounds.errors import RoundsError
from rounds.examination.data_rules.evidence import DataEvidence
from rounds.examination.examine_data import examine_data
from rounds.examination.finding import Finding

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "found-in-the-wild.md"


_HEAD = """# Found in the wild

<!-- Made by a script: python -m benchmarks.found_in_the_wild -->

What the rules about data ([findings](findings.md)) say of public sets, each as its file comes: nothing
dropped, nothing declared but the outcome, and the column of patients where the file names one. A finding is a reason
to look, not a verdict on those who made the set; what its own documentation says is often the explanation. Sets of
"shared data" are public ones that Rounds is developed on and does not ship.

| set | shipped by | rows | patients | errors | warnings | notes |
| --- | --- | ---: | ---: | --- | --- | --- |"""


@dataclass(frozen=True)
class WildSet:
    """A public set. origin: who ships it; opened: reads it, as `rounds train` would; asks: the choices, in words."""

    name: str
    origin: str
    asks: str
    opened: Callable[[], Dataset]


@dataclass(frozen=True)
class Said:
    """What was found in one set; refused: why it could not be read as it stands."""

    wild: WildSet
    rows: int = 0
    patients: int = 0
    split: str = ""
    findings: tuple[Finding, ...] = ()
    refused: str = ""


def shared_sets(folder: Path) -> Iterator[WildSet]:
    """Those of the shared folder that are there."""
    tables = {
        "diabetes130": ("diabetic_data.parquet", "time_in_hospital", "patient_nbr"),
        "medpar_los": ("medpar.csv", "los", "provnum"),
        "nhanes_bodyshape": ("nhanes.parquet", "bps", "none"),
        "flchain": ("flchain.csv", "death", "none"),
        "heart_cleveland": ("heart_cleveland.csv", "num", "none"),
        "pima_diabetes": ("pima_diabetes.csv", "outcome", "none"),
        "tcga_landmark_expression": ("expression.parquet", "A2M", "patient"),
    }
    for name, (file, target, group) in tables.items():
        if (folder / name / file).exists():
            yield _table(name, "shared data", folder / name / file, target, group)
    stays = folder / "physionet2012_a"
    if stays.exists():
        target = "In-hospital_death"
        choices = Choices(
            targets=(target,), group="none", sequences=str(stays / "measurements.parquet"), key="RecordID"
        )
        yield WildSet(
            "physionet2012_a",
            "shared data",
            f"target `{target}`, one row a stay, with its measurements",
            lambda: load(stays / "stays.csv", choices),
        )
    yield from _arrays(folder)
    images = folder / "chest_xray_kermany"
    if images.exists():
        yield WildSet(
            "chest_xray_kermany",
            "shared data",
            "folders `train` and `test` as published, no patients named",
            lambda: load(images / "train", Choices(targets=("label",), group="none"), images / "test"),
        )


def _arrays(folder: Path) -> Iterator[WildSet]:
    for name, file in {"pneumoniamnist": "pneumoniamnist.npz", "ecg5000_binary": "ecg5000.npz"}.items():
        path = folder / name / file
        if path.exists():
            asks = "the file's own parts, no patients named"
            yield WildSet(name, "shared data", asks, lambda path=path: load(path, Choices(group="none")))


def _table(name: str, origin: str, source: Any, target: str, group: str) -> WildSet:
    whose = "one row a patient" if group == "none" else f"patients by `{group}`"
    choices = Choices(targets=(target,), group=group)
    return WildSet(name, origin, f"target `{target}`, {whose}", lambda: load(source, choices))


def scikit_learn_sets() -> Iterator[WildSet]:
    from sklearn import datasets

    for name, column in (
        ("breast_cancer", "target"),
        ("diabetes", "target"),
        ("digits", "target"),
        ("iris", "target"),
        ("wine", "target"),
        ("linnerud", "Weight"),
    ):
        bunch = getattr(datasets, f"load_{name}")(as_frame=True)
        yield _table(name, "scikit-learn", pl.from_pandas(bunch.frame), column, "none")


def survival_sets() -> Iterator[WildSet]:
    """Tables with an event and its time: the event is predicted, and the time stands among the columns, as shipped."""
    if find_spec("sksurv") is None:
        return
    from sksurv import datasets

    for name in ("veterans_lung_cancer", "whas500", "gbsg2", "bmt", "cgvhd", "breast_cancer", "flchain"):
        features, outcome = getattr(datasets, f"load_{name}")()
        event, time = outcome.dtype.names
        table = pl.from_pandas(features.reset_index(drop=True)).with_columns(
            pl.Series(event, outcome[event]), pl.Series(time, outcome[time])
        )
        yield _table(f"{name} (survival)", "scikit-survival", table, event, "none")


def examine(wild: WildSet) -> Said:
    try:
        dataset = wild.opened()
        split = split_dataset(dataset)
    except RoundsError as error:
        return Said(wild, refused=str(error))
    findings, _ = examine_data(DataEvidence(dataset, split))
    patients = len(set(dataset.cohort.patients.tolist()))
    return Said(wild, dataset.rows, patients, split.kind, findings)


def page_of(said: list[Said]) -> str:
    """docs/found-in-the-wild.md."""
    rows = [_row(one) for one in said]
    return "\n".join([_HEAD, *rows, "", *(_section(one) for one in said)]).rstrip() + "\n"


def _row(said: Said) -> str:
    codes = {s: [f"`{f.code}`" for f in said.findings if f.severity == s] for s in ("error", "warning", "note")}
    cells = (
        [", ".join(dict.fromkeys(codes[s])) for s in codes] if not said.refused else ["cannot be read as it is", "", ""]
    )
    sizes = (f"{said.rows:,}", f"{said.patients:,}") if said.rows else ("", "")
    return "| " + " | ".join([f"[{said.wild.name}](#{_anchor(said)})", said.wild.origin, *sizes, *cells]) + " |"


def _anchor(said: Said) -> str:
    kept = "".join(c for c in said.wild.name.lower() if c.isalnum() or c in " -_")
    return kept.strip().replace(" ", "-")


def _section(said: Said) -> str:
    lines = [f"## {said.wild.name}", "", f"From {said.wild.origin}; {said.wild.asks}.", ""]
    if said.refused:
        return "\n".join([*lines, f"Not read: {_plain(said.refused)}", ""])
    if not said.findings:
        return "\n".join([*lines, "Nothing was found.", ""])
    found = [f"- **{f.name}** (`{f.code}`, {f.severity}). {_plain(f.explanation)}" for f in said.findings]
    return "\n".join([*lines, *found, ""])


def _plain(text: str) -> str:
    """Text as Markdown shows it unchanged."""
    for sign in ("\\", "_", "*", "<", "|"):
        text = text.replace(sign, f"\\{sign}")
    return text


def main(folder: Path) -> None:
    said = []
    for wild in (*shared_sets(folder), *scikit_learn_sets(), *survival_sets()):
        said.append(examine(wild))
        codes = ", ".join(f"{f.code} ({f.severity})" for f in said[-1].findings) or said[-1].refused or "nothing"
        print(f"{wild.name}: {codes}", flush=True)
    PAGE.write_text(page_of(said), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT.parent / "shared" / "data")
