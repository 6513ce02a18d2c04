"""Whether the score holds for women and men, young and old: each subgroup with its interval, none of few patients."""

from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise

import numpy as np
import polars as pl

from rounds.data.tables.values import as_numbers
from rounds.errors import DataError, nearest
from rounds.run_folder.evidence import Subgroup, SubgroupDifference, Subgroups
from rounds.run_folder.metrics import Estimate
from rounds.statistics.calibration import mean_interval
from rounds.statistics.class_intervals import FEWEST_EVENTS
from rounds.statistics.drift import holm
from rounds.statistics.group_difference import Group, group_difference
from rounds.statistics.intervals import score_with_interval
from rounds.statistics.small_cells import FEWEST_PATIENTS
from rounds.task import Task

# Columns looked at without being asked for, where they are there: names in English, German, French and Spanish.
SEX_NAMES = ("sex", "gender", "geschlecht", "sexe", "sexo")
AGE_NAMES = ("age", "age_years", "anchor_age", "alter", "edad")
# Years: adults under 40, middle age, the elderly (65 as in most guidelines), the very old.
AGE_LIMITS = (18.0, 40.0, 65.0, 80.0)
OLDEST = 130  # years; a column of ages has no higher value
# Levels up to which a column makes groups of its own; numbers with more are cut into thirds, texts are refused.
MOST_GROUPS = 20
# Resamples for the figures of one subgroup: enough for two digits of a limit.
GROUP_RESAMPLES = 300
# What subgroups are compared by: order for classes (blind to how common the outcome is in a group), error for numbers.
COMPARED = {"binary": "auroc", "multilabel": "auroc", "multiclass": "auroc", "regression": "mae", "count": "mae"}
TOO_FEW = f"fewer than {FEWEST_EVENTS} patients with an outcome, or without"
MISSING = "missing"
SMALL_GROUP = f"fewer than {FEWEST_PATIENTS} patients"  # in place of its name, which may be one patient's


def default_subgroups(names: Collection[str]) -> list[str]:
    """Columns of a table that hold sex or age, by their name.

    >>> default_subgroups(["Sex", "bmi", "age"])
    ['Sex', 'age']
    """
    return [name for name in names if name.strip().lower() in (*SEX_NAMES, *AGE_NAMES)]


def make_groups(table: pl.DataFrame, asked: Collection[str] | None = None) -> dict[str, pl.Series]:
    """Group of each row as text, by column; asked: column names (None: sex and age, where they are recognised).

    Raises DataError where a column is not there, or has too many levels to make groups.
    """
    names = default_subgroups(table.columns) if asked is None else list(asked)
    for name in names:
        if name not in table.columns:
            hint = nearest(name, table.columns)
            raise DataError("Subgroup", "a column of the table", name="subgroup", got=name, advice=hint)
    return {name: group_labels(table[name]) for name in names}


def group_labels(values: pl.Series) -> pl.Series:
    """[N] texts: levels as they are, ages in bands, other numbers in thirds; "missing" where there is no value.

    >>> group_labels(pl.Series("age", [3, 39, 64, 90, None] + list(range(30, 60)))).to_list()[:5]
    ['0 to 17', '18 to 39', '40 to 64', '80 and over', 'missing']
    """
    if values.dtype.is_numeric() and values.n_unique() > MOST_GROUPS // 2:
        x = as_numbers(values)
        limits = AGE_LIMITS if _is_age(values.name, x) else _thirds(x)
        return _cut(x, limits, years=limits is AGE_LIMITS)
    labels = values.cast(pl.String).fill_null(MISSING)
    if labels.n_unique() > MOST_GROUPS:
        shown = f"{labels.n_unique()} in {values.name}"
        advice = "Choose a column of few levels, or group them first"
        raise DataError("Levels of a subgroup", f"at most {MOST_GROUPS}", name="levels", got=shown, advice=advice)
    return labels


def _is_age(name: str, x: np.ndarray) -> bool:
    known = x[~np.isnan(x)]
    is_named = name.strip().lower() in AGE_NAMES
    return is_named and len(known) > 0 and bool(known.min() >= 0 and OLDEST >= known.max() > AGE_LIMITS[0])


def _thirds(x: np.ndarray) -> tuple[float, ...]:
    known = x[~np.isnan(x)]
    return tuple(np.unique(np.quantile(known, (1 / 3, 2 / 3))).tolist()) if len(known) else ()


def _cut(x: np.ndarray, limits: tuple[float, ...], years: bool) -> pl.Series:
    place = np.where(np.isnan(x), len(limits) + 1, np.searchsorted(limits, x, side="right"))
    names = _year_names(limits) if years else _third_names(limits)
    return pl.Series([(*names, MISSING)[i] for i in place], dtype=pl.String)


def _year_names(limits: tuple[float, ...]) -> list[str]:
    starts = [0, *map(int, limits)]
    return [*(f"{a} to {b - 1}" for a, b in pairwise(starts)), f"{starts[-1]} and over"]


def _third_names(limits: tuple[float, ...]) -> list[str]:
    if not limits:
        return ["all"]
    between = [f"{a:.4g} to {b:.4g}" for a, b in pairwise(limits)]
    return [f"below {limits[0]:.4g}", *between, f"{limits[-1]:.4g} and over"]


def subgroup_record(
    task: Task,
    observed: np.ndarray,
    predicted: np.ndarray,
    patients: np.ndarray,
    groups: Mapping[str, pl.Series],
) -> Subgroups:
    """Scores, calibration and difference to all others of each group; groups of under 10 patients are hidden.

    observed [N, T], predicted [N, T] or [N, C], patients [N], groups: {column: [N] texts}.
    comparisons: how many differences were looked at; each p-value is corrected for all of them (Holm 1979).
    """
    columns = {name: _column(task, observed, predicted, patients, labels) for name, labels in groups.items()}
    compared = [g.difference.p_value for made in columns.values() for g in made if g.difference is not None]
    corrected = iter(holm(compared))
    columns_shown = {name: tuple(_with_p_value(group, corrected) for group in made) for name, made in columns.items()}
    return Subgroups(compared_by=COMPARED[task.kind], comparisons=len(compared), columns=columns_shown)


def _with_p_value(group: Subgroup, p_values: Iterator[float]) -> Subgroup:
    if group.difference is None:
        return group
    difference = group.difference.model_copy(update={"p_value": next(p_values)})
    return group.model_copy(update={"difference": difference})


def _column(
    task: Task, observed: np.ndarray, predicted: np.ndarray, patients: np.ndarray, labels: pl.Series
) -> list[Subgroup]:
    texts = labels.to_numpy().astype(object)
    names = sorted(set(texts.tolist()), key=_order)
    inside = [texts == name for name in names]
    people = [len(np.unique(patients[rows])) for rows in inside]
    rounded = _to_round(people)
    made = []
    for place, (name, rows) in enumerate(zip(names, inside, strict=True)):
        if people[place] < FEWEST_PATIENTS:
            made.append(Subgroup(group=SMALL_GROUP, suppressed=True))
            continue
        group = _group(name, task, observed, predicted, patients, rows)
        if place == rounded:
            size = {"rows": round(group.rows, -1), "patients": round(group.patients, -1), "rounded": True}
            group = group.model_copy(update=size)
        others = len(names) > 2 or name == names[0]  # of two groups, one difference says both
        if others and not rows.all():
            found = _difference(task, observed, predicted, patients, rows)
            group = group.model_copy(update={"difference": found} if found else {"not_compared": TOO_FEW})
        made.append(group)
    return made


def _to_round(people: list[int]) -> int | None:
    """Place of the group whose size is rounded to tens: where one group alone is hidden, its size is the rest of all.

    >>> _to_round([50, 3, 20]), _to_round([50, 3, 4]), _to_round([50, 20])
    (2, None, None)
    """
    if sum(n < FEWEST_PATIENTS for n in people) != 1 or max(people) < FEWEST_PATIENTS:
        return None
    return min((place for place, n in enumerate(people) if n >= FEWEST_PATIENTS), key=lambda place: people[place])


def _order(name: str) -> tuple[bool, float, str]:
    """Bands by their numbers, texts by the alphabet, missing last."""
    words = name.split()
    first = words[1] if words[:1] == ["below"] and len(words) > 1 else (words or [""])[0]
    try:
        return name == MISSING, float(first) - (words[0] == "below"), name
    except ValueError:
        return name == MISSING, np.inf, name


def _group(
    name: str, task: Task, observed: np.ndarray, predicted: np.ndarray, patients: np.ndarray, rows: np.ndarray
) -> Subgroup:
    y, p, who = observed[rows], predicted[rows], patients[rows]
    return Subgroup(
        group=name,
        suppressed=False,
        metrics=score_with_interval(task, y, p, who, resamples=GROUP_RESAMPLES),
        rows=int(rows.sum()),
        patients=len(np.unique(who)),
        bias=_bias(task, y, p, who),
    )


def _bias(task: Task, observed: np.ndarray, predicted: np.ndarray, patients: np.ndarray) -> dict[str, Estimate]:
    """Mean of prediction - observed of each output: 0 is calibrated in the large."""
    columns = np.eye(task.outputs)[observed[:, 0].astype(int)] if task.kind == "multiclass" else observed
    apart = predicted - columns
    return {
        name: Estimate(value=float(apart[:, t].mean()), low=low, high=high)
        for t, name in enumerate(task.output_names)
        for low, high in [mean_interval(apart[:, t], patients)]
    }


def _difference(
    task: Task, observed: np.ndarray, predicted: np.ndarray, patients: np.ndarray, rows: np.ndarray
) -> SubgroupDifference | None:
    """How much better the group is judged than all others; None where it is not defined or patients are too few."""
    metric = COMPARED[task.kind]
    group, others = (Group(observed[some], predicted[some], patients[some]) for some in (rows, ~rows))
    found = group_difference(task, metric, group, others)
    return None if found is None else SubgroupDifference(metric=metric, **found._asdict())
