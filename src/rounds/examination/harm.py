"""Whether a network is worse than it should be: the one place from which a finding takes its severity."""

from dataclasses import dataclass

import numpy as np

from rounds.examination.curve import Curve
from rounds.examination.finding import BY_HARM, Evidence, Seen, Threshold, in_words
from rounds.examination.run import Run
from rounds.examination.training_rules.learning import LEAST_LEARNED, learned_nothing, median_explained, reference_loss
from rounds.examination.training_rules.mismatch import judges
from rounds.run_folder.metrics import Estimate
from rounds.statistics.fold_differences import fold_error

WARD = "set on five tables of the ward (docs/ward.md)"
WORSE = Threshold(
    "worse than a linear model",
    0.06,
    "share of the constant's error, validation and judged averaged",
    WARD,
    "measured",
)
BESIDE_CAUSE = Threshold(
    "the same, beside a cause that good plans hardly ever show", 0.05, WORSE.unit, WARD, "measured"
)
SURE = Threshold("certainty of that", 1.0, "standard errors, of the folds and of the judged patients", WARD, "measured")
SURE_ALONE = Threshold("the same, beside what good plans show too", 2.0, SURE.unit, WARD, "measured")
BEHIND_TREES = Threshold(
    "behind the trees", 0.08, "share of the constant's score, on judged patients", WARD, "measured"
)
HARM_THRESHOLDS = (WORSE, BESIDE_CAUSE, SURE, SURE_ALONE, BEHIND_TREES, LEAST_LEARNED)
WHOLE = 1.0  # the error of a constant: a network that is further behind has lost no more
TWO_SIDED = 3.92  # standard errors in a 95 % interval


@dataclass(frozen=True)
class Harm:
    """That a network is worse than it should be: how that is known, in words and numbers."""

    words: str
    evidence: Evidence


@dataclass(frozen=True)
class _Behind:
    """How far networks are behind a linear model, as a share of the constant's error, and its standard error."""

    share: float
    error: float


def harm(run: Run, alone: bool = False) -> Harm | None:
    """How the best configuration is known to be worse than it should be; None where nothing says so.

    alone: harm is asked about beside nothing but what good plans show too (a late rise of the validation loss, say).
    Beside a cause that they hardly ever show (steps that are too short, a layer that stays) less of it is enough:
    evidence adds up.

    The chosen ensemble is judged on patients kept apart, but on few of them; single networks are judged on the
    validation patients of every fold. A difference counts where both together say so: networks may be worse than a
    linear model one by one, and their average not: then nobody is harmed. A data set in which little can be learned is
    no fault of training.
    """
    return (
        _lost(run) or _learned_nothing(run) or _behind_linear(run, alone) or _behind_trees(run) or _below_constant(run)
    )


def harm_is_known(run: Run) -> bool:
    """Whether there is anything to be worse than; a run that was never judged has neither constant nor baselines."""
    return run.constant_loss is not None or bool(run.linear_by_fold) or bool(run.advantages)


def has_peers(run: Run) -> bool:
    """Whether a linear model or trees were tried on the same patients: a constant is no measure of what is possible."""
    return bool(run.linear_by_fold.get("linear")) or "linear" in run.advantages or "trees" in run.advantages


def weighed(run: Run, seen: Seen, alone: bool = False) -> Seen:
    """The finding with the severity that measured harm gives it: an oddity that costs nothing is a note.

    alone: whether nothing else was seen but what good plans show too.
    """
    if seen.severity != BY_HARM:
        return seen
    damaged = harm(run, alone)
    if damaged is not None:
        return seen.weighed("error", f" Harm: {damaged.words}.", damaged.evidence)
    if harm_is_known(run):
        return seen.weighed(seen.least, " No harm was measured.", {})
    return seen.weighed("warning", " Nothing says whether it did harm.", {})


def _lost(run: Run) -> Harm | None:
    lost = [c for c in run.best.curves if not np.isfinite(c.best_validation) and c.diverged]
    if not lost:
        return None
    return Harm(f"{len(lost)} of the best configuration's networks never had a finite loss", {"lost": len(lost)})


def _learned_nothing(run: Run) -> Harm | None:
    """Not even how frequent the outcome is was learned: no difference to a linear model need be sure beside that."""
    trained = [c for c in run.best.curves if not c.diverged]
    if run.constant_loss is None or not trained or not all(learned_nothing(run, c) for c in trained):
        return None
    words = "neither loss of the best configuration's networks ever fell below that of one constant prediction"
    return Harm(words, {"constant_loss": run.constant_loss})


def kept_loss(run: Run, curve: Curve) -> float:
    """Validation loss of what the member keeps: its best snapshot's, or the last epoch's."""
    last_kept = run.plan is not None and run.plans[curve.plan].keep_best == "none"
    return float(curve.validation[-1]) if last_kept else curve.best_validation


def _behind_linear(run: Run, alone: bool) -> Harm | None:
    """Behind a linear model by a share of the constant's error that counts, on validation patients of the same folds
    and on judged patients, where both are known."""
    least, sure = (WORSE, SURE_ALONE) if alone else (BESIDE_CAUSE, SURE)
    validation, judged = _on_validation(run), _on_judged(run)
    known = [part for part in (validation, judged) if part is not None]
    if not known or (judged is not None and judged.share <= 0):
        return None
    share = float(np.mean([part.share for part in known]))
    error = float(np.sqrt(sum(part.error**2 for part in known)) / len(known))
    if not (share >= least.value and share > sure.value * error):
        return None
    evidence: Evidence = {"behind_linear_share": share, "standard_error": error}
    evidence |= {} if validation is None else {"behind_linear_validation_share": validation.share}
    evidence |= {} if judged is None else {"behind_linear_judged_share": judged.share}
    places = ["validation"] * (validation is not None) + ["judged"] * (judged is not None)
    return Harm(
        f"a linear model is ahead by {in_words(share)} of the constant's error on the same "
        f"{' and '.join(places)} patients",
        evidence,
    )


def _on_validation(run: Run) -> _Behind | None:
    """Of single networks; None where the loss does not judge the outcome, or no linear model was fitted."""
    linear, constant = run.linear_by_fold.get("linear", {}), run.constant_loss
    if constant is None or (run.model is None and not judges(run.plan, run.task)):
        return None
    pairs = [(kept_loss(run, c), linear[c.fold]) for c in run.best.curves if c.fold in linear]
    if not pairs:
        return None
    shares = np.array([_as_error(run, own) - _as_error(run, other) for own, other in pairs])
    shares = np.clip(np.nan_to_num(shares, nan=WHOLE), -WHOLE, WHOLE)
    return _Behind(float(shares.mean()), fold_error(shares))


def _as_error(run: Run, loss: float) -> float:
    """A loss as a share of the constant's, in the unit in which judged patients are: of squares, the root."""
    share = loss / reference_loss(run, run.best.curves[0])
    squared = run.task is not None and run.task.kind == "regression" and run.plan is not None
    return float(np.sqrt(max(share, 0.0))) if squared and run.plan.loss in ("auto", "mse") else share  # type: ignore[union-attr]


def _on_judged(run: Run) -> _Behind | None:
    """Of the chosen ensemble."""
    gain, scale = run.advantages.get("linear"), run.left_by_constant
    if gain is None or not scale or run.judged_elsewhere:
        return None
    return _Behind(-gain.value / scale, _error(gain) / scale)


def _error(gain: Estimate) -> float:
    return (gain.high - gain.low) / TWO_SIDED


def _behind_trees(run: Run) -> Harm | None:
    gain, scale = run.advantages.get("trees"), run.left_by_constant
    if gain is None or not scale or run.judged_elsewhere:
        return None
    if gain.high >= 0 or -gain.value / scale < BEHIND_TREES.value:
        return None
    share = -gain.value / scale
    return Harm(
        f"on judged patients the trees are ahead by {in_words(share)} of the constant's score",
        {"behind_trees_share": share},
    )


def _below_constant(run: Run) -> Harm | None:
    """No better than a constant, where there is no linear model to say that more could be learned. Of a user's own
    model that is harm in any case: what it is for need not be linear."""
    compared = bool(run.linear_by_fold.get("linear")) or "linear" in run.advantages
    if run.constant_loss is None or (compared and run.model is None):
        return None
    share = median_explained(run, run.best, "validation")
    if share >= LEAST_LEARNED.value:
        return None
    words = f"on validation the networks remove {in_words(share)} of the constant's loss"
    return Harm(words, {"explained_share_validation": share, "constant_loss": run.constant_loss})
