"""One seed is one training: the same dropout is drawn, whatever computes the net.

Plain NumPy, compiled loops and CUDA kernels train every recipe that has dropout, for ten steps on
the sample in the package. A recipe is found by its spec, so a new one is tested by itself.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnviz.analysis.model_family import TURKISH_MODELS
from rnnviz.data.batches import Examples, Texts, Windows
from rnnviz.engine import compiled
from rnnviz.engine.backend import HOST, Backend
from rnnviz.engine.compiled import threads
from rnnviz.engine.cuda.backend import CudaBackend
from rnnviz.engine.device import compiled_backend
from rnnviz.engine.model import Model
from rnnviz.engine.parameters import initialise
from rnnviz.engine.spec import FitSpec, ModelSpec
from rnnviz.errors import UsageError
from rnnviz.files import assets
from rnnviz.progress import TrainingStep
from rnnviz.recipes import Prepare, Recipe, Task, find, recipes
from rnnviz.runs.options import Options
from rnnviz.runs.setup import model_spec
from rnnviz.training.fit import fit

STEPS, SEED = 10, 3
#: The largest relative difference of a loss; 1e-7 is usual. Over whole windows, single precision
#: can round the input of a ReLU unit to the other side of 0, which changes gradients by far more.
TOLERANCE = 1e-5


@dataclass(frozen=True)
class Size:
    """How much of each batch is computed: all of a text or a window would take minutes."""

    batch: int
    tokens: int


#: On the CPU, enough sequences for several blocks, which threads share.
ON_CPU, EMULATED = Size(40, 16), Size(8, 6)


@dataclass(frozen=True)
class Net:
    """A recipe's net, as trained on the sample."""

    model: ModelSpec
    fit: FitSpec
    task: Task


def rates(spec: Any) -> Iterator[float]:
    """The rate of every kind of dropout in a spec's dicts and lists."""
    values = spec.items() if isinstance(spec, dict) else enumerate(spec)
    for key, value in values:
        if isinstance(value, dict | list | tuple):
            yield from rates(value)
        elif str(key).endswith("dropout"):
            yield value


def drops(recipe: Recipe) -> bool:
    """Whether the recipe has dropout of any kind. Its variants have the same net."""
    return recipe.model is not None and any(
        (*rates(recipe.model(recipe.size).to_json()), *rates(asdict(recipe.fit)))
    )


#: Every recipe with dropout, and some to which ``rnnviz train --dropout`` gives it: layers in both
#: directions, stacked, with a mask; and an LSTM, whose recurrent dropout no recipe has. Not the
#: Turkish ones, of whose data the package has no sample.
ADDED = Options(dropout=0.2, recurrent_dropout=0.3)
CASES: Mapping[str, Options] = {
    **{
        name: Options()
        for name, recipe in recipes().items()
        if drops(recipe) and name not in TURKISH_MODELS
    },
    "jena-bigru": ADDED,
    "agnews-bilstm": replace(ADDED, units=16),
}


@cache
def prepared(prepare: Prepare) -> Task:
    """The sample, or a part of it where the recipe can be trained on so few rows."""
    folder = assets() / "samples"
    try:
        return prepare(folder, 1000, SEED, lambda text: None)
    except UsageError:
        return prepare(folder, None, SEED, lambda text: None)


def net_of(name: str) -> Net:
    """The net of a case."""
    recipe = find(name)
    task = prepared(recipe.prepare)
    model = model_spec(recipe, CASES[name], task)
    assert model is not None
    return Net(model, recipe.fit, task)


def shortened(examples: Examples, count: int, tokens: int) -> Examples:
    """The first examples of an epoch, and the first tokens of texts or the last of windows."""
    if isinstance(examples, Texts):
        assert len(examples) >= count
        weight = None if examples.weight is None else examples.weight[:count]
        ids = [row[:tokens] for row in examples.ids[:count]]
        return replace(examples, ids=ids, y=examples.y[:count], weight=weight)
    assert isinstance(examples, Windows)
    rows = None if examples.rows is None else examples.rows[:count]
    return replace(examples, lookback=tokens * examples.step, rows=rows, draws=count)


def losses_of(net: Net, size: Size, backend: Backend) -> list[float]:
    """The loss of each of the first steps of a training."""
    model = Model(net.model, initialise(net.model, SEED), backend)
    spec = replace(
        net.fit, seed=SEED, epochs=1, batch_size=size.batch, patience=None, monitor="loss"
    )
    events = fit(
        model,
        lambda epoch, rng: shortened(net.task.draw(epoch, rng), STEPS * size.batch, size.tokens),
        shortened(net.task.valid, size.batch, size.tokens),
        spec,
    )
    return [event.loss for event in events if isinstance(event, TrainingStep)]


@cache
def by_numpy(name: str, size: Size) -> list[float]:
    """The losses of a case on plain NumPy."""
    return losses_of(net_of(name), size, HOST)


def agree(found: list[float], wanted: list[float], what: str = "") -> None:
    """Assert that losses are the same, to rounding."""
    assert len(set(wanted)) == STEPS
    np.testing.assert_allclose(found, wanted, rtol=TOLERANCE, atol=0, err_msg=what)


@pytest.mark.parametrize("name", CASES)
def test_compiled_loops_drop_what_numpy_drops(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    monkeypatch.setattr(threads, "thread_count", lambda: 3)
    threads._pool.cache_clear()
    found = losses_of(net_of(name), ON_CPU, compiled_backend())
    threads._pool.cache_clear()
    agree(found, by_numpy(name, ON_CPU))


@pytest.mark.parametrize("name", CASES)
def test_the_gpu_drops_what_numpy_drops(backend: CudaBackend, name: str) -> None:
    agree(losses_of(net_of(name), EMULATED, backend), by_numpy(name, EMULATED))


def test_one_core_drops_what_several_drop() -> None:
    """On NumPy, whose BLAS has as many threads here as there are cores, and on compiled loops."""
    code = """
import json, os
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from kernels.test_one_seed import on_the_cpu
print(json.dumps(on_the_cpu()))
"""
    root = Path(__file__).parents[2]
    one = {f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "MKL", "OMP", "NUMBA")}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300,
        env={**os.environ, **one, "PYTHONPATH": f"{root}{os.pathsep}{root / 'tests'}"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found) == len(CASES) * (1 + compiled.available())
    for name, losses in found.items():
        agree(losses, by_numpy(name.partition(",")[0], ON_CPU), name)


def on_the_cpu() -> dict[str, list[float]]:
    """The losses of every case by NumPy and, where numba is installed, by compiled loops."""
    found = {}
    for name in CASES:
        found[name] = by_numpy(name, ON_CPU)
        if compiled.available():
            found[f"{name}, compiled"] = losses_of(net_of(name), ON_CPU, compiled_backend())
    return found


@pytest.mark.parametrize("name", CASES)
def test_without_dropout_the_losses_are_others(name: str) -> None:
    """By far more than the tolerance: the tests above would fail if other numbers were dropped."""
    net = net_of(name)
    model = json.loads(json.dumps(net.model.to_json()), object_hook=without_dropout)
    other = replace(
        net, model=ModelSpec.from_json(model), fit=FitSpec(**without_dropout(asdict(net.fit)))
    )
    ratio = np.divide(losses_of(other, EMULATED, HOST), by_numpy(name, EMULATED))
    assert np.abs(ratio - 1).max() > 50 * TOLERANCE


def without_dropout(spec: dict[str, Any]) -> dict[str, Any]:
    """A part of a spec with every rate of dropout at 0."""
    return {key: 0.0 if key.endswith("dropout") else value for key, value in spec.items()}
