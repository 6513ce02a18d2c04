"""Every choice of one training, as a record that can be printed, edited, checked and compared.

`structure` fields decide the compiled program; `settings` are numbers that each member of a population carries for
itself, so a setting may be a list: a sweep. A plan may be unwise (a learning rate of 10, zero initial weights):
Rounds exists to find that. It refuses only what cannot run.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic.fields import FieldInfo

from rounds.errors import PlanError, must_be, nearest

Sweep = float | tuple[float, ...]
REFERENCE_BATCH = 64  # rows; the batch size that default learning rates are meant for


def _structure(default: Any, what: str, unit: str = "", **limits: Any) -> Any:
    return Field(default, description=what, json_schema_extra={"half": "structure", "unit": unit}, **limits)


def _setting(
    default: Any,
    what: str,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    open_high: bool = False,
) -> Any:
    extra: Any = {"half": "setting", "unit": unit, "low": low, "high": high, "open_high": open_high}
    return Field(default, description=what, json_schema_extra=extra)


class _Structure(BaseModel):
    """The half of a plan that decides most of the compiled program."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    # the network
    network: Annotated[Literal["linear", "dense", "convolutional", "recurrent", "keras"], "enum"] = _structure(
        "dense", "kind of network (keras: a model of your own)"
    )
    hidden: tuple[Annotated[int, Field(ge=1)], ...] = _structure((128, 128), "width of each hidden layer", "units")
    activation: str = _structure("silu", "activation after each hidden layer (any of Keras's names, or module:name)")
    layer: str = _structure(
        "dense", "hidden layer: dense, or a Keras layer of your own that takes its width (module:Class)"
    )
    normalization: Literal["none", "batch", "layer"] = _structure(
        "none", "normalization between affine map and activation"
    )
    residual: bool = _structure(False, "add each hidden layer's input to its output where widths agree")
    skip_to_output: bool = _structure(False, "add a linear map of the inputs to the output")
    initializer: str = _structure(
        "he_normal", "initial weights (Keras's name, argument after a colon: random_normal:0.05)"
    )
    bias_initializer: str = _structure("zeros", "initial biases (constant:0.1 and so on)")
    initial_weights: Literal["drawn", "given"] = _structure(
        "drawn", "weights of a model of your own: drawn anew for each network, or those it was handed over with"
    )
    use_dropout: bool | None = _structure(None, "carry dropout masks (none: when any member's dropout is above 0)")
    output_activation: str = _structure("auto", "activation of the output; auto matches the loss")
    number_embedding: Literal["none", "periodic", "piecewise"] = _structure(
        "none", "how each number is spread out before the first layer"
    )
    embedding_width: int = _structure(4, "units each number becomes", "units", ge=1, le=256)
    frequencies: int = _structure(8, "learned frequencies of a periodic embedding", ge=1, le=256)
    filters: tuple[Annotated[int, Field(ge=1)], ...] = _structure((16, 32, 64), "filters of each convolution block")
    filter_size: int = _structure(3, "width of a filter", ge=1)
    stride: int = _structure(2, "step of the filters with which every block but the first begins", ge=1)
    block: Literal["plain", "residual", "dense"] = _structure(
        "residual", "convolutions in a row, with a sum around them, or each reading all before it"
    )
    block_depth: int = _structure(2, "convolutions in a block", ge=1)
    cell: Literal["simple", "lstm", "gru"] = _structure("gru", "recurrent cell")
    recurrent: tuple[Annotated[int, Field(ge=1)], ...] = _structure((32,), "width of each recurrent layer", "units")
    bidirectional: bool = _structure(False, "recurrent layers read the steps from both ends")
    hand_features: bool = _structure(
        False,
        "read the features made by hand from images and recordings: convolutional and recurrent networks beside the "
        "grid, others instead of it",
    )
    # the objective
    loss: str = _structure(
        "auto",
        "loss (auto matches the task: mse, poisson, binary_crossentropy, categorical_crossentropy, mae, huber; "
        "or module:name)",
    )
    class_weights: Literal["none", "balanced"] = _structure("none", "weight of each class in the loss")
    scale_inputs: bool = _structure(True, "centre numbers by median, scale by interquartile range, clip smoothly")
    target_transform: Literal["auto", "none", "log1p"] = _structure(
        "auto",
        "scale on which numbers are learned; auto takes log(1 + y) for a single skewed target that is never negative",
    )
    frozen_layers: int = _structure(
        0, "first hidden layers (or blocks, or recurrent layers) whose weights stay as they were drawn", "layers", ge=0
    )
    # the descent
    optimizer: Literal["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw"] = _structure(
        "adamw", "optimizer"
    )
    schedule: Literal["constant", "step", "cosine", "linear", "inverse_sqrt", "cyclic", "one_cycle", "plateau"] = (
        _structure("cosine", "course of the learning rate")
    )
    batch_size: Annotated[int, Field(ge=1)] | Literal["all"] = _structure(
        REFERENCE_BATCH, "rows a step; all = full-batch gradient descent", "rows"
    )
    epochs: int = _structure(100, "passes over the training rows", "epochs", ge=1)
    patience: int = _structure(0, "epochs without a better validation before a member stops; 0 = never", "epochs", ge=0)
    convergence: float = _structure(0.0, "stop when the gradient's norm falls below this; 0 = never", ge=0.0)
    metrics: tuple[str, ...] = _structure(
        (), "further validation metrics of your own (module:name, a function of observed and predicted)"
    )
    keep_best: str = _structure("loss", "validation metric whose best epoch is kept (none = the last epoch)")
    shuffle: bool = _structure(True, "draw a new order of rows each epoch")
    shared_batches: bool = _structure(True, "members of a fold see the same minibatches")
    scale_learning_rate_with_batch: bool = _structure(
        False, f"multiply the learning rate by batch_size / {REFERENCE_BATCH} (it is meant for {REFERENCE_BATCH} rows)"
    )
    folds: int = _structure(5, "validation folds by patient; 1 = one fixed validation part", ge=1)
    measure_every: int = _structure(
        0, "epochs between measures inside the network; 0 = chosen so that they cost little", "epochs", ge=0
    )


class Plan(_Structure):
    """Every choice of one training; defaults are those for a table of a few thousand patients.

    >>> Plan(hidden=(64, 64), learning_rate=0.01).hidden
    (64, 64)
    """

    # the settings, one number a member, and what goes with them
    learning_rate: Sweep = _setting((3e-4, 1e-3, 3e-3, 1e-2), "step size at its highest", low=0.0)
    momentum: Sweep = _setting(
        0.9, "share of the last step kept (momentum, nesterov, rmsprop)", low=0.0, high=1.0, open_high=True
    )
    beta_1: Sweep = _setting(0.9, "decay of Adam's mean of gradients", low=0.0, high=1.0, open_high=True)
    beta_2: Sweep = _setting(
        0.999, "decay of Adam's (and rmsprop's) mean of squared gradients", low=0.0, high=1.0, open_high=True
    )
    epsilon: Sweep = _setting(1e-8, "added to the root of the mean squared gradient", low=0.0)
    warmup_epochs: Sweep = _setting(3.0, "linear rise of the learning rate at the start", "epochs", low=0.0)
    decay_epochs: tuple[float, ...] = _structure(
        (30.0, 60.0, 90.0), "epochs at which the step schedule decays", "epochs"
    )
    decay_factor: Sweep = _setting(0.1, "factor of one decay (step, plateau)", low=0.0, high=1.0)
    cycles: int = _structure(1, "restarts of the cyclic schedule", ge=1)
    plateau_epochs: int = _structure(
        10, "epochs without improvement before the plateau schedule decays", "epochs", ge=1
    )
    weight_decay: Sweep = _setting(1e-2, "decoupled decay of kernels (adamw)", low=0.0)
    l1: Sweep = _setting(0.0, "lambda of sum (|W| + elastic_beta W^2) over kernels", low=0.0)
    elastic_beta: Sweep = _setting(0.0, "weight of W^2 beside |W|: above 0 makes l1 an elastic net", low=0.0)
    l2: Sweep = _setting(0.0, "lambda of sum W^2 over kernels", low=0.0)
    dropout: Sweep = _setting(0.1, "share of hidden units dropped in training", low=0.0, high=1.0, open_high=True)
    label_smoothing: Sweep = _setting(0.0, "share of each label spread over all classes", low=0.0, high=1.0)
    input_noise: Sweep = _setting(
        0.0, "standard deviation of noise added to scaled numbers, images and recordings", low=0.0
    )
    mixup: Sweep = _setting(0.0, "alpha of the Beta distribution that mixes pairs of patients; 0 = off", low=0.0)
    shift: Sweep = _setting(
        0.0, "images and recordings: largest move, either way", "share of the side or of the steps", low=0.0, high=1.0
    )
    zoom: Sweep = _setting(0.0, "images: largest change of size", "share", low=0.0, high=1.0, open_high=True)
    rotate: Sweep = _setting(0.0, "images: largest turn, either way", "degrees", low=0.0, high=180.0)
    shear: Sweep = _setting(0.0, "images: largest slant, either way", "degrees", low=0.0, high=90.0, open_high=True)
    elastic: Sweep = _setting(
        0.0, "images: largest move of each part on its own", "share of the side", low=0.0, high=1.0
    )
    crop: Sweep = _setting(
        0.0,
        "images: most that is cut off before the rest is drawn as large",
        "share of the side",
        low=0.0,
        high=1.0,
        open_high=True,
    )
    flip: Sweep = _setting(
        0.0,
        "images: chance of a left-right mirror (a chest mirrored has its heart on the right)",
        low=0.0,
        high=1.0,
    )
    brightness: Sweep = _setting(0.0, "images: largest change of brightness", "standard deviations", low=0.0)
    contrast: Sweep = _setting(0.0, "images: largest change of contrast", "share", low=0.0, high=1.0)
    scaling: Sweep = _setting(0.0, "recordings: largest change of a variable's size", "share", low=0.0, high=1.0)
    mask_channels: Sweep = _setting(
        0.0, "recordings: chance of each variable to be hidden", low=0.0, high=1.0, open_high=True
    )
    mask_span: Sweep = _setting(
        0.0, "recordings: longest span that is hidden", "share of the steps", low=0.0, high=1.0, open_high=True
    )
    clip_norm: Sweep = _setting(0.0, "longest gradient allowed; 0 = no limit", low=0.0)
    ema: Sweep = _setting(
        0.0, "decay of an average of weights used for prediction; 0 = off", low=0.0, high=1.0, open_high=True
    )
    frequency_scale: Sweep = _setting(0.3, "initial spread of the frequencies of a periodic embedding", low=0.0)
    seed: int = _setting(0, "of initial weights, orders and masks", low=0)

    @field_validator("hidden", "filters", "recurrent", "decay_epochs", "metrics", mode="before")
    @classmethod
    def _one_is_a_tuple(cls, value: Any) -> Any:
        return (value,) if isinstance(value, int | float | str) and not isinstance(value, bool) else value

    @field_validator("seed", mode="after")
    @classmethod
    def _seed_range(cls, value: int) -> int:
        if not 0 <= value < 2**31:
            raise ValueError("must be between 0 and 2147483647")
        return value

    def model_post_init(self, _: Any) -> None:
        for name in setting_names():
            check_setting(name, getattr(self, name))

    def change(self, **fields: Any) -> Self:
        """A plan with some fields changed, checked again.

        >>> Plan().change(epochs=3).epochs
        3
        """
        return type(self)(**{**self.model_dump(), **fields})

    @property
    def has_encoder(self) -> bool:
        """Whether images and recordings have layers of their own before the table joins them."""
        return self.network in ("convolutional", "recurrent")

    def difference(self, other: "Plan") -> dict[str, list[Any]]:
        """Fields that differ, as {field: [self, other]}."""
        mine, theirs = self.model_dump(), other.model_dump()
        return {k: [mine[k], theirs[k]] for k in mine if mine[k] != theirs[k]}


def _extra(info: FieldInfo) -> dict[str, Any]:
    return info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}


def usual_patience(epochs: int) -> int:
    """Epochs without a better one after which a training of so many may stop, where the best one is kept.

    >>> usual_patience(24), usual_patience(200)
    (5, 25)
    """
    return max(epochs // 8, 5)


def setting_names() -> tuple[str, ...]:
    """Fields that are carried per member (the seed apart: each member has its own, derived from it)."""
    return tuple(k for k, f in Plan.model_fields.items() if _extra(f).get("half") == "setting" and k != "seed")


def structure_names() -> tuple[str, ...]:
    return tuple(k for k, f in Plan.model_fields.items() if _extra(f).get("half") == "structure")


def check_setting(name: str, value: Sweep) -> None:
    """Raises PlanError where a setting lies outside the range in which it can run."""
    extra = _extra(Plan.model_fields[name])
    low, high = extra.get("low"), extra.get("high")
    for v in value if isinstance(value, tuple) else (value,):
        above = high is not None and (v > high or (extra.get("open_high") and v >= high))
        if v != v or (low is not None and v < low) or above:
            raise PlanError(f"{name} must be {describe_range(name)}, got {name}={v}. Give a number in that range.")
    if isinstance(value, tuple) and not value:
        raise PlanError(f"{name} must be a number or a list of numbers, got {name}=[]. Give at least one number.")


def describe_range(name: str) -> str:
    """The allowed values of a field in words.

    >>> describe_range("dropout")
    'a number >= 0.0 and < 1.0'
    >>> describe_range("optimizer")
    'one of sgd, momentum, nesterov, adagrad, rmsprop, adam, adamw'
    >>> describe_range("embedding_width")
    'a whole number >= 1 and <= 256'
    """
    info = Plan.model_fields[name]
    options = [a for a in get_args(info.annotation) if isinstance(a, str)]
    if options:
        return "one of " + ", ".join(options)
    extra = _extra(info)
    if extra.get("half") == "setting":
        words = f"a number >= {extra['low']}" if extra.get("low") is not None else "a number"
        return words + (
            f" and {'<' if extra.get('open_high') else '<='} {extra['high']}" if extra.get("high") is not None else ""
        )
    if "tuple" in str(info.annotation):
        return "a comma list of names" if "str" in str(info.annotation) else "a comma list of numbers"
    if name == "batch_size":
        return "a whole number >= 1 or all"
    names = {"bool": "true or false", "int": "a whole number", "float": "a number", "str": "text"}
    shown = str(getattr(info.annotation, "__name__", info.annotation))
    return names.get(shown, "true or false" if "bool" in str(info.annotation) else shown) + _limits(info)


def _limits(info: FieldInfo) -> str:
    """The limits of a structure field in words: " >= 1 and <= 256", or nothing."""
    signs = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
    found = [f"{signs[n]} {getattr(m, n)}" for m in info.metadata for n in signs if getattr(m, n, None) is not None]
    return f" {' and '.join(found)}" if found else ""


def parse_value(name: str, text: str) -> Any:
    """What the text after ``--set NAME=`` means: ``[a,b]`` is a sweep, ``a,b`` is one value that holds several.

    >>> parse_value("learning_rate", "[1e-3,1e-2]"), parse_value("hidden", "256,256"), parse_value("shuffle", "false")
    ((0.001, 0.01), (256, 256), False)
    """
    if name not in Plan.model_fields:
        raise _unknown_field(name, text)
    text = text.strip()
    if text.startswith("[") and text.endswith("]"):
        if name not in setting_names() and "tuple" not in str(Plan.model_fields[name].annotation):
            raise PlanError(
                f"{name} must be one value, got {name}={text}. Only settings can be swept: {', '.join(setting_names())}"
            )
        return tuple(_scalar(part) for part in text[1:-1].split(",") if part.strip())
    return tuple(_scalar(part) for part in text.split(",")) if "," in text else _scalar(text)


def _unknown_field(name: str, value: object) -> PlanError:
    hint = nearest(name, list(Plan.model_fields))
    return PlanError(must_be("Plan field", "one of the fields of `rounds plan`", name, value, hint))


def _scalar(text: str) -> Any:
    text = text.strip()
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def make_plan(start: Plan, changes: dict[str, Any]) -> Plan:
    """`start` with changes applied; every refusal names the field, its value and what is allowed."""
    for name in changes:
        if name not in Plan.model_fields:
            raise _unknown_field(name, changes[name])
    try:
        return start.change(**changes)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "plan"
        value = changes.get(name)
        raise PlanError(f"{name} must be {describe_range(name)}, got {name}={value!r}. {first['msg']}.") from None


def read_plan_file(path: Path) -> dict[str, Any]:
    """The fields a plan file changes: TOML, ``name = value`` or ``[name]`` with ``value`` and ``why``."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PlanError(f"Plan file must be a file that exists, got plan={str(path)!r}. Check the path.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, IsADirectoryError) as error:
        raise PlanError(
            f"Plan file must be TOML, got plan={str(path)!r} ({error}). Write lines such as learning_rate = 0.001."
        ) from None
    values = {k: v["value"] if isinstance(v, dict) and "value" in v else v for k, v in content.items()}
    return {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}


def plan_table() -> list[dict[str, str]]:
    """A row a field: name, default, allowed values, unit, half, and what it does.

    >>> plan_table()[0]["field"]
    'network'
    """
    default = Plan()
    return [
        {
            "field": name,
            "default": _shown(getattr(default, name)),
            "allowed": describe_range(name),
            "unit": str(_extra(info).get("unit", "")),
            "kind": str(_extra(info).get("half", "")),
            "does": info.description or "",
        }
        for name, info in Plan.model_fields.items()
    ]


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(f"{v:g}" if isinstance(v, float) else str(v) for v in value)
    return str(value).lower() if isinstance(value, bool) or value is None else str(value)
