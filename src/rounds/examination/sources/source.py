"""Whatever a user hands over to be examined: a run folder, one that was stopped, or curves from elsewhere."""

from pathlib import Path

from rounds.examination.examine import examine
from rounds.examination.finding import Examination
from rounds.examination.logs.detect import read_curves
from rounds.examination.sources.run_folder import FINDINGS, read_examination, read_run


def examine_source(path: Path) -> Examination:
    """Raises RunFolderError or DataError for what cannot be read."""
    if (path / FINDINGS).exists() and not (path / "curves.parquet").exists():
        return read_examination(path)
    if (path / "dataset.json").exists() or (path / "plan.json").exists():
        return examine(read_run(path))
    return examine(read_curves(path))
