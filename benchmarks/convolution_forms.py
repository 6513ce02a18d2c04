"""Time of one convolution and of its two gradients within a compiled loop, in several forms, on the CPU.

    taskset -c 0 python -m benchmarks.convolution_forms [--turns 5]

Shapes are those of Rounds' default network for images of 28 x 28 pixels, batch 64. "Differentiated" is what JAX makes
of XLA's convolution by itself; "patches" one matrix product of all that the filter sees; "weight by weight" a product
for each place of the filter; "Rounds" is `networks.jax.convolution.convolve`. Prints Markdown: milliseconds, the
fastest turn (on a busy machine the others say what else was running).
"""

import argparse
import os
import time
from collections.abc import Callable
from itertools import product
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.machine import about, told
from rounds.networks.jax.convolution import convolve, same_padding
from rounds.networks.jax.loop_convolution import cut

BATCH, FILTER, LOOP = 64, 3, 4
SHAPES = ((28, 1, 16, 1), (28, 16, 16, 1), (28, 16, 32, 2), (14, 32, 32, 1), (14, 32, 64, 2), (7, 64, 64, 1))
Form = Callable[[Any, Any, int], Any]


def differentiated(array: Any, kernel: Any, step: int) -> Any:
    return jax.lax.conv_general_dilated(array, kernel, (step, step), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))


def seen(array: Any, step: int) -> dict[tuple[int, ...], Any]:
    """The grid as each place of the filter sees it."""
    found = [same_padding(n, FILTER, step) for n in array.shape[1:3]]
    padded = jnp.pad(array, ((0, 0), *((before, behind) for _, before, behind in found), (0, 0)))
    places = [n for n, _, _ in found]
    return {at: padded[(slice(None), *cut(at, places, step))] for at in product(range(FILTER), repeat=2)}


def patches(array: Any, kernel: Any, step: int) -> Any:
    return jnp.concatenate(list(seen(array, step).values()), -1) @ kernel.reshape(-1, kernel.shape[-1])


def weight_by_weight(array: Any, kernel: Any, step: int) -> Any:
    return sum(some @ kernel[at] for at, some in seen(array, step).items())


FORMS: dict[str, Form] = {
    "differentiated": differentiated,
    "patches": patches,
    "weight by weight": weight_by_weight,
    "Rounds": convolve,
}


def passes(form: Form, step: int) -> list[Callable[[Any, Any, Any], tuple[Any, Any, Any]]]:
    """One pass each: forward, gradient to the grid, gradient to the kernel; each changes what the next one reads."""

    def forward(x: Any, k: Any, g: Any) -> tuple[Any, Any, Any]:
        return tied(x, form(x, k, step)), k, g

    def to_grid(x: Any, k: Any, g: Any) -> tuple[Any, Any, Any]:
        return x, k, tied(g, jax.vjp(lambda x: form(x, k, step), x)[1](g)[0])

    def to_kernel(x: Any, k: Any, g: Any) -> tuple[Any, Any, Any]:
        return tied(x, jax.vjp(lambda k: form(x, k, step), k)[1](g)[0].sum((0, 1))), k, g

    return [forward, to_grid, to_kernel]


def tied(array: Any, made: Any) -> Any:
    """The array, a little changed by what was made, so that no step of the loop can be left out."""
    return array.at[(0,) * array.ndim].add(1e-9 * made.ravel()[0])


def milliseconds(one: Callable[..., Any], arrays: tuple[Any, ...], turns: int) -> float:
    run = jax.jit(lambda *start: jax.lax.scan(lambda at, _: (one(*at), None), start, None, length=LOOP)[0])
    jax.block_until_ready(run(*arrays))
    taken = []
    for _ in range(turns):
        started = time.perf_counter()
        jax.block_until_ready(run(*arrays))
        taken.append(time.perf_counter() - started)
    return 1e3 * min(taken) / LOOP


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--turns", type=int, default=5)
    words = parser.parse_args()
    print("| pixels, channels in, out, step | form | forward | to the grid | to the kernel |\n" + "|---" * 5 + "|")
    random = np.random.default_rng(0)
    for size, entering, leaving, step in SHAPES:
        array = jnp.asarray(random.normal(size=(BATCH, size, size, entering)).astype(np.float32))
        kernel = jnp.asarray(random.normal(size=(FILTER, FILTER, entering, leaving)).astype(np.float32))
        slope = jnp.ones((BATCH, size // step, size // step, leaving))
        for name, form in FORMS.items():
            taken = [milliseconds(one, (array, kernel, slope), words.turns) for one in passes(form, step)]
            shown = " | ".join(f"{ms:.2f}" for ms in taken)
            print(f"| {size} x {size}, {entering}, {leaving}, {step} | {name} | {shown} |", flush=True)
    print("\n" + told(about("jax", "numpy")))


if __name__ == "__main__":
    main()
