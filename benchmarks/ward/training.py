"""Training of the ward's populations: many cases share one compiled program, because they share its shapes."""

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.ward.ground import Ground
from rounds.input_shape import InputShape
from rounds.networks.description import describe_network
from rounds.networks.functional import Functional, make_functional
from rounds.plan import Plan, structure_names
from rounds.task import Task
from rounds.training.batches.streaming import AnyData
from rounds.training.compiled.compile_once import CompileOnce
from rounds.training.compiled.state import SlabData
from rounds.training.pool import SlabResult, Work
from rounds.training.population.build import Population, Trained
from rounds.training.population.fold_data import FoldData, Scaling, make_fold_data, shared_shape, slab_data
from rounds.training.population.members import WHOLE_DEVELOPMENT, make_members, make_slabs
from rounds.training.program import SWITCHED, Program, make_program
from rounds.training.result.batch_statistics import exact_statistics
from rounds.training.slab import CompiledShape, begin_slab, compiled_shape_of, slab_epochs, weights_by_member

Place = tuple[str, int, int]  # kind of patients, severity, seed
HEALTHY_PATIENTS = "healthy patients"
# Choices of a plan that act outside the compiled program; the number of epochs too where the rate is constant.
OUTSIDE = (
    "shuffle",
    "scale_inputs",
    "folds",
    "measure_every",
    "shared_batches",
    "class_weights",
    "initializer",
    "bias_initializer",
)
# Switches that are compiled together: a setting at 0 changes nothing, and two programs are one.
TOGETHER: tuple[frozenset[str], ...] = (frozenset({"dropout", "l1", "l2", "input_noise"}), frozenset({"clip_norm"}))


class SlabBudget(NamedTuple):
    """Shapes that a program is compiled for, filled up where there is less: rows learned from and held out, and rows of
    all patients."""

    compiled_shape: CompiledShape
    rows: int


TABLES = (
    SlabBudget(CompiledShape(train=672, held=320), 1_100),
)  # of all tables: an epoch takes as many steps on each of them
UNSEEN = 1e30  # spread of a channel that networks do not see: whatever it holds is 0


@dataclass
class Workshop:
    """Programs by structure and kind of task."""

    programs: dict[tuple[object, ...], Program] = field(default_factory=dict)
    starts: dict[tuple[object, ...], Functional] = field(default_factory=dict)

    def program(self, plan: Plan, task: Task, shape: InputShape, power_scale: bool) -> Program:
        """Compiled once a structure; initial weights are drawn outside of it, by functions of their own."""
        switches = _switches(plan)
        read = shape.read(plan.hand_features, plan.has_encoder)
        network = describe_network(plan, task, read, "dropout" in switches)
        left_out = (*OUTSIDE, "epochs") if plan.schedule == "constant" else OUTSIDE
        structure = tuple(str(getattr(plan, n)) for n in structure_names() if n not in left_out)
        key = (task.kind, task.outputs, structure, switches, shape, power_scale)
        if key not in self.programs:
            self.programs[key] = _quickly_compiled(make_program(plan, task, network, power_scale, switches))
        start = (key, plan.initializer, plan.bias_initializer)
        if start not in self.starts:
            self.starts[start] = make_functional(network)
        program = self.programs[key]
        functional = replace(program.functional, draw=self.starts[start].draw)
        return replace(program, plan=plan, functional=functional)


def _quickly_compiled(program: Program) -> Program:
    """Half the compiling for twice the training: each structure trains a few runs of a second here. Loops over the
    places or steps of a grid would take four times as long, and half of it is not saved there."""
    quick = {"xla_backend_optimization_level": 1 if program.network.array else 0}
    return replace(program, epoch=CompileOnce(program.epoch.function, donate_argnums=0, compiler_options=quick))


def _switches(plan: Plan) -> frozenset[str]:
    used = {n for n in SWITCHED if _most(getattr(plan, n)) > 0}
    if plan.optimizer == "momentum":
        used |= TOGETHER[1]
    return frozenset(used | (TOGETHER[0] if used & (TOGETHER[0] - {"dropout"}) else set()))


def _most(value: float | tuple[float, ...]) -> float:
    return max(value) if isinstance(value, tuple) else value


@dataclass(frozen=True)
class Prepared:
    """Grounds of one task. materials: by ground and whether inputs are scaled; rooms: from the narrowest."""

    grounds: dict[Place, Ground]
    folds_data: dict[tuple[Place, bool], FoldData]
    shape: InputShape
    rooms: tuple[SlabBudget, ...]

    def room(self, fold_data: FoldData) -> SlabBudget:
        """The narrowest one in which the material has room."""
        return next(r for r in self.rooms if _has_room(r, _room_of([fold_data])))


def prepare(grounds: dict[Place, Ground]) -> Prepared:
    """All grounds of a task together: their inputs have one width."""
    folds_data = {(p, scaled): _fold_data(g, scaled) for p, g in grounds.items() for scaled in (True, False)}
    every = list(folds_data.values())
    usual = [m for ((kind, *_), _), m in folds_data.items() if kind == HEALTHY_PATIENTS]
    shape, most = shared_shape(every), _room_of(every)
    rooms = TABLES if shape.array is None and _has_room(TABLES[0], most) else (_room_of(usual), most)
    return Prepared(grounds, folds_data, shape, rooms)


def _room_of(folds_data: list[FoldData]) -> SlabBudget:
    compiled_shape = compiled_shape_of(rows for m in folds_data for rows in m.folds.values())
    return SlabBudget(compiled_shape, max(len(m.targets) for m in folds_data))


def _has_room(room: SlabBudget, needed: SlabBudget) -> bool:
    return all(
        a >= b for a, b in zip((*room.compiled_shape, room.rows), (*needed.compiled_shape, needed.rows), strict=True)
    )


def _fold_data(ground: Ground, scaled: bool) -> FoldData:
    nobody = np.array([], np.int64)
    made = make_fold_data(ground.dataset, ground.split, nobody, (WHOLE_DEVELOPMENT, 0), Scaling(scaled))
    array = made.preparation.array
    if array is None or not ground.unread:
        return made
    spread = tuple(UNSEEN if c in ground.unread else s for c, s in enumerate(array.spread))
    blind = array.model_copy(update={"spread": spread})
    return replace(made, preparation=made.preparation.model_copy(update={"array": blind}))


def train(workshop: Workshop, plan: Plan, task: Task, prepared: Prepared, place: Place) -> Trained:
    """One population: each rate of the plan on each fold, in one slab."""
    fold_data = prepared.folds_data[place, plan.scale_inputs]
    program = workshop.program(plan, task, prepared.shape, fold_data.target_scale.kind == "log1p")
    members = make_members([plan], tuple(sorted(fold_data.folds)))
    shape = len(fold_data.folds), len(members) // len(fold_data.folds)  # folds, and learning rates
    (slab,) = make_slabs(members, {0: 1}, 1, {0: shape})
    room = prepared.room(fold_data)
    data = _padded(slab_data(fold_data, prepared.shape, task, plan), room.rows)
    work = Work(slab, program, data, fold_data.folds, room.compiled_shape)
    population = Population((plan,), task, (fold_data,), (program,), (work,))
    return Trained(population, (_result(work),))


def _padded(data: AnyData, rows: int) -> SlabData:
    """Rows that nothing refers to, so that tables of nearly the same size share a program."""
    assert isinstance(data, SlabData)
    more = rows - len(data.targets)

    def longer(array: jax.Array) -> jax.Array:
        return jnp.pad(array, ((0, more), *[(0, 0)] * (array.ndim - 1)))

    inputs = [longer(a) for a in data.inputs]
    return data._replace(inputs=inputs, targets=longer(data.targets), weights=longer(data.weights))


def _result(work: Work) -> SlabResult:
    start = begin_slab(work.program, work.slab, work.data)
    *_, at = slab_epochs(work.program, work.slab, work.data, work.folds, start, work.compiled_shape)
    best = weights_by_member(at.state.best, work.slab)
    return _with_exact_statistics(work, SlabResult(work.slab, at.records, at.measures, best))


def _with_exact_statistics(work: Work, result: SlabResult) -> SlabResult:
    rows = {m.number: work.folds[m.fold].train for m in work.slab.members}
    return replace(result, best=exact_statistics(work.program, result.best, work.data.inputs, rows))
