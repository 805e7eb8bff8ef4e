"""A persistent LSTM kernel on the emulated GPU, compared with float64, and compiled by NVRTC."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from kernels import emulated, standin
from kernels.nvrtc import compile_for

SOURCE = (Path(__file__).parent / "lstm_example.cu").read_text()
STEPS, ROWS, UNITS = 20, 8, 32


def options(steps, units):
    return (f"-DSTEPS={steps}", f"-DUNITS={units}", "-std=c++17")


def reference(xw, u):
    """h after every step, in float64."""
    h = c = np.zeros(xw.shape[1:2] + u.shape[:1])
    found = []
    for step in xw.astype(float):
        i, f, g, o = np.split(step + h @ u.astype(float), 4, axis=1)
        i, f, o = (1 / (1 + np.exp(-a)) for a in (i, f, o))
        c = f * c + i * np.tanh(g)
        h = o * np.tanh(c)
        found.append(h)
    return np.stack(found)


def run(xp, steps, rows, units):
    rng = np.random.default_rng(3)
    xw = rng.standard_normal((steps, rows, 4 * units)).astype(np.float32)
    u = (rng.standard_normal((units, 4 * units)) / units**0.5).astype(np.float32)
    h = xp.empty((steps, rows, units), np.float32)
    gates = xp.empty(xw.shape, np.float32)
    kernel = xp.RawModule(code=SOURCE, options=options(steps, units)).get_function("forward")
    args = (xp.asarray(xw), xp.asarray(u), h, gates, np.int32(rows))
    kernel((rows,), (4 * units,), args)
    return h.get(), reference(xw, u)


@pytest.mark.parametrize("schedule", emulated.ALL_SCHEDULES)
def test_its_states_are_those_of_the_equations(xp, schedule):
    standin.schedule = schedule
    found, wanted = run(xp, STEPS, ROWS, UNITS)
    assert np.max(np.abs(found - wanted)) < 1e-6
    assert standin.record.launches == ["forward"]


def test_it_has_no_races(xp):
    standin.races = True
    found, wanted = run(xp, 4, 2, 16)
    assert np.max(np.abs(found - wanted)) < 1e-6


def test_a_block_of_512_threads_runs_100_steps(xp):
    found, wanted = run(xp, 100, 1, 128)
    assert np.max(np.abs(found - wanted)) < 1e-6


@pytest.mark.parametrize("arch", ["sm_75", "sm_90", "sm_120"])
def test_it_compiles_without_spills(arch):
    (use,) = compile_for(SOURCE, options(STEPS, UNITS), arch)
    assert (use.name, use.arch, use.static_shared) == ("forward", arch, 2 * UNITS * 4)
    assert use.spill_stores == use.spill_loads == use.stack == 0
    assert 0 < use.registers <= 128


def test_spills_are_read_from_the_log():
    (use,) = compile_for(SOURCE, options(STEPS, 128), "sm_90")
    assert use.registers == 65536 // 512
    assert min(use.spill_stores, use.spill_loads, use.stack) > 0


def test_a_compile_error_has_the_log():
    with pytest.raises(ValueError, match="nowhere"):
        compile_for('extern "C" __global__ void broken(float *x) { x[0] = nowhere; }', (), "sm_90")
