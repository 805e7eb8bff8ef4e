"""Graphs of launches: their memory, and what cannot be captured."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest
from kernels.standin import record

from rnnviz.engine.cuda.graph import GraphMemory, GraphRefusedError, capture

ROWS = np.arange(12, dtype=np.float32).reshape(3, 4)


def test_a_graph_owns_the_memory_of_its_arrays(cupy: Any) -> None:
    x, out = cupy.asarray(ROWS), cupy.asarray(0 * ROWS)

    def launches() -> None:
        out[...] = (x + 1) * 2

    launches()
    graph = capture(GraphMemory(cupy), launches)
    gc.collect()
    for factor in (1, 5):
        x.set(factor * ROWS)
        graph.launch()
        np.testing.assert_array_equal(out.get(), 2 * (factor * ROWS + 1))


def test_graphs_share_memory_and_keep_what_they_use(xp: Any) -> None:
    memory = GraphMemory(xp)
    arrays = {n: xp.zeros(n, np.float32) for n in (10, 30, 20)}
    outs = {n: xp.zeros(n, np.float32) for n in arrays}
    graphs = {}
    for n, x in arrays.items():

        def launches(n: int = n, x: Any = x) -> None:
            outs[n][...] = (x + 1) * 2

        graphs[n] = capture(memory, launches)
    assert [size for size, _ in memory._blocks] == [4 * 30, 4 * 30]
    assert graphs[20]._memory[0] is graphs[30]._memory[0]
    assert graphs[10]._memory[0] is not graphs[30]._memory[0]
    for n in (20, 10, 30, 20):
        arrays[n] += n
        graphs[n].launch()
        np.testing.assert_array_equal(outs[n].get(), (arrays[n].get() + 1) * 2)


@pytest.mark.parametrize(
    ("launches", "why"),
    [
        (lambda xp, a: a @ a.T, "calling cuBLAS API"),
        (lambda xp, a: float(a.sum()), "capturing"),
        (lambda xp, a: xp.asarray(ROWS), "capturing"),
        (lambda xp, a: xp.cuda.Device().synchronize(), "capturing"),
    ],
)
def test_what_cannot_be_captured_is_refused_and_later_work_is_not(
    cupy: Any, launches: Any, why: str
) -> None:
    a = cupy.asarray(ROWS)
    float((a @ a.T).sum())
    with pytest.raises(GraphRefusedError, match=why):
        capture(GraphMemory(cupy), lambda: launches(cupy, a))
    assert gc.isenabled()
    assert float((a + 1).sum()) == (ROWS + 1).sum()
    out = cupy.asarray(ROWS)
    graph = capture(GraphMemory(cupy), lambda: out.fill(3))
    graph.launch()
    assert (out.get() == 3).all()


def test_an_error_that_is_no_refusal_is_raised(cupy: Any) -> None:
    with pytest.raises(ZeroDivisionError):
        capture(GraphMemory(cupy), lambda: print(1 / 0))
    assert not cupy.cuda.get_current_stream().is_capturing()


def test_the_collector_does_not_run_in_a_capture(xp: Any) -> None:
    seen: list[bool] = []
    capture(GraphMemory(xp), lambda: seen.append(gc.isenabled()))
    assert (seen, gc.isenabled()) == ([False], True)
    record.clear()
