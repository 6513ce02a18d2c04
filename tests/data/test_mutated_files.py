"""Every reader with changed bytes: read, or refused in one line; no other error, no crash, no flood of memory."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

DRIVER = Path(__file__).with_name("mutated_files.py")
FEWEST = 40  # readers that are driven


def driven(*words: str) -> dict[str, dict[str, int]]:
    done = subprocess.run([sys.executable, str(DRIVER), *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    counts: dict[str, dict[str, int]] = json.loads(done.stdout)
    assert len(counts) >= FEWEST
    return counts


def test_changed_files_are_read_or_refused() -> None:
    assert all(found.get("refused", 0) > 0 for found in driven("--examples", "8").values())


@pytest.mark.slow
def test_changed_files_are_read_or_refused_for_a_minute() -> None:
    counts = driven("--examples", "60", "--seconds", "60")
    assert all(found.get("read", 0) > 0 for found in counts.values())
