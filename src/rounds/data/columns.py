"""Columns as they are taken: guessed, then corrected by the roles file, the options, and the task."""

import fnmatch
from typing import Any

import polars as pl

from rounds.data.choices import Choices
from rounds.data.dataset import Column, Role
from rounds.data.role_file import check_role, read_roles
from rounds.data.roles import examine_column, may_name_patients
from rounds.errors import DataError, ForcedChoiceError, must_be, nearest

NO_GROUP = "none"


def matching(patterns: tuple[str, ...], names: list[str], what: str) -> list[str]:
    """Column names that the names and globs mean, in the order of the table; raises DataError for what fits none."""
    found: set[str] = set()
    for pattern in patterns:
        hits = [pattern] if pattern in names else fnmatch.filter(names, pattern)
        if not hits:
            raise DataError(must_be(what, "a column of the table", what.lower(), pattern, nearest(pattern, names)))
        found.update(hits)
    return [n for n in names if n in found]


def given_roles(choices: Choices, names: list[str]) -> dict[str, dict[str, Any]]:
    """What roles file and --as say, by column; --as wins."""
    said = read_roles(choices.roles, names) if choices.roles else {}
    for name, role in choices.as_roles.items():
        matching((name,), names, "Column")
        check_role(name, role)
        said = {**said, name: {**said.get(name, {}), "role": role}}
    return said


def decide_columns(
    table: pl.DataFrame, choices: Choices, declared: dict[str, dict[str, Any]] | None = None
) -> tuple[Column, ...]:
    """Every column with its role and the reason. declared: what a built-in set says of its columns.

    Raises DataError for names that are not there, ForcedChoiceError where a repeating identifier has no --group.
    """
    names = table.columns
    said = given_roles(choices, names)
    special: dict[str, Role] = dict.fromkeys(matching(choices.targets, names, "Target"), "target")
    for role, name in (("group", choices.group), ("time", choices.time), ("baseline", choices.baseline)):
        if name and name != NO_GROUP:
            special[matching((name,), names, role.capitalize())[0]] = role  # type: ignore[assignment]
    dropped = matching(choices.drop, names, "Drop")
    columns = []
    for series in table:
        column = examine_column(series)
        column = _corrected(column, {**(declared or {}).get(series.name, {}), **said.get(series.name, {})})
        if series.name in dropped:
            column = column.model_copy(update={"role": "dropped", "reason": "left out by --drop"})
        if series.name in special:
            column = column.model_copy(
                update={"role": special[series.name], "reason": f"given by --{special[series.name]}"}
            )
        columns.append(column)
    _force_group(table, columns, choices, set(said))
    return tuple(columns)


def _corrected(column: Column, fields: dict[str, Any]) -> Column:
    changes = {k: v for k, v in fields.items() if k in ("known", "unit", "reason")}
    if "missing" in fields:
        changes["missing"] = tuple(str(v) for v in fields["missing"])
    role = str(fields.get("role", column.role))
    if role.startswith("date:"):
        changes |= {"role": "numeric", "reason": f"days since {role[5:]}"}
    elif role != column.role:
        changes |= {"role": role, "reason": fields.get("reason", "said by the user")}
    return column.model_copy(update=changes)


def _force_group(table: pl.DataFrame, columns: list[Column], choices: Choices, said: set[str]) -> None:
    """A repeating identifier is not dropped in silence: patients on both sides of a split would flatter the score."""
    if choices.group is not None:
        return
    open_ = [c for c in columns if c.role in ("numeric", "categorical", "identifier") and c.name not in said]
    for column in open_:
        values = table[column.name]
        if may_name_patients(values):
            most = values.n_unique()
            advice = (
                f"{column.name} holds {most:,} different values in {len(values):,} rows: write --group {column.name} "
                f"where rows of one value belong together, or --group none where every row is another patient"
            )
            raise ForcedChoiceError(
                must_be("Group", "chosen where an identifier repeats", "column", column.name, advice)
            )


def columns_table(columns: tuple[Column, ...]) -> list[dict[str, Any]]:
    """Columns as plain records, for printing."""
    return [
        {
            "column": c.name, "role": c.role, "known": c.known, "unit": c.unit, "levels": c.levels or "",
            "missing": f"{100 * c.missing_share:.1f} %" if c.missing_share else "",
            "read as missing": ", ".join(c.missing), "looks missing": ", ".join(c.proposed_missing), "reason": c.reason,
        }
        for c in columns
    ]  # fmt: skip
