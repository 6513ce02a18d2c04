"""Convolution whose three products a CPU computes at full speed within a compiled loop as well.

XLA hands a convolution to its fast library only where batch comes first, channels last, and no filter is reversed. It
brings others into that order in a program's outermost computation alone (`ConvCanonicalization`), not in the body of a
`scan`: there the two that differentiation makes of one were computed number by number, up to 50 times slower. So the
gradients are written in that order here. Measured by benchmarks/convolution_forms.py.
"""

from functools import partial
from itertools import product
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp

Zeros: TypeAlias = tuple[tuple[int, int], ...]
FEW_WEIGHTS = 64  # numbers under a filter up to which a weighted sum is faster than a product (3 to 25 times, 28 x 28)
_ORDERS = {1: ("NHC", "HIO", "NHC"), 2: ("NHWC", "HWIO", "NHWC"), 3: ("NDHWC", "DHWIO", "NDHWC")}


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def convolve_in_loops(array: Any, kernel: Any, step: int, zeros: Zeros) -> Any:
    """array [B, *space, I], kernel [*filter, I, O] -> [B, *places, O].

    zeros: so many (before, behind) on each axis of space, fewer than the filter is wide; the filter's last place must
    end where the zeros end. Members side by side (`vmap`) are computed one after the other, which is faster on a CPU.
    """
    places = [(n + sum(z) - w) // step + 1 for n, w, z in zip(array.shape[1:-1], kernel.shape[:-2], zeros, strict=True)]
    if kernel.size // kernel.shape[-1] <= FEW_WEIGHTS:
        return weighted_sum(array, kernel, step, zeros, places)
    return _product(array, kernel, zeros, steps=step)


def _forward(array: Any, kernel: Any, step: int, zeros: Zeros) -> tuple[Any, tuple[Any, Any]]:
    return convolve_in_loops(array, kernel, step, zeros), (array, kernel)


def _backward(step: int, zeros: Zeros, read: tuple[Any, Any], slope: Any) -> tuple[Any, Any]:
    """Gradients to array and kernel from that to the result, slope [B, *places, O]."""
    array, kernel = read
    return _to_array(slope, kernel, step, zeros), _to_kernel(array, slope, step, zeros)


convolve_in_loops.defvjp(_forward, _backward)


def _to_array(slope: Any, kernel: Any, step: int, zeros: Zeros) -> Any:
    """The slope, spread out by the step, under the filter turned round."""
    widths = kernel.shape[:-2]
    turned = jnp.swapaxes(jnp.flip(kernel, range(len(widths))), -1, -2)
    around = tuple((w - 1 - before, w - 1 - behind) for w, (before, behind) in zip(widths, zeros, strict=True))
    return _product(slope, turned, around, spread=step)


def _to_kernel(array: Any, slope: Any, step: int, zeros: Zeros) -> Any:
    """The array under the slope as a filter: channels stand where the batch stood, which is what is summed over."""
    places = range(1, array.ndim - 1)
    channels_first = jnp.transpose(array, (array.ndim - 1, *places, 0))  # [I, *space, B]
    as_filter = jnp.transpose(slope, (*places, 0, array.ndim - 1))  # [*places, B, O]
    made = _product(channels_first, as_filter, zeros, filter_spread=step)  # [I, *filter, O]
    return jnp.transpose(made, (*places, 0, array.ndim - 1))


def _product(array: Any, kernel: Any, zeros: Zeros, steps: int = 1, spread: int = 1, filter_spread: int = 1) -> Any:
    axes = array.ndim - 2
    convolve = partial(
        jax.lax.conv_general_dilated,
        window_strides=(steps,) * axes,
        padding=zeros,
        lhs_dilation=(spread,) * axes,
        rhs_dilation=(filter_spread,) * axes,
        dimension_numbers=_ORDERS[axes],
    )
    one_by_one: Any = jax.custom_batching.sequential_vmap
    return one_by_one(lambda x, k: convolve(x, k))(array, kernel)


def weighted_sum(array: Any, kernel: Any, step: int, zeros: Zeros, places: list[int]) -> Any:
    """The same convolution as one weight after the other: nothing is written but the sum."""
    padded = jnp.pad(array, ((0, 0), *zeros, (0, 0)))
    total = jnp.zeros((), array.dtype)
    for offset in product(*map(range, kernel.shape[:-2])):
        seen = padded[(slice(None), *cut(offset, places, step))]
        for channel in range(array.shape[-1]):
            total = total + seen[..., channel : channel + 1] * kernel[offset][channel]
    return total


def cut(offset: tuple[int, ...], places: list[int], step: int) -> tuple[slice, ...]:
    """What a filter's weight at this offset sees, on each axis of space."""
    return tuple(slice(o, o + (n - 1) * step + 1, step) for o, n in zip(offset, places, strict=True))
