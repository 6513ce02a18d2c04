"""What the line of progress says of the events of a run."""

from types import SimpleNamespace

import pytest

from rounds.job.progress_line import _Line, progress_line


def test_epochs_of_all_slabs_are_counted_and_begin_anew_with_each_stage() -> None:
    line = _Line()
    slab = SimpleNamespace(plan=0)
    population = SimpleNamespace(plans=[SimpleNamespace(epochs=20)], slabs=[slab, slab])
    line.see(SimpleNamespace(name="training", population=population))
    line.see(SimpleNamespace(slab=0, epoch=5))
    line.see(SimpleNamespace(slab=1, epoch=3))
    line.see(SimpleNamespace(slab=0, epoch=6))
    line.see(SimpleNamespace(likely=12.0))
    assert line.text.startswith("training, 9 of 40 epochs of all slabs, about 12 s")
    line.see(SimpleNamespace(name="judging", population=None))
    assert line.text.startswith("judging, about 12 s")


def test_nothing_is_shown_where_quiet_or_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    for quiet in (True, False):
        with progress_line(quiet) as see:
            see(SimpleNamespace(name="training", population=None))
    assert capsys.readouterr() == ("", "")
