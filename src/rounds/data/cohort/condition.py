"""The condition that rows must meet (--where): SQL of known functions only, evaluated within bounds."""

import re

import polars as pl

from rounds.errors import DataError, nearest

# Functions that a condition may call, and words that a bracket may follow: none makes a text longer than it is.
_NAMES = """
abs ceil ceiling char_length character_length coalesce date datetime day dayofweek dayofyear ends_with exp extract floor
greatest hour if ifnull initcap isodow least left length ln log log10 lower ltrim minute mod month nullif octet_length
pow power quarter regexp_like right round rtrim second sign sqrt starts_with strpos substr substring time timestamp trim
upper week year all and any as between case cast else ilike in is like not or then try_cast varchar when
"""
FUNCTIONS = frozenset(_NAMES.split())
# Letters of a condition, and operators and brackets in it: parsing takes the cube of their number.
LONGEST_CONDITION, MOST_OPERATORS = 10_000, 300
LONGEST_REASON = 200  # letters of another library's words that an error quotes
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`")
_CALLED = re.compile(r"([A-Za-z_][A-Za-z_0-9.]*)\s*\(")
_OPERATOR = re.compile(r"[-+*/%|<>=(]|\b(?:and|or|not)\b", re.IGNORECASE)
_FORBIDDEN = re.compile(r"\bselect\b|;|--|/\*", re.IGNORECASE)
_ADVICE = "Write a condition on columns, such as \"age >= 18 AND sex = 'F'\""


def rows_meeting(table: pl.DataFrame, where: str) -> pl.Series:
    """[N] booleans, null where it cannot be decided.

    Raises DataError where it is no condition on columns, or calls a function that is not among FUNCTIONS.

    >>> rows_meeting(pl.DataFrame({"age": [17, 18, None]}), "age >= 18").to_list()
    [False, True, None]
    """
    why = _unsafe(where)
    if not why:
        held = _evaluated(table, where)
        if isinstance(held, pl.Series):
            return held
        why = held
    raise DataError(
        "Where", "a condition on columns", name="where", got=f"{where[:LONGEST_REASON]} ({why})", advice=_ADVICE
    )


def kept_rows(table: pl.DataFrame, where: str | None) -> pl.DataFrame:
    """The rows that meet the condition; raises DataError as `rows_meeting`, and where no row does."""
    if where is None:
        return table
    kept = table.filter(rows_meeting(table, where))
    if kept.height == 0:
        raise DataError("Where", "true of some rows", name="where", got=where, advice="Loosen the condition")
    return kept


def _unsafe(where: str) -> str:
    """Why a condition is not even tried."""
    if len(where) > LONGEST_CONDITION:
        return f"{len(where):,} letters, at most {LONGEST_CONDITION:,} are read"
    bare = _QUOTED.sub("''", where)
    if found := _FORBIDDEN.search(bare):
        return f"{found.group()} is not allowed"
    unknown = sorted({name.lower() for name in _CALLED.findall(bare)} - FUNCTIONS)
    if unknown:
        return f"{unknown[0]} is no function that a condition may call"
    count = len(_OPERATOR.findall(bare))
    return "" if count <= MOST_OPERATORS else f"{count:,} operators, at most {MOST_OPERATORS} are read"


def _first_unknown(where: str, columns: list[str]) -> str:
    words = re.findall(r"[^\W\d]\w*", _QUOTED.sub("", where))
    known = {name.lower() for name in columns} | FUNCTIONS | {"null", "true", "false", "asc", "desc"}
    return next((word for word in words if word.lower() not in known), "")


def _evaluated(table: pl.DataFrame, where: str) -> pl.Series | str:
    """The condition of every row, or why there is none."""
    try:
        held = table.select(pl.sql_expr(where).alias("held")).to_series()
    except pl.exceptions.ColumnNotFoundError as error:
        absent = next(iter(re.findall(r'"([^"]+)"', str(error))), "") or _first_unknown(where, table.columns)
        return f"{absent or 'a column'} is not there. {nearest(absent, table.columns)}"
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, ValueError, TypeError, OverflowError) as error:
        return str(error).partition("\n")[0][:LONGEST_REASON]
    if held.dtype != pl.Boolean:
        return f"it gives {held.dtype}, not yes or no"
    return held if len(held) == table.height else "it says the same of every row"
