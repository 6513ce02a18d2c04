"""A Keras model of the user's own: predictions, file, and back.

Reading such a file runs nothing of it: classes that are not Keras's or Rounds's own are found by their modules' names,
and those are imported only where the user allows it.
"""

import io
import json
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import jax
import numpy as np

from rounds.errors import RunFolderError
from rounds.foreign_files import archive_fault, parse_json
from rounds.networks.functional import Functional
from rounds.networks.keras.backend import keras
from rounds.networks.network import Network
from rounds.networks.user_model.functional import make_user_functional
from rounds.networks.user_model.model import is_saveable
from rounds.networks.user_model.outputs import read_outputs
from rounds.user_code import import_named, is_import_path, refuse_modules

# Rows at a time, and values of images or recordings; the last is filled up, so that one program serves every table.
CHUNK_ROWS, CHUNK_VALUES = 1024, 2**19

Weights = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class KerasRunner:
    """A network's Keras model as functions; weights by name as in `Trained.weights`, any others as the model has them.

    forward(trainable, state, inputs) -> [rows, T], compiled at its first call; rows: at a time.
    """

    functional: Functional
    forward: Callable[..., Any] = field(repr=False)
    rows: int = CHUNK_ROWS

    def outputs(self, weights: Weights, inputs: list[np.ndarray]) -> np.ndarray:
        """[K, N, T] float32 from weights [K, ...] and prepared arrays [N, ...]."""
        members = len(next(iter(weights.values())))
        rows = len(inputs[0])
        made = []
        for member in range(members):
            arrays = self._arrays({name: array[member] for name, array in weights.items()})
            made.append(np.concatenate([self.forward(*arrays, chunk) for chunk in _chunks(inputs, self.rows)])[:rows])
        return np.stack(made).astype(np.float32)

    def _arrays(self, own: Weights) -> tuple[list[np.ndarray], list[np.ndarray]]:
        model = self.functional.model
        trainable = [own[name] for name in self.functional.names]
        names, kept = self.functional.state_names, model.non_trainable_variables
        state = [own[n] if n in own else np.asarray(v.value) for n, v in zip(names, kept, strict=False)]
        return trainable, [*state, *(own[name] for name in names[len(kept) :])]  # the scale of an array is no variable

    def file(self, own: Weights) -> bytes | None:
        """A .keras file of the model with one member's weights; None where Keras cannot save it (`is_saveable`)."""
        trainable, state = self._arrays(own)
        model = self.functional.model
        variables = [*model.trainable_variables, *model.non_trainable_variables]
        state = state[: len(model.non_trainable_variables)]
        before = [np.asarray(variable.value) for variable in variables]
        if not is_saveable(model):
            return None
        _assign(variables, [*trainable, *state])
        try:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "model.keras"
                model.save(path)
                return _without_times(path.read_bytes())
        finally:
            _assign(variables, before)  # it may be the very model that the user gave


def _without_times(content: bytes) -> bytes:
    """The same .keras file without the moment it was made, so that equal networks are equal files."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as given, zipfile.ZipFile(made, "w") as kept:
        for name in given.namelist():
            part = given.read(name)
            if name == "metadata.json":
                part = json.dumps({k: v for k, v in json.loads(part).items() if k != "date_saved"}).encode()
            kept.writestr(zipfile.ZipInfo(name), part)
    return made.getvalue()


def _assign(variables: list[Any], arrays: list[np.ndarray]) -> None:
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)


def _chunks(inputs: list[np.ndarray], size: int) -> Iterator[list[np.ndarray]]:
    rows = len(inputs[0])
    for start in range(0, rows, size):
        missing = max(0, start + size - rows)
        yield [np.pad(a[start : start + size], ((0, missing), *[(0, 0)] * (a.ndim - 1))) for a in inputs]


def make_runner(model: Any, network: Network) -> KerasRunner:
    """A runner of a Keras model of the user's own."""
    functional = make_user_functional(model, network, True, False)

    def forward(trainable: list[Any], state: list[Any], inputs: list[Any]) -> Any:
        outputs = functional.apply(trainable, state, inputs, False)[0]
        return read_outputs(outputs, network.outputs)

    rows = max(1, min(CHUNK_ROWS, CHUNK_VALUES // prod(network.array)))
    return KerasRunner(functional, jax.jit(forward), rows)


def read_model(path: Path, allow_code: bool) -> Any:
    """The model of a .keras file, compiled as it was; raises as `read_runner`."""
    if not path.is_file():
        raise RunFolderError("Model", "a .keras file that exists", file=str(path), advice="Check the path")
    return _read(path.read_bytes(), path, allow_code, compiled=True)


def read_runner(content: bytes, network: Network, place: Path, allow_code: bool) -> KerasRunner:
    """The runner of a .keras file.

    Raises RunFolderError where the file holds layers or functions of the user's own and `allow_code` is not given, or
    where it cannot be read.
    """
    return make_runner(_read(content, place, allow_code, network.user_code), network)


def _read(content: bytes, place: Path, allow_code: bool, code: tuple[str, ...] = (), compiled: bool = False) -> Any:
    named = sorted({*_foreign(content, place), *code})
    refuse_modules(named, allow_code)
    found = {path.partition(":")[2]: import_named(path, "a layer of the model") for path in named}
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.keras"
            path.write_bytes(content)
            return keras.saving.load_model(path, custom_objects=found, compile=compiled, safe_mode=True)
    except Exception as error:  # Keras raises what it likes
        reason = f"{place.name} ({' '.join(str(error).split())[:200]})"
        advice = "Train again, or let custom layers have a get_config"
        raise RunFolderError("Model file", "one that Keras can read", file=reason, advice=advice) from None


def _foreign(content: bytes, place: Path) -> list[str]:
    """module:name of every class and function that is neither Keras's nor Rounds's."""
    try:
        if fault := archive_fault(io.BytesIO(content)):
            raise ValueError(fault)
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            config = parse_json(file.read("config.json"))
        return sorted(set(_named(config)))
    except (zipfile.BadZipFile, zlib.error, LookupError, ValueError, RecursionError, NotImplementedError) as error:
        advice = "Copy the folder again from where it was whole, or train again"
        raise RunFolderError("Model file", "a .keras file", file=f"{place} ({error})", advice=advice) from None


_OURS = ("keras", "keras_hub", "builtins", "rounds")


def _named(config: Any) -> Iterator[str]:
    if isinstance(config, dict):
        module, name = config.get("module"), config.get("class_name")
        if isinstance(module, str) and module.split(".")[0] not in _OURS:
            name = config.get("config") if name == "function" else name
            path = f"{module}:{name}"
            yield path if is_import_path(path) else f"{module}:_"
        for value in config.values():
            yield from _named(value)
    elif isinstance(config, list):
        for value in config:
            yield from _named(value)
