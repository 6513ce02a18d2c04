"""Parquet files whose sizes cannot be true are told before a reader believes them."""

from pathlib import Path

import polars as pl
import pytest

from rounds.data.tables.parquet_structure import parquet_fault
from rounds.data.tables.reading import read_table
from rounds.errors import DataError

TABLE = pl.DataFrame(
    {
        "age": range(3000),
        "sex": ["F", None, "M"] * 1000,
        "bmi": [i / 7 for i in range(3000)],
        "codes": [[1, 2], [], None] * 1000,
        "died": [True, None, False] * 1000,
    }
)


@pytest.mark.parametrize("compression", ["zstd", "snappy", "uncompressed", "lz4", "gzip"])
@pytest.mark.parametrize("rows", [None, 500])
def test_whole_files_have_no_fault(tmp_path: Path, compression: str, rows: int | None) -> None:
    TABLE.write_parquet(tmp_path / "a.parquet", compression=compression, row_group_size=rows)  # type: ignore[arg-type]
    assert parquet_fault(tmp_path / "a.parquet") == ""


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_files_of_another_writer_have_no_fault(tmp_path: Path, version: str) -> None:
    options = {"data_page_version": version, "write_page_index": True}
    TABLE.write_parquet(tmp_path / "a.parquet", use_pyarrow=True, pyarrow_options=options)
    assert parquet_fault(tmp_path / "a.parquet") == ""


def test_a_page_of_more_values_than_its_column_is_told(tmp_path: Path) -> None:
    """Polars reserves what the page declares: with such a number the whole process ends."""
    path = tmp_path / "a.parquet"
    pl.DataFrame({"a": range(60)}).write_parquet(path, compression="uncompressed")
    raw = path.read_bytes()
    declared = bytes([120])  # 60 as a zigzag number
    at = raw.index(declared, raw.index(bytes([0x2C, 0x15])))
    path.write_bytes(raw[:at] + bytes([121]) + raw[at + 1 :])
    assert parquet_fault(path) == "a page holds more values than its column"
    with pytest.raises(DataError, match=r"Parquet file must be whole and readable, got file='a.parquet \(a page holds"):
        read_table(path)


@pytest.mark.parametrize(
    "content", [b"", b"PAR1", b"PAR1" + bytes(20) + b"PAR1", b"PAR1" + b"\xff" * 40 + b"\x20\0\0\0PAR1", b"x" * 100]
)
def test_what_is_no_parquet_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.parquet").write_bytes(content)
    assert parquet_fault(tmp_path / "a.parquet") in ("no Parquet file", "its directory is damaged")


def test_every_cut_of_a_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    TABLE.head(50).write_parquet(path)
    raw = path.read_bytes()
    for end in range(1, len(raw), 37):
        path.write_bytes(raw[:end])
        with pytest.raises(DataError, match="Parquet file must be whole and readable"):
            read_table(path)
