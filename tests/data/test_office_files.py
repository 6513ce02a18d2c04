"""Spreadsheets and files of statistics programs are read as text files are."""

import builtins
import zipfile
from pathlib import Path

import pandas as pd
import pyreadstat
import pytest

from rounds.data.tables.office_files import STATISTICS
from rounds.data.tables.reading import read_table
from rounds.errors import DataError

HEAD = [["Ward 7"], ["age", "sex", "crp"], ["years", "", "mg/L"]]
ROWS = [*HEAD, *[[str(40 + i), "FM"[i % 2], "<0.5"] for i in range(9)]]
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def sheet(rows: list[list[str]]) -> str:
    made = "".join(f'<row r="{r}">{_cells(r, row)}</row>' for r, row in enumerate(rows, start=1))
    return f'<worksheet xmlns="{MAIN}"><sheetData>{made}</sheetData></worksheet>'


def _cells(row: int, values: list[str]) -> str:
    texts = {f"{chr(65 + place)}{row}": text.replace("<", "&lt;") for place, text in enumerate(values) if text}
    return "".join(f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>' for place, text in texts.items())


def workbook(path: Path, sheets: list[list[list[str]]]) -> Path:
    """A spreadsheet of text cells, as small as one may be."""
    names = "".join(f'<sheet name="s{i}" sheetId="{i}" r:id="r{i}"/>' for i in range(1, len(sheets) + 1))
    package = "http://schemas.openxmlformats.org/package/2006"
    links = "".join(
        f'<Relationship Id="r{i}" Type="{RELATION}/worksheet" Target="worksheets/s{i}.xml"/>'
        for i in range(1, len(sheets) + 1)
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", f'<Types xmlns="{package}/content-types"/>')
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{RELATION}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/workbook.xml", f'<workbook xmlns="{MAIN}" xmlns:r="{RELATION}"><sheets>{names}</sheets></workbook>'
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{package}/relationships">{links}</Relationships>'
        )
        for i, rows in enumerate(sheets, start=1):
            archive.writestr(f"xl/worksheets/s{i}.xml", sheet(rows))
    return path


def test_the_first_sheet_with_a_table_is_read(tmp_path: Path) -> None:
    rows = [*ROWS[:6], ["46", "F", "1.5"], ["47", "M", "2.5"], ["48", "M", "3.5"], ["49", "F", "4.5"], ["50", "M", "7"]]
    table = read_table(workbook(tmp_path / "a.xlsx", [[], rows, ROWS]))
    assert table.frame.columns == ["age", "sex", "crp", "crp below limit"]
    assert table.frame["age"].to_list() == [40, 41, 42, 46, 47, 48, 49, 50]
    assert table.how.units == {"age": "years", "crp": "mg/L"}
    assert table.how.about[:2] == ("sheet s2 was read, 2 more left out", "1 line above the table left out")


def test_files_of_statistics_programs_have_labels(tmp_path: Path) -> None:
    frame = pd.DataFrame({"age": [50.0, 61.0, None], "sex": [1.0, 2.0, 1.0]})
    labels = {"sex": {1.0: "F", 2.0: "M"}}
    pyreadstat.write_sav(frame, str(tmp_path / "a.sav"), variable_value_labels=labels)
    pyreadstat.write_dta(frame.astype({"sex": int}), str(tmp_path / "a.dta"))
    table = read_table(tmp_path / "a.sav")
    assert table.frame.rows() == [(50.0, "F"), (61.0, "M"), (None, "F")]
    assert table.how.about == ("value labels of sex were read in place of their numbers",)
    assert read_table(tmp_path / "a.dta").frame["age"].to_list() == [50.0, 61.0, None]


def test_transport_files_of_sas_are_read(tmp_path: Path) -> None:
    frame = pd.DataFrame({"SEQN": [1.0, 2.0], "LBXGH": [5.5, None], "SEX": ["F", "M"]})
    pyreadstat.write_xport(frame, str(tmp_path / "a.xpt"), table_name="DEMO")
    assert read_table(tmp_path / "a.xpt").frame.rows() == [(1.0, 5.5, "F"), (2.0, None, "M")]


@pytest.mark.parametrize("ending", STATISTICS)
def test_readers_are_asked_for_what_they_take(tmp_path: Path, ending: str) -> None:
    (tmp_path / "a.sas7bcat").write_bytes(b"no catalog")
    (tmp_path / f"a{ending}").write_bytes(b"no table")
    with pytest.raises(DataError, match="DATA must be a readable") as refused:
        read_table(tmp_path / f"a{ending}")
    assert "argument" not in str(refused.value), "it is the file that is refused"


def test_a_file_of_sas_is_read() -> None:
    found = sorted(Path(pyreadstat.__file__).parents[1].glob("*/tests/**/*.sas7bdat"))
    if not found:
        pytest.skip("no installed package brings a file of SAS")
    assert read_table(found[0]).frame.height > 0


def test_damage_and_a_missing_package_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.xlsx", "a.sav", "a.dta", "a.sas7bdat", "a.xpt"):
        (tmp_path / name).write_bytes(b"PK no such file")
        with pytest.raises(DataError, match="DATA must be a readable"):
            read_table(tmp_path / name)
    with pytest.raises(DataError, match="Spreadsheet must be one with a table"):
        read_table(workbook(tmp_path / "b.xlsx", [[], []]))
    real = builtins.__import__

    def without(name: str, *given: object, **named: object) -> object:
        if name in ("fastexcel", "pyreadstat"):
            raise ImportError(name)
        return real(name, *given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr("rounds.data.tables.office_files.import_module", without)
    with pytest.raises(DataError, match=r'Install it with pip install "rounds\[office\]"'):
        read_table(tmp_path / "a.xlsx")
