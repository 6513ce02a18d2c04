"""Texts: levels without spaces around them, one spelling each; and true or false."""

import polars as pl

from rounds.data.tables.cells.missing_words import folded
from rounds.data.tables.cells.number_cells import plain_columns
from rounds.data.tables.cells.reading import CellNote, FileStyle, ReadColumn, Reading

MOST_SPELLED = 200  # levels up to which a column's spellings are compared: beyond, case may tell codes apart


def recognise_boolean(text: pl.Series, style: FileStyle) -> ReadColumn | None:
    """true or false, in any case, in every cell."""
    if not folded(text.drop_nulls().unique()).is_in(["true", "false"]).all():
        return None
    return boolean_again(text, Reading(kind="boolean"))


def boolean_again(text: pl.Series, reading: Reading) -> ReadColumn:
    values = folded(text).replace_strict({"true": True, "false": False}, default=None, return_dtype=pl.Boolean)
    return ReadColumn((values.alias(text.name),), reading)


def recognise_text(text: pl.Series, style: FileStyle) -> ReadColumn:
    """Any text: levels that differ in case or spaces alone become one."""
    levels = text.drop_nulls().unique()
    lower = folded(levels)
    if len(levels) > MOST_SPELLED or lower.n_unique() == len(levels):
        return ReadColumn((text,), Reading(kind="text"))
    return text_again(text, Reading(kind="text", folded=True))


def text_again(text: pl.Series, reading: Reading) -> ReadColumn:
    if not reading.folded:
        return ReadColumn((text,), reading)
    levels = text.drop_nulls().unique()
    lower = folded(levels)
    made = text.replace_strict(levels, lower, default=None, return_dtype=pl.String)
    said = f"{len(levels):,} spellings of {lower.n_unique():,} levels read as one each, in lower case"
    return ReadColumn((made,), reading, (CellNote(text.name, said, int((made != text).sum())),))


_ZERO_AT_END = r"\.\d+0$"  # 250.10 is another code than 250.1


def as_written(text: pl.Series, style: FileStyle) -> ReadColumn:
    return written_again(text, Reading(kind="written"))


def written_again(text: pl.Series, reading: Reading) -> ReadColumn:
    """Codes and names: numbers only where no digit is lost."""
    plain = {} if text.str.contains(_ZERO_AT_END).any() else plain_columns(text.to_frame())
    return ReadColumn(plain[text.name].values if plain else (text,), reading)
