"""An epoch over images that stay on disk: a part of its minibatches is read at a time, so that memory is bounded by it.

The same functions run in the same order as where all images are held, to the same bits.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rounds.data.preparation.array_on_disk import ArrayInput, ArrayOnDisk, row_bytes
from rounds.training.batches.orders import NO_ROW
from rounds.training.compiled.epoch import StepTrace, ValidationTargets, rows_at_once, step_positions
from rounds.training.compiled.state import EpochRecord, MemberState, Settings, SlabData
from rounds.training.program import Program

PART_BYTES = 64_000_000  # of images read at a time, a slab; the next part is read while one is learned from


@dataclass(frozen=True)
class StreamedData:
    """As `SlabData`, on the host; the last of `inputs` is an array on disk."""

    inputs: list[ArrayInput]
    targets: np.ndarray
    weights: np.ndarray
    patient_half: np.ndarray
    mean: jax.Array
    spread: jax.Array
    fitted: dict[str, jax.Array]

    def excerpt(self, rows: np.ndarray) -> tuple[SlabData, np.ndarray]:
        """Data of the rows named, each once, filled up to `rows.size` rows; and `rows` as places among them."""
        known, places = np.unique(np.maximum(rows, 0), return_inverse=True)
        known = np.pad(known, (0, rows.size - len(known)), mode="edge")
        data = SlabData(
            [jnp.asarray(x[known]) for x in self.inputs],
            jnp.asarray(self.targets[known]),
            jnp.asarray(self.weights[known]),
            jnp.asarray(self.patient_half[known]),
            self.mean,
            self.spread,
            self.fitted,
        )
        return data, np.where(rows < 0, NO_ROW, places.reshape(rows.shape)).astype(np.int32)

    @property
    def held_bytes(self) -> int:
        """In memory: two parts of the images, and all else."""
        return 2 * PART_BYTES + self.targets.nbytes + sum(x.nbytes for x in self.inputs[:-1])

    def rows_a_part(self, most: int) -> int:
        """Rows that are read at a time, in steps of `most`; at least one step."""
        return max(1, PART_BYTES // row_bytes(self.inputs[-1]) // most) * most


AnyData = SlabData | StreamedData


def on_disk(arrays: list[ArrayInput]) -> bool:
    """Whether one of the inputs is left on disk."""
    return any(isinstance(array, ArrayOnDisk) for array in arrays)


def run_epoch(
    program: Program,
    state: MemberState,
    settings: Settings,
    data: AnyData,
    order: np.ndarray,
    held: jax.Array,
    number: jax.Array,
) -> tuple[MemberState, EpochRecord]:
    """One epoch of a slab over minibatches `order` [G, S, B], judged on the rows `held` [G, V]."""
    if isinstance(data, SlabData):
        return program.epoch(state, settings, data, order, held, number)
    positions = np.asarray(_positions(number, order.shape[1]))
    trace: list[StepTrace] = []
    for part in _parts_of_epoch(data, order):
        some, places = data.excerpt(order[:, part])
        state, made = program.parts.steps(state, settings, some, places, positions[part])
        trace.append(made)
    outputs = _outputs(program, state, data, np.asarray(held))
    whole = StepTrace(*(jnp.concatenate(field, axis=2) for field in zip(*trace, strict=True)))
    return program.parts.end(state, settings, _validation_targets(data, np.asarray(held)), outputs, whole, number)


def run_measure(
    program: Program, state: MemberState, settings: Settings, data: AnyData, rows: np.ndarray, position: jax.Array
) -> jax.Array:
    """All measures of a slab on the minibatches `rows` [G, B]."""
    if isinstance(data, SlabData):
        return program.measure(state, settings, data, rows, position)
    some, places = data.excerpt(rows)
    return program.measure(state, settings, some, places, position)


@partial(jax.jit, static_argnums=1)
def _positions(number: jax.Array, steps: int) -> jax.Array:
    return step_positions(number, steps)


def _parts_of_epoch(data: StreamedData, order: np.ndarray) -> list[slice]:
    """About equal parts of the steps, so that at most two shapes are compiled."""
    groups, steps, batch = order.shape
    count = -(-steps * groups * batch // data.rows_a_part(groups * batch))
    size = -(-steps // count)
    return [slice(start, start + size) for start in range(0, steps, size)]


def _outputs(program: Program, state: MemberState, data: StreamedData, held: np.ndarray) -> jax.Array:
    """Raw outputs [G, M, V, T] on the rows held out, a part at a time; the last is filled up."""
    groups, count = held.shape
    once = min(rows_at_once(program.network.array), count)
    size = min(max(once, data.rows_a_part(once * groups) // groups), -(-count // once) * once)
    filled = np.pad(held, ((0, 0), (0, -count % size)), constant_values=NO_ROW)
    made: list[Any] = []
    for start in range(0, count, size):
        some, places = data.excerpt(filled[:, start : start + size])
        made.append(program.parts.outputs(state, some, places))
    return jnp.concatenate(made, axis=2)[:, :, :count]


def _validation_targets(data: StreamedData, held: np.ndarray) -> ValidationTargets:
    groups = len(held)
    scale = (jnp.broadcast_to(one, (groups, *one.shape)) for one in (data.mean, data.spread))
    targets, patient_half = (jnp.asarray(one[held]) for one in (data.targets, data.patient_half))
    return ValidationTargets(targets, jnp.where(held >= 0, 1.0, 0.0), patient_half, *scale)
