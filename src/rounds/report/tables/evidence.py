"""What evidence.json says after the score, as tables: calibration, decisions, intervals, subgroups, Table 1."""

from collections.abc import Mapping

from rounds.report.run_files import RunFiles
from rounds.report.wording import count, decimals_of, estimate_cells, label, number, p_value, percent
from rounds.run_folder.evidence import (
    Calibration,
    CharacteristicRow,
    Characteristics,
    OperatingPoint,
    RecalibrationRecord,
    Subgroup,
    TriedMap,
)
from rounds.run_folder.metrics import Estimate
from rounds.run_folder.stored import Content

MOST_LINES = 40  # outputs, groups: more would be read by nobody; evidence.json has all
PROBABILITY_FIGURES = {
    "slope": "Slope",
    "intercept": "Intercept",
    "expected_over_observed": "Expected over observed",
}
NUMBER_FIGURES = {"slope": "Slope", "intercept": "Intercept", "bias": "Bias"}
BRIER_PARTS = {
    "score": "Brier score",
    "reliability": "Reliability",
    "resolution": "Resolution",
    "uncertainty": "Uncertainty",
    "within_bins": "Within bins",
}
MAPS = {
    "temperature": "Temperature",
    "logistic": "Logistic",
    "isotonic": "Isotonic",
    "linear": "Straight line",
}
CELLS = ("true_positive", "false_positive", "false_negative", "true_negative")
SHARES = ("sensitivity", "specificity", "precision", "negative_predictive_value", "alert_share")


def calibration_table(run: RunFiles) -> Content | None:
    """Slope, intercept, expected over observed and Brier's parts (numbers: bias) of each output; maps tried."""
    if run.evidence is None or not run.evidence.calibration:
        return None
    made = run.evidence.calibration
    is_number = not run.task.is_classification
    figures = NUMBER_FIGURES if is_number else PROBABILITY_FIGURES
    parts = {} if is_number else BRIER_PARTS
    unit = f" ({run.task.unit})" if run.task.unit else ""
    heads = [f"{h}{unit if is_number and k != 'slope' else ''}" for k, h in figures.items()]
    rows = [
        (name, [estimate_cells(getattr(said, k)) for k in figures], [number(getattr(said.brier, p), 4) for p in parts])
        for name, said in list(made.items())[:MOST_LINES]
    ]
    return {
        "heads": [*heads, *parts.values()],
        "rows": rows,
        "left_out": max(0, len(made) - MOST_LINES),
        "is_number": is_number,
        "is_on_first": len(made) == 1,
        "unit": unit,
        "by_size": _error_by_size(made) if is_number else [],
        **_recalibration(run.evidence.recalibration),
    }


def _error_by_size(made: dict[str, Calibration]) -> list[tuple[str, str, str, str, str]]:
    """(mean prediction, mean of what happened, its interval, mean absolute error, patients) of the first target."""
    found = []
    for point in next(iter(made.values())).curve:
        observed, interval = estimate_cells(Estimate(value=point.observed, low=point.low, high=point.high))
        found.append((number(point.predicted), observed, interval, number(point.mae), count(point.patients)))
    return found


def _recalibration(record: RecalibrationRecord | None) -> Content:
    """maps: (name, gain, interval or reason); kept: one sentence."""
    record = record or RecalibrationRecord(kept="none")
    maps = [(MAPS.get(kind, kind), *_gain(tried)) for kind, tried in record.tried.items()]
    kept = record.kept
    if kept != "none":
        applied = "every prediction goes through it" if record.applied else "it is not applied"
        said = f"{MAPS.get(kept, kept)} map kept: it helped on validation patients that it was not fitted on; {applied}"
    else:
        said = record.reason or "no map helped on validation patients that it was not fitted on, and none is kept"
    return {"maps": maps, "kept": said, "gain_metric": label(record.metric).lower() if record.metric else ""}


def _gain(tried: TriedMap) -> tuple[str, str]:
    return estimate_cells(tried.gain) if tried.gain else ("–", f"not tried: {tried.not_tried}")


def decisions(run: RunFiles) -> Content | None:
    """Operating points of each output with their four cells, as far as they name nobody."""
    if run.evidence is None or not run.evidence.decisions.outputs:
        return None
    record = run.evidence.decisions
    outputs = [
        {"name": name, "prevalence": percent(said.prevalence, 1), "points": [_point(p) for p in said.points]}
        for name, said in list(record.outputs.items())[:MOST_LINES]
    ]
    return {"outputs": outputs, "chosen_on": record.chosen_on, "a_day": record.rows_a_day is not None}


def _point(point: OperatingPoint) -> Content:
    """One line; where a cell stands for 1 to 9 patients, what it is made of is hidden and all else is rounded."""
    defined = point.model_fields_set
    return {
        "target": _target(point.target),
        "threshold": threshold_text(point.threshold),
        "cells": [_cell(point.cells[name], point.rounded) for name in CELLS],
        "shares": [_share(getattr(point, n), point.rounded) if n in defined else ("–", "") for n in SHARES],
        "alerts_a_day": number(point.alerts_a_day),
    }


def threshold_text(threshold: float) -> str:
    """A probability in percent, with as many decimals as tell it from 0 and 1.

    >>> threshold_text(0.202), threshold_text(0.99996), threshold_text(0.000123), threshold_text(1.0)
    ('20.2 %', '99.996 %', '0.01 %', '100.0 %')
    """
    decimals = next((d for d in range(1, 6) if 0 < round(threshold, 2 + d) < 1), 1)
    return percent(threshold, decimals)


def _target(target: dict[str, float]) -> str:
    (name, value), *_ = target.items()
    words = {
        "sensitivity": "find {} of cases",
        "precision": "{} of alerts right",
        "alert_share": "alert on {} of rows",
        "alerts_a_day": "alert on {} a day",
    }
    return words[name].format(f"{value:g}" if name == "alerts_a_day" else percent(value))


def _cell(value: int | None, rounded: bool) -> str:
    """
    >>> _cell(None, True), _cell(340, True), _cell(344, False), _cell(0, False)
    ('under 10', 'about 340', '344', '0')
    """
    if value is None:
        return "under 10"
    return f"about {value:,}" if rounded and value else f"{value:,}"


def _share(share: Estimate | None, rounded: bool) -> tuple[str, str]:
    if share is None:
        return "hidden", ""
    if rounded:
        return f"about {percent(share.value)}", ""
    return percent(share.value, 1), f"{100 * share.low:.1f} to {percent(share.high, 1)}"


def intervals(run: RunFiles) -> Content | None:
    """What was promised and what was measured on judged patients, for each target; None for probabilities."""
    if run.evidence is None or run.task.is_classification:
        return None
    record = run.evidence.intervals
    if not record.made or record.level is None:
        return {"reason": record.reason, "rows": []}
    measured = record.judged
    unit = f" {run.task.unit}" if run.task.unit else ""
    rows = [
        (
            name,
            percent(said.coverage.value, 1),
            f"{percent(said.coverage.low, 1)} to {percent(said.coverage.high, 1)}",
            number(said.mean_width) + unit,
            number(said.median_width) + unit,
        )
        for name, said in list(measured.targets.items() if measured else ())[:MOST_LINES]
    ]
    return {
        "reason": "",
        "level": percent(record.level),
        "calibrated_on": count(record.patients),
        "rows": rows,
        "judged_on": count(measured.patients if measured else None),
        "scale": record.scale,
    }


def subgroups(run: RunFiles) -> Content | None:
    """Score, calibration and difference to all others of each group; None where nothing was compared."""
    if run.evidence is None or not run.evidence.subgroups.columns:
        return None
    record = run.evidence.subgroups
    metric = record.compared_by
    several = run.task.outputs > 1
    columns = [
        (name, [_group(group, metric, several) for group in groups][:MOST_LINES])
        for name, groups in record.columns.items()
    ]
    return {"metric": label(metric), "columns": columns, "comparisons": record.comparisons, "several": several}


def _group(group: Subgroup, metric: str, several: bool) -> Content:
    if group.suppressed:
        return {"group": group.group, "hidden": True}
    return {
        "group": group.group,
        "hidden": False,
        "rows": _size(group.rows, group.rounded),
        "patients": _size(group.patients, group.rounded),
        "score": estimate_cells(group.metrics.get(metric)),
        "bias": ("", "") if several else estimate_cells(next(iter(group.bias.values()))),
        "difference": estimate_cells(group.difference),
        "p_value": p_value(group.difference.p_value) if group.difference else "too few" if group.not_compared else "–",
    }


def _size(size: int, rounded: bool) -> str:
    return f"about {size:,}" if rounded else count(size)


def characteristics_table(run: RunFiles) -> Content | None:
    """Table 1: each outcome and feature by part of the split, with what is missing."""
    record = run.evidence and run.evidence.characteristics
    if not record:
        return None
    parts = record.parts
    rows = [
        {
            "name": _row_name(row),
            "first": row.kind == "level" and row.level == _first_level(record, row),
            "column": row.column,
            "unit": row.unit,
            "kind": row.kind,
            "cells": [_characteristic(row.kind, row.parts[part]) for part in parts],
        }
        for row in record.rows
    ]
    heads = [(name, count(size.patients), count(size.rows)) for name, size in parts.items()]
    return {"heads": heads, "rows": rows, "columns": len({row.column for row in record.rows})}


def _first_level(record: Characteristics, row: CharacteristicRow) -> str | None:
    return next(r.level for r in record.rows if r.column == row.column)


def _row_name(row: CharacteristicRow) -> str:
    return {"number": "median (quartiles)", "missing": "missing"}.get(row.kind, str(row.level))


def _year_like(text: str) -> str:
    """Four digits stay together, as they may be a year."""
    return text.replace(",", "") if len(text.replace(",", "").lstrip("−")) == 4 else text


def _characteristic(kind: str, cell: Mapping[str, float] | None) -> str:
    """
    >>> _characteristic("number", {"median": 1.0, "low": 0.9, "high": 1.25})
    '1.00 (0.90 to 1.25)'
    >>> _characteristic("number", {"median": 1996.0, "low": 1996.0, "high": 1997.0})
    '1996 (1996 to 1997)'
    >>> _characteristic("level", {"rows": 2758, "share": 0.547}), _characteristic("level", None)
    ('2,758 (55 %)', 'hidden')
    """
    if cell is None:
        return "hidden"
    if kind == "number":
        values = [cell[name] for name in ("median", "low", "high")]
        decimals = 0 if all(v == round(v) for v in values) else decimals_of(max(values, key=abs))
        middle, low, high = (_year_like(number(v, decimals)) for v in values)
        return f"{middle} ({low} to {high})"
    return f"{cell['rows']:,.0f} ({percent(cell['share'])})"
