"""Rules about the score itself: too good, no better than what is simpler, judged on too few."""

import numpy as np

from rounds.data.dataset import FEATURE_ROLES
from rounds.examination.data_rules.names import outcome_names
from rounds.examination.figure import LOSSES, Bars
from rounds.examination.finding import NotApplicable, Seen, Threshold, in_words
from rounds.examination.rule import Judged, Rule
from rounds.examination.run import Run
from rounds.metrics.worth import SMALLEST_WORTHWHILE_SHARE, TOO_GOOD_SHARE

TOO_GOOD = Threshold("too good", TOO_GOOD_SHARE, "share of the constant's score that is removed")
TOO_FAR_AHEAD = Threshold("too far ahead", 0.3, "share of the constant's score, over the best baseline of a table")
FEWEST_PATIENTS = Threshold("fewest validation patients", 50, "patients, over all folds")
FEWEST_EVENTS = Threshold("fewest validation events", 10, "patients of the rarer class, over all folds")
WORTHWHILE = Threshold("smallest worthwhile", SMALLEST_WORTHWHILE_SHARE, "share of the constant's score")
FREQUENT = Threshold("frequent outcome", 0.8, "share of the rows")
ABOVE_FREQUENT = Threshold("accuracy above it", 0.01, "share of the rows, at most")
ACCURACIES = ("accuracy", "label_accuracy")
_NOT_JUDGED = NotApplicable("needs a network and baselines judged on the same patients")


def _implausible(run: Run) -> Judged:
    gain, scale = run.advantages.get("constant"), run.left_by_constant
    if gain is None or not scale:
        return _NOT_JUDGED
    # What a baseline removes is what networks remove less what they are ahead of it by.
    removed = {name: (gain.value - other.value) / scale for name, other in run.advantages.items() if name != "constant"}
    removed = {"networks": gain.value / scale, **removed}
    best, ahead = max(removed, key=lambda name: removed[name]), _ahead(run)
    if removed[best] >= TOO_GOOD.value:
        who = "networks remove" if best == "networks" else f"{best} baseline removes"
        words = f"The {who} {in_words(removed[best])} of the constant's error on patients never seen"
    elif ahead is not None and ahead >= TOO_FAR_AHEAD.value:
        words = f"The networks are ahead of every baseline by {in_words(ahead)} of the constant's score"
    else:
        return None
    columns = list(run.dataset.tells_most) if run.dataset else []
    look = f" {columns[0]} tells most of the outcome by itself: look at it first." if columns else ""
    return Seen(
        "warning" if _of_classes(run) or _named_like_outcomes(run) else "note",
        f"{words}. Outcomes of patients are seldom that predictable: look for a column that holds the outcome, and for "
        f"patients on both sides.{look}",
        {"removed_share": removed[best], "by": best, "ahead_share": ahead, "columns": columns},
        0.7,
    )


def _of_classes(run: Run) -> bool:
    return run.task is None or run.task.is_classification


def _named_like_outcomes(run: Run) -> list[str]:
    """Features that are named like an outcome and do not say when they are known: with them, even a number that can be
    calculated is no function to be learned."""
    features = (c for c in (run.dataset.columns if run.dataset else ()) if c.role in FEATURE_ROLES)
    return outcome_names(c.name for c in features if c.known == "unknown")


IMPLAUSIBLE_SCORE = Rule(
    "implausible-score",
    "The score is too good to be true",
    "data",
    _implausible,
    how="Share of the constant's error that the networks, or a baseline, remove on patients they never saw; for tables "
    "also how far networks are ahead of the best baseline. Of a continuous outcome it is a note, unless a column is "
    "named like an outcome: some numbers can be calculated.",
    why="Such a score mostly means that a column tells the outcome, or that patients are on both sides.",
    remedies=("declare when each column is known", "leave out columns that are made from the outcome"),
    thresholds=(TOO_GOOD, TOO_FAR_AHEAD),
    place=10,
    check="No score too good to be true",
    figures=(
        Bars(
            "Share of the constant's score",
            {"removed_share": "removed", "ahead_share": "ahead of baselines"},
            TOO_GOOD,
            some=True,
        ),
    ),
)


def _ahead(run: Run) -> float | None:
    """Gain on the best baseline as a share of the constant's score, of networks that read a table."""
    others = [gain.value for name, gain in run.advantages.items() if not name.startswith("constant")]
    if not others or run.plan is None or run.plan.network not in ("dense", "linear") or not run.left_by_constant:
        return None
    return min(others) / run.left_by_constant


def _no_better(run: Run) -> Judged:
    """Behind or level with the best baseline, by an interval that excludes a worthwhile gain."""
    scale = run.left_by_constant
    if not run.advantages or not scale:
        return _NOT_JUDGED
    name, gain = min(run.advantages.items(), key=lambda item: item[1].value)
    if gain.high >= WORTHWHILE.value * scale:
        return None
    evidence = {"baseline": name, "gain_share": gain.value / scale, "low": gain.low / scale, "high": gain.high / scale}
    words = f"The networks gain {in_words(gain.value / scale)} of the constant's score on the {name} baseline (95 % "
    interval = f"interval {in_words(gain.low / scale)} to {in_words(gain.high / scale)})"
    return Seen("error" if name == "constant" else "note", f"{words}{interval}.", evidence, 0.95)


NO_BETTER_THAN_BASELINE = Rule(
    "no-better-than-baseline",
    "No better than a simpler method",
    "worth",
    _no_better,
    how="The gain on the baseline that is nearest or ahead, with its interval over patients: it holds no "
    "worthwhile gain.",
    why="A simpler method is easier to explain, to check and to keep.",
    remedies=("use the baseline",),
    thresholds=(WORTHWHILE,),
    place=280,
    figures=(
        Bars(
            "Gain on the baseline, share of the constant's score",
            {"low": "low end", "gain_share": "gain", "high": "high end"},
            WORTHWHILE,
        ),
    ),
)


def _validation_too_small(run: Run) -> Judged:
    split = run.dataset.split if run.dataset else None
    if split is None or "validation" not in split.patients:
        return NotApplicable("needs the size of the validation part")
    folds = max(len({c.fold for c in run.curves}), 1)
    patients = split.patients["validation"] * folds
    events = _validation_events(run, patients)
    few = patients < FEWEST_PATIENTS.value or (events is not None and events < FEWEST_EVENTS.value)
    if not few:
        return None
    seen = f" with about {events:.0f} of the rarer class" if events is not None else ""
    return Seen(
        "warning",
        f"All validation folds together hold {patients} patients{seen}: too few to tell the networks apart.",
        {"patients": patients, "events": events, "folds": folds},
        0.9,
    )


VALIDATION_TOO_SMALL = Rule(
    "validation-too-small",
    "Too few validation patients",
    "training",
    _validation_too_small,
    how="Patients, and patients of the rarer class, in all validation folds together.",
    why="The best epoch and the best settings are picked by luck.",
    remedies=("more folds (--set folds=5)", "more patients"),
    thresholds=(FEWEST_PATIENTS, FEWEST_EVENTS),
    place=150,
    figures=(
        Bars(
            "In all validation folds",
            {"patients": "patients", "events": "of the rarer class"},
            FEWEST_PATIENTS,
            some=True,
        ),
    ),
)


def _validation_events(run: Run, patients: int) -> float | None:
    """Expected patients of the rarer class, of a yes/no outcome."""
    assert run.dataset is not None
    events = run.dataset.split.events
    if not events:
        return None
    share = events["all"] / run.dataset.rows
    return float(np.minimum(share, 1 - share) * patients)


def _misleading(run: Run) -> Judged:
    """Epochs kept by accuracy, where always saying the more frequent class is as accurate."""
    if run.plan is None or run.task is None or not run.task.is_classification:
        return NotApplicable("needs the plan, and an outcome of classes")
    metric = run.plans[run.best.plan].keep_best
    if metric not in ACCURACIES:
        return None
    share = _largest_share(run)
    if share is None:
        return NotApplicable("needs to know how many patients have each outcome")
    reached = [float(np.nanmax(c.metrics[metric])) for c in run.best.curves if metric in c.metrics]
    if share < FREQUENT.value or not reached or np.median(reached) > share + ABOVE_FREQUENT.value:
        return None
    return Seen(
        "warning",
        f"Epochs are kept by {metric}, and the networks reach {np.median(reached):.1%} where always saying the more "
        f"frequent outcome reaches {share:.1%}.",
        {"metric": metric, "reached": float(np.median(reached)), "frequent_share": share},
        0.9,
        run.best.members,
    )


MISLEADING_METRIC = Rule(
    "misleading-metric",
    "The metric that chooses is blind to the rare outcome",
    "training",
    _misleading,
    how="Epochs are kept by accuracy, one outcome is frequent, and the accuracy reached is no more than that.",
    why="A network that never finds a case looks as good as one that does.",
    remedies=("keep_best = loss or auroc",),
    thresholds=(FREQUENT, ABOVE_FREQUENT),
    acts="steps",
    place=90,
    figures=(LOSSES,),
)


def _largest_share(run: Run) -> float | None:
    """Share of the more frequent of two outcomes."""
    events = run.dataset.split.events if run.dataset else None
    if not events or run.dataset is None:
        return None
    share = events["all"] / run.dataset.rows
    return max(share, 1 - share)
