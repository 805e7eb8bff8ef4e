"""How far a training step is from the time that its matrix products alone would take.

The limit is the number of operations of the products, divided by the rate at which this machine
multiplies large float32 matrices. Products of a recurrent step are much smaller, and everything
else takes time as well, so no step reaches it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np

from rnnviz.bench.operations import StepOperations, count_operations
from rnnviz.bench.process import COMPILED, OURS
from rnnviz.bench.timing import TimingTask, measure
from rnnviz.bench.workloads import Workload, batches, write
from rnnviz.engine import compiled
from rnnviz.engine.compiled.threads import for_each, thread_count
from rnnviz.errors import RnnvizError
from rnnviz.messages import _

#: Rows and columns of the matrices whose product is timed: 7·10⁹ operations.
SIZE = 1536
#: Batches of a workload, whose operations are averaged.
BATCHES = 4


@dataclass(frozen=True)
class ProductRates:
    """Rates of a large float32 product (sgemm), in 10⁹ operations a second."""

    one_core: float
    all_cores: float


@dataclass(frozen=True)
class StepLimit:
    """A workload's operations, the time they would take at the rate of large products, and ours."""

    workload: Workload
    framework: str  # rnnviz-compiled, or rnnviz without numba
    operations: tuple[StepOperations, ...]  # by batch
    rates: ProductRates
    rounds: tuple[float, ...]  # ms a step

    @property
    def ms(self) -> float:
        """Our step: the median."""
        return median(self.rounds)

    @property
    def limit_ms(self) -> float:
        """The products at the rate of all cores."""
        return self.products / self.rates.all_cores / 1e6

    @property
    def one_core_limit_ms(self) -> float:
        """The products at the rate of one core."""
        return self.products / self.rates.one_core / 1e6

    @property
    def products(self) -> float:
        """Operations of the products of a step."""
        return mean(o.products for o in self.operations)

    @property
    def functions(self) -> Mapping[str, float]:
        """Numbers that go through each function in a step."""
        names = self.operations[0].functions
        return {name: mean(o.functions[name] for o in self.operations) for name in names}

    def to_json(self) -> dict[str, Any]:
        """Operations are numbers of a step, the mean of the batches; ``ms`` is a median."""
        return {
            "name": self.workload.name,
            "net": self.workload.about,
            "steps": self.workload.steps,
            "batch": self.workload.batch,
            "framework": self.framework,
            "tokens": mean(o.tokens for o in self.operations),
            "forward_operations": mean(o.forward for o in self.operations),
            "backward_operations": mean(o.backward for o in self.operations),
            "functions": dict(self.functions),
            "gflops": asdict(self.rates),
            "one_core_limit_ms": self.one_core_limit_ms,
            "limit_ms": self.limit_ms,
            "ms": self.ms,
            "rounds": list(self.rounds),
            "ratio": self.ms / self.limit_ms,
        }


def cores() -> int:
    """The cores that a training step uses."""
    return thread_count() if compiled.available() else 1


def measure_limit(
    workload: Workload, rounds: int, folder: Path, say: Callable[[str], None] = lambda text: None
) -> StepLimit:
    """Time large products and our step in alternation; RnnvizError if ours fails."""
    framework = COMPILED if compiled.available() else OURS
    job = folder / f"{workload.name}.npz"
    write(workload, job, BATCHES)
    rates: list[ProductRates] = []
    try:
        (result,) = measure(
            [TimingTask(framework, job)], sys.executable, rounds, say,
            before_round=lambda: rates.append(product_rates(SIZE)),
        )  # fmt: skip
    finally:
        job.unlink()
    if result.error:
        raise RnnvizError(result.error)
    operations = (count_operations(workload.spec, x) for x, _ in batches(workload, BATCHES))
    typical = ProductRates(median(r.one_core for r in rates), median(r.all_cores for r in rates))
    return StepLimit(workload, framework, tuple(operations), typical, tuple(result.rounds))


def product_rates(size: int) -> ProductRates:
    """Multiply matrices (size, size) on one core, and in a part of the rows on each core."""
    rng, n = np.random.default_rng(0), cores()
    a, b = (rng.standard_normal((size, size), np.float32) for _ in range(2))
    out = np.zeros_like(a)

    def multiply(k: int) -> None:
        rows = slice(k * size // n, (k + 1) * size // n)
        np.matmul(a[rows], b, out=out[rows])

    def every_core() -> None:
        for_each(multiply, n)

    ways = [lambda: np.matmul(a, b, out=out), *([every_core] if n > 1 else [])]
    rates = [2e-9 * size**3 / _seconds(way) for way in ways]
    return ProductRates(rates[0], rates[-1])


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def rows(limits: Sequence[StepLimit]) -> list[tuple[str, ...]]:
    """A table: the headings, and a row for each workload."""
    head = (
        "", _("10⁶ operations"), _("forward"), _("limit ms"), _("measured"), _("ratio"),
        _("10⁶ functions"),
    )  # fmt: skip
    return [head, *(_row(limit) for limit in limits)]


def rates_text(limits: Sequence[StepLimit]) -> str:
    """The rates of matrix products that the limits are computed from."""
    n = cores()
    one, every = (median(getattr(x.rates, r) for x in limits) for r in ("one_core", "all_cores"))
    message = _(
        "Products of float32 matrices ({size}, {size}): {one:.0f}·10⁹ operations a second on one "
        "core."
    )
    if n > 1:
        message = _(
            "Products of float32 matrices ({size}, {size}): {one:.0f}·10⁹ operations a second on "
            "one core, {every:.0f} on {cores}."
        )
    return message.format(size=SIZE, one=one, every=every, cores=n)


def _row(limit: StepLimit) -> tuple[str, ...]:
    forward = mean(o.forward for o in limit.operations)
    functions = ", ".join(f"{name} {n / 1e6:.1f}" for name, n in limit.functions.items())
    return (
        limit.workload.name, f"{limit.products / 1e6:.0f}", f"{forward / 1e6:.0f}",
        f"{limit.limit_ms:.1f}", f"{limit.ms:.1f}", f"{limit.ms / limit.limit_ms:.1f}", functions,
    )  # fmt: skip
