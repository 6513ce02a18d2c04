"""What one member of a population carries, and what its functions know at compile time."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax

from rounds.networks.functional import Functional
from rounds.networks.user_model.outputs import UserTraining
from rounds.plan import Plan
from rounds.task import Task

Arrays = list[jax.Array]
Settings = dict[str, jax.Array]


class SlabData(NamedTuple):
    """The table, shared by all members of a slab: inputs (those of width > 0), targets [N, T], weights [N], halves (of
    its fold's patients, to which a row belongs, [N] 0/1), the mean and spread [T] that lead back to the user's unit,
    and state that training rows decide, by its name in the network (the scale of an array's channels)."""

    inputs: Arrays
    targets: jax.Array
    weights: jax.Array
    patient_half: jax.Array
    mean: jax.Array
    spread: jax.Array
    fitted: dict[str, jax.Array] = {}  # noqa: RUF012 (a NamedTuple's default; nobody changes it)


class Weights(NamedTuple):
    """Trainable arrays and state (batch statistics, dropout rates and keys) of one member."""

    trainable: Arrays
    state: Arrays


class BestSnapshots(NamedTuple):
    """Snapshots of a member that keeps its last epoch, at the best epoch by three choosers (`best_snapshots`): weights
    with leaves [3, ...], the loss by which each was chosen and the epochs since, [3]."""

    weights: Weights
    value: jax.Array
    waited: jax.Array


class MemberState(NamedTuple):
    """All that one member carries from epoch to epoch; a slab stacks these as [G, M, ...]. lowest: value by which
    epochs are compared, of the best one so far; best_snapshots: None where the best epoch is kept anyway."""

    weights: Weights
    optimizer: Any
    average: Arrays
    best: Weights
    best_value: jax.Array
    best_epoch: jax.Array
    lowest: jax.Array
    waited: jax.Array
    running: jax.Array
    rate_factor: jax.Array
    rate_waited: jax.Array
    best_snapshots: BestSnapshots | None


class EpochRecord(NamedTuple):
    """What one epoch leaves behind: step losses, penalties and the model's own losses [S], validation metrics, rate,
    gradient norm, flags."""

    losses: Any
    penalties: Any
    model_losses: Any
    validation: Any
    learning_rate: Any
    gradient_norm: Any
    running: Any
    best_epoch: Any
    best_value: Any


@dataclass(frozen=True)
class StaticConfig:
    """What the inner functions need to know at compile time; numbers: whether the first input is one of numbers;
    snapshots: whether the best epoch by three choosers is kept."""

    plan: Plan
    task: Task
    functional: Functional
    loss: str
    logits: bool
    power_scale: bool
    switches: frozenset[str]
    array: tuple[int, ...] = ()
    numbers: bool = True
    user: UserTraining | None = None
    snapshots: bool = False
