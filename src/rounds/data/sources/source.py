"""What a file, folder, frame or built-in set holds before anything is decided about its columns."""

from dataclasses import dataclass, field, replace

import polars as pl

from rounds.data.choices import Choices
from rounds.data.signals import NO_SIGNALS, Signals
from rounds.data.tables.reading import HowRead
from rounds.foreign_files import JsonObject

Declared = dict[str, JsonObject]


@dataclass(frozen=True)
class Source:
    """A table with what is known of it: declared roles by column, and choices that hold where the user made none.

    signals: images or recordings that the table's column ARRAY_ROW points into; left_out: files that could not be read,
    by name, and why (for the screen alone: names of files may be names of patients); how: its columns were read.
    """

    name: str
    table: pl.DataFrame
    declared: Declared = field(default_factory=dict)
    default: Choices = field(default_factory=Choices)
    simulated: bool = False
    notes: tuple[str, ...] = ()
    signals: Signals = NO_SIGNALS
    left_out: tuple[str, ...] = ()
    how: HowRead = field(default_factory=HowRead)

    def complete(self, choices: Choices) -> Choices:
        """The user's choices, with this set's own where the user made none."""
        if choices.targets and choices.targets != self.default.targets:
            return replace(choices, group=choices.group or self.default.group)
        return replace(
            choices,
            targets=choices.targets or self.default.targets,
            kind=choices.kind or self.default.kind,
            positive=choices.positive or self.default.positive,
            group=choices.group or self.default.group,
        )
