"""Every field of the plan, with every network, task and optimizer: it changes the training, or is said to be idle.

What a training is, is told without training: the compiled step as text, the settings that it reads, the weights it
begins with, the arrays, the minibatches and the members.
"""

import hashlib
import itertools
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest
from jax.interpreters.partial_eval import dce_jaxpr

from rounds.data.dataset import Cohort, Column, Dataset, Split
from rounds.data.recordings.timeline import Timeline
from rounds.data.signals import Signals
from rounds.errors import PlanError
from rounds.networks.keras.backend import keras
from rounds.networks.user_model.remake import has_hidden_activation
from rounds.plan import Plan, plan_notes, setting_names, structure_names
from rounds.plan.no_effect import PlanContext
from rounds.task import KINDS, Task
from rounds.training.compiled.measures import measure_interval
from rounds.training.compiled.schedule import cycle_ends
from rounds.training.compiled.state import Weights
from rounds.training.population.build import Population, context_of, make_population
from rounds.training.population.fold_data import make_folds_data, scaling_of
from rounds.training.slab import _begun, _orders, _stacked, compiled_shape_of, slab_settings
from rounds.user_code import code_allowed

ROWS = 24
ARRAYS = {"convolutional": (8, 8, 1), "recurrent": (5, 2)}
NETWORKS = ("linear", "dense", "convolutional", "recurrent", "keras")
OPTIMIZERS = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw")
TASKS = {
    kind: Task(
        kind=kind,
        targets=("a", "b") if kind == "multilabel" else ("y",),
        classes={"binary": ("0", "1"), "multiclass": ("0", "1", "2")}.get(kind, ()),
    )
    for kind in KINDS
}
USUAL: dict[str, Any] = {
    "hidden": (6, 6),
    "epochs": 8,
    "batch_size": 8,
    "learning_rate": 0.01,
    "filters": (2, 3),
    "block_depth": 1,
    "recurrent": (3,),
    "folds": 1,
}
# The same with whatever else a field may hang on: the reverse of the defaults.
OTHER: dict[str, Any] = {
    **USUAL,
    "schedule": "plateau",
    "plateau_epochs": 3,
    "patience": 5,
    "keep_best": "none",
    "l1": 0.01,
    "number_embedding": "periodic",
    "normalization": "layer",
    "decay_factor": 0.3,
}
STEPS: dict[str, Any] = {**USUAL, "schedule": "step", "decay_epochs": (4,), "batch_size": "all"}
CYCLES: dict[str, Any] = {**USUAL, "schedule": "cyclic", "cycles": 2, "number_embedding": "piecewise", "dropout": 0.0}
# What each field is changed to; settings that are not named here become 0.4.
CHANGED: dict[str, Any] = {
    "network": "linear",
    "hidden": (5,),
    "activation": "tanh",
    "layer": f"{__name__}:Scaled",
    "normalization": "batch",
    "residual": True,
    "skip_to_output": True,
    "initializer": "ones",
    "bias_initializer": "ones",
    "initial_weights": "given",
    "use_dropout": True,
    "output_activation": "tanh",
    "number_embedding": "piecewise",
    "embedding_width": 3,
    "frequencies": 5,
    "filters": (2, 2),
    "filter_size": 2,
    "stride": 1,
    "block": "plain",
    "block_depth": 2,
    "cell": "lstm",
    "recurrent": (2,),
    "bidirectional": True,
    "hand_features": True,
    "loss": "mae",
    "class_weights": "balanced",
    "scale_inputs": False,
    "target_transform": "log1p",
    "frozen_layers": 1,
    "optimizer": "adagrad",
    "schedule": "linear",
    "batch_size": 6,
    "epochs": 9,
    "patience": 3,
    "convergence": 0.1,
    "metrics": (f"{__name__}:off_by",),
    "keep_best": "loss",
    "shuffle": False,
    "shared_batches": False,
    "scale_learning_rate_with_batch": True,
    "folds": 2,
    "measure_every": 3,
    "decay_epochs": (2,),
    "cycles": 4,
    "plateau_epochs": 2,
    "seed": 3,
}


class Scaled(keras.layers.Dense):  # type: ignore[misc]
    """A hidden layer of a user's own."""

    def call(self, inputs: Any) -> Any:
        return 2.0 * super().call(inputs)


def off_by(observed: Any, predicted: Any) -> Any:
    return jnp.abs(observed - predicted).max(-1)


def make_table(kind: str, network: str, numbers: int) -> Dataset:
    random = np.random.default_rng(0)
    x, sex = random.normal(size=(ROWS, numbers)), random.integers(0, 2, ROWS).astype(bool)
    task = TASKS[kind]
    targets = random.integers(0, max(len(task.classes), 2), (ROWS, len(task.targets)))
    targets = targets if task.is_classification else np.abs(random.normal(size=targets.shape)).round(1)
    frame = pl.DataFrame({f"x{i}": x[:, i] for i in range(numbers)} | {"sex": sex})
    columns = [Column(name=f"x{i}", role="numeric") for i in range(numbers)] + [Column(name="sex", role="boolean")]
    array = ARRAYS.get(network)
    return Dataset(
        name="tiny",
        task=task,
        inputs=frame,
        columns=tuple(columns),
        targets=targets.astype(np.int32 if kind == "multiclass" else np.float32),
        cohort=Cohort(patients=np.arange(ROWS)),
        signals=Signals(
            array=None if array is None else random.normal(size=(ROWS, *array)).astype(np.float32),
            timeline=Timeline(variables=("HR",), step=1, steps=5, unit="hour") if network == "recurrent" else None,
        ),
    )


def make(plan: Plan, kind: str, numbers: int = 2) -> Population:
    dataset = make_table(kind, plan.network, numbers)
    parts = tuple(np.array_split(np.arange(ROWS), 3)[: plan.folds])
    split = Split("held-out", np.arange(ROWS), np.array([], np.int64), parts)
    model = None
    if plan.network == "keras":
        keras.utils.set_random_seed(0)
        units = dataset.task.outputs
        model = keras.Sequential([keras.Input((numbers + 1,)), keras.layers.Dense(3), keras.layers.Dense(units)])
    folds_data = make_folds_data(dataset, split, scaling_of(plan))
    return make_population([plan], dataset.task, folds_data, workers=1, model=model)


def begun_with(population: Population) -> dict[str, Any]:
    """Of what makes a training, all but the compiled functions: weights, arrays, minibatches, members, epochs."""
    (plan,), work = population.plans, population.works[0]
    shape = compiled_shape_of(work.folds.values())
    orders = [_orders(plan, work.slab, work.folds, epoch, shape) for epoch in range(3)]
    return {
        "weights": digest(jax.tree.leaves(weights_of(population))),
        "data": digest(jax.tree.leaves(work.data)),
        "orders": digest(orders),
        "members": [(m.fold, m.seed) for m in population.members],
        "epochs": (plan.epochs, cycle_ends(plan), measure_interval(plan, orders[0].shape[1])),
    }


def weights_of(population: Population) -> Weights:
    work = population.works[0]
    drawn = [[_begun(work.program, m.seed, work.data) for m in group] for group in work.slab.filled()]
    return Weights(*(_stacked([[one[part] for one in group] for group in drawn]) for part in (0, 1)))


def compiled_from(population: Population) -> tuple[str, dict[str, Any]]:
    """The compiled functions as text, and every setting that they read."""
    work = population.works[0]
    program, settings = work.program, slab_settings(work.slab)
    shape = compiled_shape_of(work.folds.values())
    order = _orders(population.plans[0], work.slab, work.folds, 0, shape)
    held = jnp.zeros((len(order), shape.held), jnp.int32)
    begin = program.begin.trace(settings, weights_of(population))
    epoch = program.epoch.trace(begin.out_info, settings, work.data, order, held, jnp.float32(0))
    texts, read = zip(read_by(begin, 0), read_by(epoch, 1), strict=True)
    names = sorted(set().union(*read) - {"key"})
    return "".join(texts), {name: settings[name].tolist() for name in names}


def read_by(traced: Any, place: int) -> tuple[str, set[str]]:
    """A compiled function as text, without what its result does not hang on, and which settings it reads: names in the
    argument at this place."""
    jaxpr = traced.jaxpr.jaxpr
    needed, read = dce_jaxpr(jaxpr, [True] * len(jaxpr.outvars))
    paths = [path for path, _ in jax.tree_util.tree_flatten_with_path(traced.in_tree.unflatten(read)[0])[0]]
    found = {path[1].key for path, is_read in zip(paths, read, strict=True) if is_read and path[0].idx == place}
    return str(needed), found


def digest(arrays: list[Any]) -> str:
    made = hashlib.sha256()
    for array in arrays:
        made.update(repr(np.shape(array)).encode() + np.asarray(array).tobytes())
    return made.hexdigest()


def changed(base: Plan, field: str) -> Plan | None:
    """The plan with another value of the field; None where it has that one."""
    value = CHANGED.get(field, 0.4)
    if value == getattr(base, field):
        value = Plan.model_fields[field].default
    return None if value == getattr(base, field) else base.change(**{field: value})


def walk(base: dict[str, Any], kind: str, fields: tuple[str, ...], numbers: int = 2, both: bool = False) -> list[str]:
    """What is wrong: fields that change nothing and are not said to be idle; with both, notes that are not true."""
    plan, wrong = Plan(**base), []
    population = make(plan, kind, numbers)
    before, compiled = begun_with(population), compiled_from(population)
    for field in fields:
        other = changed(plan, field)
        if other is None:
            continue
        try:
            population = make(other, kind, numbers)
        except PlanError:  # it cannot run, and is refused
            continue
        notes = plan_notes(other, context_of(population, 0), [field])
        if not notes or both:
            is_felt = begun_with(population) != before or compiled_from(population) != compiled
            if is_felt == bool(notes):
                wrong.append(f"{field}={getattr(other, field)!r}: {notes[0] if notes else 'neither said nor felt'}")
    return wrong


def walk_settings(base: dict[str, Any], kind: str, numbers: int = 2) -> list[str]:
    """The same of all settings at once: those that no compiled function reads are said to be idle, and no others."""
    on = {name: base.get(name) or CHANGED.get(name, 0.4) for name in setting_names()}
    plan = Plan(**{**base, **on, "warmup_epochs": 0.5})
    population = make(plan, kind, numbers)
    read = compiled_from(population)[1]
    idle = {note.field for note in plan_notes(plan, context_of(population, 0), setting_names())}
    return sorted(set(setting_names()) - set(read) ^ idle)


STRUCTURE = tuple(n for n in structure_names() if n != "network")
OBJECTIVE = ("loss", "output_activation", "class_weights", "target_transform", "keep_best", "metrics", "seed")
BASES = {"usual": USUAL, "other": OTHER, "steps": STEPS, "cycles": CYCLES}
# Each network, task and optimizer at least once.
SOME = [
    ("linear", "count", "sgd", "usual"),
    ("dense", "binary", "adam", "other"),
    ("convolutional", "multiclass", "rmsprop", "cycles"),
    ("recurrent", "regression", "momentum", "steps"),
    ("keras", "multilabel", "adagrad", "usual"),
]
PRODUCT = list(itertools.product(NETWORKS, KINDS, OPTIMIZERS))


@pytest.fixture(autouse=True)
def code() -> Iterator[None]:
    with code_allowed():
        yield


@pytest.mark.parametrize(("network", "kind", "optimizer", "base"), SOME)
def test_settings_work_or_are_said_to_be_idle(network: str, kind: str, optimizer: str, base: str) -> None:
    assert walk_settings({**BASES[base], "network": network, "optimizer": optimizer}, kind) == []


def test_structure_works_or_is_said_to_be_idle() -> None:
    """Those that once did nothing, or whose effect hangs on another field; the slow test walks all of them."""
    fields = ("residual", "use_dropout", "class_weights", "patience", "keep_best", "shuffle", "plateau_epochs")
    assert walk({**OTHER, "optimizer": "adam"}, "binary", fields) == []


def test_the_activation_of_a_model_is_felt_where_a_hidden_layer_takes_one() -> None:
    assert walk({**USUAL, "network": "keras"}, "binary", ("activation", "bias_initializer"), both=True) == []
    dense = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3), keras.layers.Dense(1)])
    alone = keras.Sequential([keras.Input((3,)), keras.layers.Rescaling(2.0), keras.layers.Dense(1)])
    assert [has_hidden_activation(model) for model in (dense, alone)] == [True, False]
    idle = PlanContext("binary", numbers=3, activated=False)
    (note,) = plan_notes(Plan(network="keras", activation="tanh"), idle, ["activation"])
    assert str(note) == "activation=tanh has no effect because your model has no hidden layer that takes one."


def test_without_numbers_what_belongs_to_them_is_idle() -> None:
    fields = ("input_noise", "number_embedding", "scale_inputs")
    assert walk({**USUAL, "number_embedding": "periodic"}, "binary", fields, numbers=0, both=True) == []


@pytest.mark.slow
@pytest.mark.parametrize(("network", "kind", "optimizer"), PRODUCT)
def test_every_setting_works_or_is_said_to_be_idle(network: str, kind: str, optimizer: str) -> None:
    for base in BASES.values():
        assert walk_settings({**base, "network": network, "optimizer": optimizer}, kind) == []


@pytest.mark.slow
@pytest.mark.parametrize(("network", "kind", "optimizer", "base"), SOME)
def test_all_structure_works_or_is_said_to_be_idle(network: str, kind: str, optimizer: str, base: str) -> None:
    assert walk({**BASES[base], "network": network, "optimizer": optimizer}, kind, STRUCTURE, both=True) == []


@pytest.mark.slow
@pytest.mark.parametrize(("network", "kind"), list(itertools.product(NETWORKS, KINDS)))
def test_the_objective_works_or_is_said_to_be_idle(network: str, kind: str) -> None:
    assert walk({**USUAL, "network": network}, kind, OBJECTIVE, both=True) == []
