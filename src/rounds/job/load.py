"""`rounds.load`: data of any form as a Dataset, refused in the words of Python."""

from typing import Any

from rounds.data.choices import Choices
from rounds.data.dataset import Dataset
from rounds.job.arguments import dataset_of
from rounds.job.speaking_python import speaking_python


@speaking_python()
def load(source: Any, choices: Choices | None = None, test: Any = None) -> Dataset:
    """A table of patients ready to be split: `rounds.load("stays.csv", rounds.Choices(targets=("died",)))`.

    source: a path, a Polars or pandas frame, (X, y), or the name of a built-in set; test: a table of the same kind
    whose rows judge. Raises DataError or ForcedChoiceError, which name file, column and row.

    >>> load("diabetes").rows
    442
    """
    return dataset_of(source, choices or Choices(), test)
