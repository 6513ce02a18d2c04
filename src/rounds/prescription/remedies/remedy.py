"""What a remedy is: the changes of plan that findings ask for, in the order in which to try them."""

from collections.abc import Callable
from dataclasses import dataclass

from rounds.plan import Changes, Plan

Change = Changes
# Fields that a Keras model of the user's own decides by itself.
FIXED_BY_MODEL = {
    "network",
    "hidden",
    "normalization",
    "residual",
    "skip_to_output",
    "layer",
    "dropout",
    "use_dropout",
    "number_embedding",
    "embedding_width",
    "frequencies",
    "frequency_scale",
}

# Fields by which a model of the user's own is made again, where Keras can do that.
MADE_AGAIN = {"activation", "initializer", "bias_initializer"}


@dataclass(frozen=True)
class Remedy:
    """One way to act on findings; any remedy in a file of this folder is tried, and has no other entry.

    doses: the plan -> changes to try, each of which makes a treated plan; expects: what should become better; against:
    its place among the remedies of each finding that asks for it, by the finding's code.
    """

    name: str
    doses: Callable[[Plan], list[Change]]
    expects: str
    against: dict[str, int]


def setting(change: Change, against: dict[str, int]) -> Remedy:
    """A remedy that is the same change of every plan."""
    return Remedy(described(change), lambda plan: [change], "the fault that was seen is taken away", against)


@dataclass(frozen=True)
class Prescription:
    """One dose of one remedy, for one finding."""

    finding: str
    remedy: str
    change: Change
    expects: str

    def applies(self, plan: Plan) -> bool:
        """Whether it would change anything, and nothing that a model of the user's own fixes."""
        if plan.network == "keras":
            fixed = FIXED_BY_MODEL | (set() if plan.activation == "given" else MADE_AGAIN)
            matched = self.change.get("output_activation") in ("auto", "matched")
            if set(self.change) & fixed or (matched and plan.activation != "given"):
                return False
        return treated(plan, self.change) != plan


def treated(plan: Plan, change: Change) -> Plan:
    """The plan with the change.

    >>> treated(Plan(), {"dropout": 0.5}).dropout
    0.5
    """
    return plan.change(**change)


def described(change: Change) -> str:
    """A change in one line.

    >>> described({"dropout": 0.5})
    'dropout = 0.5'
    """
    return ", ".join(f"{name} = {value}" for name, value in sorted(change.items()))


def highest(value: float | tuple[float, ...]) -> float:
    """Of a setting's values, swept or single."""
    return max(value) if isinstance(value, tuple) else value
