"""The report as a whole."""

from pathlib import Path

import pytest

from rounds.errors import RunFolderError
from rounds.report.page import write_report


def test_unfinished_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match=r"RUN must be a run folder with metrics\.json"):
        write_report(tmp_path)
    assert not list(tmp_path.iterdir())
