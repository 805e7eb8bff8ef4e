"""The parts of a training step on a GPU: ours, our plain loop through CuPy, and PyTorch.

Our step is timed as a CUDA graph and launched kernel by kernel; a graph is a whole step, so forward
and backward alone are launched kernel by kernel. All run in this process, in alternation. A part is
timed from an idle GPU to an idle GPU; only in the sequence of steps may the CPU run ahead, as in
training.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any, Protocol

import numpy as np

from rnnviz.bench.peers.worker import BenchJob
from rnnviz.bench.workloads import Workload, write
from rnnviz.engine import losses
from rnnviz.engine.cuda.backend import CudaBackend
from rnnviz.engine.model import Model
from rnnviz.engine.optimizers import OPTIMIZERS
from rnnviz.engine.spec import FitSpec, ModelSpec
from rnnviz.messages import _
from rnnviz.training.cuda import CudaUpdater

#: Steps in a sequence: an epoch of 20,000 reviews in batches of 128.
SEQUENCE = 157
#: The parts that are timed, in the order of the columns.
PARTS = ("forward", "backward", "step", "row")


class Contender(Protocol):
    """A net on the GPU, and the parts of its training step."""

    version: str

    def forward(self, k: int) -> Any:
        """What ``backward`` needs of batch k; its third item is the loss."""

    def backward(self, result: Any) -> None:
        """All gradients."""

    def step(self, k: int) -> None:
        """Forward, backward, update."""

    def wait(self) -> None:
        """Wait until the GPU is idle."""

    def memory(self) -> int:
        """Bytes of GPU memory in use."""


@dataclass
class StepTimes:
    """Milliseconds by part and round; ``loss`` is of the first batch, before any update."""

    name: str
    version: str = ""
    loss: float | None = None
    ms: dict[str, list[float]] = field(default_factory=lambda: {part: [] for part in PARTS})
    memory_mb: float = 0.0
    error: str = ""

    def to_json(self) -> dict[str, Any]:
        """All fields, and the medians."""
        medians = {part: median(ms) if ms else None for part, ms in self.ms.items()}
        return asdict(self) | {"median": medians}


class RnnvizContender:
    """A model of rnnviz on the GPU; its steps as CUDA graphs, or launched kernel by kernel."""

    def __init__(self, job: BenchJob, backend: CudaBackend, *, graphs: bool) -> None:
        self.version, self.backend = f"CuPy {backend.xp.__version__}", backend
        self.model = Model(ModelSpec.from_json(job.spec), job.weights, backend)
        self.kind, fit = self.model.spec.head.kind, FitSpec(epochs=1, optimizer=job.optimizer)
        self.rng = np.random.default_rng(0)
        optimizer = OPTIMIZERS[job.optimizer](job.rate)
        self.updater = CudaUpdater(self.model, optimizer, fit, self.rng, graphs=graphs)
        self.batches = [_on_device(backend, x, y) for x, y in zip(job.inputs, job.y, strict=True)]

    def forward(self, k: int) -> Any:
        """See :class:`Contender`."""
        inputs, y, _ = self.batches[k % len(self.batches)]
        done = self.model.forward(inputs, self.rng)
        return done, y, losses.losses(self.kind, done.logits, y).mean()

    def backward(self, result: Any) -> None:
        """See :class:`Contender`."""
        done, y, _ = result
        self.model.gradients(
            done, losses.d_logits(self.kind, done.logits, y) / np.float32(y.shape[-1])
        )

    def step(self, k: int) -> None:
        """See :class:`Contender`."""
        self.updater.update(self.batches[k % len(self.batches)])

    def wait(self) -> None:
        """See :class:`Contender`."""
        self.backend.xp.cuda.Device().synchronize()

    def memory(self) -> int:
        """See :class:`Contender`."""
        return int(self.backend.xp.get_default_memory_pool().total_bytes())


def _on_device(backend: CudaBackend, x: Any, y: Any) -> tuple[Any, Any, Any]:
    dtype = np.int32 if x.dtype.kind == "i" else np.float32
    return (
        backend.asarray(x.astype(dtype)),
        backend.asarray(y),
        backend.asarray(np.ones(y.shape[-1], np.float32)),
    )


class TorchContender:
    """Layers of torch.nn where possible, else a loop over time."""

    def __init__(self, job: BenchJob) -> None:
        from rnnviz.bench.peers.torch_net import TorchTrainer

        self.net = TorchTrainer(job, "cuda")
        self.cuda = self.net.torch.cuda
        self.version = self.net.version
        self.batches = [self.net.prepare(x, y) for x, y in zip(job.inputs, job.y, strict=True)]

    def forward(self, k: int) -> Any:
        """See :class:`Contender`."""
        inputs, lengths, y = self.batches[k % len(self.batches)]
        self.net.optimizer.zero_grad(set_to_none=True)
        loss = self.net.loss(self.net.logits(inputs, lengths), y)
        return None, None, loss.detach(), loss

    def backward(self, result: Any) -> None:
        """See :class:`Contender`."""
        result[-1].backward()

    def step(self, k: int) -> None:
        """See :class:`Contender`."""
        self.backward(self.forward(k))
        self.net.optimizer.step()

    def wait(self) -> None:
        """See :class:`Contender`."""
        self.cuda.synchronize()

    def memory(self) -> int:
        """See :class:`Contender`."""
        return int(self.cuda.max_memory_allocated())


def measure(
    workload: Workload, rounds: int, folder: Path, say: Callable[[str], None] = lambda text: None
) -> list[StepTimes]:
    """Time the parts of a step; rnnviz first."""
    import cupy

    path = folder / f"{workload.name}.npz"
    write(workload, path)
    job = BenchJob.read(path)
    path.unlink()
    builders: dict[str, Callable[[], Contender]] = {
        "rnnviz": lambda: RnnvizContender(job, CudaBackend(cupy), graphs=True),
        _("rnnviz, kernel by kernel"): lambda: RnnvizContender(
            job, CudaBackend(cupy), graphs=False
        ),
        _("rnnviz, step by step"): lambda: RnnvizContender(
            job, CudaBackend(cupy, without_kernels=True), graphs=False
        ),
    }
    if find_spec("torch"):
        builders["torch.nn"] = lambda: TorchContender(job)
    results = []
    for name, build in builders.items():
        say(name)
        results.append(_timed(name, build, rounds))
    return results


def _timed(name: str, build: Callable[[], Contender], rounds: int) -> StepTimes:
    result = StepTimes(name)
    try:
        net = build()
        result.version = net.version
        result.loss = float(net.forward(0)[2])
        for k in range(3):  # compile kernels, allocate memory, capture
            net.step(k)
        net.wait()
        began = time.perf_counter()
        net.step(0)
        net.wait()
        seconds = time.perf_counter() - began
        for _n in range(rounds):
            _round(net, result, seconds)
        result.memory_mb = net.memory() / 1e6
    except Exception as error:  # reported in the table; the others continue
        result.error = f"{type(error).__name__}: {str(error).splitlines()[0][:200]}"
    return result


def _round(net: Contender, result: StepTimes, seconds: float) -> None:
    """About two seconds of steps, each of which takes ``seconds``, but at least a few."""
    forward, backward, step = [], [], []
    for k in range(min(20, max(2, int(0.5 / seconds)))):
        net.wait()
        began = time.perf_counter()
        result_k = net.forward(k)
        net.wait()
        middle = time.perf_counter()
        net.backward(result_k)
        net.wait()
        ended = time.perf_counter()
        net.step(k)
        net.wait()
        forward.append(middle - began)
        backward.append(ended - middle)
        step.append(time.perf_counter() - ended)
    count = min(SEQUENCE, max(2, int(1 / seconds)))
    net.wait()
    began = time.perf_counter()
    for k in range(count):
        net.step(k)
    net.wait()
    sequence = (time.perf_counter() - began) * SEQUENCE / count
    for part, seconds in zip(PARTS, (median(forward), median(backward), median(step), sequence),
                             strict=True):  # fmt: skip
        result.ms[part].append(1000 * seconds)


def rows(results: Sequence[StepTimes]) -> list[tuple[str, ...]]:
    """A table of ms, and GPU memory in MB: the headings, and a row for each that ran."""
    head = (
        "", _("forward"), _("backward"), _("step"), _("{count} steps").format(count=SEQUENCE),
        _("MB on the card"),
    )  # fmt: skip
    rows: list[tuple[str, ...]] = [head]
    for r in results:
        if not r.error:
            numbers = [f"{median(r.ms[part]):.2f}" for part in PARTS]
            rows.append((f"{r.name} {r.version}".rstrip(), *numbers, f"{r.memory_mb:.0f}"))
    return rows
