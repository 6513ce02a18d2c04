"""Units of measurement that can be distinguished from each other, and the way from one to another."""

import re
from typing import NamedTuple


class Unit(NamedTuple):
    """What a unit measures, and the way to the first unit of that kind: base = value * factor + offset."""

    measures: str
    factor: float = 1.0
    offset: float = 0.0


class Conversion(NamedTuple):
    """New value = old value * factor + offset."""

    factor: float
    offset: float

    @property
    def changes(self) -> bool:
        return self != (1.0, 0.0)


def _scaled(measures: str, **factors: float | int) -> dict[str, Unit]:
    return {name: Unit(measures, float(factor)) for name, factor in factors.items()}


# By the spelling that `spelled` makes. Mass and amount of substance in a volume meet by the molar mass of what is
# measured (MOLAR_MASS), charge by its valence.
UNITS: dict[str, Unit] = {
    **{name: Unit("temperature") for name in ("c", "degc", "celsius", "degreesc", "cel")},
    **{name: Unit("temperature", 5 / 9, -160 / 9) for name in ("f", "degf", "fahrenheit", "degreesf")},
    **{name: Unit("temperature", 1.0, -273.15) for name in ("k", "kelvin")},
    **_scaled("mass", kg=1, kgs=1, g=1e-3, gm=1e-3, gram=1e-3, grams=1e-3, mg=1e-6, lb=0.45359237, lbs=0.45359237),
    **_scaled("mass", pound=0.45359237, pounds=0.45359237, oz=0.028349523125, ounce=0.028349523125, st=6.35029318),
    **_scaled("length", cm=1, cms=1, m=100, mm=0.1, inch=2.54, inches=2.54, ft=30.48, feet=30.48),
    "in": Unit("length", 2.54),
    **_scaled("volume", ml=1, l=1e3, dl=100, cc=1, ul=1e-3),
    **_scaled("time", min=1, mins=1, minute=1, minutes=1, h=60, hr=60, hrs=60, hour=60, hours=60, s=1 / 60, sec=1 / 60),
    **_scaled(
        "time",
        second=1 / 60,
        seconds=1 / 60,
        ms=1 / 6e4,
        day=1440,
        days=1440,
        d=1440,
        tage=1440,
        jours=1440,
        stunden=60,
        week=10080,
        weeks=10080,
    ),
    **{name: Unit("time", 525_960.0) for name in ("y", "yr", "yrs", "year", "years", "yo", "yearsold", "yrsold")},
    **{
        name: Unit("time", 525_960.0)
        for name in ("j", "jahre", "jahr", "ans", "an", "años", "año", "anni", "anos", "jaar")
    },
    **{
        name: Unit("time", 43_830.0)
        for name in ("mo", "mos", "month", "months", "monthsold", "monate", "mois", "meses")
    },
    **{name: Unit("time", 10_080.0) for name in ("w", "wk", "wks", "wochen", "ssw", "semaines", "semanas")},
    **{name: Unit("$") for name in ("$", "us$", "usd")},
    **{name: Unit("€") for name in ("€", "eur", "euro", "euros")},
    **{name: Unit("£") for name in ("£", "gbp")},
    **{name: Unit("kr") for name in ("kr", "sek", "nok", "dkk")},
    **{
        name: Unit(name)
        for name in ("¥", "₹", "₽", "₩", "₺", "₪", "฿", "r$", "a$", "c$", "s$", "hk$", "nt$", "zł", "rs")
    },
    **{name: Unit(name) for name in ("chf", "cad", "aud", "nzd", "jpy", "cny", "inr", "brl", "zar", "mxn", "pln")},
    **_scaled("pressure", mmhg=1, torr=1, kpa=7.50061683, pa=7.50061683e-3, cmh2o=0.73555924, hpa=0.750061683),
    "mmh2o": Unit("pressure", 0.073555924),
    "mbar": Unit("pressure", 0.750061683),
    **{name: Unit("rate") for name in ("/min", "bpm", "beats/min", "breaths/min", "insp/min", "1/min", "permin")},
    "/s": Unit("rate", 60.0),
    "hz": Unit("rate", 60.0),
    **{name: Unit("mass in volume") for name in ("mg/dl", "mg%")},
    "g/dl": Unit("mass in volume", 1e3),
    "g/l": Unit("mass in volume", 100.0),
    "gm/dl": Unit("mass in volume", 1e3),
    "mg/l": Unit("mass in volume", 0.1),
    "ug/ml": Unit("mass in volume", 0.1),
    "mg/ml": Unit("mass in volume", 100.0),
    "ug/dl": Unit("mass in volume", 1e-3),
    "ug/l": Unit("mass in volume", 1e-4),
    "ng/ml": Unit("mass in volume", 1e-4),
    "ng/dl": Unit("mass in volume", 1e-6),
    "ng/l": Unit("mass in volume", 1e-7),
    "pg/ml": Unit("mass in volume", 1e-7),
    "mmol/l": Unit("amount in volume"),
    "umol/l": Unit("amount in volume", 1e-3),
    "mol/l": Unit("amount in volume", 1e3),
    "nmol/l": Unit("amount in volume", 1e-6),
    "pmol/l": Unit("amount in volume", 1e-9),
    "meq/l": Unit("charge in volume"),
    **{name: Unit("count in volume") for name in ("10^9/l", "10*9/l", "x10^9/l", "x10e9/l", "10e9/l", "k/ul")},
    **{name: Unit("count in volume") for name in ("10^3/ul", "x10^3/ul", "10*3/ul", "x10e3/ul", "k/mm3", "k/mcl")},
    **{name: Unit("count in volume", 1e-3) for name in ("/ul", "/mm3", "cells/ul", "#/ul", "cells/mm3", "10^6/l")},
    **{name: Unit("count in volume", 1e3) for name in ("10^12/l", "x10^12/l", "10*12/l", "m/ul", "10^6/ul")},
    **{name: Unit("share") for name in ("%", "percent", "pct")},
    **{name: Unit("share", 100.0) for name in ("fraction",)},
    "mmol/mol": Unit("ratio of amounts"),
    **{name: Unit("activity in volume") for name in ("u/l", "iu/l", "units/l")},
    "ukat/l": Unit("activity in volume", 60.0),
    "nkat/l": Unit("activity in volume", 0.06),
    **_scaled("voltage", v=1e3, mv=1, uv=1e-3, nv=1e-6),
    "ml/min": Unit("flow"),
    "l/min": Unit("flow", 1e3),
    "ml/h": Unit("flow", 1 / 60),
    "ml/hr": Unit("flow", 1 / 60),
}
# Grams a mole of what the name of a variable speaks of (urea nitrogen as N2; haemoglobin as a quarter of the molecule,
# as laboratories count it).
MOLAR_MASS: tuple[tuple[str, float], ...] = (
    (r"urea.?nitrogen|\bbun\b", 28.014),
    (r"\burea\b", 60.056),
    (r"gluc|\bglu\b", 180.156),
    (r"creat", 113.12),
    (r"bili", 584.66),
    (r"triglyc", 885.4),
    (r"chol|\bldl\b|\bhdl\b", 386.65),
    (r"calcium|\bca\b", 40.078),
    (r"magnes|\bmg\b", 24.305),
    (r"phosph", 30.974),
    (r"lact", 90.078),
    (r"uric|urate", 168.11),
    (r"\biron\b", 55.845),
    (r"ha?emoglobin|\bhgb\b|\bhb\b", 16114.5),
    (r"albumin", 66438.0),
    (r"sodium|\bna\b", 22.990),
    (r"ammoni", 17.031),
    (r"potassium|\bk\b", 39.098),
    (r"chlor|\bcl\b", 35.453),
    (r"bicarb|hco3", 61.017),
    (r"cortisol", 362.46),
)
HBA1C = Conversion(10.93, -23.5)  # per cent (NGSP) into mmol/mol (IFCC master equation)
VALENCE: tuple[tuple[str, float], ...] = (
    (r"sodium|\bna\b|potassium|\bk\b|chlor|\bcl\b|bicarb|hco3|lact|anion", 1.0),
    (r"calcium|\bca\b|magnes|\bmg\b", 2.0),
)


def unit_name(text: str) -> str:
    """A unit as it is written, without brackets and spaces around it.

    >>> unit_name(" (mg/dL) ")
    'mg/dL'
    """
    return re.sub(r"\s+", " ", text).strip(" ()[]")


def measured_quantity(unit: str) -> str:
    """What a unit measures, "" where it is not known.

    >>> measured_quantity("°F"), measured_quantity("furlongs")
    ('temperature', '')
    """
    known = UNITS.get(spelled(unit))
    return known.measures if known else ""


def spelled(unit: str) -> str:
    """A unit in one spelling: small letters, no spaces, u for micro.

    >>> [spelled(unit) for unit in ("mg/dL", " MMOL / L", "µmol/L", "°C", "deg. F", "mcg/mL")]
    ['mg/dl', 'mmol/l', 'umol/l', 'c', 'degf', 'ug/ml']
    """
    plain = re.sub(r"[\s.°]", "", unit).lower()
    return re.sub(r"^mcg|^microg(ram)?", "ug", plain.replace("µ", "u").replace("μ", "u"))


def conversion(old: str, new: str, variable: str) -> Conversion | None:
    """The way from one unit to another for what `variable` names, None where it is not known.

    >>> conversion("F", "C", "temperature")
    Conversion(factor=0.5555555555555556, offset=-17.77777777777778)
    >>> round(conversion("mmol/L", "mg/dL", "Glucose").factor, 2), conversion("mmol/L", "mg/dL", "220045")
    (18.02, None)
    """
    if spelled(old) == spelled(new):
        return Conversion(1.0, 0.0)
    if re.search(r"a1c", variable.lower()) and {spelled(old), spelled(new)} == {"%", "mmol/mol"}:
        return HBA1C if spelled(new) == "mmol/mol" else Conversion(1 / HBA1C.factor, -HBA1C.offset / HBA1C.factor)
    first, second = UNITS.get(spelled(old)), UNITS.get(spelled(new))
    if first is None or second is None:
        return None
    between = _between(first.measures, second.measures, variable.lower())
    if between is None:
        return None
    return Conversion(first.factor * between / second.factor, (first.offset * between - second.offset) / second.factor)


def _between(old: str, new: str, variable: str) -> float | None:
    """How many base units of `new` one base unit of `old` is."""
    if old == new:
        return 1.0
    mole = {"amount in volume": 1.0}
    if mass := _named(MOLAR_MASS, variable):
        mole["mass in volume"] = 10 / mass  # mg/dL in mmol/L
    if valence := _named(VALENCE, variable):
        mole["charge in volume"] = 1 / valence
    return mole[old] / mole[new] if old in mole and new in mole else None


def _named(table: tuple[tuple[str, float], ...], variable: str) -> float | None:
    return next((number for pattern, number in table if re.search(pattern, variable)), None)
