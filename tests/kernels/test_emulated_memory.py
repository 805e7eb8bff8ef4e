"""The memory of the emulated GPU, and its checks of launches."""

from __future__ import annotations

import numpy as np
import pytest
from kernels.emulated import CompileError, KernelError

KIB = 1024


def one(xp):
    return xp.zeros(1, np.float32)


@pytest.mark.parametrize("count", [1, 5, 1000, 1024, 4096])
def test_reading_beyond_an_array_is_an_error_or_gives_nan(xp, trial, count):
    x, out = xp.ones(count, np.float32), one(xp)
    trial("read_at")((1,), (1,), (x, out, np.int32(count - 1)))
    assert out.item() == 1
    for behind in range(count % -4 + 4 if count % 4 else 0):
        trial("read_at")((1,), (1,), (x, out, np.int32(count + behind)))
        assert np.isnan(out.item())
    with pytest.raises(KernelError, match=rf"bytes beyond the end of float32 \({count},\)"):
        trial("read_at")((1,), (1,), (x, out, np.int32(-(-count // 4) * 4)))


@pytest.mark.parametrize("count", [1, 5, 1000, 1024])
@pytest.mark.parametrize("beyond", [0, 3, 4, -1])
def test_writing_beside_an_array_is_an_error(xp, trial, count, beyond):
    x = xp.ones(count, np.float32)
    at = -1 if beyond < 0 else count + beyond
    with pytest.raises(KernelError, match=r"invalid address|a write beside argument 0"):
        trial("write_at")((1,), (1,), (x, np.int32(at)))


def test_a_write_beside_an_array_is_reported_once(xp, trial):
    x = xp.ones(5, np.float32)
    with pytest.raises(KernelError, match="a write beside"):
        trial("write_at")((1,), (1,), (x, np.int32(5)))
    trial("write_at")((1,), (1,), (x, np.int32(4)))


def test_a_fault_names_the_array_the_line_and_the_thread(xp, trial):
    with pytest.raises(KernelError) as caught:
        trial("write_at")((1,), (1,), (xp.ones((3, 4), np.float32), np.int32(14)))
    message = str(caught.value)
    assert "8 bytes beyond the end of float32 (3, 4)" in message
    assert "block (0, 0, 0), thread (0, 0, 0)" in message


def test_after_a_fault_the_next_launch_is_correct(xp, trial):
    out = one(xp)
    with pytest.raises(KernelError):
        trial("read_at")((1,), (1,), (xp.ones(4, np.float32), out, np.int32(10**5)))
    trial("read_at")((1,), (1,), (xp.ones(4, np.float32), out, np.int32(0)))
    assert out.item() == 1


def test_float4_must_be_aligned(xp, trial):
    x, out = xp.arange(9, dtype=np.float32), one(xp)
    trial("four_at")((1,), (1,), (x, out, np.int32(4)))
    assert out.item() == 7
    with pytest.raises(KernelError, match="not aligned to 16 bytes for 'const struct float4'"):
        trial("four_at")((1,), (1,), (x, out, np.int32(2)))


def test_an_index_outside_a_fixed_array_is_an_error(xp, trial):
    out = xp.empty(32, np.float32)
    trial("fixed_at")((1,), (32,), (out, np.int32(7)))
    assert (out.get() == 1).all()
    with pytest.raises(KernelError, match=r"index 8 is outside 'float \[8\]'"):
        trial("fixed_at")((1,), (32,), (out, np.int32(8)))


def test_unwritten_shared_memory_is_nan_in_every_block(xp, trial):
    out = xp.zeros((3, 8), np.float32)
    trial("unwritten")((3,), (8,), (out,))
    wanted = np.full((3, 8), np.nan)
    np.fill_diagonal(wanted, 1)
    np.testing.assert_array_equal(out.get(), wanted)


def test_new_device_memory_is_nan(xp):
    assert np.isnan(xp.empty((3, 5), np.float32).get()).all()
    assert np.isnan(xp.empty_like(xp.ones(3)).get()).all()


def test_dynamic_shared_memory_has_the_requested_size(xp, trial):
    out = one(xp)
    trial("fill_dynamic")((1,), (32,), (out, np.int32(100)), shared_mem=400)
    assert out.item() == 99
    with pytest.raises(KernelError, match="at byte 400, beyond the 400 bytes asked for"):
        trial("fill_dynamic")((1,), (32,), (out, np.int32(101)), shared_mem=400)


def test_more_than_48_kib_of_shared_memory_must_be_requested(xp, trial):
    kernel, out = trial("fill_dynamic"), one(xp)
    args = (out, np.int32(100 * KIB // 4))
    with pytest.raises(KernelError, match=r"102400 bytes .* at most 49152 unless"):
        kernel((1,), (32,), args, shared_mem=100 * KIB)
    kernel.max_dynamic_shared_size_bytes = 100 * KIB
    kernel((1,), (32,), args, shared_mem=100 * KIB)
    assert out.item() == 100 * KIB // 4 - 1
    with pytest.raises(KernelError, match="at most 232448"):
        kernel.max_dynamic_shared_size_bytes = 227 * KIB + 1


@pytest.mark.parametrize(
    ("grid", "block", "message"),
    [
        ((1,), (1056,), "1056.* outside"),
        ((1,), (64, 32), "2048 threads a block, at most 1024"),
        ((0,), (32,), "grid .* outside"),
        ((1, 65536), (32,), "grid .* outside"),
        ((1,), (1, 1, 65), "block .* outside"),
    ],
)
def test_sizes_beyond_the_limits_of_cuda_are_refused(xp, trial, grid, block, message):
    with pytest.raises(KernelError, match=message):
        trial("where_am_i")(grid, block, (xp.zeros(1, np.int32),))


def test_launch_bounds_are_checked(xp, trial):
    with pytest.raises(KernelError, match="256 threads a block, at most 128"):
        trial("total")((1,), (256,), (one(xp), one(xp), np.int32(1)), shared_mem=16)


def arguments(xp):
    x, flags = xp.ones(2, np.float32), xp.ones(2, np.bool_)
    return [x, flags, one(xp), np.int32(3), np.float32(2.5), np.int64(10)]


def test_arrays_numbers_and_null_are_passed_by_their_types(xp, trial):
    args = arguments(xp)
    trial("every_kind")((1,), (1,), tuple(args))
    assert args[2].item() == 16.5
    args[2] = np.uintp(0)
    trial("every_kind")((1,), (1,), tuple(args))


@pytest.mark.parametrize(
    ("at", "wrong", "message"),
    [
        (0, lambda xp: np.ones(2, np.float32), "argument 0 is a NumPy array"),
        (0, lambda xp: xp.ones(2, np.float64), "holds float64, .* pointer to f4"),
        (0, lambda xp: xp.ones((4, 4), np.float32)[:, 1], "not contiguous"),
        (0, lambda xp: np.float32(1), "float32, the kernel takes a pointer"),
        (0, lambda xp: None, "NoneType, the kernel takes a pointer"),
        (0, lambda xp: np.uintp(8), "uint64, the kernel takes a pointer"),
        (3, lambda xp: 3, r"argument 3 is a Python int.*np\.int32"),
        (3, lambda xp: np.int64(3), "is int64, the kernel takes i4"),
        (3, lambda xp: True, "a Python bool"),
        (4, lambda xp: 2.5, "a Python float"),
        (4, lambda xp: np.float64(2.5), "is float64, the kernel takes f4"),
        (4, lambda xp: np.int32(2), "is int32, the kernel takes f4"),
        (4, lambda xp: xp.ones(1, np.float32), "ndarray, the kernel takes a number"),
    ],
)
def test_an_argument_of_the_wrong_type_is_refused(xp, trial, at, wrong, message):
    args = arguments(xp)
    args[at] = wrong(xp)
    with pytest.raises(TypeError, match=message):
        trial("every_kind")((1,), (1,), tuple(args))


def test_too_few_arguments_are_refused(xp, trial):
    with pytest.raises(KernelError, match="takes 6 arguments, not 5"):
        trial("every_kind")((1,), (1,), tuple(arguments(xp)[:5]))


def test_assertions_and_divisions_by_zero_are_errors(xp, trial):
    args = arguments(xp)
    args[3] = np.int32(0)
    with pytest.raises(KernelError, match="assertion failed: n > 0"):
        trial("every_kind")((1,), (1,), tuple(args))
    with pytest.raises(KernelError, match="division by zero"):
        trial("divide")((1,), (1,), (xp.zeros(1, np.int32), np.int32(0)))


def test_options_are_those_of_nvrtc(xp):
    text = 'extern "C" __global__ void put(float *x) { x[0] = SIZE; }'
    options = ("-DSIZE=3", "--std=c++20", "--use_fast_math", "-arch=sm_90")
    x = one(xp)
    xp.RawModule(code=text, options=options).get_function("put")((1,), (1,), (x,))
    assert x.item() == 3
    with pytest.raises(CompileError, match="a name of one letter"):
        xp.RawModule(code=text, options=("-DT=3",))
    with pytest.raises(xp.cuda.runtime.CUDARuntimeError, match="missing"):
        xp.RawModule(code=text, options=options).get_function("missing")
