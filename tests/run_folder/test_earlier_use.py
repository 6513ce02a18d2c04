"""The ledger counts runs on the same test rows, and never stands in the way of a result."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rounds.run_folder.earlier_use import NAME, EarlierUse, count_earlier_use


def test_counts_other_runs_on_the_same_rows(tmp_path: Path) -> None:
    assert count_earlier_use(tmp_path, "aa", "first") == EarlierUse(0, "")
    assert count_earlier_use(tmp_path, "bb", "other rows") == EarlierUse(0, "")
    assert count_earlier_use(tmp_path, "aa", "second") == EarlierUse(1, "")
    assert count_earlier_use(tmp_path, "aa", "first") == EarlierUse(1, ""), "a resumed run is no new look"
    assert len((tmp_path / NAME).read_text().splitlines()) == 3


def test_damaged_lines_are_passed_over(tmp_path: Path) -> None:
    count_earlier_use(tmp_path, "aa", "first")
    with (tmp_path / NAME).open("ab") as file:
        file.write(b'{"test_rows": "aa"\n[1, 2]\n"text"\n\xff\xfe\n{"run": "x"}\n')
    assert count_earlier_use(tmp_path, "aa", "second") == EarlierUse(1, "")


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    entry = count_earlier_use(tmp_path, "aa", "first")
    assert entry.times_before is None
    assert entry.note == f"The record of test reuse {tmp_path / NAME} could not be read (Is a directory)."


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    entry = count_earlier_use(tmp_path / "file" / "runs", "aa", "first")
    assert entry.times_before == 0
    assert "could not be written" in entry.note


def test_runs_that_end_together_all_leave_a_line(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: count_earlier_use(tmp_path, "aa", f"run {i}"), range(40)))
    lines = [json.loads(line) for line in (tmp_path / NAME).read_text().splitlines()]
    assert {line["run"] for line in lines} == {f"run {i}" for i in range(40)}
