"""Weights of an ensemble: every sound configuration alike, or those that greedy selection gives, where that pays.

Greedy selection on a small validation set mistakes luck for merit, so its gain is taken on patients whose outcomes no
weight has looked at, and it is used only where that gain is clear.
"""

from dataclasses import dataclass

import numpy as np

from rounds.run_folder.metrics import Estimate, GreedyGain, Selection
from rounds.statistics.calibration import mean_interval
from rounds.statistics.recalibration import patient_parts, row_losses
from rounds.target_scale import TargetScale
from rounds.task import Task

# Networks picked, with replacement, so weights are multiples of a twentieth. Caruana et al. (2004, ICML) add until
# nothing improves; with a handful of configurations the order settles well before.
PICKS = 20
PLAIN, GREEDY = "plain average", "greedy selection"
MOST_ROWS = 20_000  # that weights are chosen on: more move them by less than a pick
PARTS = 3  # of the patients: weights chosen on two judge the third


@dataclass(frozen=True)
class Candidates:
    """outputs [C, N, T] of C configurations on rows that their members did not learn from, on the scale they learned;
    observed [N, T] in the user's unit; patients [N]."""

    task: Task
    scale: TargetScale
    outputs: np.ndarray
    observed: np.ndarray
    patients: np.ndarray

    def take(self, rows: np.ndarray) -> "Candidates":
        return Candidates(self.task, self.scale, self.outputs[:, rows], self.observed[rows], self.patients[rows])

    def losses(self, weights: np.ndarray) -> np.ndarray:
        """[N] loss of the weighted average of outputs, weights [C]."""
        average = np.einsum("c,cnt->nt", weights, self.outputs)
        return self.losses_of(self.scale.backward(average))

    def losses_of(self, predicted: np.ndarray) -> np.ndarray:
        """[N] what the networks descend on, of predictions in the user's unit."""
        if not self.scale.smears:
            return np.asarray(np.abs(self.observed - predicted).mean(1))
        return row_losses(self.task, self.observed, predicted)


def greedy_weights(candidates: Candidates, picks: int = PICKS) -> np.ndarray:
    """[C] shares, summing to 1: again and again the configuration that lowers the loss of the average most is added.

    Caruana, Niculescu-Mizil, Crew and Ksikes 2004 (ICML), with replacement.
    """
    total = np.zeros(candidates.outputs.shape[1:])
    counts = np.zeros(len(candidates.outputs))
    for pick in range(1, picks + 1):
        predicted = (candidates.scale.backward((total + one) / pick) for one in candidates.outputs)
        losses = [candidates.losses_of(p).mean() for p in predicted]
        best = int(np.argmin(losses))
        total = total + candidates.outputs[best]
        counts[best] += 1
    return counts / picks


def choose_weights(candidates: Candidates, plain: np.ndarray) -> tuple[np.ndarray, Selection]:
    """([C] weights, what was found): greedy ones where their gain over the `plain` weights is clear of 0.

    The gain is that of weights chosen on other patients than those it is taken on.
    """
    count = len(candidates.outputs)
    parts = patient_parts(candidates.patients, PARTS)
    if count < 2 or parts.max() < 1:
        reason = "one configuration alone" if count < 2 else "patients are too few to choose weights on"
        return plain, Selection(rule=PLAIN, reason=reason)
    gains = np.zeros(len(parts))
    for part in range(int(parts.max()) + 1):
        judged = candidates.take(np.flatnonzero(parts == part))
        weights = greedy_weights(_some(candidates.take(np.flatnonzero(parts != part))))
        gains[parts == part] = judged.losses(plain) - judged.losses(weights)
    low, high = mean_interval(gains, candidates.patients)
    numbers = "mean squared error" if candidates.scale.smears else "mean absolute error"
    metric = "log_loss" if candidates.task.is_classification else numbers
    found = GreedyGain(metric=metric, gain=Estimate(value=float(gains.mean()), low=low, high=high))
    if low <= 0:
        reason = "greedy selection is not clearly better on patients who did not choose its weights"
        return plain, Selection(rule=PLAIN, reason=reason, greedy=found)
    reason = "greedy selection is better on patients who did not choose its weights"
    return greedy_weights(_some(candidates)), Selection(rule=GREEDY, reason=reason, greedy=found)


def _some(candidates: Candidates) -> Candidates:
    rows = len(candidates.observed)
    if rows <= MOST_ROWS:
        return candidates
    return candidates.take(np.sort(np.random.default_rng(0).permutation(rows)[:MOST_ROWS]))
