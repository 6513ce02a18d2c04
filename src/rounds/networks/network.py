"""A network as a record: enough to train it, to run it in NumPy, and to read it in ten years."""

from math import prod

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from rounds.input_shape import InputShape
from rounds.user_code import is_import_path

NUMBER_LAYER, OUTPUT, SKIP, ARRAY = "numbers", "output", "skip", "grid"
OWN = "keras"  # kind of a network that the user gave as a Keras model


class Feed(BaseModel):
    """What one input of the user's own model is given: columns, by their positions among numbers and flags side by
    side (codes: among the codes), as [B, *shape]; array: no columns, but the image or recording."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    shape: tuple[int, ...]
    columns: tuple[int, ...]
    codes: bool = False
    array: bool = Field(default=False, validation_alias=AliasChoices("array", "grid"))


class Network(BaseModel):
    """A network for tables, images and recordings, with every width fixed.

    Inputs are numbers [B, F], flags [B, D], codes [B, C] and an array [B, *space, channels]. In order:

    1. numbers x pass on as they are and, with ``number_embedding``, beside it spread out per number:
       periodic: relu(concat(sin(2 pi f x), cos(2 pi f x)) . kernel + bias), with ``numbers/frequencies`` [F, k],
       ``numbers/kernel`` [F, 2k, w], ``numbers/bias`` [F, w] (Gorishniy et al. 2022, arXiv:2203.05556);
       piecewise: clip((x - e_t) / (e_t+1 - e_t), 0, 1) . kernel + bias with ``numbers/edges`` [F, t+1] fixed,
       ``numbers/kernel`` [F, t, w], ``numbers/bias`` [F, w]. Result flattened to [B, F * w].
    2. code i becomes row codes[:, i] of ``code_i/embeddings`` [levels, width].
    3. the array becomes (array - ``grid/mean``) / ``grid/spread``, missing values 0, and then units by its encoder.
       Linear and dense networks: the values in a row. Convolutional: block b has ``filters[b]`` filters and
       ``block_depth`` convolutions i, ``conv_b_i/kernel`` [*filter, in, out] with as much zero padding as keeps the
       size (the odd one behind), the first of every block but block 0 in steps of ``stride``; then ``conv_b_i/bias``
       (none before batch normalization), normalization ``conv_norm_b_i``, activation. Blocks are plain; residual:
       plus the block's input, which passes ``shortcut_b/kernel`` (filter of width 1, same step) where its shape is
       another; or dense: every convolution but the first reads the block's earlier ones beside each other, and so
       does the next block. At the end the mean over space.
       Recurrent: layer i passes over the T steps from state 0, ``forward_i/kernel`` [in, gates * units],
       ``forward_i/recurrent_kernel`` [units, gates * units], ``forward_i/bias``; a step whose first channel is not
       above 0.5 lies outside and leaves the state as it is. simple: tanh(x K + h R + b). gru (gates z, r, n; bias
       [2, 3 units], the second row within the state's product): z, r = sigmoid(.), n = tanh(x K + b + r (h R + b')),
       h = z h + (1 - z) n (Cho et al. 2014, arXiv:1406.1078). lstm (gates i, f, c, o): c = f c + i tanh(.),
       h = o tanh(c) (Hochreiter and Schmidhuber 1997). With ``bidirectional`` ``backward_i`` passes from the last
       step to the first, its units behind. The last layer's states at its ends are the units.
       concat(numbers, embedded numbers, flags, embedded codes, encoded array) = features.
    4. hidden layer i: ``hidden_i/kernel`` and ``hidden_i/bias`` (no bias before batch normalization), then
       normalization (``norm_i/gamma, beta`` and for batch ``moving_mean, moving_variance``, epsilon 1e-3), then
       activation; with ``residual`` plus the layer's input where widths agree. Linear networks have none.
    5. ``output/kernel``, ``output/bias``; with ``skip_to_output`` plus features . ``skip/kernel``; then
       ``output_activation``.

    All weights of K members are stacked on a leading axis: ``hidden_0/kernel`` is [K, in, out].

    A network of kind ``keras`` is the user's own: its layers stand in the .keras file beside its weights, its inputs
    are ``feeds``, and ``output_activation`` comes after it. ``layer`` and activations may be the user's own as well, by
    module:name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    numbers: int
    flags: int
    levels: tuple[int, ...] = ()
    code_widths: tuple[int, ...] = ()
    array: tuple[int, ...] = Field(default=(), validation_alias=AliasChoices("array", "grid"))
    filters: tuple[int, ...] = ()
    filter_size: int = 3
    stride: int = 1
    block: str = "plain"
    block_depth: int = 1
    recurrent: tuple[int, ...] = ()
    cell: str = "gru"
    bidirectional: bool = False
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
    layer: str = "dense"
    initializer: str = "he_normal"
    bias_initializer: str = "zeros"
    feeds: tuple[Feed, ...] = ()
    kind_of_task: str = ""  # of a user's own model, whose units may be other than the outputs
    code: tuple[str, ...] = ()  # module:name of classes and functions of the user's own that a Keras model is made of

    @property
    def shape(self) -> InputShape:
        """What it reads; a preparation may be narrower where several fits shared one program."""
        return InputShape(self.numbers, self.flags, self.levels, self.array)

    @property
    def needs_keras(self) -> bool:
        """Whether it is a Keras model of the user's own, which only Keras can run."""
        return self.kind == OWN

    @property
    def user_code(self) -> tuple[str, ...]:
        """module:name of everything that must be imported to run it."""
        named = (self.layer, self.activation, self.output_activation)
        return (*self.code, *(name for name in named if is_import_path(name)))

    @property
    def features(self) -> int:
        """Width of the concatenated features that enter the first affine map."""
        spread = self.numbers * self.embedding_width if self.number_embedding != "none" else 0
        return self.numbers + spread + self.flags + sum(self.code_widths) + self.encoder

    @property
    def encoder(self) -> int:
        """Units that the array becomes."""
        if self.array and self.recurrent:
            return self.recurrent[-1] * (1 + self.bidirectional)
        if not self.array or not self.filters:
            return prod(self.array) if self.array else 0
        return self.filters[-1] * (self.block_depth if self.block == "dense" else 1)

    @property
    def array_values(self) -> int:
        """Numbers that a row's array is between its layers, all of them together."""
        total, size = prod(self.array) if self.array else 0, self.array[:-1]
        for block, filters in enumerate(self.filters):
            size = tuple(-(-n // self.step(block, 0)) for n in size)
            total += prod(size) * filters * self.block_depth
        gates = {"simple": 1, "gru": 3, "lstm": 4}[self.cell] + 1
        return total + sum(self.array[0] * gates * (1 + self.bidirectional) * units for units in self.recurrent)

    def step(self, block: int, convolution: int) -> int:
        """Step of a convolution's filters."""
        return self.stride if block and not convolution else 1
