"""Inputs that were read wrongly once, each with its right answer, asked for through the command line.

    python -m benchmarks.files CASES [--only NAME,NAME]

CASES is the folder of inputs that the README beside them describes. Each is handed to `rounds data --json`, and where
the right answer is about a training or an audit, to that command. A Markdown table is printed: what is asked, whether
every check held, and what was seen where one did not.
"""

import argparse
import contextlib
import io
import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.machine import about, told

FEATURES = ("numeric", "categorical", "boolean")


@dataclass(frozen=True)
class Said:
    """What a command said: exit status, both streams as one text, and its record where it printed one."""

    status: int
    text: str
    record: dict[str, Any]

    @property
    def roles(self) -> dict[str, str]:
        return {column["column"]: column["role"] for column in self.record.get("columns", [])}

    @property
    def notes(self) -> str:
        return " ".join(self.record.get("notes", []))

    def proposed(self, column: str) -> str:
        return next(c["looks missing"] for c in self.record["columns"] if c["column"] == column)


@dataclass(frozen=True)
class Case:
    """name: of the input; words: of the command, after which `--json` stands ({} is the folder of inputs); asks: the
    right answer; holds: whether what was said is that."""

    name: str
    asks: str
    holds: Callable[[Said], bool]
    words: str = ""


def rounds(words: list[str]) -> Said:
    """A command in this process."""
    from rounds.cli import main

    out, err, status = io.StringIO(), io.StringIO(), 0
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        patch.object(sys, "argv", ["rounds", *words]),
    ):
        try:
            main()
        except SystemExit as stop:
            status = int(stop.code or 0)
    start = out.getvalue().find("{")
    record = json.loads(out.getvalue()[start:]) if status == 0 and start >= 0 and "--json" in words else {}
    return Said(status, err.getvalue() + out.getvalue(), record)


def no_feature(*names: str) -> Callable[[Said], bool]:
    return lambda said: said.status == 0 and not any(said.roles[name] in FEATURES for name in names)


def numeric(*names: str) -> Callable[[Said], bool]:
    return lambda said: all(said.roles.get(name) == "numeric" for name in names)


def said_of(*names: str) -> Callable[[Said], bool]:
    """Whether a note speaks of each column (or holds each word)."""
    return lambda said: all(name in said.notes for name in names)


def both(*checks: Callable[[Said], bool]) -> Callable[[Said], bool]:
    return lambda said: all(check(said) for check in checks)


def stopped(by: str, column: str) -> Callable[[Said], bool]:
    return lambda said: said.status == 2 and by in said.text and column in said.text


def _flags(said: Said) -> bool:
    flags = {"crp below limit", "troponin below limit", "ferritin above limit", "age above limit"}
    return flags <= said.roles.keys() and numeric("crp", "troponin", "ferritin", "age", "age_eicu")(said)


def _units(said: Said) -> bool:
    units = {column["column"]: column["unit"] for column in said.record["columns"]}
    kept = (units["sbp"], units["creatinine"], units["weight"]) == ("mmHg", "mg/dL", "kg")
    pressures = [name for name in said.roles if name.startswith("bp ") and said.roles[name] == "numeric"]
    return kept and len(pressures) == 2 and numeric("sbp", "creatinine", "weight", "height", "agey")(said)


def _sentinels(said: Said) -> bool:
    codes = {"age": "99", "sbp": "-9", "creatinine": "999", "crp": "-1", "platelets": "0", "big": "-99999"}
    codes |= {"b6": "999999", "m98": "-98"}
    return all(said.proposed(name) == code for name, code in codes.items()) and said_of(*codes)(said)


def _two_classes(said: Said) -> bool:
    target = said.record["target"]
    return (len(target["classes"]), target["positive"].lower()) == (2, "yes")


def _codes(said: Said) -> bool:
    names = ("icd_code", "provider_id", "hospital_id", "drg_code", "cpt_code", "zip_code", "admission_type_id", "race")
    return all(said.roles[name] == "categorical" for name in names) and said_of(*names)(said)


def _dates(name: str) -> Callable[[Said], bool]:
    return lambda said: said.roles.get(name) == "date" and name in said.notes


def _no_duplicates(said: Said) -> bool:
    return said.status == 0 and not any(f["code"] == "duplicate-rows" for f in said.record.get("findings", []))


TRAIN = "train {}/%s --target death --members 1 --rounds 0 --set epochs=1 --out {out} --quiet"
SEQUENCES = "data {}/stays.csv --target death --sequences {}/%s --key stay_id"
CASES = (
    Case("leak_ttd_2000.csv", "target-leak, by its being there", stopped("target-leak", "hours_to_death"), TRAIN),
    Case("leak_score_300.csv", "target-leak", stopped("target-leak", "score"), TRAIN),
    Case("rownum_blank.csv", "row number: no feature, said", both(no_feature("column_1"), said_of("column_1"))),
    Case("all_strings.parquet", "numbers, as from CSV", numeric("age", "crp"), "data {}/%s --target los"),
    Case("target_empty.parquet", "'' is missing, 2 classes", _two_classes, "data {}/%s --target y"),
    Case(
        "missing_words.csv",
        "25 numeric columns, the words said",
        both(numeric(*(f"lab_{i}" for i in range(25))), said_of("not done", "#N/A", "nil")),
    ),
    Case("lab_lt.csv", "numbers at the limit, a flag a limit, said", both(_flags, said_of("crp", "ferritin"))),
    Case("lab_units.csv", "numbers, two of a pressure, units kept", both(_units, said_of("sbp", "bp", "height"))),
    Case("thousands.csv", "numbers, said", both(numeric("platelets", "wbc", "cost", "cost_eur"), said_of("cost"))),
    Case("two_headers.csv", "units, numbers", both(numeric("age", "sbp", "crp", "platelets"), said_of("units"))),
    Case("us_dates_low_days.csv", "asked", said_of("admit_us", "--dates month-first")),
    Case(
        "us_dates_low_days.csv",
        "asked before it decides a split",
        lambda said: said.status == 2 and "--dates" in said.text,
        TRAIN + " --time admit_us",
    ),
    Case("date_mdy.csv", "dates", _dates("mdy")),
    Case("date_mond.csv", "dates", _dates("mond")),
    Case("date_dmon.csv", "dates", _dates("dmon")),
    Case("date_iso_unknown.csv", "dates, unknown missing", _dates("iso_unknown")),
    Case("date_excel_serial.csv", "asked", both(_dates("excel_serial"), said_of("--as excel_serial=date"))),
    Case("date_mixed.csv", "read or left out", _dates("mixed")),
    Case("codes_big.csv", "categorical, said", _codes),
    Case(
        "two_ids.csv",
        "neither is a feature",
        no_feature("hadm_id", "stay"),
        "data {}/%s --target death --group subject_id",
    ),
    Case("label_case_spaces.csv", "2 classes, yes positive, said", both(_two_classes, said_of("death"))),
    Case("repeated_header.csv", "left out, said", both(numeric("age", "crp"), said_of("header"))),
    Case("euro_thousands_mixed.csv", "thousands, said", both(numeric("wbc"), said_of("thousands"))),
    Case("img_tiffloat", "pixel values kept", lambda said: said.status == 0, "data {}/%s"),
    Case("p2012.csv", "hours since the start", lambda said: said.status == 0 and "hour" in said.notes, SEQUENCES),
    Case("chartevents.csv", "valuenum is the value", said_of("valuenum is the value"), SEQUENCES),
    Case(
        "eicu_min.csv",
        "those before admission said",
        lambda said: said.status == 0 and "before" in said.notes,
        SEQUENCES,
    ),
    Case("future.csv", "five left out, said", said_of("5"), SEQUENCES),
    Case(
        "unit_mix.csv",
        "converted or asked",
        lambda said: said.status == 2 or any(word in said.notes for word in ("convert", "unit")),
        SEQUENCES,
    ),
    Case("a_plain.csv", "no duplicate-rows", _no_duplicates, "audit {}/%s"),
    Case("a_split.csv", "no duplicate-rows, split words in any case", _no_duplicates, "audit {}/%s"),
    Case("a_yesno.csv", "yes positive", lambda said: "yes" in json.dumps(said.record).lower(), "audit {}/%s"),
    Case("excel_sep.csv", "read", numeric("age", "crp")),
    Case("comment_head.csv", "read", numeric("age", "crp")),
    Case("sentinels.csv", "all proposed, said", _sentinels),
)


def asked(case: Case, folder: Path) -> tuple[bool, str]:
    """Whether the right answer came, and the last line of what was said."""
    words = (case.words or "data {}/%s --target death") % case.name
    with tempfile.TemporaryDirectory() as out:
        said = rounds([*words.replace("{out}", f"{out}/run").replace("{}", str(folder)).split(), "--json"])
    try:
        held = case.holds(said)
    except (KeyError, TypeError, StopIteration, AttributeError):
        held = False
    return held, (said.text.strip().splitlines() or [""])[-1][:160]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    chosen = [case for case in CASES if not given.only or case.name in given.only.split(",")]
    print("| input | right answer | |\n|---|---|---|")
    results = []
    for case in chosen:
        held, seen = asked(case, given.cases)
        results.append(held)
        print(f"| `{case.name}` | {case.asks} | {'yes' if held else f'no: {seen}'} |", flush=True)
    print(f"\n{sum(results)} of {len(results)}. {told(about('polars'))}")


if __name__ == "__main__":
    main()
