"""Hyperparameters beside a log: hparams.yaml of Lightning, args.yaml of Ultralytics, MLflow's params, config.json."""

from pathlib import Path

from rounds.examination.logs.table import cell_number
from rounds.foreign_files import JsonObject, parse_json

BESIDE = ("hparams.yaml", "args.yaml", "config.yaml", "opt.yaml", "config.json", "hparams.json", "args.json")


def read_settings(folder: Path) -> dict[str, float]:
    """Numbers by name of the first such file in the folder; the learning rate under `learning_rate`."""
    for name in BESIDE:
        file = folder / name
        if file.is_file():
            text = file.read_text(encoding="utf-8", errors="replace")
            return named_settings(_json_values(text) if name.endswith("json") else _yaml_values(text))
    return {}


def read_params(folder: Path) -> dict[str, float]:
    """Numbers of MLflow's params folder, a file each."""
    files = sorted(p for p in folder.glob("*") if p.is_file()) if folder.is_dir() else []
    return named_settings({p.name: p.read_text(encoding="utf-8", errors="replace") for p in files})


def _yaml_values(text: str) -> JsonObject:
    """Values at the top of a YAML file, one a line; what is nested is left out."""
    lines = [line.partition(":") for line in text.splitlines() if line[:1].isalpha() or line[:1] == "_"]
    return {name.strip(): value.split(" #")[0].strip() for name, mark, value in lines if mark}


def _json_values(text: str) -> JsonObject:
    try:
        content = parse_json(text, nan=True)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def named_settings(values: JsonObject) -> dict[str, float]:
    """Values that are numbers, by name; the learning rate under `learning_rate`."""
    known = {
        name: n
        for name, value in values.items()
        if isinstance(value, str | int | float)
        and not isinstance(value, bool)
        and (n := cell_number(value)) is not None
    }
    for name in ("lr", "lr0", "learning_rate", "initial_lr", "base_lr"):
        if name in known:
            known.setdefault("learning_rate", known.pop(name))
    return known
