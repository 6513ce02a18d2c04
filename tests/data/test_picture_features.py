"""Features by hand: known images give known numbers, and they stand beside the images as columns."""

from pathlib import Path

import numpy as np
import pytest

from rounds.data.images.engineered_features import DIRECTIONS, feature_names, image_features
from rounds.data.loading import load
from rounds.errors import DataError


def of(image: np.ndarray) -> dict[str, float]:
    made = image_features(image[None, ..., None], np.array([0]))
    return dict(zip(feature_names(), made.row(0), strict=True))


def test_intensity_is_that_of_the_pixels() -> None:
    image = np.random.default_rng(0).integers(0, 255, (20, 20)).astype(np.uint8)
    found = of(image)
    assert found["intensity mean"] == pytest.approx(image.mean(), rel=1e-5)
    assert found["intensity spread"] == pytest.approx(image.std(), rel=1e-5)
    assert found["intensity 95 %"] == pytest.approx(np.percentile(image, 95), rel=1e-5)
    assert found["intensity of cell 2.3"] == pytest.approx(image[5:10, 10:15].mean(), rel=1e-5)


RAMP = np.tile(np.arange(16.0), (16, 1))


@pytest.mark.parametrize(("degrees", "image"), [(0, RAMP), (90, RAMP.T)])
def test_a_ramp_has_edges_in_its_own_direction_alone(degrees: int, image: np.ndarray) -> None:
    found = of(image.astype(np.float32))
    edges = {name: value for name, value in found.items() if name.startswith("edges at")}
    assert sum(v for name, v in edges.items() if f"at {degrees} degrees" in name) == pytest.approx(1.0, abs=1e-4)
    assert len(edges) == 16 * DIRECTIONS
    assert found["texture fine"] == pytest.approx(0.0, abs=1e-4)
    assert found["texture coarse"] == pytest.approx(1.0, abs=1e-4)


def test_an_even_image_has_no_texture() -> None:
    found = of(np.full((12, 12), 7, np.uint8))
    assert all(np.isfinite(value) for value in found.values())
    assert found["texture coarse"] == found["intensity skewness"] == 0


def test_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.random.default_rng(0).integers(0, 255, (7, 9, 9, 3)).astype(np.uint8)
    whole = image_features(images, np.arange(7))
    monkeypatch.setattr("rounds.data.images.engineered_features.BLOCK", 2)
    assert whole.equals(image_features(images, np.arange(7)))


def test_they_are_columns_by_hand_that_stand_last(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 255, (40, 8, 8)).astype(np.uint8)
    np.savez(tmp_path / "set.npz", train_images=images, train_labels=np.arange(40) % 2)
    dataset = load(tmp_path / "set.npz")
    assert [c.name for c in dataset.features] == list(feature_names())
    assert all(c.engineered and c.known == "admission" for c in dataset.features)


def test_a_column_of_the_same_name_is_refused(tmp_path: Path) -> None:
    image_file = pytest.importorskip("PIL.Image")
    image_file.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "t.csv").write_text("file,intensity mean\na.png,3\n")
    with pytest.raises(DataError, match="Column of the table must be of another name than a feature, got column='inte"):
        load(tmp_path / "t.csv")
