"""What a training gives: prepared input -> prediction in the user's unit, by one network or an average of many."""

from dataclasses import dataclass, replace
from math import prod
from typing import Any, Self

import numpy as np
import polars as pl

from rounds.data.dataset import Column, Inputs
from rounds.data.preparation.array_on_disk import ArrayInput
from rounds.data.preparation.note import InputNote
from rounds.data.preparation.preparation import Preparation, pad
from rounds.data.signals import ARRAY_ROW
from rounds.errors import PlanError
from rounds.metrics import as_probabilities
from rounds.networks.network import Network
from rounds.prediction.image_variants import Augmented
from rounds.prediction.numpy_layers.forward import Weights, forward
from rounds.target_scale import TargetScale
from rounds.task import Task

# Rows, and outputs of all members, predicted at a time, so that memory does not grow with the table times the members.
BLOCK_ROWS, BLOCK_OUTPUTS = 65_536, 2**24


@dataclass(frozen=True)
class NetworkPart:
    """Members that share a network: weights [K, ...] float32, and each member's weight [K] in the average.

    runner: the `KerasRunner` of a model of the user's own; all other networks run in NumPy.
    """

    network: Network
    weights: Weights
    member_weights: np.ndarray
    runner: Any = None

    @property
    def members(self) -> int:
        return len(next(iter(self.weights.values())))

    def outputs(self, inputs: Inputs) -> np.ndarray:
        """[K, N, outputs] float32, on the scale the network learned."""
        prepared = pad(inputs, self.network.shape)
        if self.runner is None:
            return forward(self.network, self.weights, prepared)
        return self.runner.outputs(self.weights, list(prepared.arrays.values()))


@dataclass(frozen=True)
class Predictions:
    """values [N, T] float64: in the target's unit, expected counts, or probabilities (binary: of the positive class).

    members: [K, N, T] of each member where asked for. notes: what stood out in the table.
    """

    values: np.ndarray
    members: np.ndarray | None
    notes: tuple[InputNote, ...]


@dataclass(frozen=True)
class Predictor:
    """Preparation, networks and the way back to the user's unit.

    The average is taken over probabilities, rates, or targets on the scale that was learned; then comes the way back.
    columns: every column of the training file and what it was taken for (identifiers pass through to predictions).
    """

    task: Task
    preparation: Preparation
    target_scale: TargetScale
    parts: tuple[NetworkPart, ...]
    columns: tuple[Column, ...] = ()

    def __post_init__(self) -> None:
        total = sum(float(part.member_weights.sum()) for part in self.parts)
        counts = all(len(part.member_weights) == part.members for part in self.parts)
        if not counts or not np.isclose(total, 1.0):
            advice = "Give one weight a member, summing to 1 over all parts"
            raise PlanError("Member weights", "one a member with sum 1", name="sum", got=round(total, 6), advice=advice)

    @property
    def size(self) -> int:
        """How many members are averaged."""
        return sum(part.members for part in self.parts)

    def outputs(self, inputs: Inputs) -> np.ndarray:
        """[K, N, outputs] float32 of all members, on the scale the networks learned, from prepared inputs."""
        return as_probabilities(np.concatenate([part.outputs(inputs) for part in self.parts]), self.task)

    def average(self, outputs: np.ndarray) -> np.ndarray:
        """Weighted mean [N, outputs] float64 of members' outputs [K, N, outputs]."""
        shares = np.concatenate([part.member_weights for part in self.parts])
        total = np.zeros(outputs.shape[1:], np.float64)
        for share, one in zip(shares, outputs, strict=True):
            total += np.float64(share) * one  # in float64: ten float32 tenths make more than 1
        return total

    def members(self, inputs: pl.DataFrame, array: ArrayInput | None = None) -> np.ndarray:
        """Predictions [K, N, T] float64 of each member alone, in the user's unit."""
        made = self.outputs(self.preparation.apply(inputs, array))
        return np.stack([self.target_scale.backward(one) for one in made])

    def predict(
        self,
        inputs: pl.DataFrame,
        members: bool = False,
        array: ArrayInput | None = None,
        way: Augmented | None = None,
    ) -> Predictions:
        """Predictions for a table that holds the feature columns, in any order, beside any others.

        array: the images or recordings that the table's rows name by ARRAY_ROW (without that column, row by row);
        way: how images are looked at again. members: keep each member's predictions too ([K, N, T]: K times the
        memory).
        Raises DataError where the table has none of the columns.
        """
        notes = self.preparation.check(inputs)
        means, kept = [], []
        for block in self._blocks(inputs):
            prepared = self.preparation.apply(block, array)
            outputs = self.outputs(prepared) if way is None else way.outputs(self.outputs, prepared)
            means.append(self.average(outputs))
            kept += [outputs] if members else []
        each = [self.target_scale.backward(one) for one in np.concatenate(kept, axis=1)] if members else None
        values = self.target_scale.backward(np.concatenate(means))
        return Predictions(values, None if each is None else np.stack(each), notes)

    def _blocks(self, inputs: pl.DataFrame) -> list[pl.DataFrame]:
        rows = min(BLOCK_ROWS, BLOCK_OUTPUTS // (self.size * self.task.outputs))
        rows = max(1, min(rows, BLOCK_OUTPUTS // max(1, prod(self.preparation.shape.array))))
        if self.preparation.array and ARRAY_ROW not in inputs.columns:
            inputs = inputs.with_columns(pl.int_range(pl.len()).alias(ARRAY_ROW))
        return [inputs.slice(start, rows) for start in range(0, max(1, inputs.height), rows)]

    def only(self, member: int) -> Self:
        """The predictor of one member, counted over all parts from 0.

        Raises PlanError where there is no such member.
        """
        for part in self.parts:
            if 0 <= member < part.members:
                weights = {name: array[member : member + 1] for name, array in part.weights.items()}
                return replace(self, parts=(replace(part, weights=weights, member_weights=np.ones(1)),))
            member -= part.members
        advice = f"Give a number from 0 to {self.size - 1}"
        raise PlanError("member", f"one of {self.size} members", got=member + self.size, advice=advice)
