"""Widths of what a network reads."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class InputShape:
    """Widths that decide the compiled program: numbers F, flags D, levels per coded column (with 0 = unseen), and
    the array's (*space, channels), empty for tables. hand: the last so many numbers and flags are of features
    engineered from the array."""

    numbers: int
    flags: int
    levels: tuple[int, ...] = ()
    array: tuple[int, ...] = ()
    hand: tuple[int, int] = (0, 0)

    def read(self, hand_features: bool, beside_array: bool = False) -> "InputShape":
        """What a network reads of it: the array and the table's own columns; or all columns, without the array or
        beside it.

        >>> shape = InputShape(9, 2, array=(48, 5), hand=(7, 1))
        >>> [(read.numbers, read.array) for read in (shape.read(False), shape.read(True), shape.read(True, True))]
        [(2, (48, 5)), (9, ()), (9, (48, 5))]
        """
        if hand_features:
            return replace(self, array=self.array if beside_array else (), hand=(0, 0))
        numbers, flags = self.hand
        return replace(self, numbers=self.numbers - numbers, flags=self.flags - flags, hand=(0, 0))
