"""Images as they might have been taken: drawn again in every step, inside the compiled program.

Each amount is a setting, so that members can differ in it; what no member uses is not compiled.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

Settings = dict[str, jax.Array]

WARPS = ("shift", "zoom", "rotate", "shear", "elastic", "crop", "flip")
SHADES = ("brightness", "contrast")
IMAGE_SETTINGS = (*WARPS, *SHADES)
ELASTIC_KNOTS = 5  # places a side at which an elastic distortion is drawn; between them it is interpolated


class UniformDraws(NamedTuple):
    """What is drawn for a batch: a function of (name, number of values an image) -> uniform [B, values] in [-1, 1]."""

    key: jax.Array
    rows: int

    def uniform(self, name: str, values: int = 1) -> jax.Array:
        """The same name draws the same numbers."""
        number = IMAGE_SETTINGS.index(name)
        return jax.random.uniform(jax.random.fold_in(self.key, number), (self.rows, values), minval=-1.0, maxval=1.0)


def augment_images(
    settings: Settings, switches: frozenset[str], images: jax.Array, spread: jax.Array, key: jax.Array
) -> jax.Array:
    """images [B, H, W, C] as stored -> float32 of the same shape; spread [C] is the unit of brightness and contrast.

    shift, crop: share of the side; zoom: share of the size; rotate, shear: degrees; elastic: share of the side;
    flip: chance of a left-right mirror; brightness: in spreads; contrast: share. Each is drawn evenly up to the
    setting, in both directions. Places outside the picture repeat its edge.
    """
    images = images.astype(jnp.float32)
    draws = UniformDraws(key, len(images))
    if switches & set(WARPS):
        images = jax.vmap(_sampled)(images, _places(settings, switches, (images.shape[1], images.shape[2]), draws))
    return _shaded(settings, switches, images, spread, draws) if switches & set(SHADES) else images


def _places(settings: Settings, switches: frozenset[str], size: tuple[int, int], draws: UniformDraws) -> jax.Array:
    """Where each pixel is taken from, [B, H, W, 2] in pixels (row, column)."""
    height, width = size
    rows, columns = jnp.meshgrid(jnp.linspace(-1, 1, height), jnp.linspace(-1, 1, width), indexing="ij")
    places = jnp.broadcast_to(jnp.stack([rows, columns], -1), (draws.rows, height, width, 2))  # half sides from centre
    places = jnp.einsum("bhwi,bji->bhwj", places, _matrices(settings, switches, draws))
    places = places + _moves(settings, switches, draws)[:, None, None]
    if "elastic" in switches:
        knots = draws.uniform("elastic", 2 * ELASTIC_KNOTS**2).reshape(-1, ELASTIC_KNOTS, ELASTIC_KNOTS, 2)
        field = jax.image.resize(knots, (draws.rows, height, width, 2), "linear")
        places = places + 2 * settings["elastic"] * field
    return (places + 1) / 2 * (jnp.array([height, width], jnp.float32) - 1)


def _matrices(settings: Settings, switches: frozenset[str], draws: UniformDraws) -> jax.Array:
    """[B, 2, 2]: rotation times shear times scale; a flip mirrors columns."""
    one = jnp.ones(draws.rows)
    scale = one
    if "zoom" in switches:
        scale = scale * (1 + settings["zoom"] * draws.uniform("zoom")[:, 0])
    if "crop" in switches:
        scale = scale * (1 - settings["crop"] * (draws.uniform("crop", 3)[:, 0] + 1) / 2)
    mirror = one
    if "flip" in switches:
        mirror = jnp.where((draws.uniform("flip")[:, 0] + 1) / 2 < settings["flip"], -1.0, 1.0)
    angle = jnp.deg2rad(settings["rotate"] * draws.uniform("rotate")[:, 0]) if "rotate" in switches else 0 * one
    slant = jnp.tan(jnp.deg2rad(settings["shear"] * draws.uniform("shear")[:, 0])) if "shear" in switches else 0 * one
    cosine, sine = jnp.cos(angle), jnp.sin(angle)
    across = jnp.stack([cosine, slant * cosine - sine], -1)
    down = jnp.stack([sine, slant * sine + cosine], -1)
    return scale[:, None, None] * jnp.stack([across, down], -2) * jnp.stack([one, mirror], -1)[:, None, :]


def _moves(settings: Settings, switches: frozenset[str], draws: UniformDraws) -> jax.Array:
    """[B, 2] in half sides: shifts, and where in the picture a crop lies."""
    moves = jnp.zeros((draws.rows, 2))
    if "shift" in switches:
        moves = moves + 2 * settings["shift"] * draws.uniform("shift", 2)
    if "crop" in switches:
        cut = draws.uniform("crop", 3)
        moves = moves + cut[:, 1:] * settings["crop"] * (cut[:, :1] + 1) / 2
    return moves


def _sampled(image: jax.Array, places: jax.Array) -> jax.Array:
    """image [H, W, C] at places [H, W, 2], bilinear; beyond the edge stands the edge."""
    height, width, _ = image.shape
    last = jnp.array([height - 1, width - 1])
    places = jnp.clip(places, 0, last)
    low = jnp.minimum(places.astype(jnp.int32), jnp.maximum(last - 1, 0))
    share = places - low
    high = jnp.minimum(low + 1, last)
    flat = image.reshape(height * width, -1)
    above, below = low[..., 0] * width, high[..., 0] * width
    left, right = low[..., 1], high[..., 1]
    down, across = share[..., :1], share[..., 1:]
    top = flat[above + left] * (1 - across) + flat[above + right] * across
    bottom = flat[below + left] * (1 - across) + flat[below + right] * across
    return top * (1 - down) + bottom * down


def _shaded(
    settings: Settings, switches: frozenset[str], images: jax.Array, spread: jax.Array, draws: UniformDraws
) -> jax.Array:
    mean = images.mean((1, 2, 3), keepdims=True)
    if "contrast" in switches:
        images = mean + (images - mean) * (1 + settings["contrast"] * draws.uniform("contrast")[:, :, None, None])
    if "brightness" in switches:
        images = images + settings["brightness"] * spread * draws.uniform("brightness")[:, :, None, None]
    return images
