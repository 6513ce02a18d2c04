"""What the device at hand asks for: how many slabs at once, how large, and how their programs are compiled.

Measured by benchmarks/network_speed.py: on CPUs one slab a core, small enough for its cache; on a card few large slabs,
where launching a step costs as much as twenty members' arithmetic, and two of them hide each other's launches.
"""

import ctypes
import os
import sys

import jax

from rounds.training.population.members import CACHE, CARD, SlabBudget

SLABS_ON_A_CARD = 2


def on_a_card() -> bool:
    """Whether programs run on something else than the processor."""
    return jax.default_backend() != "cpu"


def cores_here() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def workers_here() -> int:
    """Slabs that are trained at once."""
    return SLABS_ON_A_CARD if on_a_card() else cores_here()


def slab_budget_here() -> SlabBudget:
    """What one slab may fill."""
    return CARD if on_a_card() else CACHE


def compiler_options(often: bool = False) -> dict[str, bool | int]:
    """XLA's options of a program, which runs often or a few times a training.

    CPU: compiling hard what runs rarely takes longer than it saves. Card: sums by atomic additions and kernels chosen
    by timing them would give other bits in every run.
    """
    if on_a_card():
        return {"xla_gpu_deterministic_ops": True}
    return {"xla_backend_optimization_level": 1 if often else 0}


def hand_back_freed() -> None:
    """Gives what was freed back to the system, before another part of the job needs as much in other pieces.

    After training, glibc keeps 200 MB of a table of 200 MB (1,000,000 rows of 50 numbers); other C libraries keep
    little, and have no such call.
    """
    if sys.platform != "linux":
        return
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):
        library.malloc_trim(0)
