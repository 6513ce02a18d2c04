"""A predictor as the files of its model folder: what a pickled estimator holds instead of objects."""

import tempfile
from pathlib import Path

from rounds.prediction.model_folder import load_predictor, save_predictor
from rounds.prediction.predictor import Predictor

MODEL = "model"


def model_bytes(predictor: Predictor) -> dict[str, bytes]:
    """The content of every file of its model folder, by name."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / MODEL
        save_predictor(folder, predictor)
        return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def predictor_of_bytes(files: dict[str, bytes]) -> Predictor:
    """The predictor of such files, checked as those of a folder.

    Raises RunFolderError where one is damaged.
    """
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / MODEL
        folder.mkdir()
        for name, content in files.items():
            (folder / Path(name).name).write_bytes(content)
        return load_predictor(folder)
