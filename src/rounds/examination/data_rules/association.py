"""How much of an outcome a column, a pair of columns, or all of them tell: fast, and on rows held out."""

import numpy as np

BINS = 40  # of one column: enough to follow any curve, few enough for a hundred rows in each of a sample
FEWEST_IN_BIN = 5
SAME = 1e-10  # 1 - r^2 below which two columns are one: rounding of sums would be a part of 1e-5 of what is left


def explained_by_column(column: np.ndarray, outcome: np.ndarray) -> float:
    """Share of the outcome's variance that bins of the column explain on the other half of the rows, both ways.

    column [n] with nan for missing (a bin of its own); outcome [n, T]: the best of its T columns.

    >>> x = np.arange(1000.0)
    >>> round(explained_by_column(x, (x % 500)[:, None]), 2) > 0.9
    True
    """
    bins = binned(column)
    halves = np.random.default_rng(0).permutation(len(column)) % 2 == 0
    shares = [_explained(bins, outcome, fit, ~fit) for fit in (halves, ~halves)]
    return float(np.mean(shares, axis=0).max())


def binned(column: np.ndarray) -> np.ndarray:
    """Bin of each row [n]: values themselves where there are few, else ranks in BINS parts; missing is bin 0."""
    known = ~np.isnan(column)
    bins = np.zeros(len(column), np.int64)
    values, codes = np.unique(column[known], return_inverse=True)
    if len(values) > BINS:
        codes = np.searchsorted(np.quantile(column[known], np.linspace(0, 1, BINS + 1)[1:-1]), column[known])
    bins[known] = codes + 1
    return bins


def _explained(bins: np.ndarray, outcome: np.ndarray, fit: np.ndarray, judge: np.ndarray) -> np.ndarray:
    """R2 [T] on rows `judge` of the bins' means over rows `fit`."""
    size = int(bins.max()) + 1
    count = np.bincount(bins[fit], minlength=size)
    overall = outcome[fit].mean(axis=0)
    total = np.stack([np.bincount(bins[fit], y, size) for y in outcome[fit].T], axis=1)
    means = np.where(count[:, None] >= FEWEST_IN_BIN, total / np.maximum(count, 1)[:, None], overall)
    residual = ((outcome[judge] - means[bins[judge]]) ** 2).sum(axis=0)
    spread = ((outcome[judge] - overall) ** 2).sum(axis=0)
    return 1 - residual / np.where(spread > 0, spread, np.inf)


def rank_correlations(numbers: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """|Spearman correlation| [F] of each column with the outcome column it follows best; missing as the median."""
    from scipy.stats import rankdata

    filled = np.where(np.isnan(numbers), np.nanmedian(numbers, axis=0), numbers)
    x, y = _standardized(rankdata(filled, axis=0)), _standardized(rankdata(outcome, axis=0))
    return np.abs(x.T @ y / len(x)).max(axis=1)


def pair_explained(numbers: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """R2 [F, F] of the least-squares plane through two columns (their sum and difference among them), best outcome.

    R2 = (r_1^2 + r_2^2 - 2 r_1 r_2 r_12) / (1 - r_12^2), from correlations r with the outcome and between the two.
    """
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

    filled = np.where(np.isnan(numbers), np.nanmedian(numbers, axis=0), numbers)
    ranks = rankdata(filled, axis=0)
    cases = int(marked.sum())
    total = cases * (len(marked) - cases)
    return (ranks[marked].sum(axis=0) - cases * (cases + 1) / 2) / max(total, 1)


def separation_error(cases: int, controls: int) -> float:
    """Standard error of an AUROC of 0.5 (Mann and Whitney 1947)."""
    return float(np.sqrt((cases + controls + 1) / (12 * max(cases * controls, 1))))


def discriminated(numbers: np.ndarray, marked: np.ndarray) -> float:
    """AUROC with which boosted trees tell marked rows from others, out of fold: adversarial validation."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import cross_val_predict
    from threadpoolctl import threadpool_limits

    trees = HistGradientBoostingClassifier(max_iter=30, max_leaf_nodes=8, min_samples_leaf=10, early_stopping=False)
    with threadpool_limits(1):
        says = cross_val_predict(trees, numbers, marked, cv=3, method="predict_proba")[:, 1]
    return float(separation(says[:, None], marked)[0])


def out_of_fold(numbers: np.ndarray, outcome: np.ndarray, patients: np.ndarray) -> np.ndarray:
    """Probabilities [n, C] of classes [n], numbered from 0, by boosted trees that did not see the row's patient."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import GroupKFold, cross_val_predict
    from threadpoolctl import threadpool_limits

    trees = HistGradientBoostingClassifier(max_iter=40, max_leaf_nodes=8, min_samples_leaf=10, early_stopping=False)
    with threadpool_limits(1):
        says = cross_val_predict(trees, numbers, outcome, cv=GroupKFold(3), groups=patients, method="predict_proba")
    return np.asarray(says)


def flip_rates(outcome: np.ndarray, says: np.ndarray) -> tuple[float, float, float]:
    """(likelihood ratio statistic, share flipped to 1, share flipped to 0) of 0/1 outcomes [n] given probabilities [n].

    Compares p = e_1 + (1 - e_1 - e_0) sigmoid(a + b logit(says)) with the same at e_1 = e_0 = 0: a misclassified
    outcome, as in Hausman, Abrevaya and Scott-Morton 1998 (Journal of Econometrics 87).
    """
    from scipy.optimize import minimize

    score = np.log(np.clip(says, 1e-6, 1 - 1e-6) / np.clip(1 - says, 1e-6, 1 - 1e-6))

    def loss(p: np.ndarray) -> float:
        floors = 0.5 / (1 + np.exp(-np.clip(p[2:], -30, 30))) if len(p) > 2 else np.zeros(2)
        chance = floors[0] + (1 - floors.sum()) / (1 + np.exp(-np.clip(p[0] + p[1] * score, -30, 30)))
        chance = np.clip(chance, 1e-9, 1 - 1e-9)
        return float(-np.log(np.where(outcome > 0.5, chance, 1 - chance)).sum())

    plain = minimize(loss, [0.0, 1.0])
    starts = [np.array([*plain.x * factor, level, level]) for factor, level in ((1.0, -3.0), (2.0, -1.0))]
    best = min((minimize(loss, start) for start in starts), key=lambda found: float(found.fun))
    low, high = (0.5 / (1 + np.exp(-best.x[2:]))).tolist()
    return 2 * float(plain.fun - best.fun), low, high
