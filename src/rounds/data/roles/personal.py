"""Columns that name people, or say where they live, how they are reached or when they were born: by shape and name."""

import re
from typing import Literal

import polars as pl

PersonalKind = Literal["names", "e-mail addresses", "phone or identity numbers", "postal addresses", "dates of birth"]

# Share of a column's different values that show its kind: a convention, in front of values typed otherwise.
MOST_VALUES = 0.5
# Share of different texts of a person's shape that hold a common given name, from which the column names people: the
# lists below hold a fraction of all given names, and no disease, drug or department is called by one of them.
NAMED_SHARE = 0.2
DISTINCT_LOOKED_AT = 500  # different values that are looked at
# Years between the tenth and the ninetieth of a hundred dates: of births it is a population's, of visits a study's.
YEARS_OF_BIRTH = 30.0
DAYS_A_YEAR = 365.25

_NAME_COLUMN = re.compile(
    r"(^|_)(full|first|last|middle|sur|fore|family|given|maiden|patient)_?names?$|(vor|nach|familien)name",
    re.IGNORECASE,
)
_PERSON_COLUMN = re.compile(
    r"(^|_)(doctor|physician|surgeon|nurse|attending|provider|clinician|carer|contact|next_of_kin|arzt|aerztin)(_?name)?$",
    re.IGNORECASE,
)
_COLUMNS: tuple[tuple[PersonalKind, re.Pattern[str]], ...] = (
    ("e-mail addresses", re.compile(r"(^|_)e_?-?mail(_?address)?$", re.IGNORECASE)),
    (
        "phone or identity numbers",
        re.compile(
            r"(^|_)(tele)?phone(_?(number|no|nr))?$|(^|_)(mobile|telefon|fax|ssn)(_|$)|nhs_?number", re.IGNORECASE
        ),
    ),
    (
        "postal addresses",
        re.compile(r"(^|_)(street|address|adresse|strasse|zip(_?code)?|post_?code|postal_?code|plz)$", re.IGNORECASE),
    ),
    (
        "dates of birth",
        re.compile(
            r"date_?of_?birth|birth_?(date|day)|(^|_)dob$|^born(_on)?$|geburts(datum|tag)|geb_?dat", re.IGNORECASE
        ),
    ),
)
_EMAIL = r"^[^@\s]+@[^@\s]+\.[A-Za-z]{2,}$"
_PHONE = r"^(\+|\(?0)[\d ()/.-]{7,}\d$|^\(?\d{3}\)?[ .-]\d{2,3}[ .-]\d{4}$"
_DATE = r"^\d{4}-\d{2}-\d{2}([ T].*)?$|^\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}$"
_NUMBER = r"^[+-]?\d+(\.\d*)?([eE][+-]?\d+)?$"
_STREET = (
    r"(?i)\b(street|road|avenue|lane|drive|square|st\.|rd\.|ave\.|rue|via|calle|plaza|platz|allee)(\s|,|$)"
    r"|(straße|strasse|str\.|weg|gasse|laan|straat)(\s|,|$)"
)
_WORD = r"\p{Lu}[\p{L}'’.-]*"
_PERSON = rf"^((Dr|Prof|Mr|Mrs|Ms)\.? )*{_WORD}(,? {_WORD}){{0,3}}$"
_GIVEN_NAME = (
    r"(?i)\b("
    r"adam|ahmed|aisha|alan|albert|alejandro|alex|alexander|ali|alice|amanda|amy|ana|andrea|andreas|andrew|angela|"
    r"anita|ann|anna|anne|annette|anthony|antonio|arthur|barbara|ben|benjamin|bernd|brian|brigitte|carl|carla|"
    r"carlos|carmen|carol|caroline|catherine|charles|chen|christian|christine|christopher|clara|claudia|claus|"
    r"daniel|david|deborah|dennis|diana|dieter|donald|dorothy|edward|elena|elizabeth|emil|emily|emma|eric|erika|"
    r"eva|fatima|felix|fernando|frank|franz|frieda|gabriele|georg|george|gerald|gerhard|giovanni|giulia|gregory|"
    r"günter|hannah|hans|harald|heather|heinz|helen|helga|henry|ibrahim|ines|ingrid|irene|isabella|jack|jacob|"
    r"james|jan|jane|jason|javier|jean|jennifer|jessica|joan|johannes|john|jonas|jorge|jose|josef|joseph|juan|"
    r"judith|julia|karen|karin|karl|katharina|katherine|kenneth|kevin|klara|klaus|kurt|larry|laura|lea|leon|linda|"
    r"lisa|luca|lucas|lucia|luis|lukas|manuel|marco|margaret|maria|marie|mario|mark|markus|martha|martin|mary|"
    r"matthew|matthias|max|mehmet|mei|melissa|michael|michelle|miguel|mohamed|mohammed|monika|muhammad|mustafa|"
    r"nancy|natalia|nicole|nina|noah|olga|oliver|olivia|otto|pablo|pamela|patricia|patrick|paul|paula|pedro|peter|"
    r"petra|philip|pierre|rachel|raymond|rebecca|renate|richard|robert|roberto|ronald|rosa|ruth|samuel|sandra|"
    r"sarah|sebastian|sergei|sharon|simon|sofia|sophie|stefan|stephanie|stephen|steven|susan|susanne|svetlana|"
    r"teresa|thomas|tim|timothy|tobias|ursula|victor|victoria|vincent|vladimir|walter|werner|wilhelm|william|"
    r"wolfgang|yan|yusuf"
    r")\b"
)


def personal_kind(values: pl.Series) -> PersonalKind | None:
    """What of people a column holds; None where it looks like nothing of the kind.

    >>> personal_kind(pl.Series("seen_by", ["Dr. Anna Meier", "Karl Wolf", "Ines Braun"]))
    'names'
    >>> personal_kind(pl.Series("diagnosis", ["Heart Failure", "Type 2 Diabetes", "Chronic Pain"]))
    """
    known = values.drop_nulls()
    if known.dtype.is_temporal():
        return "dates of birth" if _named(values.name) == "dates of birth" or _spans_a_life(known) else None
    if known.dtype != pl.String:
        return _named_number(known)
    distinct = known.unique(maintain_order=True).head(DISTINCT_LOOKED_AT).str.strip_chars()
    distinct = distinct.filter(distinct.str.len_chars() > 0)
    return _kind_of_texts(values.name, distinct) if len(distinct) else None


def _kind_of_texts(name: str, distinct: pl.Series) -> PersonalKind | None:
    dates = distinct.str.contains(_DATE)
    if _most(dates):
        known = distinct.filter(dates).str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False).drop_nulls()
        is_life = len(known) > 0 and _spans_a_life(known)
        return "dates of birth" if is_life or _named(name) == "dates of birth" else None
    if _most(distinct.str.contains(_EMAIL)):
        return "e-mail addresses"
    if _most(distinct.str.contains(_PHONE) & ~distinct.str.contains(_NUMBER)):
        return "phone or identity numbers"
    if _most(distinct.str.contains(_STREET) & distinct.str.contains(r"\d")):
        return "postal addresses"
    if _names_people(name, distinct):
        return "names"
    named = _named(name)
    return named if named in ("postal addresses", "phone or identity numbers") else None


def _names_people(name: str, distinct: pl.Series) -> bool:
    persons = distinct.filter(distinct.str.contains(_PERSON))
    if len(persons) < MOST_VALUES * len(distinct):
        return False
    if _NAME_COLUMN.search(name) or _PERSON_COLUMN.search(name):
        return True
    return int(persons.str.contains(_GIVEN_NAME).sum()) >= NAMED_SHARE * len(distinct)


def _named(name: str) -> PersonalKind | None:
    return next((kind for kind, pattern in _COLUMNS if pattern.search(name)), None)


def _named_number(known: pl.Series) -> PersonalKind | None:
    """Numbers have no shape of their own: what they are called tells, where they have the digits for it."""
    named = _named(known.name)
    whole = known.dtype.is_integer() and len(known) > 0
    longest = len(str(abs(int(known.max())))) if whole else 0  # type: ignore[arg-type]
    if named == "phone or identity numbers" and longest >= 7:
        return named
    return named if named == "postal addresses" and longest >= 4 else None


def _spans_a_life(known: pl.Series) -> bool:
    days = known.cast(pl.Date, strict=False).to_physical().drop_nulls()
    if len(days) < 2:
        return False
    first, last = days.quantile(0.1), days.quantile(0.9)
    return first is not None and last is not None and (last - first) / DAYS_A_YEAR >= YEARS_OF_BIRTH


def _most(found: pl.Series) -> bool:
    return bool(found.mean() >= MOST_VALUES)  # type: ignore[operator]
