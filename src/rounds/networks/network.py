"""A network as a record: enough to build it in Keras, to run it in NumPy, and to read it in ten years."""

from pydantic import BaseModel, ConfigDict

NUMBER_LAYER, OUTPUT, SKIP = "numbers", "output", "skip"


class Network(BaseModel):
    """A network for tables, with every width fixed.

    Inputs are numbers [B, F], flags [B, D] and codes [B, C]. In order:

    1. numbers x pass on as they are and, with ``number_embedding``, beside it spread out per number:
       periodic: relu(concat(sin(2 pi f x), cos(2 pi f x)) . kernel + bias), with ``numbers/frequencies`` [F, k],
       ``numbers/kernel`` [F, 2k, w], ``numbers/bias`` [F, w] (Gorishniy et al. 2022, arXiv:2203.05556);
       piecewise: clip((x - e_t) / (e_t+1 - e_t), 0, 1) . kernel + bias with ``numbers/edges`` [F, t+1] fixed,
       ``numbers/kernel`` [F, t, w], ``numbers/bias`` [F, w]. Result flattened to [B, F * w].
    2. code i becomes row codes[:, i] of ``code_i/embeddings`` [levels, width].
    3. concat(numbers, embedded numbers, flags, embedded codes) = features.
    4. hidden layer i: ``hidden_i/kernel`` and ``hidden_i/bias`` (no bias before batch normalization), then
       normalization (``norm_i/gamma, beta`` and for batch ``moving_mean, moving_variance``, epsilon 1e-3), then
       activation; with ``residual`` plus the layer's input where widths agree. Linear networks have none.
    5. ``output/kernel``, ``output/bias``; with ``skip_to_output`` plus features . ``skip/kernel``; then
       ``output_activation``.

    All weights of K members are stacked on a leading axis: ``hidden_0/kernel`` is [K, in, out].
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    numbers: int
    flags: int
    levels: tuple[int, ...] = ()
    code_widths: tuple[int, ...] = ()
    number_embedding: str = "none"
    embedding_width: int = 4
    frequencies: int = 8
    hidden: tuple[int, ...] = ()
    activation: str = "relu"
    normalization: str = "none"
    residual: bool = False
    skip_to_output: bool = False
    dropout: bool = False
    outputs: int = 1
    output_activation: str = "linear"

    @property
    def features(self) -> int:
        """Width of the concatenated features that enter the first affine map."""
        spread = self.numbers * self.embedding_width if self.number_embedding != "none" else 0
        return self.numbers + spread + self.flags + sum(self.code_widths)
