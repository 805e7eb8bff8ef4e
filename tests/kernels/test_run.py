"""Whole trainings on a card: the run directory, going on after a stop, numbers that overflow."""

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
from rnnviz.progress import Event, Note, TrainingStep
from rnnviz.runs import Options, Run
from rnnviz.training.cuda import updater
from rnnviz.training.fit import fit

RECIPE = "agnews-lstm"
SMALL = Options(cell="gru", units=10, limit=12, batch_size=4, epochs=2)


@pytest.fixture(autouse=True)
def read_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """The numbers of two steps are read together, so that an epoch of three can be left between."""
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
    """No other runs are looked through for a name."""
    monkeypatch.setattr("rnnviz.model_files.places.runs_folder", lambda: tmp_path / "others")


@pytest.fixture(scope="module")
def on_the_processor(tmp_path_factory: pytest.TempPathFactory) -> list[float]:
    """The numbers of a run that no card had a part in."""
    return scores(trained(tmp_path_factory.mktemp("runs") / "cpu", "cpu"))


def test_a_run_on_the_card_says_so_and_has_the_processor_s_numbers(
    cupy: types.ModuleType, tmp_path: Path, on_the_processor: list[float]
) -> None:
    told: list[Event] = []
    run = trained(tmp_path / "run", "cuda", watch=told.append)
    assert {file.name for file in run.path.iterdir()} == {
        "spec.json", "history.jsonl", "best.safetensors", "last.safetensors", "vocabulary.json",
        "result.json",
    }  # fmt: skip
    name = cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
    assert json.loads((run.path / "spec.json").read_text())["device"] == f"cuda ({name})"
    assert not [one for one in told if isinstance(one, Note) and "step by step" in one.text]
    np.testing.assert_allclose(scores(run), on_the_processor, rtol=1e-5)
    kept = load_file(run.path / "best.safetensors")
    assert all(np.isfinite(a).all() for a in kept.values())
    assert kept["layers.0.forward.U"].shape == (10, 30)


@pytest.mark.parametrize(("begun", "ended"), [("cuda", "cuda"), ("cuda", "cpu"), ("cpu", "cuda")])
def test_a_run_goes_on_where_it_stopped_on_any_device(
    cupy: types.ModuleType, tmp_path: Path, on_the_processor: list[float], begun: str, ended: str
) -> None:
    seen: list[Event] = []

    def in_the_second_epoch() -> bool:
        return any(isinstance(one, TrainingStep) and one.epoch == 2 for one in seen)

    with pytest.raises(InterruptedTraining, match="at epoch 2 of 2"):
        trained(tmp_path / "run", begun, watch=seen.append, stop=in_the_second_epoch)
    assert 1 <= sum(isinstance(one, TrainingStep) and one.epoch == 2 for one in seen) < 3
    run = runs.resume(tmp_path / "run", device=ended)
    np.testing.assert_allclose(scores(run), on_the_processor, rtol=1e-5)


@dataclass(frozen=True, eq=False)
class Planted:
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


def weights(card: CudaBackend, at: int, batch_size: int) -> tuple[Values, str]:
    """The weights of a training whose numbers are left at a batch, and what was said."""
    net = NETS["imdb-lstm"]
    model = Model(net.model, initialise(net.model, 0), card)
    spec: FitSpec = replace(net.fit, batch_size=batch_size)
    planted = Planted(net.examples, model, at)
    said = ""
    try:
        for _ in fit(model, lambda epoch, rng: planted, net.valid, spec):
            pass
    except RnnvizError as error:
        said = str(error)
    return {name: card.host(a) for name, a in model.params.items()}, said


@pytest.mark.parametrize("at", [1, 4])
def test_a_number_that_is_not_finite_stops_the_training_at_its_batch(
    card: CudaBackend, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    size = len(NETS["imdb-lstm"].examples) // 5
    left, said = weights(card, at, size)
    assert f"Training diverged at epoch 1, batch {at}: the loss" in said
    assert "not finite" in said
    # The same without the fault, only as far: what the weights were before that batch.
    net = NETS["imdb-lstm"].model
    before = weights_after(card, at - 1, size) if at > 1 else initialise(net, 0)
    before["head.W"][0, 0] = np.inf
    # On hardware words' gradients are added up in another order each time.
    for name, a in before.items():
        np.testing.assert_allclose(left[name], a, rtol=1e-5, atol=1e-6, err_msg=name)


def weights_after(card: CudaBackend, batches: int, batch_size: int) -> Values:
    """The weights after so many batches."""
    net = NETS["imdb-lstm"]
    model = Model(net.model, initialise(net.model, 0), card)
    spec = replace(net.fit, batch_size=batch_size)
    first = First(net.examples, batches)
    for event in fit(model, lambda epoch, rng: first, net.valid, spec):
        if isinstance(event, TrainingStep) and event.batch == batches:
            break
    return {name: card.host(a) for name, a in model.params.items()}


@dataclass(frozen=True, eq=False)
class First:
    """The first batches of some examples."""

    examples: Examples
    count: int

    def __len__(self) -> int:
        return len(self.examples)

    def batches(self, size: int, rng: np.random.Generator | None = None) -> Iterator[Batch]:
        for _, batch in zip(range(self.count), self.examples.batches(size, rng), strict=False):
            yield batch
