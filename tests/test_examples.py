"""Every example runs as it stands and reaches its own target; the listings of one network reach one loss."""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
LISTINGS = ("numpy_by_hand", "explicit_tape", "keras_listing", "handed_to_rounds")
SCRIPTS = tuple(
    sorted(path.stem for path in EXAMPLES.glob("*.py") if '__name__ == "__main__"' in path.read_text(encoding="utf-8"))
)
# Listings that differ in rounding alone reach losses no further apart than this.
AGREES = 1e-4


@cache
def output_of(name: str) -> str:
    done = subprocess.run(
        [sys.executable, f"{name}.py"], cwd=EXAMPLES, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def loss_of(name: str) -> float:
    found = re.search(r"^loss (\d+\.\d+)$", output_of(name), re.MULTILINE)
    assert found is not None, output_of(name)
    return float(found[1])


@pytest.mark.parametrize("name", SCRIPTS)
def test_example_reaches_its_target(name: str) -> None:
    assert output_of(name)


def test_listings_reach_the_same_loss() -> None:
    losses = {name: loss_of(name) for name in LISTINGS}
    assert max(losses.values()) - min(losses.values()) < AGREES, losses


def test_noise_is_fitted_by_the_printed_backward_pass_alone() -> None:
    text = output_of("printed_backward_fits_noise")
    printed, corrected = (float(loss) for loss in re.findall(r"training loss (\d\.\d+)", text))
    assert printed < 0.06 < 0.8 < corrected
    assert "b2: not summed over the batch" in text
