"""A run's model in a format of others, checked against the native predictions before it is given out."""

from collections.abc import Callable, Mapping
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np

from rounds.data.dataset import Inputs
from rounds.data.preparation.array_scale import ArrayScale
from rounds.errors import RoundsError
from rounds.export.onnx.model import OUTPUT_NAME, feed, onnx_model, read_shape
from rounds.files import write_json, write_whole
from rounds.input_shape import InputShape
from rounds.prediction.model_folder import load_predictor
from rounds.prediction.predictor import Predictor
from rounds.prediction.table import describe_prediction, model_folder
from rounds.run_folder.stored import Content

Format = Literal["onnx", "keras"]
FORMATS: tuple[Format, ...] = ("onnx", "keras")
# Largest difference to the native predictions, in their unit or as a share of those above 1, and rows compared.
TOLERANCE = 1e-5
CHECKED_ROWS = 256
# Values of images compared at most, and the share of missing ones in made-up signals.
CHECKED_VALUES, MISSING_SHARE = 2**22, 0.05
PATCHES = 4  # of one brightness along each side of a made-up image

Exported = tuple[bytes, np.ndarray, str]


def export_run(run: Path, wanted: str, out: Path | None = None) -> Content:
    """Writes the model of a run (RUN/model.onnx or RUN/model.keras, or `out`) and a JSON file beside it; returns its
    content: inputs by name, the preparation, what is predicted, and the check.

    Raises RunFolderError (no model), PlanError (what the format cannot say, by name), RoundsError (another format, a
    package that is missing, an export that does not agree: then nothing is written).
    """
    if wanted not in FORMATS:
        advice = "Choose one of them"
        raise RoundsError("format", " or ".join(FORMATS), got=wanted, advice=advice)
    place = out or run / f"model.{wanted}"
    if place.suffix != f".{wanted}":
        raise RoundsError("out", f"a file that ends in .{wanted}", got=str(place), advice="Choose another name")
    predictor = load_predictor(model_folder(run))
    inputs = made_up_inputs(predictor.preparation.shape, predictor.preparation.array)
    content, predicted, by = _MAKERS[wanted](predictor, feed(predictor, inputs))
    record = {**describe_export(predictor), "check": compared(predictor, inputs, predicted, by)}
    write_whole(place, content)
    write_json(place.with_name(f"{place.name}.json"), record)
    return {"file": str(place), **record}


def made_up_inputs(
    shape: InputShape, array: ArrayScale | None = None, rows: int = CHECKED_ROWS, seed: int = 0
) -> Inputs:
    """Prepared inputs as tables give them (scaled numbers, flags, codes) and an array about its mean, a few values
    missing where they can be; no patient is needed for a check.

    >>> made_up_inputs(InputShape(2, 1, (4,)), rows=3).numbers.shape
    (3, 2)
    """
    draw = np.random.default_rng(seed)
    rows = min(rows, max(1, CHECKED_VALUES // prod(shape.array)))
    codes = [draw.integers(0, levels, rows) for levels in shape.levels]
    return Inputs(
        numbers=np.clip(draw.normal(0, 1, (rows, shape.numbers)), -3, 3).astype(np.float32),
        flags=draw.integers(0, 2, (rows, shape.flags)).astype(np.float32),
        codes=np.stack(codes, axis=1).astype(np.int32) if codes else np.zeros((rows, 0), np.int32),
        array=None if array is None else _made_up_array(array, rows, draw),
    )


def _made_up_array(array: ArrayScale, rows: int, draw: np.random.Generator) -> np.ndarray:
    """Coarse patches: of noise alone most networks are certain, and every file that says 0 would agree."""
    *space, channels = array.shape
    patches = draw.normal(0, 1, (rows, *(min(PATCHES, n) for n in space), channels))
    for axis, n in enumerate(space, start=1):
        patches = patches.take(np.arange(n) * patches.shape[axis] // n, axis=axis)
    values = array.mean + np.clip(patches + draw.normal(0, 0.1, patches.shape), -3, 3) * array.spread
    if array.dtype.startswith("uint"):
        return np.clip(values, 0, np.iinfo(array.dtype).max).astype(array.dtype)
    values[draw.random(values.shape) < MISSING_SHARE] = np.nan
    return values.astype(array.dtype)


def describe_export(predictor: Predictor) -> Content:
    """How to feed the exported model and read its output; preparation.json's content included."""
    labels, read = predictor.preparation.labels, read_shape(predictor)
    inputs = {
        "numbers": labels.numbers[: read.numbers],
        "flags": labels.flags[: read.flags],
        "codes": labels.codes[: len(read.levels)],
        "grid": _describe_array(predictor.preparation.array) if read.array else (),
    }
    return {
        "predicts": describe_prediction(predictor),
        "inputs": {name: list(columns) for name, columns in inputs.items() if columns},
        "output": {"name": OUTPUT_NAME, "columns": list(predictor.task.output_names)},
        "task": predictor.task.model_dump(mode="json"),
        "members": predictor.size,
        "preparation": predictor.preparation.model_dump(mode="json"),
    }


def _describe_array(array: ArrayScale | None) -> tuple[str, ...]:
    size = " x ".join(map(str, array.shape)) if array else ""
    return (f"{size} values as stored ({array.dtype if array else ''}), given as float32",)


def compared(predictor: Predictor, inputs: Inputs, predicted: np.ndarray, by: str) -> Content:
    """The check's record; raises RoundsError where the difference is above TOLERANCE."""
    native = predictor.target_scale.backward(predictor.average(predictor.outputs(inputs)))
    apart = np.abs(predicted - native) / np.maximum(1.0, np.abs(native))
    largest = float(apart.max()) if np.isfinite(apart).all() else float("inf")
    if largest > TOLERANCE:
        advice = "Nothing was written: predict with Rounds, or choose the other format"
        wanted = f"within {TOLERANCE:g} of the native predictions"
        raise RoundsError("Export", wanted, name="difference", got=f"{largest:.3g}", advice=advice)
    return {"rows": len(native), "largest_difference": largest, "tolerance": TOLERANCE, "computed_by": by}


def _onnx(predictor: Predictor, fed: Mapping[str, np.ndarray]) -> Exported:
    try:
        model = onnx_model(predictor)
    except ImportError:
        advice = "Install it: pip install 'rounds[onnx]'"
        raise RoundsError(
            "Package onnx", "installed for --format onnx", name="found", got=None, advice=advice
        ) from None
    content = model.SerializeToString()
    try:
        from onnxruntime import InferenceSession
    except ImportError:
        from onnx.reference import ReferenceEvaluator

        session, by = ReferenceEvaluator(model), "onnx.reference"
    else:
        session, by = InferenceSession(content, providers=["CPUExecutionProvider"]), "onnxruntime"
    outputs: Any = session.run(None, dict(fed))
    return content, np.asarray(outputs[0]), by


def _keras(predictor: Predictor, fed: Mapping[str, np.ndarray]) -> Exported:
    """Compared is what the file says after it is read again."""
    from rounds.export.keras import keras_model
    from rounds.networks.keras.model import load_model, predict_with, save_model

    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        save_model(keras_model(predictor), path)
        return path.read_bytes(), predict_with(load_model(path), fed), "keras"


_MAKERS: dict[str, Callable[[Predictor, Mapping[str, np.ndarray]], Exported]] = {"onnx": _onnx, "keras": _keras}
