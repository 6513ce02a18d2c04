"""A population in training: plans and materials in, members with their best weights and curves out."""

import math
import time
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from rounds.errors import PlanError
from rounds.input_shape import InputShape
from rounds.networks.description import describe_network
from rounds.networks.network import OWN, Network
from rounds.networks.user_model.columns import Columns
from rounds.networks.user_model.outputs import UserTraining
from rounds.plan import Plan, PlanContext, PlanNote, plan_notes, structure_names
from rounds.task import Task
from rounds.training.compiled.state import Weights as MemberWeights
from rounds.training.compiled.validation import check_keep_best
from rounds.training.machine.device import slab_budget_here, workers_here
from rounds.training.pool import Hopeless, Progress, SlabResult, Work, never, train_slabs
from rounds.training.population.fold_data import FoldData, shared_shape, slab_data
from rounds.training.population.members import Member, Slab, make_members, make_slabs, working_set
from rounds.training.program import SWITCHED, Program, make_program
from rounds.training.result.batch_statistics import exact_statistics
from rounds.training.slab import CompiledShape, compiled_shape_of, steps_per_epoch
from rounds.user_code import is_import_path

Weights = dict[str, np.ndarray]
Shapes = dict[int, tuple[int, int]]  # [G orders, M members] by plan
Structure = tuple[tuple[str, Any], ...]  # every field that decides the program, by name
PROGRAMS_KEPT = 16  # structures whose compiled programs a process keeps, the last used


@dataclass(frozen=True)
class Population:
    """Everything that is decided before the first step: programs, slabs, and the work of each; model: the user's own
    Keras model, where the plans are of that network."""

    plans: tuple[Plan, ...]
    task: Task
    folds_data: tuple[FoldData, ...]
    programs: tuple[Program, ...]
    works: tuple[Work, ...]
    model: Any = None

    @property
    def slabs(self) -> tuple[Slab, ...]:
        return tuple(work.slab for work in self.works)

    @property
    def members(self) -> tuple[Member, ...]:
        return tuple(sorted((m for slab in self.slabs for m in slab.members), key=lambda m: m.number))

    def parameters(self, plan: int) -> int:
        """Trainable numbers of one member."""
        return sum(map(prod, self.programs[plan].functional.shapes))


@dataclass(frozen=True)
class Trained:
    """A population after training: one result a slab."""

    population: Population
    results: tuple[SlabResult, ...]

    def weights(self, member: Member) -> Weights:
        """Weights of a member's best snapshot, or of the one at its `cycle`'s end, by name as `Network` describes."""
        result, _ = self.place(member)
        functional = self.population.programs[member.plan].functional
        taken = result.best if member.cycle is None else result.cycles[member.cycle][1]
        arrays = taken[member.number]
        trainable = dict(zip(functional.names, map(np.asarray, arrays.trainable), strict=True))
        kept = {
            n: np.asarray(a)
            for n, a in zip(functional.state_names, arrays.state, strict=True)
            if not n.startswith("dropout")
        }
        return {**trainable, **{n: a for n, a in kept.items() if a.dtype.kind == "f"}}

    def place(self, member: Member) -> tuple[SlabResult, tuple[int, int]]:
        """The result of a member's slab, and where in it [G, M] the member is."""
        result = next(r for r in self.results if member.number in r.best)
        groups = enumerate(result.slab.groups)
        where = ((g, i) for g, group in groups for i, m in enumerate(group) if m and m.number == member.number)
        return result, next(where)

    def networks(self, member: Member) -> list[Member]:
        """What a member leaves to predict with: its snapshot at each cycle's end, else its best one."""
        result, _ = self.place(member)
        return [replace(member, cycle=cycle) for cycle in range(len(result.cycles))] or [member]


def idle_fields(population: Population, fields: Iterable[str]) -> tuple[PlanNote, ...]:
    """Of the fields that the user set, those that change nothing in any plan of the population, as its first has it."""
    each = [plan_notes(plan, context_of(population, i), fields) for i, plan in enumerate(population.plans)]
    idle = set.intersection(*({note.field for note in notes} for notes in each))
    return tuple(note for note in each[0] if note.field in idle)


def context_of(population: Population, plan: int) -> PlanContext:
    """What a plan of the population meets."""
    network, shape = population.programs[plan].network, population.folds_data[0].preparation.shape
    kind, activated = population.task.kind, population.model is None or _has_hidden_activation(population.model)
    return PlanContext(kind, network.numbers, shape.hand[0], network.array, network.features, activated)


def _has_hidden_activation(model: Any) -> bool:
    from rounds.networks.user_model.remake import has_hidden_activation

    return has_hidden_activation(model)


def make_population(
    plans: list[Plan],
    task: Task,
    folds_data: list[FoldData],
    count: int | None = None,
    workers: int | None = None,
    shapes: Shapes | None = None,
    model: Any = None,
    by_halves: bool = False,
) -> Population:
    """Members of each plan over all folds of all materials, packed into slabs; nothing is trained yet.

    count: chosen members, all plans together; shapes: of the slabs of each plan, where a run goes on;
    model: a Keras model of the user's own, for plans whose network is "keras"; by_halves: leave snapshots of the epochs
    that either half of the validation patients chooses, which the other half can judge.
    Raises PlanError where a plan cannot run.
    """
    for plan in plans:
        check_keep_best(plan.keep_best, task.kind, plan.metrics)
    shape = shared_shape(folds_data)
    members = make_members(plans, tuple(sorted(folds_data[0].folds)), tuple(m.repeat for m in folds_data[1:]), count)
    used = sorted({m.plan for m in members})
    compiled_shape = compiled_shape_of(rows for m in folds_data for rows in m.folds.values())
    context = Context(task, shape, folds_data[0], model, compiled_shape, by_halves)
    programs = _programs(plans, context, members)
    sizes = {i: member_bytes(programs[i], compiled_shape) for i in used}
    slabs = make_slabs(members, sizes, workers or workers_here(), shapes, slab_budget_here())
    reading = {_reading(plans[p]): plans[p] for p in used}
    data = {(name, m.outer): slab_data(m, shape, task, plan) for name, plan in reading.items() for m in folds_data}
    folds = {m.outer: m.folds for m in folds_data}
    works = [
        Work(s, programs[s.plan], data[_reading(plans[s.plan]), s.outer], folds[s.outer], compiled_shape) for s in slabs
    ]
    return Population(tuple(plans), task, tuple(folds_data), tuple(programs), tuple(works), model)


def _reading(plan: Plan) -> tuple[str, bool, bool, bool]:
    """What of a plan decides which arrays its members read, and whether all at once."""
    return plan.class_weights, plan.hand_features, plan.has_encoder, plan.batch_size == "all"


@dataclass(frozen=True)
class Context:
    """What all programs of a population share: task, widths of the inputs, data, the user's own model (or None), and
    whether they leave snapshots by halves of the validation patients."""

    task: Task
    shape: InputShape
    fold_data: FoldData
    model: Any
    compiled_shape: CompiledShape
    by_halves: bool = False

    def steps(self, plan: Plan) -> int:
        """Steps of an epoch."""
        return steps_per_epoch(plan, self.compiled_shape)[0]


def _programs(plans: list[Plan], context: Context, members: list[Member]) -> list[Program]:
    """A program for each plan; plans that differ in settings alone share one, so that it compiles once."""
    structures = [_structure(plan) for plan in plans]
    made = {}
    for structure, plan in zip(structures, plans, strict=True):
        if structure not in made:
            alike = [m for m in members if structures[m.plan] == structure]
            made[structure] = _program(plan, context, alike)
    return [made[structure] for structure in structures]


def _program(plan: Plan, context: Context, members: list[Member]) -> Program:
    switches = frozenset(n for n in SWITCHED if any(m.settings[n] > 0 for m in members))
    network = _network(plan, context, "dropout" in switches)
    given = context.model if plan.network == OWN else None
    model = None if given is None else _as_planned(given, plan, context.task)
    user = None if given is None else _user_training(given, model, plan, context)
    power = context.fold_data.target_scale.kind == "log1p"
    if model is None and not any(map(is_import_path, _named_in(plan))):
        return _kept_program(_structure(plan), context.task, network, power, switches, context.by_halves)
    return make_program(plan, context.task, network, power, switches, model, user, context.by_halves)


def _named_in(plan: Plan) -> Iterator[Any]:
    """Every value of the structure, those in tuples singly."""
    for _, value in _structure(plan):
        yield from value if isinstance(value, tuple) else (value,)


@lru_cache(maxsize=PROGRAMS_KEPT)
def _kept_program(
    structure: Structure, task: Task, network: Network, power: bool, switches: frozenset[str], by_halves: bool
) -> Program:
    """The program of this structure, compiled once for all populations of a process that share it: trials, and the
    folds of a cross-validation."""
    return make_program(Plan(**dict(structure)), task, network, power, switches, by_halves=by_halves)


def _structure(plan: Plan) -> Structure:
    return tuple((name, getattr(plan, name)) for name in structure_names())


def _user_training(given: Any, used: Any, plan: Plan, context: Context) -> UserTraining | None:
    from rounds.networks.user_model.compiled import user_training

    return user_training(given, used, plan, context.task, context.steps(plan))


def _network(plan: Plan, context: Context, any_dropped: bool) -> Network:
    shape, task = context.shape.read(plan.hand_features, plan.has_encoder), context.task
    if plan.network != OWN:
        dropout = any_dropped if plan.use_dropout is None else plan.use_dropout
        return describe_network(plan, task, shape, dropout)
    if context.model is None:
        advice = "Hand it over: rounds.train(data, model=model), or --model FILE.keras"
        raise PlanError("A network of kind keras", "a model of your own", name="model", got=None, advice=advice)
    from rounds.networks.user_model.model import describe_user_network

    model = _as_planned(context.model, plan, task)
    return describe_user_network(model, plan, task, columns_of(context.fold_data, shape))


def _as_planned(model: Any, plan: Plan, task: Task) -> Any:
    """The user's own model, made again where the plan changes its layers."""
    from rounds.networks.user_model.remake import remade

    return remade(model, plan, task)


def columns_of(fold_data: FoldData, shape: InputShape) -> Columns:
    """Which column each prepared input comes from; what only other folds have is padding, and has no name."""
    names, labels = fold_data.preparation.names, fold_data.preparation.labels

    def padded(found: tuple[str, ...], width: int) -> tuple[str, ...]:
        return found[:width] + ("",) * (width - len(found))  # what is engineered comes last, and is not read

    numbers, flags = padded(names.numbers, shape.numbers), padded(names.flags, shape.flags)
    said = padded(labels.numbers, shape.numbers) + padded(labels.flags, shape.flags)
    order = _file_order(fold_data) if len(names.numbers) == shape.numbers and len(names.flags) == shape.flags else ()
    return Columns(numbers, flags, padded(names.codes, len(shape.levels)), shape.levels, said, order, shape.array)


def _file_order(fold_data: FoldData) -> tuple[int, ...]:
    """Numbers and flags side by side, by position, in the order of the file's columns."""
    encodings = fold_data.preparation.encodings
    number, flag, order = 0, sum(len(e.numbers) for e in encodings), list[int]()
    for encoding in encodings:
        order += [*range(number, number + len(encoding.numbers)), *range(flag, flag + len(encoding.flags))]
        number, flag = number + len(encoding.numbers), flag + len(encoding.flags)
    return tuple(order)


def member_bytes(program: Program, compiled_shape: CompiledShape) -> int:
    """Working set of a member, in bytes."""
    parameters = sum(map(prod, program.functional.shapes))
    _, batch = steps_per_epoch(program.plan, compiled_shape)
    return working_set(program.network, parameters, batch, _values_between(program.functional.model))


def _values_between(model: Any) -> int:
    """Numbers that a row is between the layers of a model of the user's own; 0 where there is none."""
    if model is None:
        return 0
    from rounds.networks.user_model.model import own_values

    return own_values(model)


def train_population(
    population: Population, folder: Path | None = None, minutes: float | None = None, hopeless: Hopeless = never
) -> Iterator[Progress | Trained]:
    """Trains every slab; yields progress, and at the end the trained population.

    folder: of checkpoints, or None. minutes: every slab ends at its first epoch boundary after so long. hopeless: which
    slabs are given up before their last epoch. A caller that
    stops listening stops the training at the next epoch boundary.
    """
    results = []
    deadline = math.inf if minutes is None else time.monotonic() + 60 * minutes
    for progress in train_slabs(list(population.works), workers_here(), folder, deadline, hopeless):
        if progress.result is not None:
            results.append(progress.result)
        yield progress
    ordered = sorted(results, key=lambda r: r.slab.number)
    yield Trained(population, tuple(with_exact_statistics(population, r) for r in ordered))


def train_to_end(
    population: Population, folder: Path | None = None, minutes: float | None = None, hopeless: Hopeless = never
) -> Generator[Progress, None, Trained]:
    """As `train_population`, for a caller that is a generator itself: passes progress on, returns the population."""
    for event in train_population(population, folder, minutes, hopeless):
        if isinstance(event, Trained):
            return event
        yield event
    raise AssertionError("training ends in a trained population")


def with_exact_statistics(population: Population, result: SlabResult) -> SlabResult:
    """Batch statistics of every snapshot over all rows its member learned from, instead of a running average."""
    work = next(w for w in population.works if w.slab.number == result.slab.number)
    if not work.program.functional.batch_norms:
        return result
    members = {m.number: m for m in result.slab.members}

    def exact(taken: dict[int, MemberWeights]) -> dict[int, MemberWeights]:
        rows = {n: work.folds[members[n].fold].train for n in taken}
        return exact_statistics(work.program, taken, work.data.inputs, rows)

    cycles = tuple((epoch, exact(taken)) for epoch, taken in result.cycles)
    return replace(result, best=exact(result.best), cycles=cycles)
