"""roles.toml: what every column is taken for, written for the user to edit and handed back."""

import json
from pathlib import Path
from typing import get_args

from rounds.data.dataset import Column, Known, Role
from rounds.errors import DataError, nearest
from rounds.files import write_whole
from rounds.foreign_files import JsonObject, parse_toml, read_small

_FIELDS = ("role", "known", "unit", "missing")
# Roles that a user may give; the others follow from options (--target, --group, --time, --baseline).
GIVEN_ROLES = tuple(r for r in get_args(Role) if r not in ("target", "group", "time", "baseline"))
DATE_SINCE = "date:"  # before the name of the date column that a date is counted from
_HEAD = """# What each column is taken for. Edit, then hand back: rounds train FILE --target COL --roles THIS
# role:    {roles}
#          or "date:REFERENCE": days since another date column
# known:   when the value is known: {known}
# missing: values that mean "missing" beside empty cells; # proposed: values that look so
"""


def write_roles(path: Path, columns: tuple[Column, ...], force: bool = False) -> None:
    """Writes the file, whole or not at all.

    Raises DataError where it is no .toml file, or there is one of other content, which may hold a person's work,
    unless `force`.
    """
    if path.suffix != ".toml":  # a table of patients, say, which --force would overwrite
        raise DataError("Roles file", "a .toml file", name="write", got=str(path), advice="End its name in .toml")
    parts = [_HEAD.format(roles=", ".join(GIVEN_ROLES), known=", ".join(get_args(Known)))]
    content = "\n".join([*parts, *map(_entry, columns)])
    if path.exists() and not force and (not path.is_file() or path.read_bytes() != content.encode()):
        advice = "Choose another name, or add --force to overwrite what was edited there"
        raise DataError("Roles file", "a new file", name="write", got=str(path), advice=advice)
    write_whole(path, content)


def _entry(column: Column) -> str:
    reason = "".join(letter if letter.isprintable() else " " for letter in column.reason)
    lines = [f"[{_quoted(column.name)}]  # {reason}"]
    role = "dropped" if column.role in ("target", "group", "time", "baseline") else column.role
    lines += [f"role = {json.dumps(role)}", f"known = {json.dumps(column.known)}", f"unit = {_quoted(column.unit)}"]
    proposed = f"  # proposed: {_quoted(list(column.proposed_missing))}" if column.proposed_missing else ""
    lines.append(f"missing = {_quoted(list(column.missing))}{proposed}")
    return "\n".join(lines) + "\n"


def _quoted(value: str | list[str]) -> str:
    """As TOML writes it: like JSON, but for the one letter that JSON leaves as it is."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def parse_roles(path: Path) -> JsonObject:
    """{column: {role, known, unit, missing}} as the user left it, before the columns are known.

    Raises DataError where it is missing or no TOML.
    """
    try:
        return parse_toml(read_small(path))
    except FileNotFoundError:
        raise DataError(
            "Roles file", "a file that exists", name="roles", got=str(path), advice="Check the path"
        ) from None
    except (OSError, ValueError) as error:
        advice = "Write it again with rounds data FILE --write"
        raise DataError("Roles file", "TOML", name="roles", got=f"{path.name} ({error})", advice=advice) from None


def check_roles(content: JsonObject, names: list[str]) -> None:
    """Raises DataError where what a roles file says names a column, field, role or time there is not."""
    for name, fields in content.items():
        if name not in names:
            raise DataError("Roles file", "about columns of the table", column=name, advice=nearest(name, names))
        if not isinstance(fields, dict):
            raise DataError("Roles file", "a section a column", column=name, advice=f"Write [{name}] and role = ...")
        _check_fields(name, fields)


def _check_fields(column: str, fields: JsonObject) -> None:
    for field in fields:
        if field not in _FIELDS:
            raise DataError(
                f"Field of {column}",
                f"one of {', '.join(_FIELDS)}",
                name="field",
                got=field,
                advice=nearest(field, list(_FIELDS)),
            )
    check_role(column, str(fields.get("role", "numeric")))
    known = fields.get("known", "unknown")
    if known not in get_args(Known):
        advice = nearest(str(known), list(get_args(Known)))
        raise DataError(
            f"known of {column}", f"one of {', '.join(get_args(Known))}", name="known", got=known, advice=advice
        )
    if not isinstance(fields.get("unit", ""), str):
        raise DataError(f"unit of {column}", "text", name="unit", got=fields["unit"], advice='Write unit = "mmol/L"')
    if not isinstance(fields.get("missing", []), list):
        advice = 'Write missing = ["-9"]'
        raise DataError(f"missing of {column}", "a list", name="missing", got=fields["missing"], advice=advice)


def check_role(column: str, role: str) -> None:
    """Raises DataError for a role that a user cannot give."""
    if role not in GIVEN_ROLES and not role.startswith(DATE_SINCE):
        advice = nearest(role, list(GIVEN_ROLES))
        expected = f"one of {', '.join(GIVEN_ROLES)} or date:REFERENCE"
        raise DataError(f"Role of {column}", expected, name="role", got=role, advice=advice)
