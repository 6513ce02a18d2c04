"""A slab at an epoch boundary, on disk: enough to go on to the same bits."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from rounds.errors import BrokenOffError, RunFolderError
from rounds.files import write_whole
from rounds.training.compiled.state import EpochRecord, Weights
from rounds.training.slab import SlabAt


def checkpoint_path(folder: Path, slab: int) -> Path:
    return folder / f"slab_{slab:04d}.safetensors"


def save_checkpoint(path: Path, at: SlabAt) -> None:
    """Writes state and records of a slab, whole or not at all.

    Raises RunFolderError where its folder is gone: a run whose folder was deleted leaves no part of another.
    """
    if not path.parent.is_dir():
        advice = "It was deleted or moved while the run went on: start the run again"
        raise BrokenOffError(
            "Run folder", "left where it is until the end", name="missing", got=path.parent.name, advice=advice
        )
    arrays = {f"state_{i:04d}": np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves(at.state))}
    if at.records:
        stacked = EpochRecord(*(np.stack(field) for field in zip(*at.records, strict=True)))
        arrays |= {f"record_{name}": field for name, field in stacked._asdict().items()}
    if at.measures:
        arrays["measured_epochs"] = np.array([epoch for epoch, _ in at.measures], np.int64)
        arrays["measures"] = np.stack([taken for _, taken in at.measures])
    for number, (epoch, taken) in enumerate(at.cycles):
        arrays |= {f"cycle_{number:04d}_{i:04d}": leaf for i, leaf in enumerate(jax.tree.leaves(taken))}
        arrays[f"cycle_{number:04d}_epoch"] = np.array([epoch], np.int64)
    arrays["epoch"] = np.array([at.epoch], np.int64)
    write_whole(path, safetensors.numpy.save({k: np.ascontiguousarray(v) for k, v in arrays.items()}))


def load_checkpoint(path: Path, fresh: SlabAt) -> SlabAt:
    """The slab as saved; `fresh` is the same slab at epoch 0, for the shape of its state.

    Raises RunFolderError where the file is damaged or belongs to another slab shape.
    """
    try:
        arrays = safetensors.numpy.load(path.read_bytes())
        return _restored(path, arrays, fresh)
    except (
        SafetensorError,
        OSError,
        ValueError,
        KeyError,
        IndexError,
        TypeError,
        AttributeError,
        OverflowError,
    ) as error:
        raise _damaged(path, str(error) or type(error).__name__) from None


def _restored(path: Path, arrays: dict[str, np.ndarray], fresh: SlabAt) -> SlabAt:
    leaves, tree = jax.tree.flatten(fresh.state)
    found = [arrays.get(f"state_{i:04d}") for i in range(len(leaves))]
    if any(f is None or f.shape != leaf.shape or f.dtype != leaf.dtype for f, leaf in zip(found, leaves, strict=True)):
        raise _damaged(path, "other shapes than this plan's")
    state = jax.tree.unflatten(tree, [jnp.asarray(f) for f in found])
    epochs = int(arrays["epoch"][0])
    fields = [arrays[f"record_{name}"] for name in EpochRecord._fields] if epochs else []
    records = tuple(EpochRecord(*(field[e] for field in fields)) for e in range(epochs))
    taken = arrays.get("measures", np.zeros((0,)))
    measures = tuple(zip(arrays.get("measured_epochs", np.zeros(0, np.int64)).tolist(), taken, strict=True))
    return SlabAt(epochs, state, records, measures, _cycles(arrays, fresh.state.weights))


def _cycles(arrays: dict[str, np.ndarray], like: Weights) -> tuple[tuple[int, Weights], ...]:
    leaves, tree = jax.tree.flatten(like)
    numbers = sorted(name.removesuffix("_epoch") for name in arrays if name.startswith("cycle_") and "epoch" in name)
    return tuple(
        (int(arrays[f"{n}_epoch"][0]), jax.tree.unflatten(tree, [arrays[f"{n}_{i:04d}"] for i in range(len(leaves))]))
        for n in numbers
    )


def _damaged(path: Path, why: str) -> RunFolderError:
    return RunFolderError(
        f"checkpoint must be whole and of this run, got file={path.name!r} ({why}). Delete it to train that slab again."
    )
