"""The benchmark of a training step runs on the stand-in: all kinds of launches, the same loss."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from kernels.standin import record

from rnnviz.bench import gpu_timing
from rnnviz.bench.peers.worker import BenchJob
from rnnviz.bench.workloads import WORKLOADS, write
from rnnviz.engine.cuda.backend import CudaBackend


@pytest.mark.parametrize("graphs", [False, True])
def test_a_net_s_steps_are_timed_as_graphs_and_kernel_by_kernel(
    emulated_backend: CudaBackend, tmp_path: Path, graphs: bool
) -> None:
    small = replace(WORKLOADS["jena-gru"], batch=3, steps=4)
    write(small, tmp_path / "job.npz")
    job = BenchJob.read(tmp_path / "job.npz")
    net = gpu_timing.RnnvizContender(job, emulated_backend, graphs=graphs)
    first = float(net.forward(0)[2])
    for k in range(3):
        net.step(k)
    record.clear()
    net.step(3)
    assert np.isfinite(first)
    if graphs:
        assert record.launches == ["graph"]
        assert len(record.array_kernels) == 3  # the batch is copied
    else:
        assert len(record.launches) == 7
        assert "graph" not in record.launches
