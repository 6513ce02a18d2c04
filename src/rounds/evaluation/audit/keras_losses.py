"""Loss of a Keras model on rows with outcomes: as it is, with weights drawn again, and of a constant."""

import numpy as np

from rounds.errors import DataError
from rounds.evaluation.audit.note import found
from rounds.evaluation.record import AuditedLoss, Note
from rounds.metrics.worth import TOO_GOOD_SHARE
from rounds.networks.user_model.keras_file import KerasFile, last_activation, outputs, reinitialised

# Networks drawn again, whose median loss stands for the start of training: one draw may be lucky.
DRAWS = 3
LEAST_PROBABILITY = 1e-7  # Keras's own limit, below which a logarithm is cut off


def measure_losses(file: KerasFile, rows: list[np.ndarray], outcome: np.ndarray) -> AuditedLoss:
    """Losses on rows (one array an input) whose outcome is known: [N] or [N, outputs], class numbers for a softmax.

    Raises DataError where the outcome does not fit what the last layer gives.
    """
    end = outputs(file, rows)
    activation = last_activation(file)
    truth = _truth(outcome, activation, end.shape[1])
    starts = [_loss(activation, truth, outputs(reinitialised(file, seed), rows)) for seed in range(DRAWS)]
    constant = np.broadcast_to(truth.mean(axis=0), truth.shape)
    return AuditedLoss(
        name="mse" if activation not in ("sigmoid", "softmax") else "log_loss",
        start=float(np.median(starts)),
        end=_loss(activation, truth, end),
        constant=_loss(activation, truth, constant),
    )


def _truth(outcome: np.ndarray, activation: str, width: int) -> np.ndarray:
    """[N, width] float64."""
    made = np.asarray(outcome, np.float64).reshape(len(outcome), -1)
    whole = bool(np.isfinite(made).all()) and bool((made == np.round(made)).all())
    if activation == "softmax" and made.shape[1] == 1:
        if not whole or made.min() < 0 or made.max() >= width:
            raise _unfit(f"class numbers from 0 to {width - 1}", made)
        return np.asarray(np.eye(width)[made[:, 0].astype(int)])
    if made.shape[1] != width:
        advice = "Give as many outcomes as the model has outputs"
        raise DataError("Outcome", f"{width} columns", name="columns", got=made.shape[1], advice=advice)
    if activation in ("sigmoid", "softmax") and not (whole and set(np.unique(made)) <= {0.0, 1.0}):
        raise _unfit("0 or 1", made)
    if not np.isfinite(made).all():
        raise _unfit("finite", made)
    return made


def _unfit(expected: str, made: np.ndarray) -> DataError:
    wrong = made[~np.isfinite(made)] if not np.isfinite(made).all() else made[(made < 0) | (made > 1) | (made % 1 != 0)]
    advice = "Write it as the model learned it, and leave out rows without it"
    return DataError(
        "Outcome", expected, name="label", got=float(wrong[0]) if wrong.size else float(made.max()), advice=advice
    )


def _loss(activation: str, truth: np.ndarray, said: np.ndarray) -> float:
    """Mean squared error, or cross-entropy of probabilities.

    >>> round(_loss("sigmoid", np.array([[1.0], [0.0]]), np.array([[0.5], [0.5]])), 3)
    0.693
    """
    if activation not in ("sigmoid", "softmax"):
        return float(np.mean((truth - said) ** 2))
    p = np.clip(said, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    if activation == "softmax":
        return float(-np.mean(np.sum(truth * np.log(p), axis=1)))
    return float(-np.mean(truth * np.log(p) + (1 - truth) * np.log1p(-p)))


def loss_findings(losses: AuditedLoss) -> list[Note]:
    """What start, end and constant say together, most serious first."""
    evidence = {"start": losses.start, "end": losses.end, "constant": losses.constant}
    start, end, constant = evidence.values()
    shown = f"{losses.name} {end:.3g}, with fresh weights {start:.3g}, of a constant {constant:.3g}"
    if not np.isfinite(end) or end >= start:
        return [found("not-learning", "error", f"No better than before training: {shown}.", **evidence)]
    if end >= constant:
        return [found("no-better-than-baseline", "error", f"No better than the mean outcome: {shown}.", **evidence)]
    if end <= (1 - TOO_GOOD_SHARE) * constant:
        words = f"Outcomes are seldom that predictable: {shown}. Were these rows learned from, or do inputs hold it?"
        return [found("implausible-score", "warning", words, **evidence)]
    return []
