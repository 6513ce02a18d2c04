"""What networks of images learn from and look at, as PNG files beside the report, which shows
patients only where the user says so.

images/augmented.png    a training image in each row, and beside it as augmentation draws it
images/filters.png      the first layer's filters
images/patches.png      for each layer the parts of validation images that excite its filters most
images/looked_at.png    validation images, the rightest and then the wrongest, each beside its occlusion map
"""

from pathlib import Path

import numpy as np

from rounds.data.dataset import Inputs
from rounds.ensemble.explanations.patches import patch_rows
from rounds.ensemble.members import make_parts
from rounds.files import writable
from rounds.prediction.predictor import NetworkPart
from rounds.training.population.build import Trained
from rounds.training.population.fold_data import FoldData
from rounds.training.population.members import Member

FOLDER = "images"
SHOWN, VARIANTS = 6, 6  # images, and how often each is drawn again
SEARCHED = 100  # validation images among which the rightest and the wrongest are looked for
PLACES = 8  # a side, where an image is covered in turn
GAP = 2  # pixels between pictures


def write_images(run: Path, trained: Trained, fold_data: FoldData, member: Member) -> None:
    """Writes the folder; nothing where networks read no images or Pillow is not installed. member: whose they are."""
    array = fold_data.inputs.array
    if array is None or array.ndim != 4:
        return
    try:
        from PIL import Image
    except ImportError:
        return
    part = make_parts(trained, [member])[0]
    made = {"augmented": augmented_sheet(trained, fold_data, member)}
    if trained.population.task.is_classification:
        made["looked_at"] = occlusion_sheet(part, fold_data, fold_data.folds[member.fold].held)
    patches = _patch_rows(trained, part, fold_data, member)
    if patches:
        made["patches"] = sheet(patches)
    if "conv_0_0/kernel" in part.weights:
        made["filters"] = filter_sheet(part.weights["conv_0_0/kernel"][0])
    with writable(run / FOLDER):
        (run / FOLDER).mkdir(exist_ok=True)
        for name, picture in made.items():
            Image.fromarray(picture).save(run / FOLDER / f"{name}.png")


def _patch_rows(trained: Trained, part: NetworkPart, fold_data: FoldData, member: Member) -> list[list[np.ndarray]]:
    result, _ = trained.place(member)
    weights = result.best[member.number] if member.cycle is None else result.cycles[member.cycle][1][member.number]
    inputs = fold_data.inputs.take(_searched(fold_data.folds[member.fold].held))
    return patch_rows(trained.population.programs[member.plan].functional, weights, part, inputs)


def augmented_sheet(trained: Trained, fold_data: FoldData, member: Member) -> np.ndarray:
    """Training images [SHOWN] down the page, as they are and VARIANTS times as training draws them, uint8 [H, W]."""
    import jax

    from rounds.training.augmentation.images import IMAGE_SETTINGS, augment_images

    rows = fold_data.folds[member.fold].train
    rows = rows[np.linspace(0, len(rows) - 1, min(SHOWN, len(rows))).astype(int)]
    array, scale = fold_data.inputs.array, fold_data.preparation.array
    assert array is not None
    assert scale is not None
    images = jax.numpy.asarray(array[rows], jax.numpy.float32)
    settings = {name: jax.numpy.float32(member.settings[name]) for name in IMAGE_SETTINGS}
    used = frozenset(name for name in IMAGE_SETTINGS if member.settings[name] > 0)
    spread = jax.numpy.asarray(scale.spread)
    drawn = [augment_images(settings, used, images, spread, jax.random.PRNGKey(key)) for key in range(VARIANTS)]
    return sheet([[np.asarray(image), *(np.asarray(some[i]) for some in drawn)] for i, image in enumerate(images)])


def occlusion_sheet(part: NetworkPart, fold_data: FoldData, held: np.ndarray) -> np.ndarray:
    """The rightest and the wrongest validation images, each beside what covering a part of it takes from the output.

    Zeiler and Fergus 2014 (arXiv:1311.2901): bright where the network rests its answer.
    """
    rows = _searched(held)
    inputs, classes = fold_data.inputs.take(rows), fold_data.targets[rows].astype(int)
    outputs = part.outputs(inputs)[0]
    right = np.where(classes[:, 0] > 0, outputs[:, 0], 1 - outputs[:, 0])
    if outputs.shape[1] > 1:
        right = np.take_along_axis(outputs, classes[:, :1], 1)[:, 0] if classes.shape[1] == 1 else right
    order = np.argsort(-right, kind="stable")
    chosen = [*order[: SHOWN // 2], *order[::-1][: SHOWN // 2]]
    pairs = []
    for place in chosen:
        one = inputs.take(np.array([place]))
        assert one.array is not None
        pairs.append([one.array[0].astype(np.float32), occlusion_map(part, one)[..., None]])
    return sheet(pairs)


def _searched(held: np.ndarray) -> np.ndarray:
    return held[np.unique(np.linspace(0, len(held) - 1, min(SEARCHED, len(held))).astype(int))]


def occlusion_map(part: NetworkPart, one: Inputs) -> np.ndarray:
    """[H, W]: how far the output moves when that part of one image is covered with the image's mean."""
    assert one.array is not None
    image = one.array[0].astype(np.float32)
    rows, columns = (np.array_split(np.arange(n), min(PLACES, n)) for n in image.shape[:2])
    cells = [(r, c) for r in rows for c in columns]
    covered = np.repeat(image[None], len(cells), axis=0)
    for number, (r, c) in enumerate(cells):
        covered[number, r[0] : r[-1] + 1, c[0] : c[-1] + 1] = image.mean((0, 1))
    repeated = one.take(np.zeros(len(cells), np.int64))
    moved = part.outputs(Inputs(repeated.numbers, repeated.flags, repeated.codes, covered))[0]
    effect = np.abs(moved - part.outputs(one)[0]).max(1)
    found = np.zeros(image.shape[:2], np.float32)
    for value, (r, c) in zip(effect, cells, strict=True):
        found[r[0] : r[-1] + 1, c[0] : c[-1] + 1] = value
    return found


def filter_sheet(kernel: np.ndarray) -> np.ndarray:
    """First filters [h, w, in, F], eight to a row, each pixel drawn 6 x 6; channels averaged."""
    each = [np.kron(kernel[..., i].mean(-1), np.ones((6, 6)))[..., None] for i in range(kernel.shape[-1])]
    return sheet([each[start : start + 8] for start in range(0, len(each), 8)])


def sheet(pictures: list[list[np.ndarray]]) -> np.ndarray:
    """Rows of pictures [H, W, C] as one grey picture uint8, each stretched from black to white on its own."""
    height, width = pictures[0][0].shape[:2]
    longest = max(len(row) for row in pictures)
    made = np.full((len(pictures) * (height + GAP), longest * (width + GAP)), 255, np.uint8)
    for i, row in enumerate(pictures):
        for j, picture in enumerate(row):
            grey = picture.mean(-1)
            low, high = float(grey.min()), float(grey.max())
            stretched = (grey - low) / max(high - low, 1e-9) * 255
            made[i * (height + GAP) :, j * (width + GAP) :][:height, :width] = np.rint(stretched).astype(np.uint8)
    return made
