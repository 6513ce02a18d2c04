"""The columns of a table, for the inputs of a Keras model of the user's own."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Columns:
    """The table's column of each number, flag and code by position, the codes' levels, and what each number and flag
    says ("sex = F"); order: numbers and flags side by side, by position, in the order of the file; array: the shape of
    an image or recording."""

    numbers: tuple[str, ...]
    flags: tuple[str, ...]
    codes: tuple[str, ...]
    levels: tuple[int, ...]
    labels: tuple[str, ...]
    order: tuple[int, ...] = ()
    array: tuple[int, ...] = ()

    @property
    def plain(self) -> tuple[str, ...]:
        """Numbers and flags side by side: what an input of floats can be given."""
        return self.numbers + self.flags
