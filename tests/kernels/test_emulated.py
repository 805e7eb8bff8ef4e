"""The threads of the emulated GPU: correct and wrong barriers and shuffles, in every order."""

from __future__ import annotations

import re

import numpy as np
import pytest
from kernels import standin
from kernels.emulated import ALL_SCHEDULES, CompileError, KernelError

THREADS = 128


@pytest.mark.parametrize("schedule", ALL_SCHEDULES)
def test_a_reduction_with_barriers_and_shuffles_is_correct_in_every_order(xp, trial, schedule):
    standin.schedule = schedule
    x = np.random.default_rng(0).standard_normal((5, 1000)).astype(np.float32)
    out = xp.empty(5, np.float32)
    trial("total")((5,), (THREADS,), (xp.asarray(x), out, np.int32(1000)), shared_mem=16)
    np.testing.assert_allclose(out.get(), x.sum(1, dtype=float), rtol=1e-5, atol=1e-5)


def test_a_missing_barrier_gives_nan_in_some_order(xp, trial):
    wrong = []
    for schedule in ALL_SCHEDULES:
        standin.schedule = schedule
        out = xp.empty(3, np.float32)
        args = (xp.ones((3, 256), np.float32), out, np.int32(256))
        trial("total_without_barrier")((3,), (THREADS,), args, shared_mem=16)
        wrong.append(bool(np.isnan(out.get()).any()))
    assert any(wrong)


@pytest.mark.parametrize("barriers", [1, 2])
def test_a_buffer_written_too_early_is_wrong_in_some_order(xp, trial, barriers):
    wanted = (np.arange(THREADS) + 3) % THREADS
    right = []
    for schedule in ALL_SCHEDULES:
        standin.schedule = schedule
        out = xp.empty(THREADS, np.float32)
        trial("hand_on")((1,), (THREADS,), (out, np.int32(3), np.int32(barriers)))
        right.append(np.array_equal(out.get(), wanted))
    assert all(right) if barriers == 2 else not all(right)


def test_shuffles_and_votes_follow_cuda(xp, trial):
    out = xp.empty((64, 9), np.float64)
    trial("every_exchange")((1,), (64,), (out,))
    lane = np.arange(32)
    section = lane // 8 * 8
    down = np.where(lane + 3 < section + 8, lane + 3, lane)
    up = np.where(lane - 3 >= section, lane - 3, lane)
    votes = sum(1 << n for n in range(0, 32, 3))
    earlier = np.where(lane & 8, lane - 8, lane)
    columns = [lane * 0 + 5, lane // 4 * 4 + 2, lane ^ 6, down, up]
    wanted = np.stack([*columns, lane * 0 + votes, lane * 0 + 1, lane * 0, earlier], axis=1)
    np.testing.assert_array_equal(out.get(), np.concatenate([wanted, wanted]))


def test_warps_without_barriers_drift_apart_in_a_random_order(xp, trial):
    leads = []
    for seed in range(6):
        standin.schedule = f"random:{seed}"
        out = xp.zeros(1, np.int32)
        trial("lead")((1,), (64,), (out,))
        leads.append(out.item())
    assert max(leads) >= 3


def test_the_fast_quotient_is_zero_for_huge_divisors_as_on_a_gpu(xp, trial):
    by = np.array([2, 2.0**125, 2.0**127, np.inf, 2.0**127], np.float32)
    x = xp.asarray(np.array([1, 2.0**125, 2.0**127, 1, np.inf], np.float32))
    trial("fast_quotients")((1,), (5,), (x, xp.asarray(by)))
    np.testing.assert_array_equal(x.get(), [0.5, 1, 0, 0, np.nan])


def test_two_halves_of_a_warp_may_shuffle_separately(xp, trial):
    out = xp.empty(32, np.int32)
    trial("halves_of_a_warp")((1,), (32,), (out,))
    lane = np.arange(32)
    np.testing.assert_array_equal(out.get(), lane + 100 * (lane ^ np.where(lane < 16, 1, 3)))


@pytest.mark.parametrize("schedule", ALL_SCHEDULES)
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("some_return_early", r"thread \(0, 0, 0\).*__syncthreads\(\) waits.*\(64.*has returned"),
        ("barrier_in_a_branch", r"__syncthreads\(\) met another one"),
        ("half_a_warp_shuffles", r"__shfl_xor_sync\(\) waits.*\(16, 0, 0\), which has returned"),
        ("masks_differ", r"\(16, 0, 0\), which waits at __shfl_xor_sync\(\) with mask ffff8000"),
        ("not_in_its_own_mask", r"lane \d+ is not in its own mask 0000ffff"),
        ("reads_outside_the_mask", r"reads lane \d+, which is not in the mask"),
    ],
)
def test_a_deadlock_is_an_error_and_not_a_hang(xp, trial, name, message, schedule):
    standin.schedule = schedule
    with pytest.raises(KernelError, match=message) as caught:
        trial(name)((2,), (THREADS,), (xp.empty(THREADS, np.float32),))
    assert re.search(r"block \(0, 0, 0\), thread \(\d+, 0, 0\), line \d+", str(caught.value))


def test_a_block_that_ends_within_a_warp_cannot_shuffle_with_all_of_it(xp, trial):
    with pytest.raises(KernelError, match="lane 8, but the block ends before it"):
        trial("every_exchange")((1,), (40,), (xp.empty((40, 9), np.float64),))


def test_threads_and_blocks_are_numbered_in_three_dimensions(xp, trial):
    out = xp.empty((24, 30), np.int32)
    trial("where_am_i")((2, 3, 4), (5, 3, 2), (out,))
    np.testing.assert_array_equal(out.get(), 1000 * np.arange(24)[:, None] + np.arange(30))


def test_atomic_operations_count_every_thread(xp, trial):
    out, most = xp.zeros(1, np.float32), xp.zeros(1, np.int32)
    trial("count")((3,), (THREADS,), (out, most))
    assert (out.item(), most.item()) == (3 * THREADS, 3 * THREADS - 1)


def test_an_endless_loop_is_stopped(xp, trial, monkeypatch):
    monkeypatch.setattr("kernels.emulated.kernel.TIME_LIMIT", 1)
    with pytest.raises(KernelError, match="time limit of 1 s"):
        trial("wait_forever")((1,), (1,), (xp.zeros(1, np.int32),))


def test_a_compile_error_names_its_line(xp):
    text = 'extern "C" __global__ void broken(float *x) {\n  x[0] = nowhere;\n}\n'
    with pytest.raises(CompileError, match=r"kernel\.cu:2.*"):
        xp.RawModule(code=text).get_function("broken")
