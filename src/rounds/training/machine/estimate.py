"""Time and memory of a training, before it starts: from its arithmetic and the speed of this machine just now."""

import time
from math import prod

import jax
import numpy as np

from rounds.training.batches.streaming import AnyData, StreamedData
from rounds.training.machine.device import workers_here
from rounds.training.population.build import Population
from rounds.training.program import Program
from rounds.training.slab import steps_per_epoch

# Share of the matrix-product speed that training reaches, and time of a member's step however small it is; both
# measured by benchmarks/population_speed.py on 2 cores. They decide what is printed, nothing else.
REACHED_SHARE = 0.35
LEAST_STEP_SECONDS = 15e-6
_PROBE_WIDTH, _PROBE_TIMES = 384, 6


def slab_costs(population: Population) -> list[float]:
    """Seconds that an epoch of each slab takes on this machine, side by side with others; a few milliseconds' work."""
    speed = _matrix_speed() * REACHED_SHARE
    costs = []
    for slab in population.slabs:
        program = population.programs[slab.plan]
        steps, batch = steps_per_epoch(program.plan, population.works[0].compiled_shape)
        one = max(6.0 * batch * multiply_adds(program) / speed, LEAST_STEP_SECONDS)
        costs.append(one * steps * slab.shape[0] * slab.shape[1] / workers_here())
    return costs


def held_megabytes(population: Population) -> float:
    """Of prepared data and of members' state."""
    state = sum(5 * 4 * population.parameters(s.plan) * s.shape[0] * s.shape[1] for s in population.slabs)
    data = {id(w.data): _held_bytes(w.data) for w in population.works}
    return (sum(data.values()) + state) / 1e6


def _held_bytes(data: AnyData) -> int:
    if isinstance(data, StreamedData):
        return data.held_bytes
    return sum(a.nbytes for a in jax.tree.leaves(data))


def multiply_adds(program: Program) -> int:
    """Of one row on its way forward: every weight as often as the row passes it."""
    functional = program.functional
    return sum(prod(shape) * passes for shape, passes in zip(functional.shapes, functional.passes, strict=True))


def _matrix_speed() -> float:
    """Floating-point operations a second in one float32 matrix product on all cores."""
    a = np.ones((_PROBE_WIDTH, _PROBE_WIDTH), np.float32)
    a @ a
    started = time.perf_counter()
    for _ in range(_PROBE_TIMES):
        a @ a
    return 2 * _PROBE_TIMES * _PROBE_WIDTH**3 / (time.perf_counter() - started)
