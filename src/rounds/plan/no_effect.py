"""Choices of a plan that change nothing in the training they are made for: each is said, with the reason.

A row of `CONDITIONS` is a circumstance in which some fields are idle. `tests/training/test_no_effect.py` walks all
fields, networks, tasks and optimizers: a change of the field changes the training, or a row says why not.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from rounds.plan.plan import REFERENCE_BATCH, Plan
from rounds.task import Kind


@dataclass(frozen=True)
class PlanContext:
    """What a plan meets. numbers: that the network reads, among them `engineered` ones; array: the (*space, channels)
    of the images or recordings it reads; features: width of what enters its first hidden layer; activated: whether a
    hidden layer takes an activation (of a model of the user's own)."""

    kind: Kind
    numbers: int = 0
    engineered: int = 0
    array: tuple[int, ...] = ()
    features: int = 0
    activated: bool = True

    @property
    def images(self) -> bool:
        """Whether the network reads images."""
        return len(self.array) == 3

    @property
    def recordings(self) -> bool:
        """Whether the network reads recordings."""
        return len(self.array) == 2


@dataclass(frozen=True)
class PlanNote:
    """A field that the user set and that changes nothing, with the reason.

    >>> str(PlanNote("momentum", 0.5, "the optimizer is adam"))
    'momentum=0.5 has no effect because the optimizer is adam.'
    """

    field: str
    value: Any
    because: str

    def __str__(self) -> str:
        shown = ",".join(map(str, self.value)) if isinstance(self.value, tuple) else self.value
        return f"{self.field}={shown} has no effect because {self.because}."


@dataclass(frozen=True)
class Condition:
    """Fields that are idle where `idle` holds; because: the reason, in which {name} is a field of the plan."""

    fields: tuple[str, ...]
    idle: Callable[[Plan, PlanContext], bool]
    because: str


def plan_notes(plan: Plan, context: PlanContext, fields: Iterable[str]) -> tuple[PlanNote, ...]:
    """Of the fields that the user set, those that change nothing; what is switched off is passed over.

    >>> [str(note) for note in plan_notes(Plan(optimizer="sgd", beta_1=0.5), PlanContext("regression", 3), ["beta_1"])]
    ['beta_1=0.5 has no effect because only adam and adamw have it, and the optimizer is sgd.']
    """
    return tuple(_notes(plan, context, fields))


def _notes(plan: Plan, context: PlanContext, fields: Iterable[str]) -> Iterator[PlanNote]:
    for name in fields:
        value = getattr(plan, name)
        because = next((c.because for c in CONDITIONS if name in c.fields and c.idle(plan, context)), None)
        if because is not None and not _is_off(value):
            yield PlanNote(name, value, because.format(**plan.model_dump()))


def _is_off(value: Any) -> bool:
    return not isinstance(value, bool) and value in (0, "none", ())


def _no_hidden_layer(plan: Plan, _: PlanContext) -> bool:
    return plan.network == "linear" or not plan.hidden


def _no_layer(plan: Plan, context: PlanContext) -> bool:
    return _no_hidden_layer(plan, context) and not plan.has_encoder


def _no_equal_widths(plan: Plan, context: PlanContext) -> bool:
    widths = (context.features, *plan.hidden)
    return not any(before == after for before, after in pairwise(widths))


_EMBEDDING = ("number_embedding", "embedding_width", "frequencies", "frequency_scale")
_BUILT = (
    "hidden",
    "activation",
    "layer",
    "normalization",
    "residual",
    "skip_to_output",
    "initializer",
    "bias_initializer",
    "use_dropout",
    "dropout",
    "frozen_layers",
    *_EMBEDDING,
)
_LAYERS = tuple(name for name in _BUILT if name not in ("activation", "initializer", "bias_initializer"))
_FILTERS = ("filters", "filter_size", "stride", "block", "block_depth")
_CELLS = ("cell", "recurrent", "bidirectional")
OF_BUILT_IN_NETWORKS = (*_LAYERS, *_FILTERS, *_CELLS)  # fields that say nothing of a model of the user's own
_IMAGES = ("zoom", "rotate", "shear", "elastic", "crop", "flip", "brightness", "contrast")

CONDITIONS = (
    Condition(_LAYERS, lambda plan, _: plan.network == "keras", "the network is a model of your own, with its layers"),
    Condition(
        ("activation",),
        lambda plan, context: plan.network == "keras" and not context.activated,
        "your model has no hidden layer that takes one",
    ),
    Condition(("initial_weights",), lambda plan, _: plan.network != "keras", "only a model of your own has weights"),
    Condition(
        ("hidden", "skip_to_output", "frozen_layers", *_EMBEDDING),
        lambda plan, _: plan.network == "linear",
        "a linear network is one map of the inputs",
    ),
    Condition(("layer", "residual"), _no_hidden_layer, "there is no hidden layer"),
    Condition(("residual",), _no_equal_widths, "no hidden layer is as wide as what enters it"),
    Condition(
        ("activation", "normalization"),
        lambda plan, context: _no_hidden_layer(plan, context) and plan.network != "convolutional",
        "there is no hidden layer",
    ),
    Condition(("frozen_layers", "dropout", "use_dropout"), _no_layer, "there is no hidden layer"),
    Condition(("dropout",), lambda plan, _: plan.use_dropout is False, "use_dropout is false"),
    Condition(
        ("use_dropout",),
        lambda plan, _: plan.use_dropout is (max(plan.values("dropout")) > 0),
        "dropout={dropout} says the same",
    ),
    Condition(_EMBEDDING, lambda _, context: context.numbers == 0, "the network reads no numbers"),
    Condition(
        ("embedding_width", "frequencies"),
        lambda plan, _: plan.number_embedding == "none",
        "number_embedding is none",
    ),
    Condition(
        ("frequency_scale",),
        lambda plan, _: plan.number_embedding != "periodic",
        "only periodic embeddings have frequencies, and number_embedding is {number_embedding}",
    ),
    Condition(
        _FILTERS,
        lambda plan, _: plan.network != "convolutional",
        "only convolutional networks have filters, and the network is {network}",
    ),
    Condition(
        ("stride",),
        lambda plan, _: len(plan.filters) < 2,
        "the first block takes no larger steps, and there is no other",
    ),
    Condition(
        _CELLS,
        lambda plan, _: plan.network != "recurrent",
        "only recurrent networks have cells, and the network is {network}",
    ),
    Condition(
        ("hand_features",), lambda _, context: not context.engineered, "no features were engineered from the data"
    ),
    Condition(
        ("class_weights",),
        lambda _, context: context.kind not in ("binary", "multiclass"),
        "only binary and multiclass tasks have classes of which each row is of one",
    ),
    Condition(
        ("label_smoothing",), lambda _, context: context.kind in ("regression", "count"), "numbers have no labels"
    ),
    Condition(("target_transform",), lambda _, context: context.kind != "regression", "the task is not a regression"),
    Condition(
        ("scale_inputs",),
        lambda _, context: not context.numbers and not context.array,
        "the network reads no numbers",
    ),
    Condition(
        ("input_noise",),
        lambda _, context: not context.numbers and not context.array,
        "noise is added to numbers alone, and the network reads none (flags and codes stay as they are)",
    ),
    Condition(
        ("momentum",),
        lambda plan, _: plan.optimizer not in ("momentum", "nesterov"),
        "only momentum and nesterov have it, and the optimizer is {optimizer}",
    ),
    Condition(
        ("beta_1",),
        lambda plan, _: plan.optimizer not in ("adam", "adamw"),
        "only adam and adamw have it, and the optimizer is {optimizer}",
    ),
    Condition(
        ("beta_2",),
        lambda plan, _: plan.optimizer not in ("adam", "adamw", "rmsprop"),
        "only adam, adamw and rmsprop have it, and the optimizer is {optimizer}",
    ),
    Condition(
        ("epsilon",),
        lambda plan, _: plan.optimizer not in ("adam", "adamw", "rmsprop", "adagrad"),
        "only optimizers that divide by the size of gradients have it, and the optimizer is {optimizer}",
    ),
    Condition(
        ("weight_decay",),
        lambda plan, _: plan.optimizer != "adamw",
        "only adamw decays weights beside the gradient, and the optimizer is {optimizer} (l2 works with all)",
    ),
    Condition(("elastic_beta",), lambda plan, _: max(plan.values("l1")) == 0, "it goes with l1, which is 0"),
    Condition(("decay_epochs",), lambda plan, _: plan.schedule != "step", "it goes with schedule=step, not {schedule}"),
    Condition(
        ("decay_epochs",),
        lambda plan, _: min(plan.decay_epochs, default=0) >= plan.epochs,
        "training ends before, after {epochs} epochs",
    ),
    Condition(
        ("decay_factor",),
        lambda plan, _: plan.schedule not in ("step", "plateau"),
        "it goes with schedule=step and plateau, not {schedule}",
    ),
    Condition(("cycles",), lambda plan, _: plan.schedule != "cyclic", "it goes with schedule=cyclic, not {schedule}"),
    Condition(
        ("plateau_epochs",), lambda plan, _: plan.schedule != "plateau", "it goes with schedule=plateau, not {schedule}"
    ),
    Condition(
        ("patience",), lambda plan, _: plan.patience >= plan.epochs, "training ends before, after {epochs} epochs"
    ),
    Condition(
        ("plateau_epochs", "decay_factor"),
        lambda plan, _: plan.schedule == "plateau" and plan.plateau_epochs >= plan.epochs,
        "training ends before, after {epochs} epochs",
    ),
    Condition(
        ("keep_best",),
        lambda plan, _: plan.schedule == "cyclic" and plan.cycles > 1,
        "with several cycles the last epoch of each is kept",
    ),
    Condition(
        ("shuffle", "shared_batches", "scale_learning_rate_with_batch"),
        lambda plan, _: plan.batch_size == "all",
        "all rows are in one minibatch",
    ),
    Condition(("shared_batches",), lambda plan, _: not plan.shuffle, "without shuffling all minibatches are the same"),
    Condition(
        ("scale_learning_rate_with_batch",),
        lambda plan, _: plan.batch_size == REFERENCE_BATCH,
        f"the factor of {REFERENCE_BATCH} rows is 1",
    ),
    Condition(_IMAGES, lambda _, context: not context.images, "the network reads no images"),
    Condition(
        ("scaling", "mask_channels", "mask_span"),
        lambda _, context: not context.recordings,
        "the network reads no recordings",
    ),
    Condition(("shift",), lambda _, context: not context.array, "the network reads no images or recordings"),
)
