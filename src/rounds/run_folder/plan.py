"""plan.json: every choice of the main plan, why it was made, and what stands beside it."""

from functools import cached_property
from typing import Any, ClassVar

from pydantic import Field, JsonValue

from rounds.model_facts import ModelFacts
from rounds.plan import Plan
from rounds.run_folder.stored import Content, Part, Stored


class SlabShape(Part):
    """How many orders of minibatches and members of each the slabs of a plan hold."""

    plan: int
    orders: int
    members: int


class SlabShapes(Part):
    """Of all slabs."""

    shapes: tuple[SlabShape, ...] = ()


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
    asked: Content = Field(default_factory=dict)
    no_effect: tuple[IdleField, ...] = ()
    beside: tuple[dict[str, tuple[JsonValue, JsonValue]], ...] = ()
    members: int = 0
    members_trained: int = 0
    parameters: tuple[int, ...] = ()
    slab: SlabShapes = SlabShapes()
    rows_that: dict[str, str] = Field(default_factory=dict)
    model: ModelFacts | None = None

    @property
    def fields(self) -> Content:
        """Fields of the main plan, as the file holds them."""
        return {name: value for name, value in (self.model_extra or {}).items() if name in Plan.model_fields}

    @cached_property
    def main(self) -> Plan:
        """The main plan."""
        return Plan(**self.fields)

    @property
    def plans(self) -> tuple[Plan, ...]:
        """The population's plans, main first."""
        others = ({name: new for name, (_, new) in beside.items()} for beside in self.beside)
        return (self.main, *(self.main.change(**changes) for changes in others))
