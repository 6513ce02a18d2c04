"""Every variable in one unit: converted where the way is known, left out where it is rare, else asked."""

from collections.abc import Mapping

import polars as pl

from rounds.data.tables.cells.units import conversion, measured_quantity
from rounds.errors import ForcedChoiceError

# Share of a variable's measurements below which a unit that cannot be converted is left out instead of asked about.
RARE_UNIT = 0.01
MOST_NAMED = 10  # variables in one message, and lines of notes


def in_one_unit(
    measured: pl.DataFrame, known: Mapping[str, str]
) -> tuple[pl.DataFrame, dict[str, str], tuple[str, ...]]:
    """Measurements (variable, value, maybe unit) in one unit a variable, those units, and what was done.

    known: units of training, by variable; a variable that is not among them takes its most frequent one, temperatures
    that of all of them. Rows without a unit count as being in it. Raises ForcedChoiceError where units cannot be
    distinguished from each other.

    >>> mixed = pl.DataFrame({"variable": ["Temp"] * 3, "value": [37.0, 36.5, 98.6], "unit": ["C", "C", "F"]})
    >>> in_one_unit(mixed, {})[0]["value"].round(1).to_list()
    [37.0, 36.5, 37.0]
    """
    if "unit" not in measured.columns:
        return measured, dict(known), ()
    counts = (
        measured.drop_nulls("unit").filter(pl.col("unit").str.strip_chars() != "").group_by("variable", "unit").len()
    )
    counts = counts.sort("variable", "len", "unit", descending=[False, True, False])
    chosen = {**_most_frequent(counts), **known}
    totals = dict(counts.group_by("variable").agg(pl.col("len").sum()).iter_rows())
    ways, notes, unknown = [], [], []
    for variable, unit, count in counts.iter_rows():
        way = conversion(unit, chosen[variable], variable)
        if way is None and count >= RARE_UNIT * totals[variable]:
            unknown.append(f"{variable} in {chosen[variable]} and {unit}")
        elif way is None:
            ways.append((variable, unit, float("nan"), 0.0))
            notes.append(f"{variable}: {count:,} measurements in {unit} left out, the others are in {chosen[variable]}")
        elif way.changes:
            ways.append((variable, unit, way.factor, way.offset))
            notes.append(f"{variable}: {count:,} measurements in {unit} converted to {chosen[variable]}")
    if unknown:
        shown = ", ".join(unknown[:MOST_NAMED]) + (", ..." if len(unknown) > MOST_NAMED else "")
        advice = "Convert them in the table, or give the measurements of each unit a variable's name of their own"
        raise ForcedChoiceError("Unit of a variable", "one, or of a known pair", name="units", got=shown, advice=advice)
    if len(notes) > MOST_NAMED:
        notes = [*notes[:MOST_NAMED], f"and {len(notes) - MOST_NAMED:,} more units of other variables, in the same way"]
    return _converted(measured, ways), {v: u.strip() for v, u in chosen.items()}, tuple(notes)


def _most_frequent(counts: pl.DataFrame) -> dict[str, str]:
    """The unit of each variable (variable, unit, len: the most frequent first); one of all that are temperatures."""
    chosen = dict(counts.group_by("variable", maintain_order=True).agg(pl.col("unit").first()).iter_rows())
    degrees = counts.filter(pl.col("unit").map_elements(measured_quantity, pl.String) == "temperature").group_by("unit")
    most = degrees.agg(pl.col("len").sum()).sort("len", "unit", descending=[True, False])["unit"]
    return {v: most[0] if measured_quantity(u) == "temperature" else u for v, u in chosen.items()}


def _converted(measured: pl.DataFrame, ways: list[tuple[str, str, float, float]]) -> pl.DataFrame:
    if not ways:
        return measured
    table = pl.DataFrame(ways, schema=["variable", "unit", "factor", "offset"], orient="row")
    joined = measured.join(table, on=["variable", "unit"], how="left", maintain_order="left")
    value = pl.col("value") * pl.col("factor").fill_null(1.0) + pl.col("offset").fill_null(0.0)
    return joined.with_columns(value.fill_nan(None).alias("value")).drop("factor", "offset").drop_nulls("value")
