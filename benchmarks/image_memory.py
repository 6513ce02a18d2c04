"""Memory of a training on images: the same with forty times as many, from files to report.

    python -m benchmarks.image_memory [--images 2400] [--few 60] [--side 2048] [--image-size 512] [--network linear]

Made-up grey images of 16 bits (PNG of noise, which does not compress; two classes that differ in brightness) in a
folder a class. `rounds train FOLDER` runs twice in a process of its own, on few of them and on all; the highest
resident memory of both is what the system says of the process that ended. Resized images are kept in a cache folder of
this run's own. A linear network reads every pixel; what a convolution needs beside the images grows with its minibatch,
whatever the folder.
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


def make_folder(folder: Path, images: int, side: int) -> None:
    from PIL import Image

    random = np.random.default_rng(0)
    for name, brightness in (("sick", 3000), ("well", 0)):
        (folder / name).mkdir(parents=True)
        for number in range(images // 2):
            pixels = random.integers(0, 60_000, (side, side), np.uint16) + np.uint16(brightness)
            Image.fromarray(pixels).save(folder / name / f"{number}.png", compress_level=0)


def highest_memory(folder: Path, out: Path, image_size: int, network: str) -> tuple[float, float]:
    """(bytes, seconds) of `rounds train` on the folder, in a process of its own."""
    words = ["-m", "rounds.cli", "train", folder, "--image-size", image_size, "--rounds", 0, "--members", 1, "--quiet"]
    plan = [f"network={network}", "epochs=1", "batch_size=16", "folds=5"]
    words += [word for one in plan for word in ("--set", one)] + ["--out", out, "--allow", "duplicate-rows"]
    started = time.monotonic()
    process = subprocess.Popen([sys.executable, *map(str, words)], env={**os.environ, "XDG_CACHE_HOME": f"{out}.cache"})
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"rounds train ended with status {status}")
    return used.ru_maxrss * (1 if sys.platform == "darwin" else 1024), time.monotonic() - started


def measure(images: int, few: int, side: int, image_size: int, network: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as place:
        said: dict[str, float] = {}
        for name, count in (("few", few), ("all", images)):
            folder, out = Path(place) / name, Path(place) / f"{name}.run"
            make_folder(folder, count, side)
            memory, seconds = highest_memory(folder, out, image_size, network)
            said |= {
                f"{name}_images": count,
                f"{name}_memory": memory,
                f"{name}_seconds": round(seconds, 1),
                f"{name}_files": _size(folder),
                f"{name}_resized": _size(Path(f"{out}.cache")),
            }
    return said


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def page(said: dict[str, float]) -> str:
    """The section of docs/results.md."""
    machine = f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}"
    rows = [
        f"| {said[f'{n}_images']:,} | {said[f'{n}_files'] / 1e9:.2f} GB | {said[f'{n}_resized'] / 1e9:.2f} GB | "
        f"{said[f'{n}_memory'] / 1e9:.2f} GB | {said[f'{n}_seconds']:.0f} |"
        for n in ("few", "all")
    ]
    rise = (said["all_memory"] - said["few_memory"]) / 1e9
    return "\n".join(
        [
            "## Memory of a training on images",
            "",
            f"`python -m benchmarks.image_memory`, {datetime.now(UTC):%Y-%m-%d}, {machine}, jax {version('jax')}. "
            "`rounds train FOLDER`, from files to report, one linear network on every pixel, one epoch, "
            "minibatches of 16.",
            "",
            "| images | files | resized, on disk | highest resident memory | seconds |",
            "|---|---|---|---|---|",
            *rows,
            "",
            f"With all of them {rise:+.2f} GB: images stay on disk from 256 MB on, and are read a part at a time. "
            "What a convolution needs beside them grows with its minibatch alone.",
            "",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("images", 2400), ("few", 60), ("side", 2048), ("image-size", 512)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--network", default="linear")
    said = measure(**vars(parser.parse_args()))
    print(json.dumps(said))
    print(page(said))


if __name__ == "__main__":
    main()
