"""What predictions rest on: how much worse they get when one column, or one span of time, is taken away from them."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from rounds.data.dataset import Inputs
from rounds.data.preparation.preparation import Preparation
from rounds.data.recordings.channels import unscaled_channels
from rounds.data.recordings.timeline import Timeline
from rounds.ensemble.choose import ChosenEnsemble, without_warmup
from rounds.ensemble.members import average_outputs, configuration, held_out_outputs, sound_members
from rounds.metrics import main_metric
from rounds.statistics.intervals import paired_difference
from rounds.training.population.build import Trained
from rounds.training.population.fold_data import FoldData
from rounds.training.slab import Rows

# Rows that it is measured on, and columns, at most: every column costs a prediction of all of them.
MOST_ROWS, MOST_COLUMNS = 1_000, 60
SPANS = 8  # equal parts of a recording that are hidden in turn


def importance_record(
    trained: Trained, fold_data: FoldData, made: ChosenEnsemble, patients: np.ndarray
) -> dict[str, Any]:
    """{"metric", "rows", "columns", "spans", "reason"}: columns and spans as {"name", "value", "low", "high"}, the most
    important first (spans in order of time).

    Permutation importance (Breiman 2001; Fisher et al. 2019, arXiv:1801.01489): a column's values are dealt out anew
    among the rows, and the loss in the main metric is told with its 95 % interval over patients. Columns that say the
    same share their importance, and each may seem to matter little. Every row is predicted by members that did not
    learn from it. patients: [N] of the development rows.
    """
    small, rows = some_rows(fold_data, made.known)
    metric = main_metric(trained.population.task)
    groups = list(column_groups(fold_data.preparation))
    spans = list(time_spans(fold_data.preparation.timeline))
    content = {"metric": metric, "rows": len(rows), "columns": [], "spans": [], "reason": ""}
    if fold_data.inputs.array is not None and not spans:
        return {**content, "reason": "networks of images are asked what they looked at in other ways"}
    if len(groups) > MOST_COLUMNS:
        return {**content, "reason": f"{len(groups)} columns would take as many predictions of all rows"}
    before = predictions_of(trained, small, made)
    known = np.isfinite(before).all(1)
    observed, people = small.targets[known], patients[rows][known]

    def lost(name: str, inputs: Inputs) -> dict[str, Any]:
        after = predictions_of(trained, replace(small, inputs=inputs), made)[known]
        effect = paired_difference(trained.population.task, metric, observed, before[known], after, people)
        return {"name": name, **{k: effect[k] for k in ("value", "low", "high")}}

    columns = [lost(name, permuted(small.inputs, parts, i)) for i, (name, parts) in enumerate(groups)]
    timeline = fold_data.preparation.timeline
    hidden = [lost(name, without_span(small.inputs, span, timeline)) for name, span in spans if timeline is not None]
    return {**content, "columns": sorted(columns, key=lambda c: -c["value"]), "spans": hidden}


def some_rows(fold_data: FoldData, known: np.ndarray) -> tuple[FoldData, np.ndarray]:
    """The material with at most MOST_ROWS of its held-out rows, evenly taken, and their places in it."""
    rows = known[np.unique(np.linspace(0, len(known) - 1, min(MOST_ROWS, len(known))).astype(int))]
    place = np.full(len(fold_data.targets), -1, np.int64)
    place[rows] = np.arange(len(rows))
    folds = {n: Rows(f.train[:0], place[f.held][place[f.held] >= 0]) for n, f in fold_data.folds.items()}
    part = {"inputs": fold_data.inputs.take(rows), "targets": fold_data.targets[rows], "folds": folds}
    return replace(fold_data, **part, patient_half=fold_data.patient_half[rows]), rows


def predictions_of(trained: Trained, fold_data: FoldData, made: ChosenEnsemble) -> np.ndarray:
    """[N, T] in the user's unit, the configurations that were handed over alike, by members that did not learn from the
    row; nan where there is none."""
    chosen = {without_warmup(configuration(m)) for m in made.members}
    members = [m for m in sound_members(trained, fold_data.outer) if without_warmup(configuration(m)) in chosen]
    outputs = held_out_outputs(trained, fold_data, members)
    average = average_outputs(list(outputs.values()))
    known = np.isfinite(average).all(1)
    values = np.full(average.shape, np.nan)
    values[known] = made.predictor.target_scale.backward(average[known])
    return values


Parts = dict[str, list[int]]


def column_groups(preparation: Preparation) -> Iterator[tuple[str, Parts]]:
    """(name, places of its numbers, flags, codes and channels) of each column; all that was made from one variable of
    a recording belongs together."""
    names, timeline = preparation.names, preparation.timeline
    owner = {c: c for c in (*names.numbers, *names.flags, *names.codes)}
    variables = timeline.variables if timeline else ()
    engineered = {e.column for e in preparation.encodings if getattr(e, "engineered", False)}
    owner |= {c: max((v for v in variables if c.startswith(f"{v} ")), key=len, default=c) for c in engineered}
    for group in dict.fromkeys((*owner.values(), *variables)):
        parts: Parts = {
            kind: [i for i, column in enumerate(getattr(names, kind)) if owner[column] == group]
            for kind in ("numbers", "flags", "codes")
        }
        yield group, {**parts, "channels": _channels(timeline, group) if timeline else []}


def _channels(timeline: Timeline, variable: str) -> list[int]:
    """Places of a variable's values, presence, and time since it was seen."""
    if variable not in timeline.variables:
        return []
    first = 1 + timeline.variables.index(variable)
    if variable not in timeline.incomplete:
        return [first]
    seen = 1 + len(timeline.variables) + timeline.incomplete.index(variable)
    return [first, seen, seen + len(timeline.incomplete)]


def permuted(inputs: Inputs, parts: Parts, seed: int) -> Inputs:
    """The inputs with one group of columns dealt out anew among the rows, together."""
    order = np.random.default_rng([seed, 11]).permutation(inputs.rows)

    def permuted(array: np.ndarray, places: list[int]) -> np.ndarray:
        changed = array.copy()
        changed[..., places] = array[order][..., places]
        return changed

    array = inputs.array
    return Inputs(
        permuted(inputs.numbers, parts["numbers"]),
        permuted(inputs.flags, parts["flags"]),
        permuted(inputs.codes, parts["codes"]),
        None if array is None else permuted(np.asarray(array), parts["channels"]),
    )


def time_spans(timeline: Timeline | None) -> Iterator[tuple[str, range]]:
    """(name in units of time, steps) of SPANS equal parts.

    >>> [name for name, _ in time_spans(Timeline(variables=("HR",), step=60, steps=4, unit="minute"))][:2]
    ['minute 0 to 60', 'minute 60 to 120']
    """
    if timeline is None:
        return
    for steps in np.array_split(np.arange(timeline.steps), min(SPANS, timeline.steps)):
        first, last = int(steps[0]), int(steps[-1]) + 1
        yield f"{timeline.unit} {first * timeline.step:g} to {last * timeline.step:g}", range(first, last)


def without_span(inputs: Inputs, span: range, timeline: Timeline) -> Inputs:
    """Nothing was measured in the span: values missing, no presence; features by hand stay as they are."""
    assert inputs.array is not None
    array = np.array(inputs.array)
    plain = set(unscaled_channels(timeline))
    values = [c for c in range(array.shape[2]) if c not in plain]
    seen = [1 + len(timeline.variables) + i for i in range(len(timeline.incomplete))]
    steps = slice(span.start, span.stop)
    array[:, steps, values] = np.nan
    array[:, steps, seen] = 0.0
    return replace(inputs, array=array)
