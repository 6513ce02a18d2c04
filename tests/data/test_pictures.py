"""Images in: folders, tables, NPZ and DICOM; what is damaged is named; nothing of a patient but the pixels."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image

from rounds.data.choices import Choices, ImageChoices
from rounds.data.images import cached_sets
from rounds.data.images.cached_sets import BAD, PIXELS, SECONDS_A_DAY, cache_folder, make_room
from rounds.data.images.image_arrays import open_image_arrays
from rounds.data.images.image_cache import ImageLayout, read_images
from rounds.data.images.image_file import as_layout, read_image
from rounds.data.images.unreadable import BadImage
from rounds.data.loading import load
from rounds.data.sources.array_file import read_arrays
from rounds.data.sources.source import Source
from rounds.data.splitting import split_dataset
from rounds.errors import DataError

image_file = pytest.importorskip("PIL.Image")
pydicom = pytest.importorskip("pydicom")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def save(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image_file.fromarray(pixels).save(path)
    return path


def grey(value: int = 100, size: tuple[int, int] = (9, 7)) -> np.ndarray:
    return np.full(size, value, np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(12):
        for name in ("well", "sick"):
            save(tmp_path / "xrays" / name / f"{number}.png", grey(10 * number + (name == "sick")))
    return tmp_path / "xrays"


def test_folder_of_classes_needs_no_target(folder: Path) -> None:
    dataset = load(str(folder))
    assert dataset.task.kind == "binary"
    assert dataset.task.targets == ("class",)
    assert dataset.task.classes == ("well", "sick")
    assert dataset.signals.array.shape == (24, 64, 64, 1)
    assert dataset.signals.array.dtype == np.uint8
    assert isinstance(dataset.signals.array, np.memmap)
    sick = dataset.signals.array[dataset.targets[:, 0] == 1]
    assert sorted(sick[:, 0, 0, 0].tolist()) == [10 * n + 1 for n in range(12)]


def test_folder_takes_the_targets_name(folder: Path) -> None:
    assert load(str(folder), Choices(targets=("finding",))).task.targets == ("finding",)


def test_folders_own_division_is_kept(tmp_path: Path) -> None:
    for part, count in (("train", 8), ("val", 4), ("test", 4)):
        for number in range(count):
            for name in ("a", "b"):
                save(tmp_path / "set" / part / name / f"{number}.png", grey(number))
    dataset = load(str(tmp_path / "set"))
    split = split_dataset(dataset, folds=1)
    assert (split.kind, len(split.development), len(split.test), len(split.folds[0])) == ("given", 24, 8, 8)
    assert dataset.cohort.given_validation[split.folds[0]].all()
    assert "validation: the part that the data bring" in split.how


def test_table_with_a_column_of_files_and_patients(tmp_path: Path) -> None:
    files = [save(tmp_path / "images" / f"{n}.png", grey(n)) for n in range(30)]
    table = pl.DataFrame(
        {
            "path": [str(f.relative_to(tmp_path)) for f in files],
            "age": [40.5 + n % 7 for n in range(30)],
            "patient": [n // 2 for n in range(30)],
            "finding": ["yes" if n % 3 else "no" for n in range(30)],
        }
    )
    table.write_csv(tmp_path / "labels.csv")
    choices = Choices(targets=("finding",), group="patient", pictures=ImageChoices(size=16))
    dataset = load(tmp_path / "labels.csv", choices)
    assert dataset.signals.array.shape == (30, 16, 16, 1)
    assert [c.name for c in dataset.features if not c.engineered] == ["age"]
    split = split_dataset(dataset, folds=2, nested=False)
    assert not set(dataset.cohort.patients[split.test]) & set(dataset.cohort.patients[split.development])
    assert dataset.inputs["__grid_row__"].to_list() == list(range(30))


def test_unknown_image_column_is_refused(tmp_path: Path) -> None:
    pl.DataFrame({"path": ["a.png"], "y": [1]}).write_csv(tmp_path / "t.csv")
    with pytest.raises(DataError, match=r"Images must be a column of the table, got images='pth'\. Did you mean path"):
        load(tmp_path / "t.csv", Choices(targets=("y",), pictures=ImageChoices("pth")))


def damage(folder: Path) -> None:
    whole = save(folder / "sick" / "whole.png", np.random.default_rng(0).integers(0, 255, (50, 50)).astype(np.uint8))
    (folder / "sick" / "half.png").write_bytes(whole.read_bytes()[:900])
    (folder / "well" / "text.jpg").write_text("no image at all")


def test_damaged_files_are_named_and_counted(folder: Path) -> None:
    damage(folder)
    with pytest.raises(DataError) as caught:
        load(str(folder))
    assert str(caught.value) == (
        "Image files must be whole images of one frame, got bad='2 of 27 (half.png: truncated; text.jpg: no image)'. "
        "Mend or remove them, or leave them out with --skip-bad."
    )


def test_damaged_files_are_left_out_when_asked(folder: Path) -> None:
    damage(folder)
    dataset = load(str(folder), Choices(pictures=ImageChoices(skip_bad=True)))
    assert dataset.rows == 25
    assert dataset.provenance.left_out == ("half.png: truncated", "text.jpg: no image")
    assert "2 image files could not be read and are left out" in dataset.provenance.notes
    assert not any("half" in note for note in dataset.provenance.notes)  # names of files may be names of patients


def test_folder_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="DATA must be a folder of images, got folder="):
        load(str(tmp_path))


def test_set_keeps_the_widest_layout_that_it_needs(tmp_path: Path) -> None:
    colour = np.zeros((8, 8, 3), np.uint8)
    colour[..., 0] = 200
    deep = np.full((8, 8), 40_000, np.uint16)
    paths = [
        save(tmp_path / "a.png", grey(100, (8, 8))),
        save(tmp_path / "b.png", colour),
        save(tmp_path / "c.png", deep),
    ]
    found = read_images(paths, tmp_path, 8)
    assert (found.array.shape, found.array.dtype) == ((3, 8, 8, 3), np.uint16)
    assert found.array[:, 0, 0].tolist() == [[100 * 257] * 3, [200 * 257, 0, 0], [40_000] * 3]
    alike = read_images(paths, tmp_path, 8, ImageLayout(8, 1, "uint8")).array
    assert alike[:, 0, 0, 0].tolist() == [100, round(0.299 * 200), round(40_000 / 257)]


def test_files_are_read_once(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", grey())
    first = read_images([path], tmp_path, 8).array
    assert read_images([path], tmp_path, 8).array.filename == first.filename
    save(path, grey(3, (20, 20)))
    assert read_images([path], tmp_path, 8).array.filename != first.filename


@pytest.mark.parametrize("harm", ["pixels cut short", "pixels gone", "no header", "list of bad files damaged"])
def test_a_cached_set_that_is_not_whole_is_made_again(tmp_path: Path, harm: str) -> None:
    path = save(tmp_path / "a.png", grey())
    first = np.array(read_images([path], tmp_path, 8).array)
    (place,) = cache_folder().iterdir()
    pixels = place / PIXELS
    content = pixels.read_bytes()
    if harm == "pixels gone":
        pixels.unlink()
    elif harm == "list of bad files damaged":
        (place / BAD).write_text("one\twhy\n")
    else:
        pixels.write_bytes(content[:-20] if harm == "pixels cut short" else b"x" * 40)
    np.testing.assert_array_equal(np.array(read_images([path], tmp_path, 8).array), first)
    assert pixels.read_bytes() == content


def test_sets_that_nobody_reads_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Callable[..., tuple[int, str, str]]
) -> None:
    paths = [save(tmp_path / f"{name}.png", grey(shade, (9, 9))) for name, shade in zip("abc", (1, 2, 3), strict=True)]
    sets = [place_of(read_images([path], tmp_path, 8).array) for path in paths[:2]]
    for place, days in zip(sets, (40, 2), strict=True):
        os.utime(place, (time.time() - days * SECONDS_A_DAY,) * 2)
    third = place_of(read_images([paths[2]], tmp_path, 8).array)
    assert set(cache_folder().iterdir()) == {sets[1], third}, "forty days are too many, two are not"
    monkeypatch.setattr(cached_sets, "MOST_BYTES", 100)
    make_room(third)
    assert list(cache_folder().iterdir()) == [third], "the least lately read one goes where all are too large"
    status, told, _ = command("clean")
    assert (status, told.startswith("Removed ")) == (0, True)
    assert not cache_folder().exists()


def place_of(array: Any) -> Path:
    return Path(array.filename).parent


def test_size_out_of_range_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Image size must be from 8 to 1024 pixels, got image-size=4"):
        read_images([], tmp_path, 4)


def test_resizing_keeps_the_mean_of_what_is_averaged() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64, 1)).astype(np.uint8)
    assert abs(float(as_layout(pixels, 8, 1, np.dtype("uint8")).mean()) - float(pixels.mean())) < 2


def save_dicom(path: Path, pixels: np.ndarray, **fields: object) -> Path:
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, SecondaryCaptureImageStorage
    made = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    made.PatientName, made.PhotometricInterpretation = "Doe^Jane", "MONOCHROME2"
    made.Rows, made.Columns = pixels.shape[-2:]
    made.SamplesPerPixel, made.BitsAllocated, made.BitsStored, made.HighBit = 1, 16, 16, 15
    made.PixelRepresentation, made.PixelData = 0, pixels.astype(np.uint16).tobytes()
    for name, value in fields.items():
        setattr(made, name, value)
    made.save_as(path)
    return path


def test_dicom_is_read_as_a_viewer_shows_it(tmp_path: Path) -> None:
    ramp = np.arange(64).reshape(8, 8)
    plain = read_image(save_dicom(tmp_path / "a.dcm", ramp))[..., 0]
    turned = read_image(save_dicom(tmp_path / "b.dcm", ramp, PhotometricInterpretation="MONOCHROME1"))[..., 0]
    np.testing.assert_array_equal(plain, np.rint(ramp / 63 * 65535))
    np.testing.assert_array_equal(turned, 65535 - plain)
    window = {"WindowCenter": 32, "WindowWidth": 16, "RescaleSlope": 1, "RescaleIntercept": 0}
    shown = read_image(save_dicom(tmp_path / "c.dcm", ramp, **window))[..., 0]
    assert (shown[ramp <= 24] == 0).all()
    assert (shown[ramp >= 40] == 65535).all()
    hounsfield = {"Modality": "CT", "RescaleSlope": 1, "RescaleIntercept": -1024}
    assert read_image(save_dicom(tmp_path / "d.dcm", ramp + 1024, **hounsfield))[0, 0, 0] == round(1024 / 4095 * 65535)


def test_dicom_of_several_frames_is_refused_in_a_word(tmp_path: Path) -> None:
    path = save_dicom(tmp_path / "a.dcm", np.zeros((2, 8, 8)), NumberOfFrames=2)
    with pytest.raises(BadImage, match=r"^2 frames, one is wanted$"):
        read_image(path)


def test_no_name_of_a_patient_is_kept(tmp_path: Path) -> None:
    for number in range(12):
        for name in ("a", "b"):
            (tmp_path / "set" / name).mkdir(parents=True, exist_ok=True)
            save_dicom(tmp_path / "set" / name / f"{number}.dcm", np.full((8, 8), number))
    dataset = load(str(tmp_path / "set"))
    assert "Doe" not in repr(dataset) + dataset.inputs.write_csv() + dataset.cohort.identifiers.write_csv()


def test_every_sample_of_dicom_is_read_or_refused_by_name(shared: Path) -> None:
    folder = shared / "dicom_samples"
    said = {}
    for path in sorted(folder.glob("*.dcm")):
        try:
            said[path.stem] = read_image(path)
        except BadImage as bad:
            said[path.stem] = str(bad)
    refused = {name: text for name, text in said.items() if isinstance(text, str)}
    assert refused == {"MR_truncated": "truncated", "rtplan": "no pixels (RTPLAN)", "waveform_ecg": "no pixels (ECG)"}
    for other in ("MR_small_RLE", "MR_small_expb", "MR_small_implicit"):
        np.testing.assert_array_equal(said[other], said["MR_small"])
    assert len(said) == 15


def arrays(count: int = 20, **changes: object) -> dict[str, object]:
    draw = np.random.default_rng(0)
    parts = {"train": count, "val": 6, "test": 6}
    made = {f"{part}_images": draw.integers(0, 255, (n, 8, 8)).astype(np.uint8) for part, n in parts.items()}
    made |= {f"{part}_labels": (np.arange(n) % 2)[:, None] for part, n in parts.items()}
    return {**made, **changes}


def test_npz_brings_its_own_division(tmp_path: Path) -> None:
    np.savez(tmp_path / "set.npz", **arrays())
    dataset = load(tmp_path / "set.npz")
    split = split_dataset(dataset, folds=1)
    assert dataset.task.classes == ("0", "1")
    assert (len(split.development), len(split.test), len(split.folds[0])) == (26, 6, 6)
    assert dataset.cohort.given_test[26:].all()
    assert split_dataset(dataset, folds=2).folds[0].size == 13


def open_image_file(path: Path) -> Source:
    return open_image_arrays(path.name, read_arrays(path))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"train_labels": np.zeros(3)}, r"Array train_labels must be of 20 rows, got shape=\[3\]"),
        (
            {"val_images": np.zeros((6, 9, 8), np.uint8)},
            r"Array val_images must be of size \(8, 8, 1\), got",
        ),
        (
            {"train_images": np.zeros((20, 8, 8), complex)},
            r"Array of an NPZ file must be of numbers or texts, got array='train_images of complex128",
        ),
        ({"val_images": np.zeros((6, 8, 8, 3), np.uint8)}, r"Array val_images must be of size \(8, 8, 1\), got"),
        (
            {"test_images": np.array([None])},
            r"Array of an NPZ file must be of numbers or texts, got array='test_images of",
        ),
    ],
)
def test_npz_of_another_layout_is_refused(tmp_path: Path, changes: dict[str, object], text: str) -> None:
    np.savez(tmp_path / "set.npz", **arrays(**changes))
    with pytest.raises(DataError, match=text):
        open_image_file(tmp_path / "set.npz")


def test_npz_without_images_or_damaged_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    with pytest.raises(DataError, match=r"NPZ file must be with train_images, .* got arrays='x 3'"):
        open_image_file(tmp_path / "other.npz")
    (tmp_path / "half.npz").write_bytes((tmp_path / "other.npz").read_bytes()[:60])
    with pytest.raises(DataError, match=r"NPZ file must be whole and of plain arrays, got file='half.npz"):
        open_image_file(tmp_path / "half.npz")
    with pytest.raises(DataError, match="DATA must be a file that exists, got file="):
        open_image_file(tmp_path / "none.npz")


def test_fractions_are_kept_as_they_are(tmp_path: Path) -> None:
    pixels = np.linspace(0, 0.5, 16 * 20, dtype=np.float32).reshape(16, 20)
    Image.fromarray(pixels).save(tmp_path / "a.tif")
    Image.fromarray(np.uint8([[0, 1]])).save(tmp_path / "b.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif")[..., 0], pixels)
    found = read_images([tmp_path / "a.tif", tmp_path / "b.png"], tmp_path, 8)
    assert found.array.dtype == np.float32
    assert 0.2 < float(np.asarray(found.array[0]).mean()) < 0.3
    alike = read_images([tmp_path / "a.tif"], tmp_path, 8, ImageLayout(8, 1, "float32")).array
    np.testing.assert_array_equal(np.asarray(alike), np.asarray(found.array[:1]))


@pytest.mark.parametrize(
    ("values", "depth"),
    [([[0, 4000]], np.uint16), ([[-1024, 3071]], np.float32), ([[0, 70_000]], np.float32)],
)
def test_whole_numbers_of_32_bits_lose_nothing(tmp_path: Path, values: list[list[int]], depth: type) -> None:
    Image.fromarray(np.array(values, np.int32)).save(tmp_path / "a.tif")
    found = read_image(tmp_path / "a.tif")[..., 0]
    assert found.dtype == depth
    assert found.tolist() == values


def test_pixels_that_are_no_numbers_are_dark_or_said(tmp_path: Path) -> None:
    Image.fromarray(np.array([[np.nan, 0.5, np.inf]], np.float32)).save(tmp_path / "a.tif")
    assert read_image(tmp_path / "a.tif")[..., 0].tolist() == [[0.5, 0.5, 0.5]]
    Image.fromarray(np.full((2, 2), np.nan, np.float32)).save(tmp_path / "b.tif")
    with pytest.raises(BadImage, match="no pixel is a number"):
        read_image(tmp_path / "b.tif")


@pytest.mark.parametrize(("orientation", "turned"), [(3, np.rot90(np.eye(3)[:2], 2)), (6, np.rot90(np.eye(3)[:2], -1))])
def test_images_are_turned_as_their_exif_says(tmp_path: Path, orientation: int, turned: np.ndarray) -> None:
    image = Image.fromarray((np.eye(3)[:2] * 255).astype(np.uint8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png")[..., 0], turned * 255)


def test_only_regular_files_inside_the_folder_are_opened(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    for place in (folder / "a.png", tmp_path / "secret.png"):
        Image.fromarray(np.zeros((9, 9), np.uint8)).save(place)
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    (folder / "inside.png").symlink_to(folder / "a.png")
    os.mkfifo(folder / "pipe.png")
    names = ["a.png", "link.png", "../secret.png", str(tmp_path / "secret.png"), "pipe.png", "inside.png", "no.png"]
    found = read_images([folder / name for name in names], folder, 8)
    outside = "leads out of its folder"
    assert found.bad == ((1, outside), (2, outside), (3, outside), (4, "no regular file"), (6, "no such file"))


def test_an_image_that_claims_more_pixels_than_any_has_is_said(tmp_path: Path) -> None:
    image = Image.fromarray(np.zeros((1, 1), np.uint8))
    image.save(tmp_path / "a.bmp")
    raw = bytearray((tmp_path / "a.bmp").read_bytes())
    raw[18:26] = (20_000).to_bytes(4, "little") * 2
    (tmp_path / "a.bmp").write_bytes(raw)
    with pytest.raises(BadImage):
        read_image(tmp_path / "a.bmp")
