"""Drives every reader with files whose bytes were changed: each is read, or refused in one line, whatever they hold.

    python tests/data/mutated_files.py --examples 200 [--seconds 60] [--reader NAME]

A process of its own, since a reader that crashes would take the tests with it. Prints the counts by reader as JSON.
"""

import argparse
import gzip
import hashlib
import io
import json
import resource
import signal
import sqlite3
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from rounds.data.images.image_file import read_image
from rounds.data.images.unreadable import BadImage
from rounds.data.loading import open_source
from rounds.data.recordings.assemble import read_recordings
from rounds.data.roles.role_file import parse_roles
from rounds.data.tables.reading import read_table
from rounds.errors import RoundsError
from rounds.evaluation.audit.prediction_file import named_predictions
from rounds.examination.logs.read import read_logs
from rounds.plan import read_plan_file
from rounds.prediction.model_folder import load_predictor, save_predictor
from rounds.run_folder.read import read_record

sys.path.insert(0, str(Path(__file__).parents[2]))
MOST_SECONDS, MOST_BYTES = 10, 2 * 2**30  # of the processor, and of memory: what one small file may take
ROWS = 30
INTERESTING = (
    b"\0",
    b"\xff",
    b"\x7f\xff\xff\xff",
    b"\xff" * 8,
    b"1e999",
    b"nan",
    b"-1",
    b"9" * 20,
    b'"',
    b"\n",
    b"../",
)
Reader = Callable[[Path], Any]
Seed = tuple[Reader, str, dict[str, bytes]]  # how a file is read, which file is changed, and all of its folder


def table() -> pl.DataFrame:
    random = np.random.default_rng(0)
    return pl.DataFrame(
        {
            "patient": range(ROWS),
            "age": random.integers(20, 90, ROWS),
            "crp": random.lognormal(2, 1, ROWS).round(2),
            "sex": ["F", "M"] * (ROWS // 2),
            "day": ["2020-01-02", None, "2021-11-30"] * (ROWS // 3),
            "label": [0, 1] * (ROWS // 2),
            "score": random.random(ROWS).round(3),
        }
    )


def written(write: Callable[[io.BytesIO], Any]) -> bytes:
    buffer = io.BytesIO()
    write(buffer)
    return buffer.getvalue()


def zipped(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", content)
    return buffer.getvalue()


def image_files() -> dict[str, bytes]:
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 255, (20, 24, 3)).astype(np.uint8)
    kinds = {"png": "PNG", "jpg": "JPEG", "tif": "TIFF", "gif": "GIF", "bmp": "BMP", "webp": "WEBP", "ppm": "PPM"}
    image = Image.fromarray(pixels)
    made = {f"a.{ending}": written(partial(image.save, format=kind)) for ending, kind in kinds.items()}
    fractions = Image.fromarray(pixels[..., 0].astype(np.float32) / 255)
    return {**made, "f.tif": written(lambda b: fractions.save(b, "TIFF"))}


def dicom_file() -> bytes:
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID = CTImageStorage
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID = "1.2.3"
    made.Modality, made.Rows, made.Columns, made.PhotometricInterpretation = "CT", 16, 16, "MONOCHROME2"
    made.SamplesPerPixel, made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 1, 16, 12, 11, 0
    made.PixelData = np.arange(256, dtype="<u2").tobytes()
    return written(lambda b: made.save_as(b, enforce_file_format=True))


def record_files() -> dict[str, bytes]:
    """A WFDB record of a header and samples, and an EDF file."""
    import pyedflib

    samples = np.random.default_rng(0).integers(-99, 99, (200, 2))
    header = "r 2 100 200\nr.dat 16 100(5)/mV 12 0 0 0 0 I\nr.dat 16 100(5)/mV 12 0 0 0 0 II\n"
    with tempfile.TemporaryDirectory() as folder:
        with pyedflib.EdfWriter(f"{folder}/r.edf", 1) as file:
            limits = {"physical_max": 9.0, "physical_min": -9.0, "digital_min": -32768, "digital_max": 32767}
            words = {"label": "C3", "dimension": "uV", "transducer": "", "prefilter": ""}
            file.setSignalHeader(0, {**words, **limits, "sample_frequency": 50})
            file.writeSamples([np.random.default_rng(0).uniform(-9, 9, 200)])
        edf = Path(f"{folder}/r.edf").read_bytes()
    return {"r.hea": header.encode(), "r.dat": samples.astype("<i2").tobytes(), "r.edf": edf}


def read_folder_of_records(path: Path) -> Any:
    return read_recordings(path.parent, pl.DataFrame({"record": ["r"]}), "record")


def read_measured(path: Path) -> Any:
    return read_recordings(str(path), pl.DataFrame({"id": [1, 2]}), "id")


def measurements() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "id": [1, 2] * 20,
            "time": [f"{i:02}:07" for i in range(40)],
            "item": ["HR", "HR", "Temp", "Temp"] * 10,
            "value": range(40),
            "unit": ["bpm", "bpm", "C", "F"] * 10,
        }
    )


LOG = b"epoch,loss,val_loss\n" + b"".join(b"%d,%.3f,%.3f\n" % (i, 1 / i, 1.1 / i) for i in range(1, 12))
RECORDS = b"".join(b'{"step": %d, "loss": %.3f, "eval_loss": %.3f}\n' % (i, 1 / i, 1.1 / i) for i in range(1, 12))


def read_one_log(path: Path) -> Any:
    return read_logs([path])


def read_one_record(path: Path) -> Any:
    return read_record(path.parent, path.name)


def seeds() -> dict[str, Seed]:
    """By reader."""
    csv, records = table().write_csv().encode(), record_files()
    signals = {"x": np.random.default_rng(0).normal(size=(6, 40)).astype(np.float32), "y": np.arange(6) % 2}
    images = {"train_images": np.zeros((6, 8, 8), np.uint8), "train_labels": np.arange(6) % 2}
    made: dict[str, Seed] = {
        "csv": (read_table, "a.csv", {"a.csv": csv}),
        "semicolons": (read_table, "a.csv", {"a.csv": csv.replace(b",", b";")}),
        "tsv": (read_table, "a.tsv", {"a.tsv": csv.replace(b",", b"\t")}),
        "csv utf-16": (read_table, "a.csv", {"a.csv": csv.decode().encode("utf-16")}),
        "csv gz": (read_table, "a.csv.gz", {"a.csv.gz": gzip.compress(csv)}),
        "csv zip": (read_table, "a.zip", {"a.zip": zipped(csv)}),
        "parquet": (read_table, "a.parquet", {"a.parquet": written(table().write_parquet)}),
        "parquet plain": (
            read_table,
            "a.parquet",
            {"a.parquet": written(lambda b: table().write_parquet(b, compression="uncompressed"))},
        ),
        "npz signals": (open_source, "a.npz", {"a.npz": written(lambda b: np.savez(b, **signals))}),
        "npz images": (open_source, "a.npz", {"a.npz": written(lambda b: np.savez_compressed(b, **images))}),
        "measurements": (read_measured, "m.csv", {"m.csv": measurements().write_csv().encode()}),
        "wfdb header": (read_folder_of_records, "r.hea", {n: records[n] for n in ("r.hea", "r.dat")}),
        "wfdb samples": (read_folder_of_records, "r.dat", {n: records[n] for n in ("r.hea", "r.dat")}),
        "edf": (read_folder_of_records, "r.edf", {"r.edf": records["r.edf"]}),
        "dicom": (read_image, "a.dcm", {"a.dcm": dicom_file()}),
        "log": (read_one_log, "log.csv", {"log.csv": LOG}),
        "log of records": (read_one_log, "log.jsonl", {"log.jsonl": RECORDS}),
        "predictions": (lambda path: named_predictions(read_table(path).frame, {}, None), "a.csv", {"a.csv": csv}),
        "roles": (parse_roles, "r.toml", {"r.toml": b'[age]  # years\nrole = "numeric"\nmissing = ["-9"]\n'}),
        "plan file": (
            read_plan_file,
            "p.toml",
            {"p.toml": b'learning_rate = [0.1, 0.01]\n[hidden]\nvalue = [8]\nwhy = ""'},
        ),
        "run record": (read_one_record, "a.json", {"a.json": b'{"schema_version": 1, "a": [{"b": 1.5, "c": null}]}'}),
    }
    made |= {f"image {name}": (read_image, name, {name: content}) for name, content in image_files().items()}
    return made | office_seeds() | log_seeds() | model_seeds()


def office_seeds() -> dict[str, Seed]:
    """A workbook, and files of SPSS, Stata and SAS (of whose own format nothing writes a file)."""
    import pyreadstat

    from tests.data.test_office_files import workbook

    made: dict[str, Seed] = {}
    rows = [list(table().columns), *([str(cell or "") for cell in row] for row in table().rows())]
    writers = {"sav": pyreadstat.write_sav, "dta": pyreadstat.write_dta, "xpt": pyreadstat.write_xport}
    with tempfile.TemporaryDirectory() as folder:
        workbook(Path(folder, "a.xlsx"), [rows])
        for ending, write in writers.items():
            write(table(), f"{folder}/a.{ending}")
        for name in ("a.xlsx", *(f"a.{ending}" for ending in writers)):
            made[name.removeprefix("a.")] = (read_table, name, {name: Path(folder, name).read_bytes()})
    return made


def log_seeds() -> dict[str, Seed]:
    """TensorBoard's event files, MLflow's database and its folders, and Parquet."""
    from tensorboardX import SummaryWriter

    events, columns = "events.out.tfevents.1", pl.read_csv(LOG)
    with tempfile.TemporaryDirectory() as folder:
        with SummaryWriter(folder) as writer:
            for epoch, loss, validation in columns.rows():
                writer.add_scalar("loss", loss, epoch)
                writer.add_scalar("val_loss", validation, epoch)
        content = next(Path(folder).glob("events*")).read_bytes()
        with closing(sqlite3.connect(f"{folder}/m.db")) as database:
            database.executescript(MLFLOW)
            rows = [("a", "loss", loss, 0, epoch, epoch) for epoch, loss, _ in columns.rows()]
            database.executemany("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", rows)
            database.commit()
        made = Path(folder, "m.db").read_bytes()
    return {
        "events": (lambda path: read_logs([path.parent]), events, {events: content}),
        "mlflow database": (read_one_log, "m.db", {"m.db": made}),
        "log parquet": (read_one_log, "l.parquet", {"l.parquet": written(columns.write_parquet)}),
    }


MLFLOW = """CREATE TABLE runs (run_uuid TEXT, name TEXT); INSERT INTO runs VALUES ('a', 'first');
CREATE TABLE params (run_uuid TEXT, key TEXT, value TEXT);
CREATE TABLE metrics (run_uuid TEXT, key TEXT, value REAL, is_nan INTEGER, step INTEGER, timestamp INTEGER);"""


def model_seeds() -> dict[str, Seed]:
    """A model's files, whose checksums are renewed: what was changed on purpose must not pass either."""
    from tests.prediction.conftest import small_predictor, small_table

    with tempfile.TemporaryDirectory() as folder:
        save_predictor(Path(folder, "model"), small_predictor(small_table(), "binary"))
        files = {path.name: path.read_bytes() for path in Path(folder, "model").iterdir()}
    changed_ones = ("description.json", "preparation.json", "target.json", "network_0.json", "weights_0.safetensors")
    return {f"model {name}": (read_model, name, files) for name in changed_ones}


def read_model(path: Path) -> Any:
    from tests.prediction.conftest import small_table

    sums = json.loads((path.parent / "checksums.json").read_text())
    sums = {name: hashlib.sha256((path.parent / name).read_bytes()).hexdigest() for name in sums}
    (path.parent / "checksums.json").write_text(json.dumps(sums))
    return load_predictor(path.parent).predict(small_table())


@st.composite
def changes(draw: st.DrawFn) -> list[tuple[int, int, bytes, int]]:
    """Kinds of change, places (after the end from the beginning), bytes to put there, and how many to take away."""
    one = st.tuples(
        st.sampled_from((0, 0, 0, 1, 2, 3, 4)),
        st.integers(0, 10**6),
        st.sampled_from(INTERESTING) | st.binary(min_size=1, max_size=6),
        st.integers(0, 40),
    )
    return draw(st.lists(one, min_size=1, max_size=3))


def changed(content: bytes, made: list[tuple[int, int, bytes, int]]) -> bytes:
    """The content after every change: overwrite, insert, take away, cut off, repeat."""
    for kind, place, new, count in made:
        at = place % max(1, len(content))
        if kind == 0:
            content = content[:at] + new + content[at + len(new) :]
        elif kind == 1:
            content = content[:at] + new + content[at:]
        elif kind == 2:
            content = content[:at] + content[at + count :]
        elif kind == 3:
            content = content[:at]
        else:
            content = content[:at] + content[at : at + count] * 3 + content[at + count :]
    return content


def too_long(number: int, frame: object) -> None:
    raise TimeoutError(f"more than {MOST_SECONDS} s of the processor")


def drive(name: str, examples: int, random_seed: int) -> Counter[str]:
    """Counts of what came of each changed file; raises what is neither read nor refused."""
    read, changing, files = seeds()[name]
    counts: Counter[str] = Counter()

    @seed(random_seed)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(changes())
    def one(made: list[tuple[int, int, bytes, int]]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            for file, content in files.items():
                Path(folder, file).write_bytes(changed(content, made) if file == changing else content)
            signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)
            try:
                read(Path(folder, changing))
                counts["read"] += 1
            except (RoundsError, BadImage):
                counts["refused"] += 1
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
        used = highest_memory()
        assert used < MOST_BYTES, f"{used:,} bytes of memory"

    one()
    return counts


def highest_memory() -> int:
    """Bytes of this program at most. Linux passes the highest of the process that started it on in `ru_maxrss`."""
    status = Path("/proc/self/status")
    if status.is_file():
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM")) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    words = argparse.ArgumentParser()
    words.add_argument("--examples", type=int, default=20)
    words.add_argument("--seconds", type=float, default=0.0, help="go round the readers until so long has passed")
    words.add_argument("--reader", default="")
    given_words = words.parse_args()
    signal.signal(signal.SIGPROF, too_long)
    ends, turn = time.monotonic() + given_words.seconds, 0
    counts: dict[str, Counter[str]] = {}
    while turn == 0 or time.monotonic() < ends:
        for name in [given_words.reader] if given_words.reader else list(seeds()):
            if turn and time.monotonic() > ends:
                break
            try:
                counts[name] = counts.get(name, Counter()) + drive(name, given_words.examples, turn)
            except BaseException as error:
                sys.exit(f"{name}: {type(error).__name__}: {error}\n{getattr(error, '__notes__', '')}")
        turn += 1
    print(json.dumps({name: dict(found) for name, found in counts.items()}, indent=2))


if __name__ == "__main__":
    main()
