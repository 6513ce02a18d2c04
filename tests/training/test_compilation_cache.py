"""Compiled programs are kept by machine and version, read again, and forgotten when nobody reads them."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rounds.training.machine import compilation_cache as cache

COMPILE = """
import jax, jax.numpy as jnp
from rounds.training.machine.compilation_cache import open_compilation_cache
jax.jit(lambda x: x + 1)(1.0)
print(open_compilation_cache())
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
jax.jit(lambda x: jnp.sin(x) @ x)(jnp.ones((3, 3)))
"""


def compile_in(home: Path, **environment: str) -> str:
    kept = {k: v for k, v in os.environ.items() if k not in ("JAX_COMPILATION_CACHE_DIR", "XDG_CACHE_HOME")}
    done = subprocess.run(
        [sys.executable, "-c", COMPILE],
        env={**kept, "XDG_CACHE_HOME": str(home), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def programs(folder: Path) -> dict[str, int]:
    return {p.name: p.stat().st_mtime_ns for p in folder.iterdir() if p.name.endswith("-cache")}


def test_a_program_is_compiled_once(tmp_path):
    folder = Path(compile_in(tmp_path))
    assert folder.parent == tmp_path / "rounds" / "compiled"
    assert folder.stat().st_mode & 0o077 == 0, "nobody else may put programs there"
    first = programs(folder)
    assert first
    compile_in(tmp_path)
    assert programs(folder) == first, "the second process reads what the first has written"


def test_who_names_a_folder_of_jaxs_has_decided(tmp_path):
    assert compile_in(tmp_path, JAX_COMPILATION_CACHE_DIR=str(tmp_path / "own")) == "None"


def test_what_nobody_reads_is_removed(tmp_path):
    for name, days in (("old", 40), ("new", 1)):
        path = tmp_path / name / "program-cache"
        path.parent.mkdir()
        path.write_bytes(b"x")
        then = time.time() - days * cache.SECONDS_A_DAY
        os.utime(path, (then, then))
    assert cache.remove_old(tmp_path, cache.MOST_DAYS) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["new"]


def test_a_home_that_cannot_be_written_costs_nothing(tmp_path, monkeypatch):
    (tmp_path / "rounds").write_text("a file where the folder would be")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR")
    assert cache.open_compilation_cache() is None


@pytest.mark.parametrize("changed", ["_processor", "platform.node"])
def test_another_machine_has_another_folder(monkeypatch, changed):
    before = cache.machine_key()
    monkeypatch.setattr(f"{cache.__name__}.{changed}", lambda: "another")
    assert cache.machine_key() != before
