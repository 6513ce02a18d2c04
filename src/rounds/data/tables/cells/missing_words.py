"""Words that people and programs write where there is no value."""

from collections.abc import Collection

import polars as pl


def words(text: str) -> frozenset[str]:
    """Words that commas part.

    >>> sorted(words("not done, unknown"))
    ['not done', 'unknown']
    """
    return frozenset(word.strip() for word in text.split(","))


USUAL = ("", "NA", "N/A", "NaN", "nan", "NULL", "null")  # as programs write them: nothing is said of these
# Never a level of anything. The text "none" can be one (no complication), and so can "unknown": not in this list.
ALWAYS = words(
    """
    na, n/a, n.a., n.a, #n/a, #na, nan, -nan, 1.#qnan, 1.#ind, null, (null), <null>, <na>, nat, ?, ??, ???, \\n,
    ., .., ..., --, ---, ----, -, _, __, *, **, ***, #value!, #ref!, #div/0!, #num!, #name?, #null!, (blank),
    <blank>, (empty), <missing>, (missing), [null], [not available], [not applicable], [not evaluated], [unknown],
    [discrepancy], pd.na, n/d, —, –, −
    """
) | {""}
SODIUM = "Na"
# No value where numbers or dates stand: words of laboratories and forms, English and of Rounds's neighbours.
AMONG_NUMBERS = words(
    """
    na, none, nil, na., no data, no value, no result, missing, miss, unknown, unk, unkn, not known, nd, n.d.,
    n.d, nr, n.r., not done, not available, not recorded, not reported, not measured, not tested, not performed,
    not applicable, not given, not stated, notdone, unavailable, pending, refused, declined, cancelled,
    canceled, invalid, error, err, x, xx, xxx, void, blank, empty, undefined, undetermined, indeterminate,
    illegible, unreadable, hemolyzed, haemolysed, hemolysed, haemolyzed, hemolysis, clotted, insufficient,
    insufficient sample, quantity not sufficient, qns, tnp, see note, see comment, comment, tbd, tba, ni, nk,
    n.k., dnr, lost, not found, k.a., k. a., keine angabe, unbekannt, fehlt, fehlend, nicht bestimmt, nicht
    gemessen, n.b., offen, entfällt, inconnu, inconnue, manquant, non fait, non disponible, nsp, nc,
    desconocido, sin datos, no disponible, s/d,
    sconosciuto, non noto, onbekend, okänd, ukendt
    """
)
# Of an outcome: a patient of whom nobody knows cannot be learned from.
OF_AN_OUTCOME = words(
    """
    unknown, unk, unkn, not known, missing, not recorded, not available, not reported, unbekannt, inconnu,
    desconocido, pending, undetermined, lost to follow-up, lost to follow up
    """
)


def folded(text: pl.Series) -> pl.Series:
    """Lower case, one space between words.

    >>> folded(pl.Series([" Not  Done"])).to_list()
    ['not done']
    """
    return text.str.strip_chars().str.replace_all(r"\s+", " ").str.to_lowercase()


def without_words(text: pl.Series, words: Collection[str]) -> pl.Series:
    """Text whose cells are one of the words (lower case) becomes missing; "Na" is sodium.

    >>> without_words(pl.Series(["1.5", "N/A", "Na"]), ALWAYS).to_list()
    ['1.5', None, 'Na']
    """
    levels = text.drop_nulls().unique()
    found = levels.filter(folded(levels).is_in(list(words)) & (levels != SODIUM))
    if not len(found):
        return text
    return (
        text.to_frame().select(pl.when(~pl.col(text.name).is_in(found.to_list())).then(pl.col(text.name))).to_series()
    )
