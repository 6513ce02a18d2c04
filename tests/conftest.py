"""What all tests share: type checks of every annotated function, and the folder of real tables."""

from pathlib import Path

import pytest
from beartype.claw import beartype_packages

# Rooms of NumPy functions: while tests run, every call is checked against its annotations. Not the networks (Keras
# reads the signature of a layer's constructor, which a checked one hides), nor training (where NumPy arrays may stand
# for JAX ones).
beartype_packages(["rounds.metrics", "rounds.data", "rounds.inference"])


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real tables beside the repository; tests on them are skipped where it is missing."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs the shared tables beside the repository")
    return folder
