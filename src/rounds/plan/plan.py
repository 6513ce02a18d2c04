"""Every choice of one training, as a record that can be printed, edited, checked and compared.

`structure` fields decide the compiled program; `settings` are numbers that each member of a population carries for
itself, so a setting may be a list: a sweep. A plan may be unwise (a learning rate of 10, zero initial weights):
Rounds exists to find that. It refuses only what cannot run, and says what has no effect (`no_effect`).
"""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic.fields import FieldInfo

from rounds.errors import PlanError

REFERENCE_BATCH = 64  # rows; the batch size that default learning rates are meant for
LARGEST_SEED = 2**31 - 1
OF_LAYERS = ("activation", "initializer", "bias_initializer")  # which a model of one's own has itself


@dataclass(frozen=True)
class Bounds:
    """The range in which a setting can run; a field with bounds is a setting.

    >>> str(Bounds(0.0, 1.0, open_high=True))
    'a number >= 0.0 and < 1.0'
    """

    low: float = 0.0
    high: float | None = None
    open_high: bool = False

    def hold(self, value: float) -> bool:
        """Whether a setting may have this value; nan never may.

        >>> Bounds(0.0, 1.0).hold(1.0), Bounds().hold(-0.1), Bounds().hold(float("nan"))
        (True, False, False)
        """
        below = self.high is None or value < self.high or (value == self.high and not self.open_high)
        return value >= self.low and below

    def __str__(self) -> str:
        upper = "" if self.high is None else f" and {'<' if self.open_high else '<='} {self.high}"
        return f"a number >= {self.low}{upper}"


Sweep = float | tuple[float, ...]
NotNegative = Annotated[Sweep, Bounds()]
Share = Annotated[Sweep, Bounds(0.0, 1.0)]
ShareBelowOne = Annotated[Sweep, Bounds(0.0, 1.0, open_high=True)]
Degrees = Annotated[Sweep, Bounds(0.0, 180.0)]
SlantDegrees = Annotated[Sweep, Bounds(0.0, 90.0, open_high=True)]
Count = Annotated[int, Field(ge=1)]
CountOrNone = Annotated[int, Field(ge=0)]
EmbeddingWidth = Annotated[int, Field(ge=1, le=256)]
Counts = tuple[Count, ...]


def _field(default: Any, what: str, unit: str = "") -> Any:
    return Field(default, description=what, json_schema_extra={"unit": unit})


class Plan(BaseModel):
    """Every choice of one training; defaults are those for a table of a few thousand patients.

    >>> Plan(hidden=(64, 64), learning_rate=0.01).hidden
    (64, 64)
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    # the network
    network: Literal["linear", "dense", "convolutional", "recurrent", "keras"] = _field(
        "dense", "kind of network (keras: a model of your own)"
    )
    hidden: Counts = _field((128, 128), "width of each hidden layer", "units")
    activation: str = _field(
        "silu", "activation after each hidden layer (any of Keras's names, or module:name; given: your model's)"
    )
    layer: str = _field(
        "dense", "hidden layer: dense, or a Keras layer of your own that takes its width (module:Class)"
    )
    normalization: Literal["none", "batch", "layer"] = _field("none", "normalization between affine map and activation")
    residual: bool = _field(False, "add each hidden layer's input to its output where widths agree")
    skip_to_output: bool = _field(False, "add a linear map of the inputs to the output")
    initializer: str = _field("he_normal", "initial weights (Keras's name, argument after a colon: random_normal:0.05)")
    bias_initializer: str = _field("zeros", "initial biases (constant:0.1 and so on)")
    initial_weights: Literal["drawn", "given"] = _field(
        "drawn", "weights of a model of your own: drawn again for each network, or those it was given with"
    )
    use_dropout: bool | None = _field(None, "carry dropout masks (none: when any member's dropout is above 0)")
    output_activation: str = _field(
        "auto",
        "activation of the output; auto matches the loss (of a model of your own: what follows it; matched: its last "
        "layer is made to fit the task)",
    )
    number_embedding: Literal["none", "periodic", "piecewise"] = _field(
        "none", "how each number is spread out before the first layer"
    )
    embedding_width: EmbeddingWidth = _field(4, "units each number becomes", "units")
    frequencies: EmbeddingWidth = _field(8, "learned frequencies of a periodic embedding, bins of a piecewise one")
    filters: Counts = _field((16, 32, 64), "filters of each convolution block")
    filter_size: Count = _field(3, "width of a filter")
    stride: Count = _field(2, "step of the filters with which every block but the first begins")
    block: Literal["plain", "residual", "dense"] = _field(
        "residual", "convolutions in a row, with a sum around them, or each reading all before it"
    )
    block_depth: Count = _field(2, "convolutions in a block")
    cell: Literal["simple", "lstm", "gru"] = _field("gru", "recurrent cell")
    recurrent: Counts = _field((32,), "width of each recurrent layer", "units")
    bidirectional: bool = _field(False, "recurrent layers read the steps from both ends")
    hand_features: bool = _field(
        False,
        "read the features engineered from images and recordings: convolutional and recurrent networks beside the "
        "array, others instead of it",
    )
    # the objective
    loss: str = _field(
        "auto",
        "loss (auto matches the task: mse, poisson, binary_crossentropy, categorical_crossentropy, mae, huber; "
        "or module:name; compiled: the one that a model of your own was compiled with)",
    )
    class_weights: Literal["none", "balanced"] = _field("none", "weight of each class in the loss")
    scale_inputs: bool = _field(True, "centre numbers by median, scale by interquartile range, clip smoothly")
    target_transform: Literal["auto", "none", "log1p", "given"] = _field(
        "auto",
        "scale on which numbers are learned; auto takes log(1 + y) for a single skewed target that is never negative; "
        "given: as they are in the table, neither centred nor scaled",
    )
    frozen_layers: CountOrNone = _field(
        0, "first hidden layers (or blocks, or recurrent layers) whose weights stay as they were drawn", "layers"
    )
    # the descent
    optimizer: Literal["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw", "compiled"] = _field(
        "adamw", "optimizer (compiled: the one that a model of your own was compiled with)"
    )
    schedule: Literal[
        "constant", "step", "cosine", "linear", "inverse_sqrt", "cyclic", "one_cycle", "plateau", "compiled"
    ] = _field("cosine", "schedule of the learning rate (compiled: the one of the model's own optimizer)")
    batch_size: Count | Literal["all"] = _field(
        REFERENCE_BATCH, "rows a step; all = full-batch gradient descent", "rows"
    )
    epochs: Count = _field(100, "passes over the training rows", "epochs")
    patience: CountOrNone = _field(0, "epochs without a better validation before a member stops; 0 = never", "epochs")
    convergence: Annotated[float, Field(ge=0.0)] = _field(
        0.0, "stop when the gradient's norm falls below this; 0 = never"
    )
    metrics: tuple[str, ...] = _field(
        (), "further validation metrics of your own (module:name, a function of observed and predicted)"
    )
    keep_best: str = _field("loss", "validation metric whose best epoch is kept (none = the last epoch)")
    shuffle: bool = _field(True, "draw a new order of rows each epoch")
    shared_batches: bool = _field(True, "members of a fold see the same minibatches")
    scale_learning_rate_with_batch: bool = _field(
        False, f"multiply the learning rate by batch_size / {REFERENCE_BATCH} (it is meant for {REFERENCE_BATCH} rows)"
    )
    folds: Count = _field(5, "validation folds by patient; 1 = one fixed validation part")
    measure_every: CountOrNone = _field(
        0, "epochs between measures inside the network; 0 = chosen so that they cost little", "epochs"
    )
    # the settings, one number a member, and what goes with them
    learning_rate: NotNegative = _field((3e-4, 1e-3, 3e-3, 1e-2), "step size at its highest")
    momentum: ShareBelowOne = _field(0.9, "share of the last step kept (momentum, nesterov)")
    beta_1: ShareBelowOne = _field(0.9, "decay of Adam's mean of gradients")
    beta_2: ShareBelowOne = _field(0.999, "decay of Adam's (and rmsprop's) mean of squared gradients")
    epsilon: NotNegative = _field(1e-8, "added to the root of the mean squared gradient")
    warmup_epochs: NotNegative = _field(3.0, "linear rise of the learning rate at the start", "epochs")
    decay_epochs: tuple[float, ...] = _field((30.0, 60.0, 90.0), "epochs at which the step schedule decays", "epochs")
    decay_factor: Share = _field(0.1, "factor of one decay (step, plateau)")
    cycles: Count = _field(1, "restarts of the cyclic schedule")
    plateau_epochs: Count = _field(10, "epochs without improvement before the plateau schedule decays", "epochs")
    weight_decay: NotNegative = _field(1e-2, "decoupled decay of kernels (adamw)")
    l1: NotNegative = _field(0.0, "lambda of sum (|W| + elastic_beta W^2) over kernels")
    elastic_beta: NotNegative = _field(0.0, "weight of W^2 beside |W|: above 0 makes l1 an elastic net")
    l2: NotNegative = _field(0.0, "lambda of sum W^2 over kernels")
    dropout: ShareBelowOne = _field(0.1, "share of hidden units dropped in training")
    label_smoothing: Share = _field(0.0, "share of each label spread over all classes")
    input_noise: NotNegative = _field(0.0, "standard deviation of noise added to scaled numbers, images and recordings")
    mixup: NotNegative = _field(0.0, "alpha of the Beta distribution that mixes pairs of patients; 0 = off")
    shift: Share = _field(0.0, "images and recordings: largest move, either way", "share of the side or of the steps")
    zoom: ShareBelowOne = _field(0.0, "images: largest change of size", "share")
    rotate: Degrees = _field(0.0, "images: largest turn, either way", "degrees")
    shear: SlantDegrees = _field(0.0, "images: largest slant, either way", "degrees")
    elastic: Share = _field(0.0, "images: largest move of each part on its own", "share of the side")
    crop: ShareBelowOne = _field(
        0.0, "images: most that is cut off before the rest is drawn as large", "share of the side"
    )
    flip: Share = _field(0.0, "images: chance of a left-right mirror (a chest mirrored has its heart on the right)")
    brightness: NotNegative = _field(0.0, "images: largest change of brightness", "standard deviations")
    contrast: Share = _field(0.0, "images: largest change of contrast", "share")
    scaling: Share = _field(0.0, "recordings: largest change of a variable's size", "share")
    mask_channels: ShareBelowOne = _field(0.0, "recordings: chance of each variable to be hidden")
    mask_span: ShareBelowOne = _field(0.0, "recordings: longest span that is hidden", "share of the steps")
    clip_norm: NotNegative = _field(0.0, "longest gradient allowed; 0 = no limit")
    ema: ShareBelowOne = _field(0.0, "decay of an average of weights used for prediction; 0 = off")
    frequency_scale: NotNegative = _field(0.3, "initial spread of the frequencies of a periodic embedding")
    seed: Annotated[int, Field(ge=0, le=LARGEST_SEED)] = _field(0, "of initial weights, orders and masks")

    @field_validator("hidden", "filters", "recurrent", "decay_epochs", "metrics", mode="before")
    @classmethod
    def _one_is_a_tuple(cls, value: Any) -> Any:
        return (value,) if isinstance(value, int | float | str) and not isinstance(value, bool) else value

    def model_post_init(self, _: Any) -> None:
        if self.network == "keras":
            self.__dict__.update(dict.fromkeys(set(OF_LAYERS) - self.model_fields_set, "given"))
        for name in setting_names():
            _check_setting(name, getattr(self, name))

    def change(self, **fields: Any) -> Self:
        """A plan with some fields changed, checked again; of a model of your own, layers are as they are given.

        >>> Plan().change(epochs=3).epochs
        3
        """
        kept = self.model_dump()
        if fields.get("network") == "keras" != self.network:
            kept = {name: value for name, value in kept.items() if name not in OF_LAYERS}
        return type(self)(**{**kept, **fields})

    @property
    def has_encoder(self) -> bool:
        """Whether images and recordings have layers of their own before the table joins them."""
        return self.network in ("convolutional", "recurrent")

    def values(self, setting: str) -> tuple[float, ...]:
        """Of a setting: all that are swept, or the only one.

        >>> Plan(l2=0.1).values("l2"), Plan(l2=(0.0, 0.1)).values("l2")
        ((0.1,), (0.0, 0.1))
        """
        value = getattr(self, setting)
        return value if isinstance(value, tuple) else (value,)

    def difference(self, other: "Plan") -> dict[str, list[Any]]:
        """Fields that differ, as {field: [self, other]}."""
        mine, theirs = self.model_dump(), other.model_dump()
        return {k: [mine[k], theirs[k]] for k in mine if mine[k] != theirs[k]}


def usual_patience(epochs: int) -> int:
    """Epochs without a better one after which a training of so many may stop, where the best one is kept.

    >>> usual_patience(24), usual_patience(200)
    (5, 25)
    """
    return max(epochs // 8, 5)


def bounds_of(name: str) -> Bounds | None:
    """Of a setting; None for a field of the structure, and for the seed."""
    return next((m for m in Plan.model_fields[name].metadata if isinstance(m, Bounds)), None)


def setting_names() -> tuple[str, ...]:
    """Fields that are carried per member (the seed apart: each member has its own, derived from it)."""
    return _SETTINGS


def structure_names() -> tuple[str, ...]:
    """Fields that decide the compiled program."""
    return _STRUCTURE


_SETTINGS = tuple(name for name in Plan.model_fields if bounds_of(name))
_STRUCTURE = tuple(name for name in Plan.model_fields if name not in (*_SETTINGS, "seed"))


def _check_setting(name: str, value: Sweep) -> None:
    """Raises PlanError where a setting lies outside the range in which it can run."""
    bounds = bounds_of(name)
    for v in value if isinstance(value, tuple) else (value,):
        if bounds is not None and not bounds.hold(v):
            raise PlanError(f"{name} must be {bounds}, got {name}={v}. Give a number in that range.")
    if value == ():
        raise PlanError(f"{name} must be a number or a list of numbers, got {name}=[]. Give at least one number.")


def describe_range(name: str) -> str:
    """The allowed values of a field in words.

    >>> describe_range("dropout")
    'a number >= 0.0 and < 1.0'
    >>> describe_range("optimizer")
    'one of sgd, momentum, nesterov, adagrad, rmsprop, adam, adamw, compiled'
    >>> describe_range("embedding_width")
    'a whole number >= 1 and <= 256'
    """
    info = Plan.model_fields[name]
    if bounds := bounds_of(name):
        return str(bounds)
    options = [a for a in get_args(info.annotation) if isinstance(a, str)]
    if options:
        return "one of " + ", ".join(options)
    if name == "batch_size":
        return "a whole number >= 1 or all"
    if "tuple" in str(info.annotation):
        return "a comma list of names" if "str" in str(info.annotation) else "a comma list of numbers"
    names = {"bool": "true or false", "int": "a whole number", "float": "a number", "str": "text"}
    shown = str(getattr(info.annotation, "__name__", info.annotation))
    return names.get(shown, "true or false" if "bool" in str(info.annotation) else shown) + _limits(info)


def _limits(info: FieldInfo) -> str:
    """The limits of a structure field in words: " >= 1 and <= 256", or nothing."""
    signs = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
    found = [f"{signs[n]} {getattr(m, n)}" for m in info.metadata for n in signs if getattr(m, n, None) is not None]
    return f" {' and '.join(found)}" if found else ""
