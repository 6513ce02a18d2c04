"""plan.json: every choice of the main plan, why it was made, and what stands beside it."""

from typing import Any, ClassVar

from rounds.run_folder.stored import Part, Stored


class SlabShape(Part):
    """How many orders of minibatches and members of each the slabs of a plan hold."""

    plan: int
    orders: int
    members: int


class SlabShapes(Part):
    shapes: list[SlabShape]


class IdleField(Part):
    """A field that the user set and that changes nothing, with the reason."""

    field: str
    value: Any
    because: str


class PlanFile(Stored):
    """plan.json: the fields of `Plan` at the top, and beside them these. reasons: by field; asked: by the user; beside:
    what other plans of the population change; rows_that: which rows stop, choose, calibrate and judge; model:
    `ModelFacts` of the user's own."""

    FILE: ClassVar[str] = "plan.json"

    reasons: dict[str, str]
    asked: dict[str, Any]
    no_effect: tuple[IdleField, ...] = ()
    beside: list[dict[str, Any]]
    members: int
    members_trained: int
    parameters: list[int]
    slab: SlabShapes
    rows_that: dict[str, str]
    model: dict[str, Any] | None = None
