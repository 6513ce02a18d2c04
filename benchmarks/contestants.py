"""Contestants of the speed benchmarks: the same work for Rounds' slabs and for a loop in PyTorch, on any device."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rounds.input_shape import InputShape
from rounds.networks.description import describe_network
from rounds.networks.network import OWN, Feed, Network
from rounds.plan import Plan
from rounds.task import Task
from rounds.training.compiled.state import SlabData
from rounds.training.machine.device import slab_budget_here, workers_here
from rounds.training.population.members import Slab, make_members, make_slabs, working_set
from rounds.training.program import Program, make_program
from rounds.training.slab import Rows, SlabAt, begin_slab, slab_epochs

TASK = Task(kind="regression", targets=("y",))


@dataclass(frozen=True)
class Work:
    """What everybody trains, with Adam on the mean squared error of one number.

    shape: of one row, (numbers,) or (*space, channels); held: rows of Rounds' own validation, once an epoch; plan:
    fields of the network; model: the Keras model instead of a plan's network; peer: the PyTorch module; peer_steps: of
    its turn, where they are others than those of one member.
    """

    shape: tuple[int, ...]
    rows: int
    batch: int
    members: int
    epochs: int
    plan: dict[str, Any] = field(default_factory=dict)
    model: Callable[[], Any] | None = None
    peer: Callable[[], Any] | None = None
    held: int = 100
    peer_steps: int = 0

    @property
    def steps(self) -> int:
        """Of one member in one turn."""
        return self.epochs * -(-self.rows // self.batch)


def make_rows(work: Work) -> tuple[np.ndarray, np.ndarray]:
    """Made-up inputs [N, *shape] and targets [N, 1], float32; a recording's first channel says that it goes on."""
    random = np.random.default_rng(0)
    x = random.normal(size=(work.rows + work.held, *work.shape)).astype(np.float32)
    y = x.reshape(len(x), -1)[:, :3].sum(1, keepdims=True) + random.normal(size=(len(x), 1))
    if len(work.shape) == 2:
        x[:, :, 0] = 1
    return x, y.astype(np.float32)


class Ours:
    """A population of `work.members` networks in slabs, trained as `rounds train` does; shape: of the slabs [G, M]."""

    def __init__(self, work: Work, shared: bool = True, shape: tuple[int, int] | None = None) -> None:
        x, y = make_rows(work)
        # Members that share minibatches are those of a sweep: here over rates that differ by a thousandth.
        rates = tuple(1e-3 * (1 + i / 1000) for i in range(work.members))
        plan = Plan(
            activation="relu",
            optimizer="adam",
            schedule="constant",
            learning_rate=rates,
            warmup_epochs=0,
            dropout=0,
            batch_size=work.batch,
            epochs=work.epochs,
            folds=1,
            shared_batches=shared,
            keep_best="none",
            measure_every=10_000,
            **work.plan,
        )
        self.work, network = work, _network(work, plan)
        model = work.model() if work.model else None
        self.program: Program = make_program(plan, TASK, network, False, frozenset(), model)
        self.data = _slab_data(work, x, y)
        self.folds = {0: Rows(np.arange(work.rows), np.arange(work.rows, len(x)))}
        parameters = sum(int(np.prod(v.shape)) for v in self.program.functional.model.trainable_variables)
        size = working_set(network, parameters, work.batch)
        members = make_members([plan], (0,), (), work.members)
        self.slabs = make_slabs(members, {0: size}, workers_here(), {0: shape} if shape else None, slab_budget_here())
        next(self._epochs(self.slabs[0], self._begun(self.slabs[0])))

    def seconds_a_step(self) -> float:
        """Of one member, all members having been trained once; drawing their initial weights is not counted."""
        begun = [self._begun(slab) for slab in self.slabs]
        started = time.perf_counter()
        with ThreadPoolExecutor(workers_here()) as threads:
            list(threads.map(self._train, self.slabs, begun))
        return (time.perf_counter() - started) / (self.work.members * self.work.steps)

    def _begun(self, slab: Slab) -> SlabAt:
        at = begin_slab(self.program, slab, self.data)
        jax.block_until_ready(at.state)
        return at

    def _epochs(self, slab: Slab, start: SlabAt) -> Iterator[SlabAt]:
        return slab_epochs(self.program, slab, self.data, self.folds, start)

    def _train(self, slab: Slab, start: SlabAt) -> None:
        for at in self._epochs(slab, start):
            jax.block_until_ready(at.state)


def _network(work: Work, plan: Plan) -> Network:
    if work.model is None:
        numbers, array = (work.shape[0], ()) if len(work.shape) == 1 else (0, work.shape)
        return describe_network(plan, TASK, InputShape(numbers, 0, array=array), False)
    feed = Feed(name="inputs", shape=work.shape, columns=(), array=True)
    return Network(kind=OWN, numbers=0, flags=0, outputs=1, array=work.shape, feeds=(feed,))


def _slab_data(work: Work, x: np.ndarray, y: np.ndarray) -> SlabData:
    fitted = {}
    if len(work.shape) > 1:
        channels = work.shape[-1]
        fitted = {"grid/mean": jnp.zeros(channels), "grid/spread": jnp.ones(channels)}
    return SlabData(
        [jnp.asarray(x)], jnp.asarray(y), jnp.ones(len(x)), jnp.zeros(len(x)), jnp.zeros(1), jnp.ones(1), fitted
    )


class Torch:
    """One network in a loop of PyTorch's own; device: cpu (with so many threads) or cuda.

    On a card: channels last for images, one fused kernel for Adam, no waiting but at the end, and with `compiled`
    torch.compile, its kernels launched as one graph. float32 is multiplied in TF32, as by XLA.
    """

    def __init__(self, work: Work, device: str, threads: int = 1, compiled: bool = False) -> None:
        import torch

        assert work.peer is not None
        self.work, self.device, self.threads, self.compiled = work, device, threads, compiled
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
        torch.backends.cudnn.benchmark = True
        x, y = (torch.from_numpy(a[: work.rows]).to(device) for a in make_rows(work))
        model = work.peer().to(device)
        if len(work.shape) == 3:
            x = x.permute(0, 3, 1, 2)
            if device == "cuda":
                x = x.contiguous(memory_format=torch.channels_last)
                model = model.to(memory_format=torch.channels_last)
            else:
                x = x.contiguous()
        self.x, self.y = x, y

        def loss_of(rows: Any, wanted: Any) -> Any:
            return torch.nn.functional.mse_loss(model(rows), wanted)

        self.optimizer = torch.optim.Adam(model.parameters(), 1e-3, fused=device == "cuda")
        self.loss_of = torch.compile(loss_of, mode="reduce-overhead") if compiled else loss_of
        self._steps(min(work.steps, 5))

    def seconds_a_step(self) -> float:
        steps = self.work.peer_steps or self.work.steps
        started = time.perf_counter()
        self._steps(steps)
        return (time.perf_counter() - started) / steps

    def _steps(self, count: int) -> None:
        import torch

        if self.device == "cpu":
            torch.set_num_threads(self.threads)
        work = self.work
        order = torch.randperm(work.rows, device=self.device)
        places = torch.arange(count * work.batch, device=self.device).reshape(count, work.batch) % work.rows
        for rows in order[places]:
            if self.compiled:
                torch.compiler.cudagraph_mark_step_begin()
            self.optimizer.zero_grad()
            self.loss_of(self.x[rows], self.y[rows]).backward()
            self.optimizer.step()
        if self.device == "cuda":
            torch.cuda.synchronize()
