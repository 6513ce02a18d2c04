"""Columns as they are taken: guessed, then corrected by the roles file, the options, and the task."""

import fnmatch

import polars as pl

from rounds.data.choices import Choices
from rounds.data.dataset import FEATURE_ROLES, Column, Role
from rounds.data.roles.guess import examine_column, looks_missing, may_name_patients
from rounds.data.roles.read_columns import as_read, refuse_two_ways, said_of_cells, with_their_origin
from rounds.data.roles.role_file import DATE_SINCE, check_role, check_roles, parse_roles
from rounds.data.tables.cells.reading import Reading
from rounds.data.tables.reading import AS_DATE, AS_WRITTEN, HowRead
from rounds.errors import DataError, ForcedChoiceError, nearest
from rounds.foreign_files import JsonObject

NO_GROUP = "none"
MOMENTS = ("admission", "stay", "outcome")


def matching(patterns: tuple[str, ...], names: list[str], what: str) -> list[str]:
    """Column names that the names and globs mean, in the order of the table; raises DataError for what fits none."""
    found: set[str] = set()
    for pattern in _single(patterns, names):
        hits = [pattern] if pattern in names else fnmatch.filter(names, pattern)
        if not hits:
            raise DataError(
                what, "a column of the table", name=what.lower(), got=pattern, advice=nearest(pattern, names)
            )
        found.update(hits)
    return [n for n in names if n in found]


def _single(patterns: tuple[str, ...], names: list[str]) -> list[str]:
    """Names and globs one by one: "a,b" is two where no column is called so.

    >>> _single(("a,b", "c,d"), ["a", "b", "c,d"])
    ['a', 'b', 'c,d']
    """
    parts = [[pattern] if pattern in names else pattern.split(",") for pattern in patterns]
    return [part.strip() for several in parts for part in several if part.strip()]


Said = JsonObject  # column -> fields


def said_roles(choices: Choices) -> Said:
    """What roles file and --as say, by column; --as wins. Raises DataError where the file is no TOML."""
    said = parse_roles(choices.roles) if choices.roles else {}
    for name, role in choices.as_roles.items():
        before = said.get(name, {})
        said = {**said, name: {**(before if isinstance(before, dict) else {}), "role": role}}
    return said


def check_said(said: Said, choices: Choices, names: list[str]) -> None:
    """Raises DataError where something is said of a column that is not there, or that nobody can say."""
    check_roles({n: fields for n, fields in said.items() if n not in choices.as_roles}, names)
    for name, role in choices.as_roles.items():
        matching((name,), names, "Column")
        check_role(name, role)


def said_readings(said: Said, choices: Choices) -> dict[str, Reading]:
    """How columns are read of which the user has said what they are, before the table is: digits of codes are kept as
    they are written, and numbers of a spreadsheet's calendar become dates."""
    roles = {n: str(f.get("role")) for n, f in said.items() if isinstance(f, dict)}
    group = {choices.group: "identifier"} if choices.group else {}
    return {n: _READ_AS[role] for n, role in (roles | group).items() if role in _READ_AS}


_READ_AS = {**dict.fromkeys(("categorical", "identifier", "text"), AS_WRITTEN), "date": AS_DATE}


def decide_columns(
    table: pl.DataFrame,
    choices: Choices,
    said: Said,
    declared: dict[str, JsonObject] | None = None,
    how: HowRead | None = None,
    force: bool = True,
) -> tuple[Column, ...]:
    """Every column with its role and the reason. said: by the user of the columns, checked; declared: what a built-in
    set says of its columns; how: they were read; force: a choice where an identifier repeats, or cells can be read in
    two ways.

    Raises DataError for names that are not there, ForcedChoiceError where a repeating identifier has no --group.
    """
    names, how = table.columns, how or HowRead()
    special = _special(choices, names)
    dropped = set(matching(choices.drop, names, "Drop"))
    _refuse_dropped(special, choices.drop)
    known = known_when(choices, names)
    fields_of = {
        n: {**(declared or {}).get(n, {}), **_without_empty(said.get(n, {})), **known.get(n, {})} for n in names
    }
    columns = []
    for series in table:
        fields = {**fields_of[series.name], **_known_with_reference(fields_of, series.name)}
        column = as_read(examine_column(series), how)
        given = special.get(series.name) or ("dropped" if series.name in dropped else None)
        if given or "role" in said.get(series.name, {}):
            codes = column.proposed_missing if given == "target" else ()
            words = (looks_missing(codes),) if codes else ()
            column = column.model_copy(update={"said": (*said_of_cells(series.name, how), *words)})
        column = _known_too_late(_corrected(column, fields, series))
        if given:
            reason = "left out by --drop" if given == "dropped" else f"given by --{given}"
            column = column.model_copy(update={"role": given, "reason": reason})
        columns.append(column)
    columns = with_their_origin(columns)
    two_numbers = {name for name, reading in how.readings.items() if reading.kind == "pair"}
    open_ = [name for name in _undecided(table, said, choices) if name not in two_numbers]
    if force:
        dates = date_references(said)
        refuse_two_ways(columns, how, {*special, *dates, *dates.values()})
    if open_ and force:
        raise _unchosen(table[open_[0]])
    return tuple(_repeating(c) if c.name in open_ else c for c in columns)


def known_when(choices: Choices, names: list[str]) -> dict[str, dict[str, str]]:
    """When columns are known, as --known says: COL=WHEN, with names or globs, or WHEN for all; the later wins.

    Raises DataError for another moment than those of roles files, and for a name that fits no column.
    """
    found: dict[str, dict[str, str]] = {}
    for word in choices.known:
        pattern, _, when = word.rpartition("=")
        if when not in MOMENTS:
            advice = f"Write --known COL=WHEN, or --known WHEN for all columns. {nearest(when, list(MOMENTS))}"
            raise DataError("known", " or ".join(MOMENTS), got=when, advice=advice)
        fits = matching((pattern,), names, "Known") if pattern else names
        found |= {name: {"known": when} for name in fits if name not in choices.targets}
    return found


def date_references(said: Said) -> dict[str, str]:
    """Reference column of every date that is wanted as days since it."""
    roles = {n: str(f.get("role", "")) for n, f in said.items()}
    return {n: role.removeprefix(DATE_SINCE) for n, role in roles.items() if role.startswith(DATE_SINCE)}


def _special(choices: Choices, names: list[str]) -> dict[str, Role]:
    """Roles that options give."""
    special: dict[str, Role] = dict.fromkeys(matching(choices.targets, names, "Target"), "target")
    others: tuple[tuple[Role, str | None], ...] = (
        ("group", choices.group),
        ("time", choices.time),
        ("baseline", choices.baseline),
    )
    for role, name in others:
        if name and not (role == "group" and name == NO_GROUP):
            found = matching((name,), names, role.capitalize())[0]
            if found in special:
                advice = "Give each of --target, --group, --time and --baseline a column of its own"
                raise DataError(role.capitalize(), "a column of its own", name=role, got=found, advice=advice)
            special[found] = role
    return special


def _refuse_dropped(special: dict[str, Role], dropped: tuple[str, ...]) -> None:
    """A target that is named; one that a glob happens to fit stays the target."""
    for name, role in special.items():
        if name in dropped and role == "target":
            raise DataError(
                "Drop", "of other columns than the target", name="drop", got=name, advice="Leave it out of --drop"
            )


def _without_empty(fields: JsonObject) -> JsonObject:
    """A unit or a time of knowledge that the user's file leaves open takes nothing away from what is declared."""
    return {k: v for k, v in fields.items() if not (k == "unit" and v == "") and not (k == "known" and v == "unknown")}


def _known_with_reference(fields_of: dict[str, JsonObject], name: str) -> JsonObject:
    """Days since a date that is known only with the outcome are known no earlier."""
    role = str(fields_of[name].get("role", ""))
    reference = fields_of.get(role.removeprefix(DATE_SINCE), {}) if role.startswith(DATE_SINCE) else {}
    return {"known": "outcome"} if reference.get("known") == "outcome" else {}


def _corrected(column: Column, fields: JsonObject, values: pl.Series) -> Column:
    changes = {k: v for k, v in fields.items() if k in ("known", "unit", "reason")}
    if "missing" in fields:
        changes["missing"] = tuple(str(v) for v in fields["missing"])
        changes["proposed_missing"] = tuple(v for v in column.proposed_missing if v not in changes["missing"])
    role = str(fields.get("role", column.role))
    if role.startswith(DATE_SINCE):
        changes |= {"role": "numeric", "reason": f"days since {role.removeprefix(DATE_SINCE)}"}
    elif role != column.role:
        changes |= {"role": role, "reason": fields.get("reason", "said by the user")}
        changes["levels"] = values.drop_nulls().n_unique() if role in ("categorical", "boolean") else 0
    return column.model_copy(update=changes)


def _known_too_late(column: Column) -> Column:
    """What is known only with the outcome cannot be a feature, whatever it looks like."""
    if column.known != "outcome" or column.role not in FEATURE_ROLES:
        return column
    reason = f"{column.role}, but known only with the outcome: after any moment of prediction"
    return column.model_copy(update={"role": "dropped", "reason": reason})


def _undecided(table: pl.DataFrame, said: dict[str, JsonObject], choices: Choices) -> list[str]:
    """Columns whose values repeat as patients do, of which nobody has said whether they are.

    A roles file that leaves one an identifier has not chosen; one that calls it a code or a number has.
    """
    if choices.group is not None:
        return []
    open_ = [n for n in table.columns if said.get(n, {}).get("role", "identifier") == "identifier"]
    return [n for n in open_ if n not in choices.targets and may_name_patients(table[n])]


def _unchosen(values: pl.Series) -> ForcedChoiceError:
    """A repeating identifier is not dropped in silence: patients on both sides of a split would flatter the score."""
    name = values.name
    advice = (
        f"{name} holds {values.n_unique():,} different values in {len(values):,} rows: write --group {name} where rows "
        f"of one value belong together, --group none where every row is another patient, or --as {name}=ROLE where it "
        f"names no patients"
    )
    return ForcedChoiceError("Group", "chosen where an identifier repeats", column=name, advice=advice)


def _repeating(column: Column) -> Column:
    """For `rounds data`, which shows the choice that training will ask for."""
    return column.model_copy(update={"reason": f"{column.reason}; repeats: --group {column.name} or --group none"})


def columns_table(columns: tuple[Column, ...]) -> list[JsonObject]:
    """Columns as plain records, for printing."""
    return [
        {
            "column": c.name,
            "role": c.role,
            "known": c.known,
            "unit": c.unit,
            "levels": c.levels or "",
            "missing": f"{100 * c.missing_share:.1f} %" if c.missing_share else "",
            "read as missing": ", ".join(c.missing),
            "looks missing": ", ".join(c.proposed_missing),
            "reason": c.reason,
        }
        for c in columns
    ]
