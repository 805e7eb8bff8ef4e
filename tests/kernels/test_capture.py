"""Capture and replay: what the stand-in does, and CuPy itself where there is a GPU."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from kernels.emulated import KernelError
from kernels.standin import record

SOURCE = """
extern "C" __global__ void scale(const float *x, float *out, float by, int n)
{
    const int k = blockIdx.x * blockDim.x + threadIdx.x;
    if (k < n)
        out[k] = by * x[k];
}
extern "C" __global__ void add_to_first(const float *x, float *out)
{
    out[0] = out[0] + x[0];
}
"""
ROWS = np.arange(12, dtype=np.float32).reshape(3, 4)


@dataclass(frozen=True, eq=False)
class Captured:
    """The graph of a function's launches, what the function returned, and the memory of both."""

    graph: Any
    result: Any
    memory: list[Any]


def captured(cupy: Any, body: Callable[[], Any], *, keep: bool = True) -> Captured:
    """Capture a function; ``keep`` the memory that it allocates."""
    allocate, memory = cupy.cuda.get_allocator(), []

    def kept(size: int) -> Any:
        memory.append(allocate(size))
        return memory[-1]

    stream = cupy.cuda.Stream(non_blocking=True)
    with stream, cupy.cuda.using_allocator(kept if keep else allocate):
        stream.begin_capture()
        result = body()
        return Captured(stream.end_capture(), result, memory)


def refused(cupy: Any, body: Callable[[], Any]) -> Exception:
    """The error of a function in a capture."""
    stream = cupy.cuda.Stream(non_blocking=True)
    with stream:
        stream.begin_capture()
        try:
            with pytest.raises(Exception, match=r"captur|unsupported") as error:
                body()
        finally:
            try:
                stream.end_capture()
            except cupy.cuda.runtime.CUDARuntimeError as spoilt:
                assert "cudaErrorStreamCaptureInvalidated" in str(spoilt)
    return error.value


def kernel(cupy: Any, name: str) -> Any:
    """A kernel of SOURCE."""
    return cupy.RawModule(code=SOURCE).get_function(name)


def test_nothing_runs_before_the_launch_and_each_launch_reads_the_numbers_of_its_time(
    cupy: Any,
) -> None:
    scale, x, out = kernel(cupy, "scale"), cupy.asarray(ROWS), cupy.zeros_like(cupy.asarray(ROWS))
    done = captured(cupy, lambda: scale((1,), (32,), (x, out, np.float32(2), np.int32(12))))
    assert not out.get().any()
    done.graph.upload()
    done.graph.launch()
    np.testing.assert_array_equal(out.get(), 2 * ROWS)
    x.set(ROWS + 1)
    done.graph.launch()
    np.testing.assert_array_equal(out.get(), 2 * (ROWS + 1))


def test_numbers_and_host_arrays_that_change_after_the_capture_change_nothing(cupy: Any) -> None:
    scale, x, out = kernel(cupy, "scale"), cupy.asarray(ROWS), cupy.zeros_like(cupy.asarray(ROWS))
    state: dict[str, Any] = {"by": np.float32(2)}
    number = np.array(10, np.float32)

    def body() -> Any:
        scale((1,), (32,), (x, out, state["by"], np.int32(12)))
        return out + number

    done = captured(cupy, body)
    state["by"] = np.float32(100)
    number[...] = 99
    done.graph.launch()
    np.testing.assert_array_equal(done.result.get(), 2 * ROWS + 10)


def test_elementwise_operations_are_captured_with_kernels_in_their_order(cupy: Any) -> None:
    scale, x = kernel(cupy, "scale"), cupy.asarray(ROWS)
    ids = cupy.asarray(np.array([2, 0], np.int32))
    table = cupy.asarray(ROWS)

    def body() -> Any:
        doubled = cupy.empty_like(x)
        scale((1,), (32,), (x, doubled, np.float32(2), np.int32(12)))
        doubled += 1
        doubled[0] = 0
        joined = np.concatenate([doubled.T.reshape(-1), np.maximum(doubled, 4).ravel()])
        return joined, table[ids].sum(0), np.where(doubled > 5, doubled, 0)

    done = captured(cupy, body)
    for factor in (1, 3):
        x.set(factor * ROWS)
        table.set(ROWS - factor)
        done.graph.launch()
        wanted = 2 * factor * ROWS + 1
        wanted[0] = 0
        joined, rows, chosen = (a.get() for a in done.result)
        np.testing.assert_array_equal(
            joined, np.concatenate([wanted.T.reshape(-1), np.maximum(wanted, 4).ravel()])
        )
        np.testing.assert_array_equal(rows, (ROWS - factor)[[2, 0]].sum(0))
        np.testing.assert_array_equal(chosen, np.where(wanted > 5, wanted, 0))


@pytest.mark.parametrize(
    "operation",
    [
        lambda xp, a: a.get(),
        lambda xp, a: float(a.sum()),
        lambda xp, a: bool((a > 0).any()),
        lambda xp, a: xp.asnumpy(a),
        lambda xp, a: xp.asarray(ROWS),
        lambda xp, a: a.set(ROWS),
    ],
)
def test_copies_from_and_to_the_host_are_refused(cupy: Any, operation: Any) -> None:
    a = cupy.asarray(ROWS)
    float(a.sum())  # CuPy compiles outside of the capture
    bool((a > 0).any())
    error = refused(cupy, lambda: operation(cupy, a))
    assert isinstance(error, RuntimeError)
    assert "capturing" in str(error)


@pytest.mark.parametrize(
    "product",
    [
        lambda xp, a: a @ a.T,
        lambda xp, a: np.matmul(a, a.T),
        lambda xp, a: a.dot(a.T),
        lambda xp, a: np.tensordot(a, a.T, 1),
        lambda xp, a: np.vdot(a, a),
    ],
)
def test_products_of_cublas_are_refused(cupy: Any, product: Any) -> None:
    a = cupy.asarray(ROWS)
    product(cupy, a)
    assert isinstance(refused(cupy, lambda: product(cupy, a)), NotImplementedError)


@pytest.mark.parametrize("whole", [False, True])
def test_waiting_spoils_the_capture(cupy: Any, whole: bool) -> None:
    stream = cupy.cuda.Stream(non_blocking=True)
    waits = cupy.cuda.Device() if whole else stream
    with stream:
        stream.begin_capture()
        with pytest.raises(cupy.cuda.runtime.CUDARuntimeError, match="Captur"):
            waits.synchronize()
        with pytest.raises(cupy.cuda.runtime.CUDARuntimeError, match="Invalidated"):
            stream.end_capture()
    assert not stream.is_capturing()


def test_the_null_stream_does_not_capture(cupy: Any) -> None:
    with pytest.raises(RuntimeError, match="cannot capture on the default"):
        cupy.cuda.Stream.null.begin_capture()


def test_an_allocator_can_own_the_memory_of_a_capture(cupy: Any) -> None:
    x, out = cupy.asarray(ROWS), cupy.zeros_like(cupy.asarray(ROWS))

    def body() -> None:
        out[...] = (x + 1) * 2  # two arrays that nothing refers to afterwards

    done = captured(cupy, body)
    assert len(done.memory) == 2
    gc.collect()
    done.graph.launch()
    np.testing.assert_array_equal(out.get(), 2 * (ROWS + 1))


def test_memory_freed_after_the_capture_is_an_error_that_names_the_array(xp: Any) -> None:
    scale, x = kernel(xp, "scale"), xp.asarray(ROWS)
    done = captured(xp, lambda: (x + 1) * 2, keep=False)
    with pytest.raises(KernelError, match=r"add: float32 \(3, 4\) was freed before the launch"):
        done.graph.launch()  # of x + 1
    arrays = [x, xp.empty_like(x)]
    done = captured(xp, lambda: scale((1,), (32,), (*arrays, np.float32(2), np.int32(12))))
    done.graph.launch()
    del arrays[1]
    with pytest.raises(KernelError, match=r"scale: argument 1, float32 \(3, 4\), was freed"):
        done.graph.launch()


def test_memory_of_a_capture_is_nan_before_each_launch(xp: Any) -> None:
    # On a GPU it has the numbers of the launch before, or those of another array.
    add, x = kernel(xp, "add_to_first"), xp.asarray(ROWS + 1)

    def body() -> Any:
        sum_ = xp.empty_like(x)
        add((1,), (1,), (x, sum_))
        return sum_

    done = captured(xp, body)
    done.graph.launch()
    assert np.isnan(done.result.get()[0, 0])
    done.result[...] = 0
    done.graph.launch()
    assert np.isnan(done.result.get()[0, 0])


def test_a_launch_of_a_graph_is_one_launch(xp: Any) -> None:
    scale, x = kernel(xp, "scale"), xp.asarray(ROWS)
    out = xp.empty_like(x)

    def body() -> Any:
        scale((1,), (32,), (x, out, np.float32(2), np.int32(12)))
        return out + 1, np.concatenate([out, x]), out[1:].T

    record.clear()
    done = captured(xp, body)
    assert not record.launches
    assert done.graph.names == ["scale", "add", "concatenate", "concatenate"]  # no views
    done.graph.launch()
    done.graph.launch()
    assert record.launches == ["graph", "graph"]


def test_more_than_eight_arrays_are_concatenated_with_uploaded_addresses(cupy: Any) -> None:
    # So CuPy refuses it; ROWS is small enough for that way.
    a = [cupy.asarray(ROWS) for _ in range(9)]
    np.concatenate(a)
    assert "capturing" in str(refused(cupy, lambda: np.concatenate(a)))


def test_functions_that_may_do_more_than_launch_are_refused(xp: Any) -> None:
    a = xp.asarray(ROWS)
    with pytest.raises(KernelError, match=r"sort\(\) in a capture"):
        captured(xp, lambda: np.sort(a))


def test_a_second_stream_would_have_no_order(xp: Any) -> None:
    a = xp.asarray(ROWS)
    with xp.cuda.Stream(non_blocking=True), pytest.raises(KernelError, match="second stream"):
        a + 1


def test_a_blocking_stream_that_captures_forbids_the_null_stream(xp: Any) -> None:
    a, stream = xp.asarray(ROWS), xp.cuda.Stream()
    with stream:
        stream.begin_capture()
    with pytest.raises(xp.cuda.runtime.CUDARuntimeError, match="Implicit"):
        a + 1
    stream.end_capture()
