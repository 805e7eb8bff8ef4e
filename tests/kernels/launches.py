"""Counts what a training step launches: PYTHONPATH=.:tests python tests/kernels/launches.py [NET]

One line a net: kernels of ours, kernels of CuPy (elementwise, reductions, copies, fills, cuBLAS;
a function that CuPy composes of several counts as one), uploads, and calls of CuPy from Python.
With a net, the name and the line of each launch.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
from kernels import standin
from kernels.nets import NETS
from kernels.record import record

from rnnviz.engine.cuda.backend import CudaBackend
from rnnviz.engine.model import Model
from rnnviz.engine.optimizers import OPTIMIZERS
from rnnviz.engine.parameters import initialise
from rnnviz.training.cuda import CudaUpdater, to_device

SIZE = 3


@dataclass(frozen=True)
class StepCounts:
    """What the host asks of the GPU in one training step, its batch included."""

    ours: Counter[str]  # launches of our kernels
    arrays: Counter[tuple[str, str]]  # launches of CuPy's kernels, with the line that caused them
    uploads: int
    calls: int

    @property
    def launches(self) -> int:
        """Of all kernels."""
        return self.ours.total() + self.arrays.total()


def step_counts(backend: CudaBackend, name: str, *, graphs: bool) -> StepCounts:
    """The counts of the third step of a training on one batch.

    The first step allocates what is kept; with ``graphs`` the second one captures.
    """
    net = NETS[name]
    model = Model(net.model, initialise(net.model, 0), backend)
    rng = np.random.default_rng(0)
    spec = replace(net.fit, batch_size=SIZE)
    optimizer = OPTIMIZERS[spec.optimizer](spec.rate)
    updater = CudaUpdater(model, optimizer, spec, rng, graphs=graphs)
    batch = next(to_device(backend, net.examples).batches(SIZE, rng))
    updater.update(batch)
    updater.update(batch)
    record.clear()
    updater.update(batch)
    return StepCounts(
        Counter(record.launches), Counter(record.array_kernels), len(record.uploads), record.calls
    )


def main() -> None:
    """Print the counts."""
    with standin.install() as cupy:
        backend = CudaBackend(cupy)
        if len(sys.argv) > 1:
            counts = step_counts(backend, sys.argv[1], graphs=False)
            for name, n in counts.ours.items():
                print(f"{n:4}  {name}")
            for (name, where), n in counts.arrays.items():
                print(f"{n:4}  {name:22} {where}")
        for name in sys.argv[1:] or NETS:
            counts = step_counts(backend, name, graphs=False)
            captured = step_counts(backend, name, graphs=True)
            print(
                f"{name:17} {counts.launches:4} launches ({counts.ours.total()} of our kernels), "
                f"{counts.uploads} uploads, {counts.calls} calls; as a graph "
                f"{captured.launches}, {captured.uploads}, {captured.calls}"
            )


if __name__ == "__main__":
    main()
