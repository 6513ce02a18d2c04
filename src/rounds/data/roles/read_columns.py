"""What the way in which a column was read says of its role."""

from collections.abc import Collection

from rounds.data.dataset import FEATURE_ROLES, Column
from rounds.data.tables.reading import HowRead
from rounds.errors import ForcedChoiceError


def as_read(column: Column, how: HowRead) -> Column:
    """The column with its reading, its unit, and what is to be said of its cells."""
    notes = [note for note in how.notes if note.column == column.name]
    reading = how.readings.get(column.name)
    column = column.model_copy(
        update={
            "reading": reading,
            "made_from": how.made_from.get(column.name, ""),
            "unit": how.units.get(column.name, column.unit),
            "said": (*said_of_cells(column.name, how), *column.said),
        }
    )
    if reading is not None and reading.kind == "pair" and not reading.unit:
        parts = [made for made, origin in how.made_from.items() if origin == column.name]
        return column.model_copy(
            update={"role": "dropped", "reason": f"{TWO_NUMBERS}{' and '.join(parts)}", "levels": 0}
        )
    left = next((note for note in notes if note.role), None)
    if left is None:
        return column
    changes = {"role": left.role, "reason": left.text, "levels": 0, "said": said_of_cells(column.name, how)}
    return column.model_copy(update=changes)


def said_of_cells(name: str, how: HowRead) -> tuple[str, ...]:
    """What is to be said of the cells of a column, whatever it is taken for."""
    return tuple(note.text for note in how.notes if note.column == name)


TWO_NUMBERS = "two numbers, read as the columns "


def with_their_origin(columns: list[Column]) -> list[Column]:
    """Columns made beside another are no features where that one is none, and known when it is."""
    origins = {column.name: column for column in columns}
    return [_with_origin(c, origins[c.made_from]) if c.made_from in origins else c for c in columns]


def _with_origin(column: Column, origin: Column) -> Column:
    known = origin.known if column.known == "unknown" else column.known
    column = column.model_copy(update={"known": known})
    used = origin.role in FEATURE_ROLES or origin.reason.startswith(TWO_NUMBERS)
    if used or column.role not in FEATURE_ROLES:
        return column
    reason = f"made from {origin.name}, which is no feature ({origin.role})"
    return column.model_copy(update={"role": "dropped", "reason": reason})


def refuse_two_ways(columns: list[Column], how: HowRead, used: Collection[str]) -> None:
    """Raises ForcedChoiceError where a column that counts can be read in two ways, and only the user can say.

    used: columns whose order in time counts, and others that an option names.
    """
    asked = {note.column: note for note in how.notes if note.option}
    open_ = [c for c in columns if c.name in asked and (c.name in used or _waits(c, asked[c.name].option))]
    if open_:
        note = asked[open_[0].name]
        others = f"; so can those of {', '.join(c.name for c in open_[1:6])}" if len(open_) > 1 else ""
        advice = f"{note.text[:1].upper()}{note.text[1:]}{others}. Or leave it out with --drop"
        raise ForcedChoiceError("Cells", "readable in one way", column=note.column, advice=advice)


def _waits(column: Column, option: str) -> bool:
    """Whether a column would be a feature, were its numbers known; dates are none by themselves."""
    return option == "--decimal" and column.reason in column.said


def column_notes(columns: Collection[Column]) -> tuple[str, ...]:
    """What a person should know of the columns, a line each; columns of which the same is said share one.

    >>> column_notes([Column(name=n, role="numeric", said=("2 cells (-) read as missing",)) for n in ("crp", "wbc")])
    ('crp, wbc: 2 cells (-) read as missing.',)
    """
    lines: dict[str, list[str]] = {}
    for column in columns:
        for text in column.said:
            lines.setdefault(text, []).append(column.name)
    return tuple(f"{_listed(names)}: {text.rstrip('.')}." for text, names in lines.items())


NAMES_LISTED = 8


def _listed(names: list[str]) -> str:
    more = len(names) - NAMES_LISTED
    return ", ".join(names[:NAMES_LISTED]) + (f" and {more} more" if more > 0 else "")
