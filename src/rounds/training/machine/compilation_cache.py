"""Programs that XLA compiled, kept on disk: the next run of the same structure on this machine compiles nothing."""

import contextlib
import hashlib
import os
import platform
import shutil
import time
from pathlib import Path

import jax
from jax.experimental.compilation_cache import compilation_cache

from rounds.files import cache_home

FOLDER = "compiled"
LEAST_SECONDS = 0.1  # of compiling; programs that take less are quicker compiled than read
MOST_DAYS = 30.0  # since a program was last read; after that it is compiled again
SECONDS_A_DAY = 86_400.0
_CHOSEN = "JAX_COMPILATION_CACHE_DIR"  # JAX's own variable: who sets it has decided


def open_compilation_cache() -> Path | None:
    """Lets JAX keep compiled programs in the user's cache folder; None where the user has named another, or where none
    can be written. Programs of other versions, processors and machines are never read: they have another folder."""
    if os.environ.get(_CHOSEN):
        return None
    home = cache_home() / FOLDER
    folder = home / machine_key()
    try:
        remove_old(home, MOST_DAYS)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:  # a read-only home, a full disk: compiled programs are a convenience
        return None
    jax.config.update("jax_compilation_cache_dir", str(folder))  # type: ignore[no-untyped-call]
    jax.config.update("jax_persistent_cache_min_compile_time_secs", LEAST_SECONDS)  # type: ignore[no-untyped-call]
    compilation_cache.reset_cache()  # what was compiled before this call found no folder, which JAX remembers
    return folder


def machine_key() -> str:
    """Version of JAX's compiler, kind of device, and a hash of the processor and its instructions."""
    known = "\n".join([platform.node(), platform.machine(), platform.processor(), _processor()])
    return f"{jax.version.__version__}-{jax.default_backend()}-{hashlib.sha256(known.encode()).hexdigest()[:12]}"


def _processor() -> str:
    """The processor's name and instruction sets, where the system tells them (Linux)."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return "\n".join(sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))}))


def remove_old(home: Path, days: float) -> int:
    """Deletes compiled programs that were not read for so many days, and folders left empty; how many programs."""
    oldest, removed = time.time() - days * SECONDS_A_DAY, 0
    for folder in [p for p in home.iterdir() if p.is_dir()] if home.is_dir() else []:
        for path in folder.iterdir():
            with contextlib.suppress(OSError):  # another process was faster
                found = path.stat()
                if max(found.st_atime, found.st_mtime) < oldest:
                    path.unlink()
                    removed += 1
        if not any(folder.iterdir()):
            shutil.rmtree(folder, ignore_errors=True)
    return removed
