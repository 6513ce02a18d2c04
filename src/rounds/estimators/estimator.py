"""`RoundsClassifier` and `RoundsRegressor`: a population of networks behind scikit-learn's own interface."""

from typing import Any, Self

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import Tags, check_array, check_random_state, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from rounds.data.dataset import Cohort, Dataset
from rounds.errors import RoundsError
from rounds.estimators.model_bytes import model_bytes, predictor_of_bytes
from rounds.estimators.table import as_table, holds_levels, table_columns
from rounds.examination.finding import finding_record
from rounds.foreign_files import JsonObject
from rounds.job.request import Request
from rounds.job.speaking_python import speaking_python
from rounds.job.unjudged import train_unjudged
from rounds.plan import Changes
from rounds.plan.plan import LARGEST_SEED
from rounds.task import Kind, Task

FEWEST_ROWS = 4  # two validation folds of two patients
PLAN_FIELDS = ("epochs", "hidden", "learning_rate", "batch_size", "dropout")  # those that are parameters themselves


class _RoundsEstimator(BaseEstimator):  # type: ignore[misc]
    """What both estimators share."""

    def __init__(
        self,
        *,
        members: int | None = None,
        rounds: int = 0,
        minutes: float | None = None,
        epochs: int | None = None,
        hidden: Any = None,
        learning_rate: Any = None,
        batch_size: Any = None,
        dropout: Any = None,
        plan: Changes | None = None,
        random_state: Any = None,
    ) -> None:
        self.members = members
        self.rounds = rounds
        self.minutes = minutes
        self.epochs = epochs
        self.hidden = hidden
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.dropout = dropout
        self.plan = plan
        self.random_state = random_state

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def __getstate__(self) -> JsonObject:
        state = dict(super().__getstate__())
        if "predictor_" in state:
            state["predictor_"] = model_bytes(state["predictor_"])
        return state

    def __setstate__(self, state: JsonObject) -> None:
        files = state.get("predictor_")
        super().__setstate__(state if files is None else {**state, "predictor_": predictor_of_bytes(files)})

    def _fit(self, table: pl.DataFrame, task: Task, targets: np.ndarray, groups: Any) -> Self:
        """Trains on the table [N, F] and the targets [N, T], and keeps the predictor and what the rules say."""
        patients = np.arange(len(targets))
        if groups is not None:
            check_consistent_length(targets, groups)
            patients = np.unique(column_or_1d(groups), return_inverse=True)[1].astype(np.int64)
        dataset = Dataset("X", task, table, table_columns(table), targets.astype(_TYPES[task.kind]), Cohort(patients))
        fields = {name: getattr(self, name) for name in PLAN_FIELDS if getattr(self, name) is not None}
        changes = {"seed": self._seed(), **(self.plan or {}), **fields}
        lists = {name: tuple(value) if isinstance(value, list) else value for name, value in changes.items()}
        request = Request(lists, members=self.members, minutes=self.minutes, rounds=self.rounds)
        try:
            with speaking_python():
                trained = train_unjudged(dataset, request)
        except RoundsError as error:
            raise ValueError(str(error)) from error
        self.predictor_ = trained.predictor
        self.findings_ = [finding_record(finding).content() for finding in trained.examination.findings]
        self.prescriptions_ = [entry.content() for entry in trained.prescriptions]
        return self

    def _seed(self) -> int:
        if isinstance(self.random_state, int | np.integer):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(LARGEST_SEED))

    def _table(self, X: Any, y: Any = None, *, fitting: bool = False) -> pl.DataFrame:
        """X as columns, checked as scikit-learn checks it; levels are accepted in frames, missing values everywhere."""
        least = FEWEST_ROWS if fitting else 1
        if holds_levels(X):
            validate_data(self, X, reset=fitting, skip_check_array=True)
            table = as_table(X)
            numbers = table.select(pl.col(pl.Float64))
            check_array(
                numbers.to_numpy(), ensure_all_finite="allow-nan", ensure_min_samples=least, ensure_min_features=0
            )
        else:
            rules = {"ensure_all_finite": "allow-nan", "ensure_min_samples": least, "dtype": np.float64}
            table = as_table(validate_data(self, X, reset=fitting, **rules))
        names = getattr(self, "feature_names_in_", table.columns)
        return table.rename(dict(zip(table.columns, map(str, names), strict=True)))

    def _predicted(self, X: Any) -> np.ndarray:
        """[N, T] in the target's unit, or probabilities."""
        check_is_fitted(self)
        return np.asarray(self.predictor_.predict(self._table(X)).values)


_TYPES: dict[str, type] = {"regression": np.float32, "binary": np.float32, "multiclass": np.int32}


class RoundsClassifier(ClassifierMixin, _RoundsEstimator):  # type: ignore[misc]
    """Classifies by a population of networks, each trained with another fold of patients held back.

    members: networks (None: each proposed setting on every fold); rounds: how often to prescribe and try remedies;
    minutes: limit on training; epochs, hidden, learning_rate, batch_size, dropout: fields of the plan (None: as
    `rounds train` proposes for this many rows; several learning rates or dropouts train side by side); plan: a
    dictionary of any other fields; random_state: an int is the plan's seed.

    classes_, n_features_in_, feature_names_in_: as everywhere in scikit-learn. findings_: what the rules say of data
    and training, main cause first, as in findings.json; prescriptions_: what was tried against it; predictor_: the
    networks. Missing values are read, and columns of a frame that are no numbers are levels. `fit` raises ValueError
    for what it cannot use.

    >>> X = np.linspace(-1, 1, 40)[:, None]
    >>> fitted = RoundsClassifier(members=1, epochs=30, hidden=(8,), random_state=0).fit(X, X[:, 0] > 0)
    >>> fitted.predict([[-0.9], [0.9]])
    array([False,  True])
    """

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """X: array [N, F] or frame; y: [N] classes; groups: [N] patients, of whom none is on two sides."""
        if y is None:
            raise ValueError("requires y to be passed, but the target y is None")
        table = self._table(X, fitting=True)
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        check_consistent_length(table, y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("y must be of at least 2 classes, got 1 class. Give patients of another class too.")
        kind: Kind = "binary" if len(self.classes_) == 2 else "multiclass"
        task = Task(kind=kind, targets=("y",), classes=tuple(map(str, self.classes_)))
        return self._fit(table, task, codes.reshape(-1, 1), groups)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities [N, classes], in the order of `classes_`."""
        made = self._predicted(X)
        return np.hstack([1 - made, made]) if len(self.classes_) == 2 else made

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class [N]."""
        places = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[places])


class RoundsRegressor(RegressorMixin, _RoundsEstimator):  # type: ignore[misc]
    """Predicts numbers by a population of networks, each trained with another fold of patients held back.

    Parameters and attributes are those of `RoundsClassifier`, without `classes_`; several targets are learned together.

    >>> X = np.linspace(-1, 1, 40)[:, None]
    >>> fitted = RoundsRegressor(members=1, epochs=200, hidden=(8,), random_state=0).fit(X, 3 * X[:, 0])
    >>> fitted.score(X, 3 * X[:, 0]) > 0.8
    True
    """

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """X: array [N, F] or frame; y: [N] or [N, T] numbers; groups: [N] patients, of whom none is on two sides."""
        if y is None:
            raise ValueError("requires y to be passed, but the target y is None")
        table = self._table(X, fitting=True)
        y = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
        check_consistent_length(table, y)
        self._one_target = y.ndim == 1
        targets = y.reshape(len(y), -1)
        names = ("y",) if targets.shape[1] == 1 else tuple(f"y{i}" for i in range(targets.shape[1]))
        return self._fit(table, Task(kind="regression", targets=names), targets, groups)

    def predict(self, X: Any) -> np.ndarray:
        """Numbers [N], or [N, T] where `fit` had as many axes, in the target's unit."""
        made = self._predicted(X)
        return made[:, 0] if self._one_target else made
