"""How much of an outcome a column, a pair of columns, or all of them tell: fast, and on patients held out."""

from typing import Any, NamedTuple

import numpy as np

from rounds.baselines.trees_fit import without_empty_columns

BINS = 40  # of one column, at most: enough to follow any curve
BIN_PATIENTS = 20  # with a value, for each bin: ten in each half
FEWEST_IN_BIN = 5  # patients of a half, below which a bin says what all rows say
FEWEST_WITH_SIGN, FEWEST_WITH_BOTH = 10, 5  # patients with a value (or without), and those of them with an outcome
SAME = 1e-10  # 1 - r^2 below which two columns are one: rounding of sums would be a part of 1e-5 of what is left


def explained_by_column(column: np.ndarray, outcome: np.ndarray, patients: np.ndarray, together: bool = False) -> float:
    """Share of the outcome's variance that bins of the column explain on the other half of the patients, both ways.

    column [n] with nan for missing (a bin of its own); outcome [n, T]: the best of its T columns, or all of them
    `together` (one column a class); patients [n].

    >>> x = np.arange(1000.0)
    >>> round(explained_by_column(x, (x % 500)[:, None], np.arange(1000)), 2) > 0.9
    True
    """
    owner = np.unique(patients, return_inverse=True)[1]
    people = int(owner.max()) + 1
    bins = bins_of(column, owner)
    half = np.random.default_rng(0).permutation(people)[owner] % 2 == 0
    shares = [_explained(bins, _filled(bins[fit], owner[fit]), outcome, fit, together) for fit in (half, ~half)]
    return float(np.mean(shares, axis=0).max())


def bins_of(column: np.ndarray, patients: np.ndarray) -> np.ndarray:
    """Bin of each row [n]: values themselves where they are few, else ranks in parts; missing is bin 0. There are as
    many parts as patients with a value fill."""
    known = ~np.isnan(column)
    bins = np.zeros(len(column), np.int64)
    values, codes = np.unique(column[known], return_inverse=True)
    most = int(np.clip(len(np.unique(patients[known])) // BIN_PATIENTS, 2, BINS))
    if len(values) > most:
        codes = np.searchsorted(np.quantile(column[known], np.linspace(0, 1, most + 1)[1:-1]), column[known])
    bins[known] = codes + 1
    return bins


def _filled(bins: np.ndarray, patients: np.ndarray) -> np.ndarray:
    """Bins that at least FEWEST_IN_BIN different patients have."""
    pairs = np.unique(bins * (int(patients.max()) + 1) + patients)
    names, count = np.unique(pairs // (int(patients.max()) + 1), return_counts=True)
    return names[count >= FEWEST_IN_BIN]


def _explained(
    bins: np.ndarray, filled: np.ndarray, outcome: np.ndarray, fit: np.ndarray, together: bool
) -> np.ndarray:
    """R2 [T] (together: [1]) on the other rows of the means of filled bins over rows `fit`."""
    size, judge = int(bins.max()) + 1, ~fit
    count = np.bincount(bins[fit], minlength=size)
    overall = outcome[fit].mean(axis=0)
    total = np.stack([np.bincount(bins[fit], y, size) for y in outcome[fit].T], axis=1)
    means = np.where(np.isin(np.arange(size), filled)[:, None], total / np.maximum(count, 1)[:, None], overall)
    residual = ((outcome[judge] - means[bins[judge]]) ** 2).sum(axis=0)
    spread = ((outcome[judge] - overall) ** 2).sum(axis=0)
    if together:
        residual, spread = residual.sum(keepdims=True), spread.sum(keepdims=True)
    return np.asarray(1 - residual / np.where(spread > 0, spread, np.inf))


class Sign(NamedTuple):
    """What it says of the rarer of two outcomes that a column has a value (`filled`), or has none.

    purity: share of the rows with the sign that have the outcome; reach: share of the rows with the outcome that have
    the sign; area: AUROC of the sign.
    """

    purity: float
    reach: float
    area: float
    filled: bool


def signs_of_missing(missing: np.ndarray, outcome: np.ndarray, patients: np.ndarray) -> list[Sign]:
    """Both signs, or none where fewer than 10 patients have one, or fewer than 5 of them the outcome.

    outcome [N] in {0, 1}.

    >>> died = np.arange(100) < 20
    >>> signs_of_missing(~died, died, np.arange(100))
    [Sign(purity=1.0, reach=1.0, area=1.0, filled=True)]
    """
    rarer = outcome > 0.5 if outcome.mean() <= 0.5 else outcome <= 0.5
    found = []
    for rows, filled in ((~missing, True), (missing, False)):
        both = rows & rarer
        few = len(np.unique(patients[rows])) < FEWEST_WITH_SIGN
        if few or len(np.unique(patients[both])) < FEWEST_WITH_BOTH:
            continue
        reach, others = float(both.sum() / rarer.sum()), float((rows & ~rarer).sum() / (~rarer).sum())
        found.append(Sign(float(both.sum() / rows.sum()), reach, (1 + reach - others) / 2, filled))
    return found


def rank_correlations(numbers: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """|Spearman correlation| [F] of each column with the outcome column it follows best; missing as the median."""
    from scipy.stats import rankdata

    numbers = without_empty_columns(numbers)
    filled = np.where(np.isnan(numbers), np.nanmedian(numbers, axis=0), numbers)
    x, y = _standardized(rankdata(filled, axis=0)), _standardized(rankdata(outcome, axis=0))
    return np.abs(x.T @ y / len(x)).max(axis=1)


def line_explained(column: np.ndarray, outcome: np.ndarray) -> float:
    """R2 of a straight line through a column [n] for the outcome column it follows best; rows without a value left out.

    >>> round(line_explained(np.array([1.0, 2.0, 3.0, 4.0]), np.array([[1.0], [2.0], [3.0], [4.0]])), 3)
    1.0
    """
    known = ~np.isnan(column)
    if known.sum() < FEWEST_WITH_SIGN and known.sum() < len(column):
        return 0.0
    x, y = _standardized(column[known, None]), _standardized(outcome[known])
    return float(((x.T @ y / max(len(x), 1)) ** 2).max())


def pair_explained(numbers: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """R2 [F, F] of the least-squares plane through two columns (their sum and difference among them), best outcome.

    R2 = (r_1^2 + r_2^2 - 2 r_1 r_2 r_12) / (1 - r_12^2), from correlations r with the outcome and between the two.
    """
    numbers = without_empty_columns(numbers)
    filled = np.where(np.isnan(numbers), np.nanmean(numbers, axis=0), numbers)
    x, y = _standardized(filled), _standardized(outcome)
    between, single = x.T @ x / len(x), x.T @ y / len(x)  # [F, F], [F, T]
    rest = np.maximum(1 - between**2, SAME)[:, :, None]
    a, b = single[:, None, :], single[None, :, :]
    shares = (a**2 + b**2 - 2 * a * b * between[:, :, None]) / rest
    return np.where(rest[:, :, 0] > SAME, shares.max(axis=2), 0.0)


def _standardized(values: np.ndarray) -> np.ndarray:
    centred = values - values.mean(axis=0)
    spread = centred.std(axis=0)
    return centred / np.where(spread > 0, spread, np.inf)


def separation(numbers: np.ndarray, marked: np.ndarray) -> np.ndarray:
    """AUROC [F] of each column for telling marked rows from others (0.5: cannot), by mean ranks; missing as median."""
    from scipy.stats import rankdata

    numbers = without_empty_columns(numbers)
    filled = np.where(np.isnan(numbers), np.nanmedian(numbers, axis=0), numbers)
    ranks = rankdata(filled, axis=0)
    cases = int(marked.sum())
    total = cases * (len(marked) - cases)
    return np.asarray((ranks[marked].sum(axis=0) - cases * (cases + 1) / 2) / max(total, 1))


def separation_error(cases: int, controls: int) -> float:
    """Standard error of an AUROC of 0.5 (Mann and Whitney 1947); of patients, where rows of one hang together."""
    return float(np.sqrt((cases + controls + 1) / (12 * max(cases * controls, 1))))


def separates(column: np.ndarray, outcome: np.ndarray, patients: np.ndarray) -> tuple[float, float]:
    """(AUROC of the rows with a value, above one half; in how many standard errors over patients it is above that).

    column [n] with nan for missing, outcome [n] in {0, 1}.
    """
    known = ~np.isnan(column)
    case = outcome[known] > 0.5
    if not case.any() or case.all():
        return 0.5, 0.0
    area = float(separation(column[known, None], case)[0])
    people = (len(np.unique(patients[known][rows])) for rows in (case, ~case))
    return max(area, 1 - area), abs(area - 0.5) / separation_error(*people)


def discriminated(numbers: np.ndarray, marked: np.ndarray) -> float:
    """AUROC with which boosted trees tell marked rows from others, out of fold: adversarial validation. One row a
    patient: a patient's rows in several folds would be predicted from memory."""
    from sklearn.model_selection import cross_val_predict
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        says = cross_val_predict(_trees(30), numbers, marked, cv=3, method="predict_proba")[:, 1]
    return float(separation(says[:, None], marked)[0])


def out_of_fold(numbers: np.ndarray, outcome: np.ndarray, patients: np.ndarray) -> np.ndarray:
    """Probabilities [n, C] of classes [n], numbered from 0, by boosted trees that did not see the row's patient."""
    from sklearn.model_selection import GroupKFold, cross_val_predict
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        says = cross_val_predict(
            _trees(40), numbers, outcome, cv=GroupKFold(3), groups=patients, method="predict_proba"
        )
    return np.asarray(says)


def _trees(count: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    class Trees(HistGradientBoostingClassifier):  # type: ignore[misc]
        def fit(self, values: np.ndarray, outcome: np.ndarray) -> Any:
            return super().fit(without_empty_columns(values), outcome)

    return Trees(max_iter=count, max_leaf_nodes=8, min_samples_leaf=10, early_stopping=False)


def flip_rates(outcome: np.ndarray, says: np.ndarray, weights: np.ndarray) -> tuple[float, float, float]:
    """(likelihood ratio statistic, share flipped to 1, share flipped to 0) of 0/1 outcomes [n] given probabilities [n].

    Compares p = e_1 + (1 - e_1 - e_0) sigmoid(a + b logit(says)) with the same at e_1 = e_0 = 0: a misclassified
    outcome, as in Hausman, Abrevaya and Scott-Morton 1998 (Journal of Econometrics 87). weights [n]: of a patient's
    rows 1 in all, so that the statistic counts patients.
    """
    from scipy.optimize import minimize

    score = np.log(np.clip(says, 1e-6, 1 - 1e-6) / np.clip(1 - says, 1e-6, 1 - 1e-6))

    def loss(p: np.ndarray) -> float:
        floors = 0.5 / (1 + np.exp(-np.clip(p[2:], -30, 30))) if len(p) > 2 else np.zeros(2)
        chance = floors[0] + (1 - floors.sum()) / (1 + np.exp(-np.clip(p[0] + p[1] * score, -30, 30)))
        chance = np.clip(chance, 1e-9, 1 - 1e-9)
        return float(weights @ -np.log(np.where(outcome > 0.5, chance, 1 - chance)))

    plain = minimize(loss, [0.0, 1.0])
    starts = [np.array([*plain.x * factor, level, level]) for factor, level in ((1.0, -3.0), (2.0, -1.0))]
    best = min((minimize(loss, start) for start in starts), key=lambda found: float(found.fun))
    low, high = (0.5 / (1 + np.exp(-np.clip(best.x[2:], -30, 30)))).tolist()
    return 2 * float(plain.fun - best.fun), low, high
