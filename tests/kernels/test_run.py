"""Runs on the GPU: the run directory, resuming, and numbers that are not finite."""

from __future__ import annotations

import json
import types
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from kernels.nets import NETS
from safetensors.numpy import load_file

from rnnviz import runs
from rnnviz.arrays import Values
from rnnviz.data.batches import Batch, Examples
from rnnviz.engine.cuda.backend import CudaBackend
from rnnviz.engine.model import Model
from rnnviz.engine.parameters import initialise
from rnnviz.engine.spec import FitSpec
from rnnviz.errors import InterruptedTraining, RnnvizError
from rnnviz.progress import Event, Note, SentenceReading, TrainingStep
from rnnviz.runs import Options, Run
from rnnviz.runs.snapshot_writer import snapshot_steps
from rnnviz.training.cuda import updater
from rnnviz.training.fit import fit

RECIPE = "agnews-lstm"
SMALL = Options(cell="gru", units=10, limit=12, batch_size=4, epochs=2)


@pytest.fixture(autouse=True)
def read_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read the results of two steps at once, so that an epoch of three can be interrupted."""
    monkeypatch.setattr(updater, "READ_EVERY", 2)


def trained(folder: Path, device: str, **more: object) -> Run:
    return runs.train(RECIPE, SMALL, data="sample", out=folder, device=device, **more)  # type: ignore[arg-type]


def scores(run: Run) -> list[float]:
    """Every loss and metric of a run, and the test's."""
    result = run.result()
    assert result is not None
    lines = [part for epoch in run.history() for part in (epoch.train, epoch.valid)]
    return [value for scores in [*lines, result["test"]] for value in scores.values()]


@pytest.fixture(autouse=True)
def own_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not search the user's runs for a name."""
    monkeypatch.setattr("rnnviz.lookup.runs_folder", lambda: tmp_path / "others")


@pytest.fixture(scope="module")
def cpu_scores(tmp_path_factory: pytest.TempPathFactory) -> list[float]:
    """The scores of a run on the CPU."""
    return scores(trained(tmp_path_factory.mktemp("runs") / "cpu", "cpu"))


def test_a_run_on_the_gpu_names_it_and_has_the_scores_of_the_cpu(
    cupy: types.ModuleType, tmp_path: Path, cpu_scores: list[float]
) -> None:
    events: list[Event] = []
    run = trained(tmp_path / "run", "cuda", watch=events.append)
    assert {file.name for file in run.path.iterdir()} == {
        "spec.json", "history.jsonl", "best.safetensors", "last.safetensors", "vocabulary.json",
        "result.json", "snapshots",
    }  # fmt: skip
    name = cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
    assert json.loads((run.path / "spec.json").read_text())["device"] == f"cuda ({name})"
    assert not [one for one in events if isinstance(one, Note) and "step by step" in one.text]
    np.testing.assert_allclose(scores(run), cpu_scores, rtol=1e-5)
    arrays = load_file(run.path / "best.safetensors")
    assert all(np.isfinite(a).all() for a in arrays.values())
    assert arrays["layers.0.forward.U"].shape == (10, 30)


def test_snapshots_on_the_gpu_are_those_of_the_cpu(cupy: types.ModuleType, tmp_path: Path) -> None:
    chosen, seen = replace(SMALL, snapshots=5), list[Event]()
    kept = []
    for device in ("cuda", "cpu"):
        out = tmp_path / device
        run = runs.train(RECIPE, chosen, data="sample", out=out, device=device, watch=seen.append)
        kept.append({each.step: load_file(each.path) for each in run.snapshots()})
    assert list(kept[0]) == list(kept[1]) == list(snapshot_steps(6, 5))
    for step, arrays in kept[0].items():
        for name, a in arrays.items():
            np.testing.assert_allclose(a, kept[1][step][name], rtol=1e-4, atol=1e-6)
    readings = [one for one in seen if isinstance(one, SentenceReading)]
    assert {one.step for one in readings} == set(kept[0])


@pytest.mark.parametrize(("begun", "ended"), [("cuda", "cuda"), ("cuda", "cpu"), ("cpu", "cuda")])
def test_a_run_resumes_on_any_device(
    cupy: types.ModuleType, tmp_path: Path, cpu_scores: list[float], begun: str, ended: str
) -> None:
    events: list[Event] = []

    def in_the_second_epoch() -> bool:
        return any(isinstance(one, TrainingStep) and one.epoch == 2 for one in events)

    with pytest.raises(InterruptedTraining, match="at epoch 2 of 2"):
        trained(tmp_path / "run", begun, watch=events.append, stop=in_the_second_epoch)
    assert 1 <= sum(isinstance(one, TrainingStep) and one.epoch == 2 for one in events) < 3
    run = runs.resume(tmp_path / "run", device=ended)
    np.testing.assert_allclose(scores(run), cpu_scores, rtol=1e-5)


@dataclass(frozen=True, eq=False)
class FaultyExamples:
    """Examples; before batch ``at`` a weight of the model becomes infinite."""

    examples: Examples
    model: Model
    at: int

    def __len__(self) -> int:
        return len(self.examples)

    def batches(self, size: int, rng: np.random.Generator | None = None) -> Iterator[Batch]:
        for n, batch in enumerate(self.examples.batches(size, rng), 1):
            if n == self.at:
                self.model.params["head.W"][0, 0] = np.inf
            yield batch


def weights(backend: CudaBackend, at: int, batch_size: int) -> tuple[Values, str]:
    """The weights of a training with a fault at a batch, and the error's message."""
    net = NETS["imdb-lstm"]
    model = Model(net.model, initialise(net.model, 0), backend)
    spec: FitSpec = replace(net.fit, batch_size=batch_size)
    examples = FaultyExamples(net.examples, model, at)
    message = ""
    try:
        for _ in fit(model, lambda epoch, rng: examples, net.valid, spec):
            pass
    except RnnvizError as error:
        message = str(error)
    return {name: backend.host(a) for name, a in model.params.items()}, message


@pytest.mark.parametrize("at", [1, 4, 5])  # the results of the fifth are read after the epoch
def test_a_number_that_is_not_finite_stops_the_training_at_its_batch(
    backend: CudaBackend, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    size = len(NETS["imdb-lstm"].examples) // 5
    params, message = weights(backend, at, size)
    assert f"Training diverged at epoch 1, batch {at}: the loss" in message
    assert "not finite" in message
    # The weights before that batch, from a training without the fault.
    net = NETS["imdb-lstm"].model
    before = weights_after(backend, at - 1, size) if at > 1 else initialise(net, 0)
    before["head.W"][0, 0] = np.inf
    # A GPU adds the gradients of words in another order each time.
    for name, a in before.items():
        np.testing.assert_allclose(params[name], a, rtol=1e-5, atol=1e-6, err_msg=name)


def weights_after(backend: CudaBackend, batches: int, batch_size: int) -> Values:
    """The weights after ``batches`` batches."""
    net = NETS["imdb-lstm"]
    model = Model(net.model, initialise(net.model, 0), backend)
    spec = replace(net.fit, batch_size=batch_size)
    first = FirstBatches(net.examples, batches)
    for event in fit(model, lambda epoch, rng: first, net.valid, spec):
        if isinstance(event, TrainingStep) and event.batch == batches:
            break
    return {name: backend.host(a) for name, a in model.params.items()}


@dataclass(frozen=True, eq=False)
class FirstBatches:
    """The first batches of some examples."""

    examples: Examples
    count: int

    def __len__(self) -> int:
        return len(self.examples)

    def batches(self, size: int, rng: np.random.Generator | None = None) -> Iterator[Batch]:
        for _, batch in zip(range(self.count), self.examples.batches(size, rng), strict=False):
            yield batch
