"""What is predicted: the kind of outcome, its names, its classes and its unit."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Kind = Literal["regression", "count", "binary", "multiclass", "multilabel"]
KINDS: tuple[Kind, ...] = ("regression", "count", "binary", "multiclass", "multilabel")


class Task(BaseModel):
    """What a network is asked to predict.

    kind: the form of the outcome; targets: column names (several for multi-target regression and multilabel);
    classes: labels in the order of the network's outputs (binary: negative, positive; empty where there are none);
    unit: of the target, "" when unknown.

    >>> Task(kind="binary", targets=("death",), classes=("0", "1")).outputs
    1
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    targets: tuple[str, ...]
    classes: tuple[str, ...] = ()
    unit: str = ""

    @property
    def outputs(self) -> int:
        """Width of the network's output layer."""
        return len(self.classes) if self.kind == "multiclass" else len(self.targets)

    @property
    def is_classification(self) -> bool:
        return self.kind in ("binary", "multiclass", "multilabel")

    @property
    def output_names(self) -> tuple[str, ...]:
        """One name an output: the classes of a multiclass task, else the targets."""
        return self.classes if self.kind == "multiclass" else self.targets
