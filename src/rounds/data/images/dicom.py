"""DICOM images as a viewer shows them, and nothing of the patient but the pixels."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from rounds.data.images.unreadable import BadImage
from rounds.errors import RoundsError

DICOM = (".dcm", ".dicom", ".ima")
# Hounsfield units that a CT without a window is shown by: air to dense bone, as 12-bit scanners store them.
CT_RANGE = (-1024.0, 3071.0)
_FULL = 65535.0
MOST_PIXELS = 50_000_000  # what claims more is taken for damaged, or for an attack


def read_dicom(path: Path) -> np.ndarray:
    """[H, W, 1] uint16, or [H, W, 3] uint8 of a colour image: rescaled (slope and intercept), then by the file's own
    VOI table or window, MONOCHROME1 turned so that more is brighter (DICOM PS3.3, C.7.6.3 and C.11.2).

    The shown range becomes 0 to 65535: the window's, for CT without one a fixed range of Hounsfield units, else from
    the darkest to the brightest pixel. Raises BadImage with a word for what is no single image.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's warnings quote values of the header
        header = _read(path)
        _refuse_what_is_no_image(header)
        pixels = _pixels(header)
        if header.get("PhotometricInterpretation", "").startswith(("RGB", "YBR", "PALETTE")):
            return _colour(header, pixels)
        shown = _shown(header, pixels)
    if header.get("PhotometricInterpretation") == "MONOCHROME1":
        shown = _FULL - shown
    return np.rint(shown).astype(np.uint16)[..., None]


def dicom_pixels(path: Path) -> int:
    """Pixels that a file says it has."""
    header = _read(path, pixels=False)
    return int(header.get("Rows", 0) or 0) * int(header.get("Columns", 0) or 0)


def _read(path: Path, pixels: bool = True) -> Any:
    try:
        import pydicom
    except ImportError:
        advice = "Install it: pip install 'rounds[images]'"
        raise RoundsError("Package pydicom", "installed to read DICOM", name="found", got=None, advice=advice) from None
    from pydicom.uid import ImplicitVRLittleEndian

    header = pydicom.dcmread(path, force=True, stop_before_pixels=not pixels)
    if "TransferSyntaxUID" not in header.file_meta:  # a file without a header of its own: the standard's default
        header.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    return header


def _refuse_what_is_no_image(header: Any) -> None:
    if "PixelData" not in header and "FloatPixelData" not in header:
        kind = str(header.get("Modality", "")) or "no DICOM"
        raise BadImage(f"no pixels ({kind})")
    frames = int(header.get("NumberOfFrames", 1) or 1)
    size = int(header.get("Rows", 0) or 0) * int(header.get("Columns", 0) or 0)
    if size > MOST_PIXELS:
        raise BadImage(f"{header.Rows} x {header.Columns} pixels")
    if frames > 1:
        raise BadImage(f"{frames} frames, one is wanted")


def _pixels(header: Any) -> np.ndarray:
    try:
        return np.asarray(header.pixel_array)
    except (RuntimeError, NotImplementedError, ImportError) as error:
        syntax = header.file_meta.TransferSyntaxUID
        if syntax.is_compressed and "plugin" in str(error).lower():
            raise BadImage(f"compressed as {syntax.name}, for which no decoder is installed") from None
        raise


def _shown(header: Any, pixels: np.ndarray) -> np.ndarray:
    """[H, W] float64 from 0 to 65535."""
    from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut

    values = apply_modality_lut(pixels, header)
    windowed = "VOILUTSequence" in header or "WindowWidth" in header
    if windowed:
        values = apply_voi_lut(values, header)
    if header.get("Modality") == "CT" and not windowed:
        low, high = CT_RANGE
    else:
        low, high = float(np.min(values)), float(np.max(values))
    return np.asarray(np.clip((values - low) / max(high - low, 1e-9), 0, 1) * _FULL, np.float64)


def _colour(header: Any, pixels: np.ndarray) -> np.ndarray:
    from pydicom.pixels.processing import apply_color_lut, convert_color_space

    kind = header.PhotometricInterpretation
    if kind.startswith("PALETTE"):
        pixels = apply_color_lut(pixels, header)
    elif kind.startswith("YBR") and not header.file_meta.TransferSyntaxUID.is_compressed:
        pixels = convert_color_space(pixels, kind, "RGB")
    return pixels.astype(np.uint8) if pixels.dtype == np.uint8 else (pixels >> 8).astype(np.uint8)
