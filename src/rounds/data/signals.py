"""Images or recordings beside a table."""

from dataclasses import dataclass
from typing import Literal

from rounds.data.preparation.array_on_disk import ArrayInput
from rounds.data.recordings.timeline import Timeline

Modality = Literal["table", "image", "recording"]
# Column of a table that says which row of the array belongs to its row, whatever is left out or reordered on the way;
# it is no feature.
ARRAY_ROW = "__grid_row__"


@dataclass(frozen=True)
class Signals:
    """The array that the table's column ARRAY_ROW points into, and what it is.

    array: [N, *space, channels] of images (uint8, uint16 or float32) or recordings (float32, nan = missing), maybe left
    on disk; None for tables. masks: channels of it that are 0 or 1. timeline: of recordings.
    """

    modality: Modality = "table"
    array: ArrayInput | None = None
    masks: tuple[int, ...] = ()
    timeline: Timeline | None = None


NO_SIGNALS = Signals()
