"""Texts: levels without spaces around them, one spelling each; and true or false."""

import unicodedata

import polars as pl

from rounds.data.tables.cells.missing_words import folded
from rounds.data.tables.cells.number_cells import plain_columns
from rounds.data.tables.cells.reading import CellNote, FileStyle, ReadColumn, Reading

# Words for yes and for no that are one beside each other, where a column holds nothing else.
_YES_NO = tuple(
    {**dict.fromkeys(yes.split(), "yes"), **dict.fromkeys(no.split(), "no")}
    for yes, no in (
        ("yes y true t 1", "no n false f 0"),
        ("ja j 1", "nein n 0"),
        ("oui o vrai v 1", "non n faux f 0"),
        ("sí si s verdadero v 1", "no n falso f 0"),
        ("sim s 1", "não nao n 0"),
        ("sì si s vero v 1", "no n falso f 0"),
    )
)
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
    """Any text: levels that differ in case, spaces or accents alone become one, and so do words for yes and for no."""
    levels = text.drop_nulls().unique()
    if len(levels) > MOST_SPELLED:
        return ReadColumn((text,), Reading(kind="text"))
    lower = folded(levels)
    same = _same_levels(dict(zip(*text.drop_nulls().value_counts().get_columns(), strict=True)))
    if not same and lower.n_unique() == len(levels):
        return ReadColumn((text,), Reading(kind="text"))
    return text_again(text, Reading(kind="text", folded=True, same=same))


def _same_levels(rows: dict[str, int]) -> tuple[tuple[str, str], ...]:
    """(level in lower case, the one that it is read as) of all that are one by more than their case."""
    counted: dict[str, int] = {}
    for level, count in rows.items():
        lower = folded(pl.Series([level]))[0]
        counted[lower] = counted.get(lower, 0) + count
    words = next((pair for pair in _YES_NO if counted.keys() <= pair.keys()), {})
    kinds: dict[str, list[str]] = {}
    for level in counted:
        kinds.setdefault(words.get(level, without_accents(level)), []).append(level)
    chosen = {kind: max(levels, key=lambda one: (len(one), counted[one], one)) for kind, levels in kinds.items()}
    return tuple((one, chosen[kind]) for kind, levels in kinds.items() for one in sorted(levels) if one != chosen[kind])


def without_accents(text: str) -> str:
    """A text in plain letters.

    >>> without_accents("décédé")
    'decede'
    """
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def text_again(text: pl.Series, reading: Reading) -> ReadColumn:
    if not reading.folded:
        return ReadColumn((text,), reading)
    levels = text.drop_nulls().unique()
    lower = folded(levels).replace(dict(reading.same))
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
