"""Memory of a training on images: the same with ten times as many, from files to report.

    python -m benchmarks.image_memory [--images 4000] [--few 100] [--side 512]

Made-up colour images (PNG, two classes that differ in brightness) in a folder a class. `rounds train FOLDER` runs twice
in a process of its own, on few of them and on all; the highest resident memory of both is what the system says of the
process that ended. Resized images are kept in a cache folder of this run's own. The network is linear and reads every
pixel: what a convolution needs beside the images grows with its minibatch, whatever the folder.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np

BLOCK = 32  # pixels a side of one colour: such a picture is small as a file


def make_folder(folder: Path, images: int, side: int) -> None:
    from PIL import Image

    random = np.random.default_rng(0)
    for name, brightness in (("sick", 20), ("well", 0)):
        (folder / name).mkdir(parents=True)
        for number in range(images // 2):
            coarse = random.integers(0, 200, (side // BLOCK, side // BLOCK, 3)) + brightness
            pixels = coarse.astype(np.uint8).repeat(BLOCK, 0).repeat(BLOCK, 1)
            Image.fromarray(pixels).save(folder / name / f"{number}.png", compress_level=1)


def highest_memory(folder: Path, out: Path, side: int) -> tuple[float, float]:
    """(bytes, seconds) of `rounds train` on the folder, in a process of its own."""
    words = ["-m", "rounds.cli", "train", folder, "--image-size", side, "--rounds", 0, "--members", 1, "--quiet"]
    plan = ["network=linear", "epochs=1", "batch_size=16", "folds=5"]
    words += [word for one in plan for word in ("--set", one)] + ["--out", out, "--allow", "duplicate-rows"]
    started = time.monotonic()
    process = subprocess.Popen([sys.executable, *map(str, words)], env={**os.environ, "XDG_CACHE_HOME": f"{out}.cache"})
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"rounds train ended with status {status}")
    return used.ru_maxrss * (1 if sys.platform == "darwin" else 1024), time.monotonic() - started


def measure(images: int, few: int, side: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as place:
        said: dict[str, float] = {}
        for name, count in (("few", few), ("all", images)):
            folder = Path(place) / name
            make_folder(folder, count, side)
            memory, seconds = highest_memory(folder, Path(place) / f"{name}.run", side)
            said |= {f"{name}_images": count, f"{name}_pixels": count * side * side * 3,
                     f"{name}_memory": memory, f"{name}_seconds": round(seconds, 1)}  # fmt: skip
    return said


def page(said: dict[str, float]) -> str:
    """The section of docs/results.md."""
    machine = f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}"
    rows = [
        f"| {said[f'{n}_images']:,} | {said[f'{n}_pixels'] / 1e9:.2f} GB | {said[f'{n}_memory'] / 1e9:.2f} GB | "
        f"{said[f'{n}_seconds']:.0f} |"
        for n in ("few", "all")
    ]
    rise = (said["all_memory"] - said["few_memory"]) / 1e9
    return "\n".join([
        "## Memory of a training on images", "",
        f"`benchmarks/image_memory.py`, {datetime.now(UTC):%Y-%m-%d}, {machine}, jax {version('jax')}. `rounds train "
        "FOLDER`, from files to report, one linear network on every pixel, one epoch, minibatches of 16.", "",
        "| images | resized, on disk | highest resident memory | seconds |", "|---|---|---|---|", *rows, "",
        f"The rise of {rise:.2f} GB is that of parts being read, of files being decoded, and of the allocator; images "
        "stay on disk from 256 MB on. What a convolution needs beside them grows with its minibatch alone.", "",
    ])  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--few", type=int, default=100)
    parser.add_argument("--side", type=int, default=512)
    given = parser.parse_args()
    said = measure(given.images, given.few, given.side)
    print(json.dumps(said))
    print(page(said))


if __name__ == "__main__":
    main()
