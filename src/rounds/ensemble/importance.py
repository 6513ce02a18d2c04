"""What predictions rest on: how much worse they get when one column, or one span of time, is taken away from them."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from rounds.data.dataset import Inputs
from rounds.data.preparation.preparation import Preparation
from rounds.data.recordings.channels import unscaled_channels
from rounds.data.recordings.timeline import Timeline
from rounds.ensemble.choose import ChosenEnsemble, without_warmup
from rounds.ensemble.members import average_outputs, configuration, held_out_outputs, sound_members
from rounds.metrics import METRICS, main_metric, weighted_scores
from rounds.run_folder.evidence import Importance, Loss
from rounds.run_folder.metrics import Estimate
from rounds.statistics.resampling import patient_weights
from rounds.task import Task
from rounds.training.population.build import Trained
from rounds.training.population.fold_data import FoldData
from rounds.training.slab import Rows

# Rows that it is measured on, and columns, at most: every column costs a prediction of all of them.
MOST_ROWS, MOST_COLUMNS = 1_000, 60
# Permutations of each column, fewer where there are many columns: one alone may happen to leave much in its place.
MOST_DEALS, FEWEST_DEALS, MOST_PREDICTIONS = 5, 2, 200
RESAMPLES = 300  # of patients: their standard deviation is then known to 4 %
NORMAL_95 = 1.959963984540054
SPANS = 8  # equal parts of a recording that are hidden in turn


def importance_record(trained: Trained, fold_data: FoldData, made: ChosenEnsemble, patients: np.ndarray) -> Importance:
    """What the main metric loses without each column or span, the most important first (spans in order of time).

    Permutation importance (Breiman 2001; Fisher et al. 2019, arXiv:1801.01489): a column's values are permuted among
    the rows several times, and the mean loss in the main metric is given with its 95 % interval over patients and
    permutations. Columns that say the same share their importance, and each may seem to matter little. Every row is
    predicted by members that did not learn from it. patients: [N] of the development rows.
    """
    small, rows = evenly_taken(fold_data, made.known)
    metric = main_metric(trained.population.task)
    groups = joined_groups(list(column_groups(fold_data.preparation)))
    spans = list(time_spans(fold_data.preparation.timeline))
    deals = max(FEWEST_DEALS, min(MOST_DEALS, MOST_PREDICTIONS // max(len(groups), 1)))
    made_of = partial(Importance, metric=metric, rows=len(rows), deals=deals)
    if fold_data.inputs.array is not None and not spans:
        reason = "networks of images are asked what they looked at in other ways"
        return made_of(columns=(), spans=(), reason=reason)
    before = ensemble_predictions(trained, small, made)
    known = np.isfinite(before).all(1)
    observed, people = small.targets[known], patients[rows][known]

    def lost(name: str, seeds: list[int], changed: Callable[[int], Inputs]) -> Loss:
        each = [
            (ensemble_predictions(trained, replace(small, inputs=changed(seed)), made)[known], orders.get(seed))
            for seed in seeds
        ]
        lost = mean_loss(trained.population.task, metric, observed, before[known], each, people)
        return Loss(name=name, value=lost.value, low=lost.low, high=lost.high)

    owners = patients[rows]
    orders = {seed: owners[order_of(len(rows), seed)][known] for seed in range(deals * len(groups))}
    columns = [
        lost(name, list(range(deals * i, deals * i + deals)), partial(permuted, small.inputs, parts))
        for i, (name, parts) in enumerate(groups)
    ]
    timeline = fold_data.preparation.timeline
    hidden = [
        lost(name, [-1], lambda _, span=span: without_span(small.inputs, span, timeline))  # type: ignore[misc]
        for name, span in spans
        if timeline is not None
    ]
    columns.sort(key=lambda loss: -loss.value)
    return made_of(columns=tuple(columns), spans=tuple(hidden), reason="")


def mean_loss(
    task: Task,
    metric: str,
    observed: np.ndarray,
    before: np.ndarray,
    after: Sequence[tuple[np.ndarray, np.ndarray | None]],
    patients: np.ndarray,
) -> Estimate:
    """How much worse predictions after are than before, in the mean over what was done to the
    inputs, with a 95 % interval over patients.

    after: predictions [N, T], and of whom each row got its values [N] (None: of nobody). A resample of the patients
    draws those who lose their values and those who lend theirs, so that a row counts as often as both together.
    """
    found = METRICS[metric]

    def score(predicted: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
        return weighted_scores(task, observed, predicted, weights, (metric,))[metric]

    people = np.unique(np.concatenate([patients, *(lenders for _, lenders in after if lenders is not None)]))
    own = np.searchsorted(people, patients)
    lent = [None if lenders is None else np.searchsorted(people, lenders) for _, lenders in after]
    drawn = []
    for weights in patient_weights(people, RESAMPLES, 0):
        mine = weights[:, own]
        both = [mine if places is None else mine * weights[:, places] for places in lent]
        base = score(before, mine)
        gains = [found.gain(base, score(p, some)) for (p, _), some in zip(after, both, strict=True)]
        drawn.append(np.mean(gains, axis=0))
    value = float(np.mean([found.gain(score(before, None), score(p, None)) for p, _ in after]))
    reach = NORMAL_95 * float(np.nanstd(np.concatenate(drawn)))
    return Estimate(value=value, low=value - reach, high=value + reach)


def evenly_taken(fold_data: FoldData, known: np.ndarray) -> tuple[FoldData, np.ndarray]:
    """The fold data with at most MOST_ROWS of its held-out rows, evenly taken, and their places in it."""
    rows = known[np.unique(np.linspace(0, len(known) - 1, min(MOST_ROWS, len(known))).astype(int))]
    place = np.full(len(fold_data.targets), -1, np.int64)
    place[rows] = np.arange(len(rows))
    folds = {n: Rows(f.train[:0], place[f.held][place[f.held] >= 0]) for n, f in fold_data.folds.items()}
    part = {"inputs": fold_data.inputs.take(rows), "targets": fold_data.targets[rows], "folds": folds}
    return replace(fold_data, **part, patient_half=fold_data.patient_half[rows]), rows


def ensemble_predictions(trained: Trained, fold_data: FoldData, made: ChosenEnsemble) -> np.ndarray:
    """[N, T] in the user's unit, the chosen configurations alike, by members that did not learn from the
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


def joined_groups(groups: list[tuple[str, Parts]]) -> list[tuple[str, Parts]]:
    """At most MOST_COLUMNS groups: columns whose names begin alike (lab_1, lab_2) are taken together, and what is still
    too many in the order of the table.

    >>> names = [name for name, _ in joined_groups([(f"lab_{i}", {"numbers": [i]}) for i in range(80)] + [("age", {})])]
    >>> names
    ['lab (80 columns)', 'age']
    """
    if len(groups) <= MOST_COLUMNS:
        return groups
    stems: dict[str, list[tuple[str, Parts]]] = {}
    for name, parts in groups:
        stems.setdefault(re.sub(r"[\W_]*\d[\W\d_]*$", "", name) or name, []).append((name, parts))
    joined = [_together(stem, members) for stem, members in stems.items()]
    if len(joined) <= MOST_COLUMNS:
        return joined
    blocks = [groups[places[0] : places[-1] + 1] for places in np.array_split(np.arange(len(groups)), MOST_COLUMNS)]
    return [_together(f"{block[0][0]} to {block[-1][0]}", block) for block in blocks]


def _together(name: str, members: list[tuple[str, Parts]]) -> tuple[str, Parts]:
    if len(members) == 1:
        return members[0]
    kinds = dict.fromkeys(kind for _, parts in members for kind in parts)
    parts = {kind: [place for _, one in members for place in one.get(kind, [])] for kind in kinds}
    return f"{name} ({len(members)} columns)", parts


def _channels(timeline: Timeline, variable: str) -> list[int]:
    """Places of a variable's values, presence, and time since it was seen."""
    if variable not in timeline.variables:
        return []
    first = 1 + timeline.variables.index(variable)
    if variable not in timeline.incomplete:
        return [first]
    seen = 1 + len(timeline.variables) + timeline.incomplete.index(variable)
    return [first, seen, seen + len(timeline.incomplete)]


def order_of(rows: int, seed: int) -> np.ndarray:
    """Which row each row gets its values from [N]."""
    return np.random.default_rng([seed, 11]).permutation(rows)


def permuted(inputs: Inputs, parts: Parts, seed: int) -> Inputs:
    """The inputs with one group of columns permuted among the rows, together."""
    order = order_of(inputs.rows, seed)

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
    """Nothing was measured in the span: values missing, no presence; engineered features stay as they are."""
    assert inputs.array is not None
    array = np.array(inputs.array)
    plain = set(unscaled_channels(timeline))
    values = [c for c in range(array.shape[2]) if c not in plain]
    seen = [1 + len(timeline.variables) + i for i in range(len(timeline.incomplete))]
    steps = slice(span.start, span.stop)
    array[:, steps, values] = np.nan
    array[:, steps, seen] = 0.0
    return replace(inputs, array=array)
