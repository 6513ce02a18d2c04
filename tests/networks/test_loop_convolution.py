"""Convolutions as CPUs compute them in loops: values and gradients are those of plain patches, in XLA's fast order."""

import re
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rounds.networks.jax.convolution import PADDINGS, convolve
from rounds.networks.jax.loop_convolution import FEW_WEIGHTS

CASES = [
    ((7,), 3, 1, 2, "same"),
    ((8,), 3, 2, 30, "same"),
    ((9, 8), 3, 1, 10, "same"),
    ((9, 8), 3, 2, 10, "same"),
    ((8, 10), 4, 3, 9, "valid"),
    ((14, 15), 4, 3, 9, "valid"),
    ((8, 9), 3, 2, 10, "valid"),
    ((6, 6), 2, 3, 20, "same"),
    ((5, 6), 3, 1, 1, "valid"),
]


def drawn(sizes: tuple[int, ...], width: int, channels: int) -> tuple[jax.Array, jax.Array]:
    random = np.random.default_rng(0)
    array = random.normal(size=(3, *sizes, channels)).astype(np.float32)
    kernel = random.normal(size=(*[width] * len(sizes), channels, 4)).astype(np.float32)
    return jnp.asarray(array), jnp.asarray(kernel)


def plain(array: Any, kernel: Any, step: int, padding: str) -> Any:
    """A sum over the filter's places, which JAX differentiates itself."""
    widths = kernel.shape[:-2]
    found = [PADDINGS[padding](n, w, step) for n, w in zip(array.shape[1:-1], widths, strict=True)]
    padded = jnp.pad(array, ((0, 0), *((a, b) for _, a, b in found), (0, 0)))
    return sum(
        padded[(slice(None), *(slice(o, o + (n - 1) * step + 1, step) for o, (n, _, _) in zip(at, found, strict=True)))]
        @ kernel[at]
        for at in product(*map(range, widths))
    )


@pytest.mark.parametrize(("sizes", "width", "step", "channels", "padding"), CASES)
def test_values_and_gradients_are_those_of_plain_sums(
    sizes: tuple[int, ...], width: int, step: int, channels: int, padding: str
) -> None:
    array, kernel = drawn(sizes, width, channels)
    wanted, wanted_back = jax.vjp(lambda x, k: plain(x, k, step, padding), array, kernel)
    made, back = jax.vjp(lambda x, k: convolve(x, k, step, padding), array, kernel)
    slope = jnp.asarray(np.random.default_rng(1).normal(size=made.shape).astype(np.float32))
    for one, other in zip((made, *back(slope)), (wanted, *wanted_back(slope)), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5 * float(jnp.abs(other).max()))


def test_both_forms_of_the_forward_pass_are_tested() -> None:
    few = {width ** len(sizes) * channels <= FEW_WEIGHTS for sizes, width, _, channels, _ in CASES}
    assert few == {True, False}


def test_members_side_by_side_are_each_convolved_alone() -> None:
    array, kernel = drawn((6, 5), 3, 10)
    kernels = jnp.stack([kernel, 2 * kernel])

    def slope(k: jax.Array) -> jax.Array:
        return jax.grad(lambda k: jnp.sum(convolve(array, k, 2) ** 2))(k)

    np.testing.assert_allclose(jax.vmap(slope)(kernels), jnp.stack([slope(k) for k in kernels]), rtol=1e-5)


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="the order matters on a CPU")
@pytest.mark.parametrize(("sizes", "width", "step", "channels", "padding"), [c for c in CASES if c[3] > 2])
def test_a_compiled_loop_holds_convolutions_in_the_fast_order_alone(
    sizes: tuple[int, ...], width: int, step: int, channels: int, padding: str
) -> None:
    array, kernel = drawn(sizes, width, channels)

    def steps(x: jax.Array, k: jax.Array) -> Any:
        def descend(at: tuple[jax.Array, jax.Array], _: None) -> tuple[tuple[jax.Array, jax.Array], None]:
            slopes = jax.grad(lambda x, k: jnp.sum(convolve(x, k, step, padding) ** 2), (0, 1))(*at)
            return (at[0] - slopes[0], at[1] - slopes[1]), None

        return jax.lax.scan(descend, (x, k), None, length=2)[0]

    program = jax.jit(steps).lower(array, kernel).compile().as_text()
    found = re.findall(r" convolution\(.*", program)
    fast = "b0f_0io->b0f" if len(sizes) == 1 else "b01f_01io->b01f"
    # Forward, to the grid, to the kernel; products of patches where the filter is larger than what it makes.
    assert len(found) == (0 if sizes == (8, 10) else 3)
    assert all(f"dim_labels={fast}" in line and "reversal" not in line for line in found)
