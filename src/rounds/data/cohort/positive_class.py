"""Which of two classes is the positive one: by words that people write, else the rarer."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from rounds.data.tables.cells.missing_words import words
from rounds.data.tables.cells.text_cells import without_accents


def _plain_words(text: str) -> frozenset[str]:
    return frozenset(map(without_accents, words(text)))


_YES = _plain_words(
    """
    yes, y, true, t, positive, pos, +, present, presence, case, cases, event, died, dead, death, deceased,
    expired, mortality, fatal, disease, diseased, sick, ill, abnormal, malignant, cancer, tumor, tumour,
    infected, infection, affected, detected, reactive, exposed, failure, failed, relapse, relapsed, recurrence,
    recurred, progression, progressed, readmitted, readmission, complication, complications, patient, patients,
    ckd, diabetic, diabetes, septic, sepsis, stroke, pneumonia, covid, hospitalized, hospitalised, icu, severe,
    critical, high, high risk, at risk, poor, bad, worse, impaired, demented, ja, oui, si, sí, sim, da,
    gestorben, verstorben, tot, krank, positiv, vorhanden, ereignis, fall, rezidiv, wahr, décédé, décédée, mort, morte,
    malade, positif, positive, vrai, cas, rechute, fallecido, fallecida, muerto, muerta, muerte, positivo, positiva,
    enfermo, verdadero, caso, óbito, obito, morto, doente, deceduto, deceduta, malato, vero, overleden, ziek, positief,
    expired in hospital, not alive, not survived, lost, unfavorable, unfavourable, adverse, toxic, resistant,
    die, dies, dead on arrival, murió, falleció, murio, décès, exitus, spontaneous relapse, dement
    """
)
_NO = _plain_words(
    """
    no, n, false, f, negative, neg, -, absent, absence, control, controls, none, alive, living, survived,
    survivor, survive, survival, lived, healthy, normal, benign, well, cured, censored, unaffected, undetected,
    unexposed, uninfected, success, remission, stable, discharged, discharge, home, mild, low, low risk, good,
    better, intact, nondemented, no event, nein, non, nao, não, niet, lebt, lebend, überlebt, gesund, negativ,
    kontrolle, entlassen, falsch, vivant, vivante, sain, négatif, négative, témoin, faux, vivo, viva, negativo,
    negativa, sano, falso, levend, gezond, negatief, controle, control group, placebo, favorable, favourable,
    susceptible, sensitive, not dead, cn, live, lives, sobrevivió, vive, guéri, guérie, curado,
    guarito, genesen, recovered
    """
)
# Letters and figures that say something beside each other alone: malignant and benign, dead and alive, ...
_PAIRS = (
    ("b", "m"),
    ("a", "d"),
    ("n", "p"),
    ("c", "d"),
    ("s", "d"),
    ("h", "s"),
    ("0", "1"),
    ("-1", "1"),
    ("n", "j"),
    ("n", "o"),
    ("n", "s"),
    ("f", "v"),
)
_NOT = re.compile(
    r"^(?:not?|non|un|without|w/o|free of|never|nie|kein(?:e|en)?|ohne|sans|sin|in(?=active))[ _-]*(?=\w)"
)
_NEGATED = re.compile(
    r"(?:^|[ _-])(?:not|no|non|without|negative|absent|control|healthy|normal|alive|survived|free)(?:[ _-]|$)"
)


RARER = "the rarer class"  # why one is positive where no word tells


class Positive(NamedTuple):
    """label: of the positive class; why: in words."""

    label: str
    why: str


def positive_class(rows: Mapping[str, int]) -> Positive:
    """The positive one of two classes. rows: of each label; of classes that no word tells apart, the rarer.

    >>> positive_class({"notckd": 150, "ckd": 250}).label, positive_class({"Survived": 40, "Died": 60}).label
    ('ckd', 'Died')
    >>> positive_class({"1": 416, "2": 167})
    Positive(label='2', why='the rarer class')
    """
    first, second = sorted(rows)
    for label, other in ((first, second), (second, first)):
        if _says_yes(label, other):
            return Positive(label, "by its name")
    rarer = min((second, first), key=lambda label: rows[label])
    return Positive(rarer, RARER)


def names_a_case(label: str) -> bool:
    """Whether a label that stands alone is one of a case.

    >>> names_a_case("died"), names_a_case("0")
    (True, False)
    """
    return _tidy(label) in _YES or _tidy(label) == "1"


def _says_yes(label: str, other: str) -> bool:
    """Whether a label is the positive one beside another."""
    yes, no = _tidy(label), _tidy(other)
    if (no, yes) in _PAIRS or _NOT.sub("", no) == yes:
        return True
    if (yes, no) in _PAIRS or _NOT.sub("", yes) == no:
        return False
    if _above_zero(yes, no):
        return True
    known = (yes in _YES) - (yes in _NO) - ((no in _YES) - (no in _NO))
    if known:
        return known > 0
    return bool(_negated(no)) and not _negated(yes)


def _above_zero(label: str, other: str) -> bool:
    """Whether a label is a number of which there are some, and the other says that there are none."""
    return other == "0" and label.isdecimal() and label != "0"


def _tidy(label: str) -> str:
    plain = re.sub(r"\s+", " ", without_accents(label.strip().lower()))
    return re.sub(r"^\d+ ?[:._=-] ?(?=[^\W\d])", "", plain)  # 1:deceased beside 0:living


def _negated(label: str) -> bool:
    return bool(_NEGATED.search(label) or _NOT.match(label))
