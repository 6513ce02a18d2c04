"""The patients that come with Rounds, as scikit-learn's `datasets` has its own.

data = rounds.datasets.load_diabetes()
X, y = rounds.datasets.load_breast_cancer(return_X_y=True)
"""

from typing import Any

import numpy as np

from rounds.data.loading import load
from rounds.data.sources.builtin import builtin_names

__all__ = [
    "load_admissions",
    "load_breast_cancer",
    "load_diabetes",
    "load_digits",
    "load_vital_signs",
    "load_xrays",
    "names",
]


def names() -> tuple[str, ...]:
    """What `rounds train NAME` and `rounds.train(NAME)` know without a file.

    >>> names()
    ('diabetes', 'breast_cancer', 'digits', 'admissions', 'xrays', 'vital_signs')
    """
    return builtin_names()


def load_diabetes(*, return_X_y: bool = False) -> Any:
    """442 patients, disease progression one year after baseline (Efron et al. 2004).

    return_X_y: a Polars frame of the features and an array of the outcomes, instead of a Dataset.

    >>> load_diabetes()
    Dataset('diabetes': 442 rows of 442 patients, 10 features; predicts progression (regression))
    """
    return _loaded("diabetes", return_X_y)


def load_breast_cancer(*, return_X_y: bool = False) -> Any:
    """569 tumours, malignant or benign (Wolberg et al. 1995); return_X_y: as in `load_diabetes`.

    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X.shape, np.unique(y).tolist()
    ((569, 30), ['benign', 'malignant'])
    """
    return _loaded("breast_cancer", return_X_y)


def load_digits(*, return_X_y: bool = False) -> Any:
    """1,797 handwritten digits, a column for each of 8 x 8 pixels (Alpaydin and Kaynak 1998); return_X_y: as in
    `load_diabetes`."""
    return _loaded("digits", return_X_y)


def load_admissions(rows: int = 6_000, *, return_X_y: bool = False) -> Any:
    """A simulated hospital with so many admissions; nothing in it says anything about medicine. return_X_y: as in
    `load_diabetes`.

    >>> load_admissions(500).task.targets
    ('length_of_stay',)
    """
    return _loaded(f"admissions:{rows}", return_X_y)


def load_xrays(rows: int = 400, *, return_X_y: bool = False) -> Any:
    """Simulated images of 16 x 16 pixels, two a patient, half of the patients with a finding; return_X_y: the images
    [N, 16, 16, 1] and an array of the outcomes, instead of a Dataset.

    >>> load_xrays(40)
    Dataset('xrays (simulated)': 40 rows of 20 patients, 123 features; predicts finding (binary))
    """
    return _loaded(f"xrays:{rows}", return_X_y)


def load_vital_signs(rows: int = 600, *, return_X_y: bool = False) -> Any:
    """Simulated recordings of 24 hours: heart rate, systolic pressure and saturation, and who died; return_X_y:
    the recordings [N, steps, channels] and an array of the outcomes, instead of a Dataset.

    >>> load_vital_signs(100)
    Dataset('vital_signs (simulated)': 100 rows of 100 patients, 82 features; predicts died (binary))
    """
    return _loaded(f"vital_signs:{rows}", return_X_y)


def _loaded(name: str, return_X_y: bool) -> Any:
    dataset = load(name)
    if not return_X_y:
        return dataset
    outcomes = dataset.targets[:, 0]
    labels = np.array(dataset.task.classes)
    inputs = dataset.inputs if dataset.signals.array is None else np.asarray(dataset.signals.array)
    return inputs, labels[outcomes.astype(int)] if len(labels) else outcomes
