"""Which members there are, and how they are packed into slabs: the unit of work that one compiled program trains."""

import itertools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rounds.networks.network import Network
from rounds.plan import Plan, setting_names

OWN_BATCH_COST = 0.3  # of a minibatch of its own, in members' steps
WHOLE_DEVELOPMENT = -1  # value of `outer` for members of the chosen predictor


class SlabBudget(NamedTuple):
    """What one slab may fill, in bytes of working sets and in members, and what its step costs however many members
    it has, in members' steps."""

    bytes: int
    members: int
    cost: float


CACHE = SlabBudget(
    8_000_000, 16, 1.0
)  # a slab whose working set leaves a core's share of the cache loses half its speed
CARD = SlabBudget(2_000_000_000, 256, 20.0)


@dataclass(frozen=True)
class Member:
    """One network of a population: its plan (by position), its own settings, and the rows it trains on.

    fold: rows held out for its validation; outer: judging fold it never sees (-1: none); stream: names its order of
    minibatches; seed: of weights and masks; cycle: which of its snapshots is meant (None: the best).
    """

    number: int
    plan: int
    settings: dict[str, float]
    seed: int
    fold: int
    outer: int
    stream: int
    cycle: int | None = None


@dataclass(frozen=True)
class Slab:
    """Members of one plan and one outer fold as [G orders, M members]; None fills an incomplete slab."""

    number: int
    plan: int
    outer: int
    groups: tuple[tuple[Member | None, ...], ...]

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.groups), len(self.groups[0])

    @property
    def members(self) -> tuple[Member, ...]:
        return tuple(m for group in self.groups for m in group if m is not None)

    def filled(self) -> list[list[Member]]:
        """[G][M] members, dummies replaced by the first member of the slab (their results are dropped)."""
        first = self.members[0]
        return [[m or first for m in group] for group in self.groups]


def sweep(plan: Plan) -> list[dict[str, float]]:
    """Every combination of the plan's swept settings.

    >>> [s["learning_rate"] for s in sweep(Plan(learning_rate=(0.1, 0.2)))]
    [0.1, 0.2]
    """
    values = [v if isinstance(v, tuple) else (v,) for v in (getattr(plan, name) for name in setting_names())]
    return [
        dict(zip(setting_names(), map(float, combination), strict=True)) for combination in itertools.product(*values)
    ]


def make_members(
    plans: list[Plan], folds: tuple[int, ...], repeats: tuple[int, ...] = (), count: int | None = None
) -> list[Member]:
    """Members of every plan: folds x swept settings for the chosen predictor (outer fold -1), and for
    the judging folds, of which `repeats` says to which repeat of the cross-validation each belongs.

    Each repeat trains its share of each plan's settings, so that over all repeats a patient is judged by as many
    networks as are chosen. count: how many are chosen, when the user says so; more than folds x settings
    repeats them with new seeds. Members of the same fold and repetition share a stream, so that they are compared on
    the same minibatches.
    """
    numbers = itertools.count()
    shares = max(repeats, default=0) + 1
    outers = [(WHOLE_DEVELOPMENT, 0, 1), *((outer, repeat, shares) for outer, repeat in enumerate(repeats))]
    return [
        Member(
            next(numbers),
            plan,
            settings,
            _seed(plans[plan].seed, repetition, fold, outer),
            fold,
            outer,
            _stream(plans[plan], repetition, fold, outer, position),
        )
        for outer, repeat, shares in outers
        for position, (plan, settings, repetition, fold) in enumerate(_wanted(plans, folds, (repeat, shares), count))
    ]


def _wanted(
    plans: list[Plan], folds: tuple[int, ...], share: tuple[int, int], count: int | None
) -> list[tuple[int, dict[str, float], int, int]]:
    """(plan, settings, repetition, fold) of each member; share: (which, of how many)."""
    which, shares = share
    swept = [(p, sweep(plan)) for p, plan in enumerate(plans)]
    chosen = [(p, s) for p, settings in swept for s in settings[which::shares] or settings[:1]]
    cells = [(p, s, f) for f in folds for p, s in chosen]
    repeated = ((p, s, repetition, f) for repetition in itertools.count() for p, s, f in cells)
    return list(itertools.islice(repeated, -(-count // shares) if count else len(cells)))


def _seed(base: int, repetition: int, fold: int, outer: int) -> int:
    """Members of one fold start from the same weights, whatever their settings: their difference is the setting's."""
    drawn = np.random.SeedSequence([base, repetition, fold, outer + 1, 1]).generate_state(1)[0]
    return int(drawn & 0x7FFFFFFF)


def _stream(plan: Plan, repetition: int, fold: int, outer: int, position: int) -> int:
    own = 0 if plan.shared_batches else position + 1
    drawn = np.random.SeedSequence([plan.seed, repetition, fold, outer + 1, own, 2]).generate_state(1)[0]
    return int(drawn)


def working_set(network: Network, parameters: int, batch: int, values: int = 0) -> int:
    """Bytes that one member touches each step: weights, gradients and moments, activations forward and backward.

    values: numbers that a row is between the layers of a model of the user's own.
    """
    widths = network.features + 2 * (sum(network.hidden) + network.array_values + values) + network.outputs
    return 4 * (4 * parameters + 3 * batch * widths)


def make_slabs(
    members: list[Member],
    member_bytes: dict[int, int],
    workers: int,
    shapes: dict[int, tuple[int, int]] | None = None,
    budget: SlabBudget = CACHE,
) -> list[Slab]:
    """Members packed by plan and outer fold, then by stream; the slab shape is the same within a plan.

    member_bytes: working set of a member of each plan. Shapes are chosen so that a slab stays within its room and
    the workers finish together, unless `shapes` gives those of a run that goes on, maybe on another machine.
    """
    slabs: list[Slab] = []
    for plan in sorted({m.plan for m in members}):
        packs = _packs([m for m in members if m.plan == plan])
        sizes = [[len(g) for g in pack] for pack in packs.values()]
        shape = (shapes or {}).get(plan) or slab_shape(sizes, member_bytes[plan], workers, budget)
        for outer, streams in packs.items():
            slabs += _cut(streams, shape, plan, outer, len(slabs))
    return slabs


def _packs(members: list[Member]) -> dict[int, list[list[Member]]]:
    packs: dict[int, dict[int, list[Member]]] = {}
    for m in members:
        packs.setdefault(m.outer, {}).setdefault(m.stream, []).append(m)
    return {outer: list(streams.values()) for outer, streams in packs.items()}


def slab_shape(packs: list[list[int]], member_bytes: int, workers: int, budget: SlabBudget = CACHE) -> tuple[int, int]:
    """[G, M] that trains the packs (members per stream, per outer fold) soonest on so many workers.

    >>> slab_shape([[4, 4]], 1_000_000, 2)
    (1, 4)
    """
    most = max(1, min(budget.members, budget.bytes // member_bytes))
    widest = max(max(pack) for pack in packs)
    shapes = [(g, m) for m in range(1, min(most, widest) + 1) for g in range(1, most // m + 1)]

    def cost(shape: tuple[int, int]) -> float:
        g, m = shape
        count = sum(-(-sum(-(-size // m) for size in pack) // g) for pack in packs)
        return -(-count // workers) * (g * m * (1 + OWN_BATCH_COST / m) + budget.cost)

    return min(shapes, key=cost)


def _cut(streams: list[list[Member]], shape: tuple[int, int], plan: int, outer: int, first: int) -> list[Slab]:
    g, m = shape
    rows: list[tuple[Member | None, ...]] = []
    for stream in streams:
        for start in range(0, len(stream), m):
            piece = stream[start : start + m]
            rows.append((*piece, *[None] * (m - len(piece))))
    cuts = [rows[start : start + g] for start in range(0, len(rows), g)]
    empty = (None,) * m
    return [Slab(first + i, plan, outer, tuple(cut + [empty] * (g - len(cut)))) for i, cut in enumerate(cuts)]
