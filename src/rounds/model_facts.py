"""What a user's own training is, as far as rules need it: layers, loss, optimizer, and the size of inputs and targets.

Read from a compiled `keras.Model`, or noted by `rounds.watch` in anybody's loop; None or "" where it is not known.
"""

from typing import Self

import numpy as np
from pydantic import BaseModel, ConfigDict

MOST_CLASSES = 200  # whole numbers from 0 up to so many are taken for classes


class LayerFacts(BaseModel):
    """One layer: its kind (the class's name), the units of its output, and how it was set up.

    weighted: has a kernel; fan_in, fan_out: numbers that a unit reads, and units that read one; initializer: Keras's
    name, argument after a colon; dropout: share of units dropped.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    kind: str
    width: int = 0
    activation: str = "linear"
    initializer: str = ""
    bias_initializer: str = ""
    dropout: float = 0.0
    trainable: bool = True
    weighted: bool = False
    fan_in: int = 0
    fan_out: int = 0


class InputFacts(BaseModel):
    """Size of the numbers that the first layer receives, over training rows.

    columns: how many; largest: root mean square of the largest column; smallest: of the smallest that is not 0 alone;
    offset: largest |mean| beside the standard deviation of a column (0 where all are constant); spread: largest
    standard deviation of a column.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: int
    largest: float
    smallest: float
    offset: float
    spread: float

    @classmethod
    def of(cls, rows: np.ndarray) -> Self:
        """From rows [N, ...] as they are fed; the last axis of images counts as columns."""
        table = np.asarray(rows, np.float64)
        table = table.reshape(len(table), -1) if table.ndim <= 2 else table.reshape(-1, table.shape[-1])
        mean, deviation = table.mean(0), table.std(0)
        size = np.hypot(mean, deviation)
        varies = deviation > 1e-6 * np.maximum(size, 1e-30)
        return cls(
            columns=table.shape[1],
            largest=float(size.max(initial=0.0)),
            smallest=float(size[size > 0].min(initial=np.inf)) if (size > 0).any() else 0.0,
            offset=float((np.abs(mean[varies]) / deviation[varies]).max(initial=0.0)),
            spread=float(deviation.max(initial=0.0)),
        )


class TargetFacts(BaseModel):
    """What the loss is given to compare with: width, range, and whether they are classes.

    whole: whole numbers alone; classes: different values of one column of whole numbers (0: not classes); exclusive:
    several columns of 0 and 1, of which each row has a single 1; spread: standard deviation.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: int
    low: float
    high: float
    spread: float
    whole: bool
    classes: int
    exclusive: bool

    @classmethod
    def of(cls, targets: np.ndarray) -> Self:
        """From targets [N, ...] as the loss is given them."""
        table = np.asarray(targets, np.float64)
        table = table.reshape(len(table), -1)
        whole = bool((table == np.round(table)).all())
        single = whole and table.shape[1] == 1 and table.min() >= 0 and table.max() < MOST_CLASSES
        binary = whole and set(np.unique(table)) <= {0.0, 1.0}
        return cls(
            width=table.shape[1],
            low=float(table.min()),
            high=float(table.max()),
            spread=float(table.std(0).max()),
            whole=whole,
            classes=len(np.unique(table)) if single else 0,
            exclusive=binary and table.shape[1] > 1 and bool((table.sum(1) == 1).all()),
        )

    @property
    def binary(self) -> bool:
        """Whether there are only 0 and 1."""
        return self.whole and self.low >= 0 and self.high <= 1

    @property
    def categories(self) -> bool:
        """Whether they say which class a row belongs to, rather than how much of something."""
        return self.binary or self.exclusive


class ModelFacts(BaseModel):
    """A training as it was set up.

    loss: Keras's name, or module:name of the user's own; from_logits: whether the loss takes outputs before their
    activation (None: the loss knows no such difference); optimizer: Keras's name in small letters.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    layers: tuple[LayerFacts, ...]
    loss: str = ""
    from_logits: bool | None = None
    optimizer: str = ""
    learning_rate: float | None = None
    batch_size: int | None = None
    output_activation: str = ""
    output_width: int = 0
    inputs: InputFacts | None = None
    targets: TargetFacts | None = None

    @property
    def weighted(self) -> tuple[LayerFacts, ...]:
        """The layers with a kernel, in order."""
        return tuple(layer for layer in self.layers if layer.weighted)

    @property
    def hidden(self) -> tuple[LayerFacts, ...]:
        """The layers with a kernel but the last."""
        return self.weighted[:-1]

    @property
    def dropout(self) -> float:
        """The highest share of units that a layer drops."""
        return max((layer.dropout for layer in self.layers), default=0.0)
