"""Whole numbers that are names: of stays and samples, of diagnoses, providers and places. Their size says nothing."""

import re

import polars as pl

_NUMBER_OF = r"_?(id|ids|nbr|nr|no|num|number|key|code|cd|idx|index)"
_STAY = (
    r"hadm|stay|icustay|icu_?stay|patientunitstay|visit|visit_occurrence|encounter|enc|admission|adm|episode|case|fall|"
    r"fallnummer|record|row|sample|specimen|accession|order|study|exam|event|session|scan|image|account|claim|csn|fin|har|"
    r"unique|uniq|entry|obs|observation|line|seq|serial|barcode|tube|lab|test|result|procedure_?instance|birth_?certificate"
)
_STAY_NAME = re.compile(
    rf"(^|[_. -])({_STAY})({_NUMBER_OF})$|^(stay|csn|uuid|guid|rowid|recordid|index|fallnummer)$", re.IGNORECASE
)
_CODE_OF = (
    r"icd|icd9|icd10|icd_?9|icd_?10|diag|diagnosis|dx|proc|procedure|px|drg|ms_?drg|apr_?drg|cpt|hcpcs|loinc|snomed|atc|ndc|"
    r"rxnorm|npi|ccs|hcc|revenue|zip|zip_?code|zip3|zip5|postcode|postal|postal_?code|plz|fips|county|state|country|region|"
    r"provider|prvdr|hospital|hosp|facility|institution|ward|unit|clinic|center|centre|site|physician|doctor|surgeon|nurse|"
    r"caregiver|attending|operator|insurance|payer|payor|plan|dept|department|icu|item|drug|medication|med|specialty|"
    r"device|scanner|batch|plate|cluster|stratum|team|school|lab_?test|discharge_?disposition|admission_?(type|source)"
)
_CODE_NAME = re.compile(
    rf"(^|[_. -])({_CODE_OF})({_NUMBER_OF}|\d)$|^({_CODE_OF.replace('|unit|', '|').replace('|plan|', '|')})$",
    re.IGNORECASE,
)
# Codes by what they are, and by how they are called.
_CLASSES = re.compile(
    r"(^|[_. -])(race|ethnicity|ethnic|ethnic_?group|sex|gender|religion|language|marital|marital_?status|occupation|"
    r"blood_?group|blood_?type|nationality|insurance|payer|smoking_?status)(_?(id|code|cd|cat|group|type))?$|"
    r"(_code|_cd|_type|_class|_category|_cat|_group|_kind|_method|_reason|_source|_status)(_?id)?$|^code$",
    re.IGNORECASE,
)
_ID = re.compile(r"(?i:^id$|[_. -]id$|_nbr$|_no$|number$|identifier|^mrn$|uuid|recordid|seqn)|[a-z]I[Dd]$")
FEWEST_DIGITS = 5  # of numbers that are names by shape: as many in each, and each often there
REPEATS = 0.5  # at most so many different ones a row
LEAST_CODES = 20  # different values


def names_stays(values: pl.Series, distinct: int, rows: int, repeating_share: float) -> bool:
    """Whether whole numbers name stays, samples or rows, by the column's name and how seldom they repeat.

    >>> names_stays(pl.Series("hadm_id", [1, 1, 2]), 2, 3, 0.3), names_stays(pl.Series("site_id", [1, 1, 2]), 2, 3, 0.3)
    (True, False)
    """
    name = values.name
    called = bool(_STAY_NAME.search(name)) or bool(_ID.search(name) and not names_codes_by_name(name))
    return called and distinct >= repeating_share * rows


def names_identifiers(name: str) -> bool:
    """Whether a column is called like an identifier.

    >>> names_identifiers("encounter_id"), names_identifiers("age")
    (True, False)
    """
    return bool(_ID.search(name))


def names_codes_by_name(name: str) -> bool:
    """Whether a column is called like a code.

    >>> [names_codes_by_name(name) for name in ("icd_code", "provider_id", "ZIP", "race", "age", "heart_rate")]
    [True, True, True, True, False, False]
    """
    return bool(_CODE_NAME.search(name) or _CLASSES.search(name))


def names_codes_by_shape(known: pl.Series, distinct: int) -> bool:
    """Whether whole numbers look like names: of as many digits each, five and more, no round ones, and repeating.

    >>> names_codes_by_shape(pl.Series([50332, 50174, 50295, 50387] * 40 + list(range(50100, 50180)) * 3), 84)
    True
    """
    if not LEAST_CODES <= distinct <= REPEATS * len(known):
        return False
    least, most = int(known.min()), int(known.max())  # type: ignore[arg-type]
    if least <= 0 or len(str(least)) < FEWEST_DIGITS or len(str(least)) != len(str(most)):
        return False
    whole = known.cast(pl.Int64)
    return bool((whole % 10 != 0).mean() > 0.5)  # type: ignore[operator]
