"""Races in shared and device memory, detected in every order of the threads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from kernels import emulated, standin
from kernels.emulated import KernelError

THREADS = 128


@pytest.fixture(autouse=True)
def detect_races(xp):
    standin.races = True  # reset when the stand-in is removed


def test_a_race_names_both_lines(xp, trial):
    args = (xp.ones(256, np.float32), xp.empty(1, np.float32), np.int32(256))
    trial("total")((1,), (THREADS,), args, shared_mem=16)
    message = r"race: writes what thread \(127, 0, 0\) of this block read \(line \d+, line \d+\)"
    standin.schedule = "reversed"
    with pytest.raises(KernelError, match=message):
        trial("total_without_barrier")((1,), (THREADS,), args, shared_mem=16)


def test_that_race_gives_a_correct_result_in_one_order(xp):
    standin.schedule, standin.races = "reversed", False
    source = (Path(__file__).parent / "trials.cu").read_text()
    module = xp.RawModule(code=source, options=(f"-DTHREADS={THREADS}",))
    out = xp.empty(1, np.float32)
    args = (xp.ones(256, np.float32), out, np.int32(256))
    module.get_function("total_without_barrier")((1,), (THREADS,), args, shared_mem=16)
    assert out.item() == 256


def test_a_buffer_written_too_early_is_a_race(xp, trial):
    out = xp.empty(THREADS, np.float32)
    trial("hand_on")((1,), (THREADS,), (out, np.int32(3), np.int32(2)))
    with pytest.raises(KernelError, match=r"race: writes what thread .* read"):
        trial("hand_on")((1,), (THREADS,), (out, np.int32(3), np.int32(1)))


@pytest.mark.parametrize("schedule", emulated.ALL_SCHEDULES)
def test_lanes_are_ordered_by_syncwarp(xp, trial, schedule):
    standin.schedule = schedule
    out = xp.empty(THREADS, np.float32)
    trial("through_shared")((1,), (THREADS,), (out, np.int32(1)))
    np.testing.assert_array_equal(out.get(), np.arange(THREADS) ^ 1)
    with pytest.raises(KernelError, match="race"):
        trial("through_shared")((1,), (THREADS,), (out, np.int32(0)))


def test_blocks_that_write_the_same_number_race(xp, trial):
    trial("all_blocks_write")((1,), (THREADS,), (xp.empty(1, np.float32),))
    with pytest.raises(KernelError, match=r"block \(1, 0, 0\).* of another block wrote"):
        trial("all_blocks_write")((2,), (THREADS,), (xp.empty(1, np.float32),))


def test_atomic_operations_do_not_race(xp, trial):
    out, most = xp.zeros(1, np.float32), xp.zeros(1, np.int32)
    trial("count")((3,), (THREADS,), (out, most))
    assert out.item() == 3 * THREADS


@pytest.mark.parametrize("fences", range(8))
def test_the_last_block_sees_the_others_only_with_a_barrier_and_both_fences(xp, trial, fences):
    out, counter = xp.empty(1, np.float32), xp.zeros(1, np.uint32)
    args = (xp.empty(3 * THREADS, np.float32), counter, out, np.int32(fences))
    if fences == 7:
        trial("last_block_adds")((3,), (THREADS,), args)
        assert out.item() == 3 * THREADS
        return
    with pytest.raises(KernelError, match=r"race: reads what thread .* of another block wrote"):
        trial("last_block_adds")((3,), (THREADS,), args)


def test_reading_beyond_dynamic_shared_memory_is_an_error(xp, trial):
    args = (xp.ones(256, np.float32), xp.empty(1, np.float32), np.int32(256))
    with pytest.raises(KernelError, match="touched at byte 12, beyond the 12 bytes"):
        trial("total")((1,), (THREADS,), args, shared_mem=12)
