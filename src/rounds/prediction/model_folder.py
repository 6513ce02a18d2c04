"""A predictor on disk: plain arrays, JSON and checksums, readable in ten years without Keras, and never a pickle.

description.json    what this is, the task, the columns, the parts, and the forward pass in words
preparation.json    what training rows taught about every column
target.json         the way from a network's output back to the user's unit
network_0.json      the shape of each network, one file a part
network_0.keras     the layers of a Keras model of the user's own, with its first member's weights
weights_0.safetensors   its members' arrays, stacked on the leading axis, and `member_weights`
checksums.json      SHA-256 of every file above
"""

import hashlib
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from rounds.data.dataset import FEATURE_ROLES, Column
from rounds.data.preparation.preparation import Preparation
from rounds.errors import PlanError, RoundsError, RunFolderError
from rounds.files import existing_folder, json_text, new_folder, write_whole
from rounds.foreign_files import parse_json, read_small
from rounds.networks.network import Network
from rounds.prediction.predictor import NetworkPart, Predictor
from rounds.target_scale import TargetScale
from rounds.task import Task
from rounds.user_code import is_code_allowed, refuse_modules

FORMAT, VERSION = "rounds-model", 1
DESCRIPTION, PREPARATION, TARGET, CHECKSUMS = "description.json", "preparation.json", "target.json", "checksums.json"
MEMBER_WEIGHTS = "member_weights"
MOST_NAMED = 5  # columns in one message

Record = TypeVar("Record", bound=BaseModel)


class ModelDescription(BaseModel):
    """What a model folder says about itself."""

    model_config = ConfigDict(frozen=True, extra="allow")

    format: str
    version: int
    task: Task
    parts: int
    members: int
    columns: tuple[Column, ...]
    forward_pass: str


def save_predictor(folder: Path, predictor: Predictor) -> None:
    """Writes the folder whole or not at all; a folder that is there is replaced.

    Raises RunFolderError where the place cannot be written.
    """
    files = _files(predictor)
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    with new_folder(folder) as place:
        for name, content in files.items():
            write_whole(place / name, content)
        write_whole(place / CHECKSUMS, json_text(sums))


def _files(predictor: Predictor) -> dict[str, bytes]:
    description = ModelDescription(
        format=FORMAT,
        version=VERSION,
        task=predictor.task,
        parts=len(predictor.parts),
        members=predictor.size,
        columns=predictor.columns,
        forward_pass=inspect.getdoc(Network) or "",
    )
    records = {DESCRIPTION: description, PREPARATION: predictor.preparation, TARGET: predictor.target_scale}
    files = {name: json_text(record).encode() for name, record in records.items()}
    for index, part in enumerate(predictor.parts):
        files[f"network_{index}.json"] = json_text(part.network).encode()
        arrays = {**part.weights, MEMBER_WEIGHTS: np.asarray(part.member_weights, np.float64)}
        if part.runner is not None:
            layers = part.runner.file({n: a[0] for n, a in part.weights.items()})
            files |= {} if layers is None else {f"network_{index}.keras": layers}
        files[f"weights_{index}.safetensors"] = save_arrays({k: np.ascontiguousarray(v) for k, v in arrays.items()})
    return files


def load_predictor(folder: Path, member: int | None = None) -> Predictor:
    """The predictor of a model folder, or of one of its members alone.

    Layers of the user's own are imported only within `rounds.user_code.code_allowed()`.
    Raises RunFolderError where the folder or a file is missing, damaged, or written by a newer Rounds, or would need
    code that was not allowed.
    """
    folder = existing_folder(folder)
    files = _read_checked(folder)
    description = _record(folder / DESCRIPTION, files, ModelDescription)
    if description.format != FORMAT or description.version > VERSION:
        found = f"{description.format} {description.version}"
        advice = "Install a newer Rounds"
        raise RunFolderError(
            "Model folder", f"of format {FORMAT} up to {VERSION}", name="format", got=found, advice=advice
        )
    with _damage_named(folder):
        predictor = _put_together(folder, files, description)
    _refuse_what_cannot_predict(folder, predictor)
    return predictor if member is None else predictor.only(member)


def _put_together(folder: Path, files: dict[str, bytes], description: ModelDescription) -> Predictor:
    return Predictor(
        task=description.task,
        preparation=_record(folder / PREPARATION, files, Preparation),
        target_scale=_record(folder / TARGET, files, TargetScale),
        parts=tuple(_part(folder, files, index) for index in range(description.parts)),
        columns=description.columns,
    )


def _refuse_what_cannot_predict(folder: Path, predictor: Predictor) -> None:
    """Raises RunFolderError where a folder agrees with its checksums and its parts not with each other: it was edited,
    and its checksums made again. A patient of whom nothing is known must have a finite prediction."""
    for index, part in enumerate(predictor.parts):
        if not all(np.isfinite(a).all() for a in (*part.weights.values(), part.member_weights)):
            raise _damaged(folder / f"weights_{index}.safetensors", "weights that are no numbers")
    features = {column.name for column in predictor.columns if column.role in FEATURE_ROLES}
    if unprepared := sorted(features - set(predictor.preparation.columns)):
        raise _damaged(folder / PREPARATION, f"nothing on {', '.join(unprepared[:MOST_NAMED])}")
    if any(part.runner is not None for part in predictor.parts):
        return
    scale = predictor.preparation.array
    array = None if scale is None else np.zeros((1, *scale.shape), scale.dtype)
    nobody = pl.DataFrame({name: [None] for name in predictor.preparation.columns} or {"row": [0]})
    try:
        values = predictor.predict(nobody, array=array).values
    except Exception as error:  # whatever does not fit together
        raise _damaged(folder / PREPARATION, f"its parts do not fit together: {type(error).__name__}") from None
    if not np.isfinite(values).all():
        raise _damaged(folder / TARGET, "its predictions are no numbers")


def _part(folder: Path, files: dict[str, bytes], index: int) -> NetworkPart:
    network = _record(folder / f"network_{index}.json", files, Network)
    path = folder / f"weights_{index}.safetensors"
    with _damage_named(path):
        arrays = load_arrays(files[path.name])
        shares = arrays.pop(MEMBER_WEIGHTS)
    if not network.needs_keras:
        refuse_modules(network.user_code, is_code_allowed())
        return NetworkPart(network, arrays, shares)
    from rounds.networks.user_model.runner import read_runner

    path = folder / f"network_{index}.keras"
    if path.name not in files:
        advice = "Let its class have a get_config and train again; until then only the result in Python can predict"
        raise RunFolderError("Model", "one that Keras could save", name="missing", got=path.name, advice=advice)
    with _damage_named(path):
        content = files[path.name]
    return NetworkPart(network, arrays, shares, read_runner(content, network, path, is_code_allowed()))


def _record(path: Path, files: dict[str, bytes], kind: type[Record]) -> Record:
    with _damage_named(path):
        return kind.model_validate_json(files[path.name])


def _read_checked(folder: Path) -> dict[str, bytes]:
    """Every file of the folder by name, once its content agrees with its checksum."""
    path = folder / CHECKSUMS
    if not folder.is_dir() or not any(folder.iterdir()):
        expected = "a folder that `rounds train` wrote"
        raise RunFolderError("Model folder", expected, name="path", got=str(folder), advice="Check the path")
    with _damage_named(path):
        sums = parse_json(read_small(path))
        return {name: _checked(folder / Path(name).name, str(digest)) for name, digest in sums.items()}


def _checked(path: Path, digest: str) -> bytes:
    with _damage_named(path):
        content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        raise _damaged(path, "its content does not agree with its checksum")
    return content


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    """What reading a damaged file raises, as a RunFolderError that names the file."""
    try:
        yield
    except FileNotFoundError:
        raise _damaged(path, "it is missing") from None
    except PlanError as error:  # weights of members that do not add up
        raise _damaged(path, str(error)) from None
    except RoundsError:
        raise
    except (OSError, ValidationError, SafetensorError, ValueError, LookupError, AttributeError, TypeError) as error:
        raise _damaged(path, type(error).__name__) from None


def _damaged(path: Path, reason: str) -> RunFolderError:
    advice = "Copy the folder again from where it was whole, or train again"
    return RunFolderError(f"Model file must be whole, got file={str(path)!r} ({reason}). {advice}.")
