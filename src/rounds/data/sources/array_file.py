"""NumPy's files of several arrays (NPZ), each array looked at before it is unpacked, and unpacked once."""

import math
import zipfile
from pathlib import Path

import numpy as np

from rounds.errors import DataError
from rounds.foreign_files import archive_fault, damage_named

ARRAYS = ".npz"
_ADVICE = "Write it again with numpy.savez, plain numbers and texts only"
_KINDS = "biufSU"


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an NPZ file by name; texts as str, numbers in the machine's byte order.

    Raises DataError where the file is missing, damaged, empty, holds Python objects or other types than numbers and
    texts, or declares more than it holds or than fits into memory.
    """
    if not path.is_file():
        raise DataError("DATA", "a file that exists", file=str(path), advice="Check the path")
    if fault := archive_fault(path):
        raise DataError("NPZ file", "whole and of plain arrays", file=f"{path.name} ({fault})", advice=_ADVICE)
    with damage_named("NPZ file", path.name, _ADVICE), zipfile.ZipFile(path) as archive:
        arrays = {m.filename.removesuffix(".npy"): _array(archive, m, path.name) for m in archive.infolist()}
    if not arrays:
        raise DataError("NPZ file", "one with arrays", file=f"{path.name} (it holds none)", advice=_ADVICE)
    return arrays


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo, file: str) -> np.ndarray:
    with archive.open(member) as stream:
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(stream)
    if dtype.kind not in _KINDS:
        shown = f"{member.filename.removesuffix('.npy')} of {dtype} in {file}"
        raise DataError("Array of an NPZ file", "of numbers or texts", name="array", got=shown, advice=_ADVICE)
    if math.prod(shape) * dtype.itemsize > member.file_size:
        shown = f"{member.filename.removesuffix('.npy')} {list(shape)} in {file}"
        raise DataError("Array of an NPZ file", "as large as its header says", name="array", got=shown, advice=_ADVICE)
    with archive.open(member) as stream:
        array: np.ndarray = np.lib.format.read_array(stream, allow_pickle=False)
    if array.dtype.kind == "S":
        return np.char.decode(array, "latin-1")
    narrow = {"f2": np.float32, f"f{np.dtype(np.longdouble).itemsize}": np.float64}
    native = narrow.get(f"{array.dtype.kind}{array.dtype.itemsize}", array.dtype.newbyteorder("="))
    return array.astype(native, copy=False)
