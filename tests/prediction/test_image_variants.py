"""Images looked at several times: which variants there are, how answers are joined, and a run from end to end."""

import json
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from rounds.data.dataset import Inputs
from rounds.ensemble.explanations.pictures import occlusion_map, sheet
from rounds.errors import DataError, PlanError
from rounds.prediction.image_variants import Augmented, check_way, variants
from rounds.prediction.image_variants_record import AUGMENTED, kept_way
from rounds.prediction.predictor import NetworkPart
from rounds.task import Task

BINARY = Task(kind="binary", targets=("label",), classes=("0", "1"))
Run = tuple[Path, Path, object]  # data, run folder, how training ended
DAYS = Task(kind="regression", targets=("days",))


def images(rows: int = 4, size: int = 14) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (rows, size, size, 1)).astype(np.uint8)


def inputs(pixels: np.ndarray) -> Inputs:
    nothing = np.zeros((len(pixels), 0), np.float32)
    return Inputs(nothing, nothing, nothing.astype(np.int32), pixels)


def corner_and_middle(given: Inputs) -> np.ndarray:
    """[1, N, 2]: two pixels of the image, as shares of their sum."""
    two = np.stack([given.array[:, 0, 0, 0], given.array[:, 7, 7, 0]], -1).astype(np.float64) + 1
    return (two / two.sum(-1, keepdims=True))[None]


def test_variants_are_moves_and_crops_of_the_image() -> None:
    pixels = images()
    moved = variants(pixels, "average", mirrors=False)
    np.testing.assert_array_equal(moved[0], pixels)
    np.testing.assert_array_equal(moved[1][:, 1:], pixels[:, :-1])  # taken one row higher
    np.testing.assert_array_equal(moved[4][:, :, :-1], pixels[:, :, 1:])
    crops = variants(pixels, "ten-crop", mirrors=True)
    assert len(crops) == 10
    for crop, (row, column) in zip(crops[1:5], [(0, 0), (0, -1), (-1, 0), (-1, -1)], strict=True):
        np.testing.assert_allclose(crop[:, row, column], pixels[:, row, column], atol=1e-4)
    np.testing.assert_array_equal(crops[7], crops[2][:, :, ::-1])


def test_answers_are_joined_as_they_say() -> None:
    pixels = images()
    each = np.stack([corner_and_middle(inputs(v)) for v in variants(pixels, "average", mirrors=True)])
    assert len(each) == 10
    mean = Augmented("average", mirrors=True).outputs(corner_and_middle, inputs(pixels))
    np.testing.assert_allclose(mean, each.mean(0))
    largest = Augmented("max", mirrors=True).outputs(corner_and_middle, inputs(pixels))
    np.testing.assert_allclose(largest, each.max(0) / each.max(0).sum(-1, keepdims=True))


def test_what_cannot_be_augmented_is_refused() -> None:
    with pytest.raises(PlanError, match="augment must be one of average, max, ten-crop, got augment='mean'"):
        check_way("mean", BINARY, (8, 8, 1))
    with pytest.raises(PlanError, match="augment must be average or ten-crop for numbers, got augment='max'"):
        check_way("max", DAYS, (8, 8, 1))
    with pytest.raises(DataError, match="--augment must be for networks that read images, got augment='average'"):
        check_way("average", BINARY, ())


def test_a_way_is_used_only_where_it_helped(tmp_path: Path) -> None:
    gain = {"metric": "log_loss", "value": 0.02, "low": 0.01, "high": 0.03, "mirrors": False, "images": 9}
    worse = {**gain, "low": -0.01}
    (tmp_path / AUGMENTED).write_text(json.dumps({"average": {**gain, "kept": True}, "max": {**worse, "kept": False}}))
    assert kept_way(tmp_path, "average") == (
        Augmented("average"),
        "average: log_loss better by 0.02 (0.01 to 0.03) on validation",
    )
    assert kept_way(tmp_path, "max") == (
        None,
        "max: log_loss better by 0.02 (-0.01 to 0.03) on validation, which proves no gain, so every image is looked at "
        "once",
    )
    assert kept_way(tmp_path, "ten-crop")[0] is None


@pytest.fixture(scope="module")
def trained(command: Callable, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run on small images whose brightness gives the outcome away, through the command line."""
    folder = tmp_path_factory.mktemp("images")
    draw, arrays = np.random.default_rng(0), {}
    for part, count in (("train", 160), ("val", 60), ("test", 60)):
        labels = np.arange(count) % 2
        arrays[f"{part}_images"] = (draw.normal(90, 25, (count, 8, 8)) + 60 * labels[:, None, None]).clip(0, 255)
        arrays[f"{part}_images"] = arrays[f"{part}_images"].astype(np.uint8)
        arrays[f"{part}_labels"] = labels[:, None]
    np.savez(folder / "set.npz", **arrays)
    plan = ("filters=4,4", "epochs=6", "block_depth=1", "brightness=0", "learning_rate=0.02", "batch_size=32")
    words = [word for one in plan for word in ("--set", one)]
    ended = command("train", folder / "set.npz", "--rounds", 0, *words, "--out", folder / "run", "--quiet")
    return folder / "set.npz", folder / "run", ended


def test_images_train_from_end_to_end(trained: Run) -> None:
    _, run, ended = trained
    assert ended.status == 0, ended.err
    scores = json.loads((run / "metrics.json").read_text())
    assert scores["rows"]["test"] == 60
    assert scores["test"]["auroc"]["value"] > 0.9
    assert json.loads((run / "plan.json").read_text())["network"] == "convolutional"
    gains = json.loads((run / AUGMENTED).read_text())
    assert set(gains) == {"average", "max", "ten-crop"}
    assert (run / "report.html").is_file()
    pictures = {"augmented.png", "filters.png", "looked_at.png", "patches.png"}
    assert {path.name for path in (run / "images").iterdir()} == pictures
    page = (run / "report.html").read_text()
    for name, embedded in (("looked_at", False), ("augmented", False), ("filters", True)):
        content = b64encode((run / "images" / f"{name}.png").read_bytes()).decode()
        assert (content in page) == embedded, "pictures of patients stay beside the report; filters show nobody"


def test_new_images_are_predicted(command: Callable, trained: Run, tmp_path: Path) -> None:
    source, run, _ = trained
    for words in ((), ("--augment", "average")):
        ended = command("predict", run, source, "--out", tmp_path / "said.csv", *words)
        assert ended.status == 0, ended.err
        assert "average: log_loss better by" in ended.err or not words
    said = pl.read_csv(tmp_path / "said.csv")
    labels = np.concatenate([np.load(source)[f"{part}_labels"][:, 0] for part in ("train", "val", "test")])
    assert said.height == 280
    assert ((said["probability"].to_numpy() > 0.5) == labels).mean() > 0.85


def test_images_of_another_size_are_refused(command: Callable, trained: Run, tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", test_images=np.zeros((3, 9, 9), np.uint8), test_labels=np.zeros((3, 1)))
    ended = command("predict", trained[1], tmp_path / "other.npz")
    assert ended.status == 2
    assert "Data must be images or recordings of 8 x 8 x 1 beside the table, got shape='9 x 9 x 1'." in ended.err


def test_occlusion_is_bright_where_the_answer_rests() -> None:
    class Corner(NetworkPart):
        def __init__(self) -> None:
            pass

        def outputs(self, given: Inputs) -> np.ndarray:
            return given.array[None, :, :2, :2].mean((2, 3)) / 255

    pixels = np.zeros((1, 16, 16, 1), np.uint8)
    pixels[0, :2, :2] = 255
    found = occlusion_map(Corner(), inputs(pixels))
    assert found[:2, :2].min() == pytest.approx((255 - pixels.mean()) / 255, rel=1e-4)
    assert found[2:].max() == found[:, 2:].max() == 0


def test_a_sheet_stretches_every_picture_on_its_own() -> None:
    made = sheet([[np.arange(4.0).reshape(2, 2, 1), 100 * np.arange(4.0).reshape(2, 2, 1)]])
    np.testing.assert_array_equal(made[:2, :2], [[0, 85], [170, 255]])
    np.testing.assert_array_equal(made[:2, 4:6], made[:2, :2])
    assert (made[2:] == 255).all()
