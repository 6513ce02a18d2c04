"""What Python gives, as the job takes it: data of any form, options as keywords."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from rounds.data.choices import Choices, ImageChoices
from rounds.data.dataset import FEATURE_ROLES, Dataset
from rounds.data.loading import load
from rounds.errors import DataError, PlanError, nearest
from rounds.job.few_rows import with_few_rows
from rounds.plan import Plan, make_plan, read_plan_file
from rounds.run_folder.stored import Content

Names = str | Sequence[str] | None


def names_of(given: Names) -> tuple[str, ...]:
    """One name or several.

    >>> names_of("age"), names_of(["age", "sex"]), names_of(None)
    (('age',), ('age', 'sex'), ())
    """
    return () if given is None else (given,) if isinstance(given, str) else tuple(given)


def roles_of(given: Mapping[str, str] | Names) -> dict[str, str]:
    """Columns and their roles: {"age": "numeric"}, or ["age=numeric"] as on the command line."""
    if isinstance(given, Mapping):
        return dict(given)
    pairs = [word.partition("=") for word in names_of(given)]
    for name, sign, _ in pairs:
        if not sign:
            raise DataError("as_", "a mapping of columns to roles", got=name, advice='Write as_={"age": "numeric"}')
    return {name: role for name, _, role in pairs}


def plan_changes(before: Mapping[str, Any], plan: Any, fields: Mapping[str, Any], seed: int | None) -> Content:
    """The plan fields that are asked for: of a Request, then of a file, a dictionary or a Plan, then single ones.

    Raises PlanError for an unknown name or a value that cannot run.
    """
    if isinstance(plan, str | Path):
        given = read_plan_file(Path(plan))
    else:
        given = plan.model_dump(exclude_unset=True) if isinstance(plan, Plan) else dict(plan or {})
    unknown = [name for name in fields if name not in Plan.model_fields]
    if unknown:
        hint = nearest(unknown[0], [*Plan.model_fields, *OPTIONS])
        raise PlanError(
            "An argument", "an option or a plan field", name=unknown[0], got=fields[unknown[0]], advice=hint
        )
    single = {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
    changes = {"seed": 0, **before, **given, **single, **({} if seed is None else {"seed": seed})}
    make_plan(Plan(), changes)
    return changes


OPTIONS = (
    "target",
    "task",
    "positive",
    "group",
    "time",
    "roles",
    "as_",
    "drop",
    "known",
    "where",
    "dates",
    "decimal",
    "baseline",
    "images",
    "image_size",
    "skip_bad",
    "test",
    "sequences",
    "test_sequences",
    "key",
    "split_seed",
    "allow",
    "subgroup",
    "plan",
    "rounds",
    "members",
    "minutes",
    "seed",
    "out",
    "resume",
    "model",
    "allow_code",
    "no_cache",
    "show_images",
    "log",
    "watch",
    "quiet",
)


def dataset_of(data: Any, choices: Choices, test: Any = None, model: Any = None) -> Dataset:
    """What `train` is given as a Dataset: one already, a path, a frame, the name of a built-in set, or (X, y)."""
    if isinstance(data, Dataset):
        if choices != Choices():
            advice = "Say these things to rounds.load, or give what it was made from"
            raise DataError(
                "A Dataset", "given without options on how to read it", name="data", got=data.name, advice=advice
            )
        return data
    if isinstance(data, tuple) and len(data) == 2 and np.ndim(data[0]) > 2:
        data, choices = arrays_of(*data), replace(choices, group=choices.group or "none")
    elif isinstance(data, tuple) and len(data) == 2:
        data, names = table_of_arrays(*data)
        numbers = {name: "numeric" for name in data.columns if name not in names and data[name].dtype.is_numeric()}
        choices = replace(
            choices,
            targets=choices.targets or names,
            group=choices.group or "none",
            as_roles={**numbers, **choices.as_roles},
        )
    return load_for_model(data, choices, test, model)


def load_for_model(data: Any, choices: Choices, test: Any, model: Any) -> Dataset:
    """The table as `load` has it; where a model of the user's own has an input for every column, none of its numbers is
    left out or taken for a code: a constant column has its place among the model's weights."""
    dataset = load(data, choices, test=test)
    if model is not None:
        dataset = with_few_rows(dataset)
    wanted = _input_width(model)
    columns = [column for column in dataset.columns if column.role in (*FEATURE_ROLES, "constant", "identifier")]
    others = [c.name for c in columns if c.role in ("constant", "identifier", "categorical") and not c.as_written]
    if wanted != len(columns) or not others:
        return dataset
    numbers = {**dict.fromkeys(others, "numeric"), **choices.as_roles}
    return with_few_rows(load(data, replace(choices, as_roles=numbers), test=test))


def _input_width(model: Any) -> int | None:
    """Columns that a model with a single input reads; None where that is not known."""
    inputs = getattr(model, "inputs", None) or []
    shape = tuple(inputs[0].shape) if len(inputs) == 1 else ()
    return shape[1] if len(shape) == 2 else None


def arrays_of(inputs: Any, targets: Any) -> dict[str, np.ndarray]:
    """(X, y) of images [N, H, W, C] (bytes: [N, H, W] too) or recordings [N, T, V], under the names of NPZ files.

    Raises DataError for arrays of other axes, or of different lengths.
    """
    x, y = np.asarray(inputs), np.asarray(targets)
    if x.ndim > 4 or y.ndim > 2:
        advice = "Give images [N, H, W, C] or recordings [N, T, V], and a row of targets for each"
        raise DataError(
            "(X, y)", "of at most four axes and of two", name="shapes", got=[x.shape, y.shape], advice=advice
        )
    if len(x) != len(y):
        advice = "Give a target for each row"
        raise DataError("(X, y)", "of as many rows", name="shapes", got=[x.shape, y.shape], advice=advice)
    image = x.ndim == 4 or x.dtype.itemsize == 1
    y = y.reshape(-1) if y.shape[1:] == (1,) else y
    if image:
        return {"train_images": x if x.dtype.kind == "u" else x.astype(np.float32), "train_labels": y}
    named = {"y": y} if y.ndim == 1 else {f"y{i}": column for i, column in enumerate(y.T)}
    return {"x": x.astype(np.float32), **named}


def table_of_arrays(inputs: Any, targets: Any) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """(X, y) as a table and the names of its targets: x0, x1, ... and y, or y0, y1, ...; frames keep their names.

    Raises DataError for arrays of more than two axes, or of different lengths.
    """
    x, y = _columns(inputs, "x"), _columns(targets, "y")
    lengths = {len(values) for values in (*x.values(), *y.values())}
    if len(lengths) != 1:
        shapes = [np.shape(inputs), np.shape(targets)]
        raise DataError("(X, y)", "of as many rows", name="shapes", got=shapes, advice="Give a target for each row")
    return pl.DataFrame({**x, **y}), tuple(y)


def _columns(given: Any, letter: str) -> Content:
    if hasattr(given, "columns"):
        frame = given if isinstance(given, pl.DataFrame) else pl.from_pandas(given)
        return {name: frame[name] for name in frame.columns}
    if isinstance(given, pl.Series) or (hasattr(given, "name") and hasattr(given, "to_numpy")):
        return {given.name or letter: np.asarray(given)}
    values = np.asarray(given)
    if values.ndim == 1 or (values.ndim == 2 and values.shape[1] == 1 and letter == "y"):
        return {letter if letter == "y" else "x0": values.reshape(-1)}
    if values.ndim != 2:
        advice = "Give images or recordings as an NPZ file or a folder"
        raise DataError(letter.upper(), "an array of rows and columns", name="shape", got=values.shape, advice=advice)
    return {f"{letter}{i}": column for i, column in enumerate(values.T)}


def _known_of(given: Mapping[str, str] | Names) -> tuple[str, ...]:
    """When columns are known: {"age": "admission"}, "admission" for all, or ["age=admission"]."""
    return tuple(f"{name}={when}" for name, when in given.items()) if isinstance(given, Mapping) else names_of(given)


def choices_of(options: Mapping[str, Any]) -> Choices:
    """How to read the data, of the keywords of `train`."""
    from rounds.task import KINDS

    kind = options["task"]
    if kind is not None and kind not in KINDS:
        raise DataError("task", f"one of {', '.join(KINDS)}", got=kind, advice="Leave it out to have it decided")
    roles = options["roles"]
    pictures = ImageChoices(options["images"], options["image_size"], options["skip_bad"])
    same = ("positive", "group", "time", "where", "dates", "decimal", "baseline", "sequences", "test_sequences", "key")
    return Choices(
        targets=names_of(options["target"]),
        kind=kind,
        roles=None if roles is None else Path(roles),
        as_roles=roles_of(options["as_"]),
        drop=names_of(options["drop"]),
        known=_known_of(options["known"]),
        pictures=pictures,
        **{name: options[name] for name in same},
    )
