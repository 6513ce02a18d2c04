"""Whole numbers that are names: of stays and samples, of diagnoses, providers and places. Their size says nothing."""

import re

import polars as pl

# Words that say "number of" behind a name, and in front of it (id_sejour, num_dossier, codigo_hospital).
_NUMBER_OF = r"[_. -]?(id|ids|nbr|nr|no|num|number|nummer|numero|número|key|code|cd|idx|index)"
_NUMBER_BEFORE = r"(id|ids|nr|no|num|numero|número|n|cod|code|codigo|código|codice)[_. -]"
_STAY = (
    r"hadm|stay|icustay|icu_?stay|patientunitstay|visit|visit_occurrence|encounter|enc|admission|adm|episode|case|fall|"
    r"fallnummer|record|row|sample|specimen|accession|order|study|exam|event|session|scan|image|account|claim|csn|fin|har|"
    r"unique|uniq|entry|obs|observation|line|seq|serial|barcode|tube|lab|test|result|procedure_?instance|birth_?certificate|"
    r"aufnahme|aufenthalt|behandlung|besuch|probe|proben|befund|auftrag|untersuchung|vorgang|s[ée]jour|hospitalisation|"
    r"venue|dossier|pr[ée]l[èe]vement|examen|episodio|ingreso|estancia|muestra|expediente|visita|ricovero|campione|"
    r"interna[cç][aã]o|amostra|opname|opnamen"
)
_STAY_ALONE = (
    r"stay|csn|uuid|guid|rowid|recordid|index|fallnummer|encounter|accession|hadm|episode|specimen|barcode|claim|"
    r"aufnahmenr|fallnr|s[ée]jour|dossier|episodio"
)
_STAY_NAME = re.compile(
    rf"(^|[_. -])({_STAY})({_NUMBER_OF})$|^{_NUMBER_BEFORE}({_STAY})$|^({_STAY_ALONE})$", re.IGNORECASE
)
_CODE_OF = (
    r"icd|icd9|icd10|icd_?9|icd_?10|diag|diagnosis|dx|proc|procedure|px|drg|ms_?drg|apr_?drg|cpt|hcpcs|loinc|snomed|atc|ndc|"
    r"rxnorm|npi|ccs|hcc|revenue|zip|zip_?code|zip3|zip5|postcode|postal|postal_?code|plz|fips|county|state|country|region|"
    r"provider|prvdr|hospital|hosp|facility|institution|ward|unit|clinic|center|centre|site|physician|doctor|surgeon|nurse|"
    r"caregiver|attending|operator|insurance|payer|payor|plan|dept|department|icu|item|drug|medication|med|specialty|"
    r"device|scanner|batch|plate|cluster|stratum|study|trial|bed|care_?unit|team|school|lab_?test|discharge_?disposition|admission_?(type|source)|"
    r"concept|ops|kasse|krankenkasse|versicherung|arzt|[äa]rztin|klinik|krankenhaus|standort|station|abteilung|"
    r"fachabteilung|diagnose|hauptdiagnose|prozedur|bundesland|kreis|gemeinde|aufnahme(grund|art|anlass)|"
    r"entlass(ung|ungs)?(grund|art)|m[ée]decin|h[ôo]pital|d[ée]partement|r[ée]gion|commune|cim_?10|diagnostic|"
    r"code_?postal|mode_?(entr[ée]e|sortie)|provenance|assurance|provincia|municipio|comunidad|diagn[óo]stico|servicio|"
    r"m[ée]dico|cie_?10|cie_?9|aseguradora|reparto|ospedale|regione|comune|diagnosi|estado|munic[íi]pio|conv[êe]nio|"
    r"ziekenhuis|afdeling|huisarts"
)
# Codes that keep being codes behind another word: apache_dx, attending_provider, insurance_plan, county_fips.
_CODE_BEHIND = (
    r"icd|icd9|icd10|dx|drg|cpt|npi|ndc|fips|zip|postcode|plz|provider|physician|doctor|surgeon|nurse|caregiver|hospital|"
    r"facility|clinic|ward|department|specialty|payer|payor|insurance|plan|county|state|country|region|site|center|centre|"
    r"arzt|klinik|station|abteilung|fachabteilung|m[ée]decin|h[ôo]pital|diagnose|diagnosis"
)
_COUNTED = r"^(n|num|no|number|count|total|nr|anzahl|nb|days|hours|years|time|mean|max|min|avg)(_of|_in)?[_. -]"
_CODE_ALONE = _CODE_OF.replace("|unit|", "|").replace("|plan|", "|")
_CODE_NAME = re.compile(
    rf"(^|[_. -])({_CODE_OF})({_NUMBER_OF}|\d)$|^({_CODE_ALONE})$|^{_NUMBER_BEFORE}({_CODE_OF})$|"
    rf"[_. -]({_CODE_BEHIND})$",
    re.IGNORECASE,
)
# Codes by what they are, and by how they are called.
_CLASSES = re.compile(
    r"(^|[_. -])(race|ethnicity|ethnic|ethnic_?group|sex|gender|religion|language|marital|marital_?status|occupation|"
    r"geschlecht|familienstand|beruf|blutgruppe|religionszugeh[öo]rigkeit|sexe|sexo|sesso|geslacht|g[ée]nero|estado_?civil|"
    r"raza|blood_?group|blood_?type|nationality|insurance|payer|smoking_?status)(_?(id|code|cd|cat|group|type))?$|"
    r"(_code|_cd|_type|_class|_category|_cat|_group|_kind|_method|_reason|_source|_status)(_?id)?$|^code$",
    re.IGNORECASE,
)
_ID = re.compile(r"(?i:^id$|[_. -]id$|_nbr$|_no$|number$|identifier|^mrn$|uuid|recordid|seqn)|[a-z]I[Dd]$")
# Columns that measure or count, whatever shape their numbers have.
_MEASURES = re.compile(
    r"(^|[_. -])(wbc|rbc|plt|platelets?|leu[ck]o\w*|thrombo\w*|neutro\w*|lympho\w*|steps?|weight|birth_?weight|"
    r"charges?|costs?|price|amount|income|salary|volume|count|dose|calories|energy|ferritin|ck|cpk|ldh|bnp|nt_?probnp|ddimer|"
    r"kosten|gewicht|pr[äa]mie|co[ûu]ts?|poids|costos?|ingresos|peso|total|days|hours|minutes|seconds|years|age|score)"
    r"([_. -]|$)",
    re.IGNORECASE,
)
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


def ends_in_id(name: str) -> bool:
    """Whether a column is an id by the last part of its name.

    >>> [ends_in_id(name) for name in ("kassen_id", "siteID", "visit_number", "fluid", "id")]
    [True, True, False, False, False]
    """
    return bool(re.search(r"(?i:[_. -]id$)|[a-z]I[Dd]$", name))


def names_codes_by_name(name: str) -> bool:
    """Whether a column is called like a code.

    >>> [names_codes_by_name(name) for name in ("icd_code", "provider_id", "ZIP", "race", "age", "heart_rate")]
    [True, True, True, True, False, False]
    """
    return not re.match(_COUNTED, name, re.IGNORECASE) and bool(_CODE_NAME.search(name) or _CLASSES.search(name))


def measures_by_name(name: str) -> bool:
    """Whether a column is called like something that is measured or counted.

    >>> measures_by_name("total_charges"), measures_by_name("hadm_id")
    (True, False)
    """
    return bool(_MEASURES.search(name))


def names_codes_by_shape(known: pl.Series, distinct: int) -> bool:
    """Whether whole numbers look like names: of as many digits each, five and more, no round ones, and repeating.

    >>> names_codes_by_shape(pl.Series([50332, 50174, 50295, 50387] * 40 + list(range(50100, 50180)) * 3), 84)
    True
    """
    if not LEAST_CODES <= distinct <= REPEATS * len(known) or measures_by_name(known.name):
        return False
    least, most = int(known.min()), int(known.max())  # type: ignore[arg-type]
    if least <= 0 or len(str(least)) < FEWEST_DIGITS or len(str(least)) != len(str(most)):
        return False
    whole = known.cast(pl.Int64)
    return bool((whole % 10 != 0).mean() > 0.5)  # type: ignore[operator]
