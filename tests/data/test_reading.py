"""Every way to write the same table is read as the same table; digits that mean something are kept."""

import bz2
import datetime
import decimal
import gzip
import zipfile
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

from rounds.data.tables.content_hash import content_hash
from rounds.data.tables.reading import AS_WRITTEN, read_table
from rounds.errors import DataError

PLAIN = "age,sex,note\n50,F,well\n61.5,M,\n"


def read(tmp_path: Path, text: str | bytes, name: str = "a.csv", codes: tuple[str, ...] = ()) -> pl.DataFrame:
    place = tmp_path / name
    place.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_table(str(place), dict.fromkeys(codes, AS_WRITTEN)).frame


def refused(tmp_path: Path, text: str | bytes, name: str = "a.csv") -> str:
    with pytest.raises(DataError) as caught:
        read(tmp_path, text, name)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbf" + PLAIN.encode(),
        PLAIN.replace("\n", "\r\n"),
        PLAIN + "\n\n\n",
        PLAIN.replace("\n", "\r\n") + "\r\n\r\n",
        PLAIN.rstrip("\n"),
        PLAIN.replace("age,sex,note", '"age","sex" , note'),
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace(",", "|"),
        PLAIN.replace(",", ";").replace("61.5", "61,5"),
        PLAIN.replace(",", ", "),
        PLAIN.replace("F", '"F"').replace("50", " 50 "),
        PLAIN.replace("61.5,M,", "+61.5,M,NA"),
        PLAIN.replace("61.5,M,", "61.5,M,?"),
        PLAIN.replace("61.5,M,", "61.5,M, "),
    ],
)
def test_ways_to_write_one_table(tmp_path: Path, text: str | bytes) -> None:
    table = read(tmp_path, text)
    assert table.columns == ["age", "sex", "note"]
    assert table.rows() == [(50.0, "F", "well"), (61.5, "M", None)]
    assert content_hash(table) == content_hash(read(tmp_path, PLAIN))


def test_tabs_parquet_and_frames_are_the_same_table(tmp_path: Path) -> None:
    table = read(tmp_path, PLAIN)
    table.write_parquet(tmp_path / "a.parquet")
    assert read(tmp_path, PLAIN.replace(",", "\t"), "a.tsv").equals(table)
    assert read_table(tmp_path / "a.parquet").frame.equals(table)
    assert read_table(table).frame.equals(table)
    frame = pd.DataFrame({"age": [50, 61.5], "sex": ["F", "M"], "note": ["well", None]})
    assert read_table(frame).frame.equals(table)


@pytest.mark.parametrize(
    ("cells", "kept"),
    [
        (["00123", "124"], ["00123", "124"]),
        (["008.45", "250"], ["008.45", "250"]),
        (["0", "0.5"], [0.0, 0.5]),
        (["0", "10"], [0, 10]),
        (["-0.5", "05"], ["-0.5", "05"]),
        (["12345678901234567890", "1"], ["12345678901234567890", "1"]),
        (["1234567890123456789", "1"], [1234567890123456789, 1]),
        (["1e3", "2"], [1000.0, 2.0]),
        (["V57", "250.10"], ["V57", "250.10"]),
        (["250.10", "250.1"], [250.1, 250.1]),
        ([" 007", "8"], ["007", "8"]),
        (["+5", "7"], [5.0, 7.0]),
    ],
)
def test_digits_in_front_are_kept(tmp_path: Path, cells: list[str], kept: list[object]) -> None:
    table = read(tmp_path, "code,x\n" + "".join(f"{cell},1\n" for cell in cells))
    assert table["code"].to_list() == kept


@pytest.mark.parametrize(
    ("cells", "kept"),
    [
        (["250.10", "250.1"], ["250.10", "250.1"]),
        (["250.1", "250.0"], [250.1, 250.0]),
        ([" 250.10", "250.1"], ["250.10", "250.1"]),
        (["1", "2"], [1, 2]),
    ],
)
def test_codes_keep_digits_at_the_end(tmp_path: Path, cells: list[str], kept: list[object]) -> None:
    table = read(tmp_path, "code,x\n" + "".join(f"{cell},1\n" for cell in cells), codes=("code", "elsewhere"))
    assert table["code"].to_list() == kept


@pytest.mark.parametrize(
    ("cells", "kept"),
    [
        (["1,5", "2,25", "3"], [1.5, 2.25, 3.0]),
        (["-0,125", "12,5"], [-0.125, 12.5]),
        (["1,500", "2,250"], ["1,500", "2,250"]),  # could be thousands
        (["1,5", "high"], ["1,5", "high"]),
        (["1,5", "1.5"], ["1,5", "1.5"]),
    ],
)
@pytest.mark.parametrize(("name", "separator"), [("a.csv", ";"), ("a.tsv", "\t")])
def test_decimal_commas(tmp_path: Path, cells: list[str], kept: list[object], name: str, separator: str) -> None:
    table = read(tmp_path, f"x{separator}y\n" + "".join(f"{cell}{separator}1\n" for cell in cells), name)
    assert table["x"].to_list() == kept


def test_quoted_newlines_and_separators(tmp_path: Path) -> None:
    table = read(tmp_path, 'x,note\n1,"a\nb"\n2,"c, d"\n3,"say ""e"""\n4,\n')
    assert table["note"].to_list() == ["a\nb", "c, d", 'say "e"', None]


def test_blank_lines_in_between_stay_for_the_count_of_rows(tmp_path: Path) -> None:
    assert read(tmp_path, "x,y\n1,2\n\n3,4\n\n").rows() == [(1, 2), (None, None), (3, 4)]


@pytest.mark.parametrize("name", ["data[1].csv", "ä b.csv", "a*.csv", "DATA.CSV"])
def test_any_name_of_a_file(tmp_path: Path, name: str) -> None:
    assert read(tmp_path, PLAIN, name).height == 2
    assert "got cells=1, row=3, file='" in refused(tmp_path, "x,y\n1,2\n3\n", name)


def test_faults_far_down_are_found(tmp_path: Path) -> None:
    long = b"x,y\n" + b"1,2\n" * 40_000
    assert "It holds binary data" in refused(tmp_path, long + b"\0,5\n")
    assert "got cells=1, row=40002, file='a.csv'" in refused(tmp_path, long + b"5\n")


def test_columns_without_a_name_are_called_by_their_place(tmp_path: Path) -> None:
    assert read(tmp_path, ",age,\n0,50,1\n1,60,2\n").columns == ["column_1", "age", "column_3"]
    assert read_table(pl.DataFrame({"": [1], "age": [50], " ": [2]})).frame.columns == ["column_1", "age", "column_3"]


def test_dates_are_dates(tmp_path: Path) -> None:
    table = read(
        tmp_path, "d,t,e\n2020-12-31,2020-12-31 10:30:00,31.12.2020\n2021-01-01,2021-01-01 00:00:00,01.01.2021\n"
    )
    assert table.row(0) == (
        datetime.date(2020, 12, 31),
        datetime.datetime(2020, 12, 31, 10, 30),
        datetime.date(2020, 12, 31),
    )


def test_nan_is_missing_and_decimals_are_numbers(tmp_path: Path) -> None:
    frame = pl.DataFrame({"x": [1.0, float("nan")], "d": pl.Series(["1.5", "2.5"]).cast(pl.Decimal(10, 2))})
    frame = frame.with_columns(i=pl.Series([1, 2]).cast(pl.Int128))
    table = read_table(frame).frame
    assert table.rows() == [(1.0, 1.5, 1), (None, 2.5, 2)]


def test_thousands_of_columns(tmp_path: Path) -> None:
    names = [f"gene_{i}" for i in range(5000)]
    rows = "".join(",".join(str(i % (7 + r)) for i in range(5000)) + "\n" for r in range(30))
    assert read(tmp_path, ",".join(names) + "\n" + rows).shape == (30, 5000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", "DATA must be a table with a header and rows, got file='a.csv'. The file is empty."),
        (b"x,y\n", "DATA must be a table with rows, got rows=0. a.csv has a header only."),
        (b"x,y", "DATA must be a table with rows, got rows=0. a.csv has a header only."),
        (b"\n\n\n", "DATA must be a table with rows, got "),
        (b"x,y\n,\n,\n", "DATA must be a table with rows, got rows=0. a.csv has a header only."),
        (bytes(range(256)) * 9, "DATA must be a text table, got file='a.csv'. It holds binary data"),
        (b"x,y\n1,2,3\n4,5\n", "Cells in a row must be 2 as in the header, got cells=3, row=2, file='a.csv'. Quote"),
        (b"x,y\n1,2\n3\n4,5\n", "Cells in a row must be 2 as in the header, got cells=1, row=3, file='a.csv'."),
        (b"x,y,z\n1,2,3\n3,4\n4,5,6\n", "Cells in a row must be 3 as in the header, got cells=2, row=3, file='a.csv'."),
        (b'x,y\n1,"a\nb"\n3\n', "Cells in a row must be 2 as in the header, got cells=1, row=4, file='a.csv'."),
        (b'x,y\n1,"a\n3,4\n5,6\n', "must be"),
        (b"x,y,x\n1,2,3\n", "Column names must be all different, got repeated='x'. Rename them in a.csv."),
        (b"<!DOCTYPE html>\n<html></html>", "DATA must be a table, got file='a.csv'. It is a web page: download the"),
        (b"x,y, x \n1,2,3\n", "Column names must be all different, got repeated='x'. Rename them in a.csv."),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, text: bytes, expected: str) -> None:
    assert expected in refused(tmp_path, text)


def test_other_files_are_refused(tmp_path: Path) -> None:
    assert "Kind of file must be one of .csv, .tsv, " in refused(tmp_path, b"PK", "a.docx")
    assert "DATA must be a readable .xlsx file, got file='a.xlsx (" in refused(tmp_path, b"PK", "a.xlsx")
    assert "Parquet file must be whole and readable, got file='a.parquet (" in refused(tmp_path, b"PAR1xx", "a.parquet")
    whole = tmp_path / "b.parquet"
    pl.DataFrame({"x": range(1000)}).write_parquet(whole)
    assert "Parquet file must be whole" in refused(tmp_path, whole.read_bytes()[:-20], "b.parquet")
    for source, expected in (
        (tmp_path, "DATA must be a file, got file="),
        (tmp_path / "no.csv", "DATA must be a file that exists, got file="),
        (tmp_path / "a.docx" / "b.csv", "DATA must be a file that exists, got file="),
        (Path("/dev/null"), "DATA must be a file on disk"),
        (tmp_path / ("x" * 300 + ".csv"), "File name too long"),
    ):
        with pytest.raises(DataError, match="must be") as caught:
            read_table(source)
        assert expected in str(caught.value)


def test_columns_that_hold_no_plain_values_are_left_out() -> None:
    """Lists, records, bytes and other objects, in frames of either kind; bytes that are texts are read as such."""
    polars = pl.DataFrame({"age": [1, 2], "tags": [[1], [2]], "raw": [b"\xff", b"\xfe"], "city": [b"Ulm", b"Bonn"]})
    pandas = pd.DataFrame({"age": [1, 2], "wave": [1j, 2j], "note": [{"a": 1}, {"a": 2}]})
    for frame, left in ((polars, ["tags", "raw"]), (pandas, ["wave", "note"])):
        table = read_table(frame)
        assert [note.column for note in table.how.notes if note.role == "dropped"] == left
        assert all(table.frame[name].null_count() == 2 for name in left)
    assert read_table(polars).frame["city"].to_list() == ["Ulm", "Bonn"]


def test_frames_that_are_no_tables() -> None:
    for frame, expected in (
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "Column names must be all different, got repeated='a'"),
        (pd.DataFrame({"a": []}), "DATA must be a table with rows"),
        ({"a": [1]}, "DATA must be a path or a frame of Polars or pandas, got type='dict'."),
        (pl.LazyFrame({"a": [1]}), "got type='LazyFrame'. Collect a lazy frame"),
        (None, "got type='NoneType'"),
        (pl.DataFrame(), "DATA must be a table with rows"),
    ):
        with pytest.raises(DataError) as caught:
            read_table(frame)
        assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (PLAIN.replace("well", "größer").encode("latin-1"), "a.csv", "read as Windows-1252 (Latin-1)"),
        (PLAIN.replace("well", "größer").encode("utf-16"), "a.csv", "read as UTF-16"),
        (PLAIN.replace("well", "größer").encode("utf-16-be"), "a.csv", "read as UTF-16"),
        (PLAIN.replace("well", "größer").replace("\n", "\r").encode(), "a.csv", ""),
        (gzip.compress(PLAIN.replace("well", "größer").encode(), mtime=0), "a.csv.gz", "was unpacked"),
        (bz2.compress(PLAIN.replace("well", "größer").encode()), "a.csv.bz2", "was unpacked"),
        (PLAIN.replace("well", "größer").replace(",", "|").encode(), "a.psv", ""),
        (PLAIN.replace("well", "größer").replace(",", "\t").encode(), "a.txt", ""),
        (PLAIN.replace("well", "größer").replace(",", ";").encode(), "a.txt", ""),
        ("sep=;\n" + PLAIN.replace("well", "größer").replace(",", ";"), "a.csv", ""),
        ("# by hand\n# 2024\n" + PLAIN.replace("well", "größer"), "a.csv", "2 lines above the table left out"),
        ("Ward 7\n\n" + PLAIN.replace("well", "größer"), "a.csv", "1 line above the table left out"),
        ("Ward 7,,\n" + PLAIN.replace("well", "größer"), "a.csv", "1 line above the table left out"),
        (PLAIN.replace("well", "größer") + "\nTotal: 2\nSource: ward 7\n", "a.csv", "2 lines below the table left out"),
        (PLAIN.replace("well", "größer").replace("\n", ",,\n"), "a.csv", ""),
        (PLAIN.replace("well", "größer").replace("age", "#age"), "a.csv", ""),
    ],
)
def test_layouts_and_encodings(tmp_path: Path, content: bytes | str, name: str, said: str) -> None:
    place = tmp_path / name
    place.write_bytes(content.encode() if isinstance(content, str) else content)
    table = read_table(place)
    assert table.frame.rows() == [(50.0, "F", "größer"), (61.5, "M", None)]
    assert table.frame.columns == ["age", "sex", "note"]
    assert said in " ".join(table.how.about)


ROWS = [f"{40 + i % 30},{'FM'[i % 2]},{i % 7}.5,{i % 2}" for i in range(40)]


@pytest.mark.parametrize(
    ("lines", "names", "rows", "said"),
    [
        (ROWS, ["column_1", "column_2", "column_3", "column_4"], 40, "the first row holds values and no names"),
        (["0,1,2,3", *ROWS], ["0", "1", "2", "3"], 40, ""),
        (["a,b,c,d", *ROWS, "a,b,c,d", *ROWS], ["a", "b", "c", "d"], 80, "stands once more"),
        (["a,b,c,d", "years,,mg/L,", *ROWS], ["a", "b", "c", "d"], 40, "a row of units under the header"),
        (
            ["a,b,c,d", "Age of the patient at admission,Sex,C-reactive protein in blood,Died", *ROWS],
            ["a", "b", "c", "d"],
            40,
            "a row of descriptions",
        ),
        (
            ["a,b,c", *(f"{i},{row[:-2]}" for i, row in enumerate(ROWS))],
            ["column_1", "a", "b", "c"],
            40,
            "name of the row",
        ),
        (["#a,b,c,d", *ROWS], ["a", "b", "c", "d"], 40, ""),
        (["!Series_title", "!begin", "a,b,c,d", *ROWS, "!end"], ["a", "b", "c", "d"], 40, "1 line below the table"),
        (["Report,,,", "of 2024,,,", ",,,", "a,b,c,d", *ROWS], ["a", "b", "c", "d"], 40, "2 lines above the table"),
    ],
)
def test_headers(tmp_path: Path, lines: list[str], names: list[str], rows: int, said: str) -> None:
    place = tmp_path / "a.csv"
    place.write_text("\n".join(lines) + "\n")
    table = read_table(place)
    assert (table.frame.columns, table.frame.height) == (names, rows)
    assert said in " ".join(table.how.about)
    assert [dtype.is_numeric() for dtype in table.frame.dtypes].count(True) == 3
    if "mg/L" in lines[1]:
        assert table.how.units == {"a": "years", "c": "mg/L"}


def test_spaces_part_the_cells_of_data_files(tmp_path: Path) -> None:
    place = tmp_path / "auto.data"
    place.write_text("\n".join("  " + row.replace(",", "   ") for row in ROWS))
    assert read_table(place).frame.shape == (40, 4)


def test_zip_files_hold_one_table(tmp_path: Path) -> None:
    for members, expected in (
        (["a.csv"], None),
        (["a.csv", "b.csv"], "one table, got files='a.csv, b.csv'"),
        ([], "none"),
    ):
        place = tmp_path / "a.zip"
        with zipfile.ZipFile(place, "w") as archive:
            for member in members:
                archive.writestr(member, PLAIN)
        if expected is None:
            assert read_table(place).frame.height == 2
            continue
        with pytest.raises(DataError) as caught:
            read_table(place)
        assert expected in str(caught.value)
    (tmp_path / "b.csv.gz").write_bytes(b"\x1f\x8bxx")
    with pytest.raises(DataError, match="Packed file must be whole"):
        read_table(tmp_path / "b.csv.gz")


def test_frames_are_read_as_files_are() -> None:
    frame = pd.DataFrame(
        {
            "crp": ["1.5", "<0.5", "?", "3", "4", "5", "7"],
            "seen": ["05-Jul-2020"] * 7,
            "grade": pd.Categorical([1, 2, 1, 2, 1, 2, 3]),
            "age": pd.cut([20, 30, 40, 50, 60, 70, 80], [0, 50, 99]),
            "month": pd.period_range("2020-01", periods=7, freq="M"),
            "stay": pd.to_timedelta([36] * 7, unit="h"),
            "zone": pd.to_datetime(["2020-01-01 12:00"] * 7).tz_localize("Europe/Berlin"),
            "clock": [datetime.time(14, 30)] * 7,
            "dose": [decimal.Decimal("1.5")] * 7,
        },
        index=pd.Index([101, 101, 102, 102, 103, 103, 104], name="mrn"),
    )
    table = read_table(frame)
    first = table.frame.row(0, named=True)
    assert first["crp"] == 1.5
    assert table.frame["crp"].to_list()[:3] == [1.5, 0.5, None]
    assert first["seen"] == datetime.date(2020, 7, 5)
    assert (first["grade"], first["stay"], first["clock"], first["dose"], first["mrn"]) == (1, 1.5, 14.5, 1.5, 101)
    assert first["zone"] == datetime.datetime(2020, 1, 1, 11)
    assert (first["age"], first["month"]) == ("(0, 50]", datetime.date(2020, 1, 1))
    assert table.how.about == ("the frame's index is read as the column mrn",)
    assert "index" not in read_table(frame.reset_index(drop=True)).frame.columns


def test_parquet_is_read_as_csv_is(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": ["1", "2", ""], "b": ["x", "NA", "y"], "c": [20200705, 20200706, None]})
    frame.write_parquet(tmp_path / "a.parquet")
    table = read_table(tmp_path / "a.parquet").frame
    assert table["a"].to_list() == [1, 2, None]
    assert table["b"].to_list() == ["x", None, "y"]
    assert table["c"].to_list()[0] == datetime.date(2020, 7, 5)


def test_columns_of_a_file_tell_of_each_other(tmp_path: Path) -> None:
    rows = "".join(f"1.500;{i},5;05/07/2020;{28 - i % 9}/07/2020\n" for i in range(20))
    table = read(tmp_path, "wbc;bmi;seen;left\n" + rows)
    assert table["wbc"].to_list() == [1500] * 20
    assert table["seen"].to_list() == [datetime.date(2020, 7, 5)] * 20


def test_many_decimals_are_a_number(tmp_path: Path) -> None:
    values = [0.1 / 3**k for k in range(30)]
    pl.DataFrame({"x": values}).write_csv(tmp_path / "a.csv")
    assert read_table(tmp_path / "a.csv").frame["x"].to_list() == values
