"""Pictures of patients are in the report only where the user says so."""

from base64 import b64encode
from pathlib import Path

import pytest

from rounds.errors import RunFolderError
from rounds.report.page import write_report

from .conftest import MakeRun


@pytest.fixture
def run(make_run: MakeRun) -> Path:
    made = make_run("binary")
    (made / "images").mkdir()
    for name in ("looked_at", "filters"):
        (made / "images" / f"{name}.png").write_bytes(f"pixels of {name}".encode())
    return made


def address(name: str) -> str:
    return b64encode(f"pixels of {name}".encode()).decode()


def test_patients_stay_beside_the_report(run: Path) -> None:
    page = write_report(run).read_text(encoding="utf-8")
    assert address("looked_at") not in page
    assert "images/looked_at.png" in page
    assert "images/augmented.png" not in page, "there is none"
    assert address("filters") in page, "filters show nobody"
    assert "This page holds sums over patients only" in page


def test_pictures_are_in_the_report_where_asked_for(run: Path) -> None:
    page = write_report(run, show_images=True).read_text(encoding="utf-8")
    assert address("looked_at") in page
    assert "lie beside this page" not in page
    assert "This page shows pictures of patients" in page
    assert "sums over patients only" not in page


def test_a_run_without_images_says_nothing_of_them(make_run: MakeRun) -> None:
    page = write_report(make_run("binary"), show_images=True).read_text(encoding="utf-8")
    assert 'id="looks"' not in page
    assert "This page holds sums over patients only" in page


def test_a_picture_that_cannot_be_read_is_named(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = Path.read_bytes

    def refuse(path: Path) -> bytes:
        if path.suffix == ".png":
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(RunFolderError, match=r"filters\.png must be readable, got file=.*Permission denied"):
        write_report(run)
