"""Networks trained at different times brought together as one population, so that none is trained twice.

Two members are the same training where structure, settings, seed, rows and minibatches are the same: between a trial
and the population that follows it, or between a population and the one that holds its plans and others.
"""

from collections.abc import Hashable
from dataclasses import replace

from rounds.plan import Plan, structure_names
from rounds.training.machine.device import slab_budget_here, workers_here
from rounds.training.pool import SlabResult, Work
from rounds.training.population.build import Population, Trained, member_bytes
from rounds.training.population.members import Member, Slab, make_slabs

Training = tuple[Hashable, ...]


def structure_of(plan: Plan) -> Training:
    """What of a plan decides the compiled program.

    >>> structure_of(Plan(learning_rate=0.1)) == structure_of(Plan(learning_rate=0.2))
    True
    """
    return tuple(getattr(plan, name) for name in structure_names())


def trained_as(member: Member) -> Training:
    """What tells a member from others of the same structure."""
    return (*sorted(member.settings.items()), member.seed, member.fold, member.outer, member.stream)


def of_plans(trained: Trained, count: int | None) -> Trained:
    """The members of the first `count` plans alone (None: all)."""
    plans = range(len(trained.population.plans))[:count]
    works = tuple(w for w in trained.population.works if w.slab.plan in plans)
    results = tuple(r for r in trained.results if r.slab.plan in plans)
    return Trained(replace(trained.population, works=works), results)


def without(population: Population, parts: list[Trained]) -> Population:
    """The population with those members alone that no part has trained, packed again."""
    done = {_training(part.population, member) for part in parts for member in part.population.members}
    left = [m for m in population.members if _training(population, m) not in done]
    like = {(work.slab.plan, work.slab.outer): work for work in population.works}
    sizes = {
        p: member_bytes(population.programs[p], population.works[0].compiled_shape) for p in {m.plan for m in left}
    }
    slabs = make_slabs(left, sizes, workers_here(), budget=slab_budget_here())
    return replace(population, works=tuple(replace(like[s.plan, s.outer], slab=s) for s in slabs))


def gathered(population: Population, parts: list[Trained]) -> Trained:
    """The population trained, each member taken from the first part that has it.

    parts: cover all members of `population`; what else they hold is left out. Members that are the same training under
    two plans (one value of a sweep, and that value alone) become one, of the first of these plans.
    """
    wanted = {_training(population, member): member for member in reversed(population.members)}
    works: list[Work] = []
    results: list[SlabResult] = []
    for part in parts:
        works_of = {work.slab.number: work for work in part.population.works}
        for result in part.results:
            for taken in _taken(part.population, result.slab, wanted):
                slab = replace(taken, number=len(works))
                works.append(replace(works_of[result.slab.number], slab=slab))
                results.append(_renumbered(result, slab))
    return Trained(replace(population, works=tuple(works)), tuple(results))


def _training(population: Population, member: Member) -> Training:
    functional = population.programs[member.plan].functional
    arrays = (*functional.names, *functional.state_names)
    return (structure_of(population.plans[member.plan]), arrays, trained_as(member))


def _taken(population: Population, slab: Slab, wanted: dict[Training, Member]) -> list[Slab]:
    """The slab under new members' numbers, once for each plan that these belong to; what nobody wants is left out."""
    groups = [
        [None if m is None else wanted.pop(_training(population, m), None) for m in group] for group in slab.groups
    ]
    plans = sorted({m.plan for group in groups for m in group if m is not None})
    return [
        Slab(0, plan, slab.outer, tuple(tuple(m if m and m.plan == plan else None for m in g) for g in groups))
        for plan in plans
    ]


def _renumbered(result: SlabResult, slab: Slab) -> SlabResult:
    pairs = zip(result.slab.groups, slab.groups, strict=True)
    numbers = {
        old.number: new.number
        for before, after in pairs
        for old, new in zip(before, after, strict=True)
        if old is not None and new is not None
    }
    best = {numbers[n]: weights for n, weights in result.best.items() if n in numbers}
    cycles = tuple(
        (epoch, {numbers[n]: weights for n, weights in taken.items() if n in numbers}) for epoch, taken in result.cycles
    )
    best_snapshots = {numbers[n]: weights for n, weights in result.best_snapshots.items() if n in numbers}
    return replace(result, slab=slab, best=best, cycles=cycles, best_snapshots=best_snapshots)
