"""A packed table that would unpack to more than its size lets believe is refused before it fills the memory."""

import gzip
import zipfile
from pathlib import Path

import pytest

from rounds.data.tables.reading import read_table
from rounds.errors import DataError

ROWS = b"0,0\n" * 30_000_000  # 120 MB of one row, which gzip keeps in 120 kB


@pytest.mark.parametrize("name", ["a.csv.gz", "a.zip"])
def test_a_bomb_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(b"a,b\n" + ROWS, 9))
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.csv", b"a,b\n" + ROWS)
    with pytest.raises(DataError, match=r"Packed file must be at most .* bytes unpacked"):
        read_table(path)
