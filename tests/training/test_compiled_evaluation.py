"""Validation, test metrics and predictions use compiled loops where the training does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from training.tiny import SERIES, WORDS, prepare, prepare_series, texts, tiny

from rnnviz.data.batches import Examples
from rnnviz.engine import device, packed_scan
from rnnviz.engine.backend import HOST
from rnnviz.engine.device import compiled_backend
from rnnviz.engine.model import Model
from rnnviz.engine.parameters import initialise
from rnnviz.engine.spec import EmbeddingSpec, HeadSpec, ModelSpec, RecurrentSpec
from rnnviz.model_files import StoredModel
from rnnviz.runs import Options, backend_choice, train
from rnnviz.training.fit import evaluate

__all__ = ["tiny"]
pytest.importorskip("numba")

LSTM = RecurrentSpec("lstm", 6, dropout=0.1, recurrent_dropout=0.1)
WORD_NETS = {
    "shared padding": ModelSpec(EmbeddingSpec(12, 5), (LSTM,), HeadSpec("sigmoid", 1)),
    "masked, stacked, bidirectional": ModelSpec(
        EmbeddingSpec(12, 5, mask_zero=True),
        (replace(LSTM, bidirectional=True), replace(LSTM, bidirectional=True)),
        HeadSpec("softmax", 2),
    ),
}


@pytest.fixture
def packings(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """A list that gets an item for each packed scan: those of NumPy."""
    made: list[tuple[Any, ...]] = []
    packing = packed_scan.Packing.__init__

    def logged(self: packed_scan.Packing, *arguments: Any) -> None:
        made.append(arguments)
        packing(self, *arguments)

    monkeypatch.setattr(packed_scan.Packing, "__init__", logged)
    return made


def assert_equal_evaluations(spec: ModelSpec, examples: Examples, packings: list[Any]) -> None:
    params = initialise(spec, seed=0)
    expected = evaluate(Model(spec, params, HOST), examples, 16)
    assert packings
    packings.clear()
    found = evaluate(Model(spec, params, compiled_backend()), examples, 16)
    assert packings == []
    assert found == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("name", WORD_NETS)
def test_texts_are_evaluated_by_the_loops(name: str, packings: list[Any]) -> None:
    padding = "front" if name == "shared padding" else "end"
    assert_equal_evaluations(WORD_NETS[name], replace(texts(50, 2), padding=padding), packings)


def test_a_series_is_evaluated_by_the_loops(packings: list[Any]) -> None:
    assert SERIES.model is not None
    valid = prepare_series(Path(), None, 0, lambda text: None).valid
    assert_equal_evaluations(SERIES.model(2), valid, packings)


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("recipe", ["tiny", "tiny-series"])
def test_a_run_packs_nothing(
    recipe: str, tmp_path: Path, packings: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither in its updates nor in the validation and the test after them."""
    monkeypatch.setattr(device, "gpu_problem", lambda: "there is no card")
    monkeypatch.setattr(backend_choice, "SMALL", 0)
    run = train(recipe, Options(epochs=1), data=tmp_path, out=tmp_path / "run", device="auto")
    assert run.record()["device"] == "cpu, compiled"
    assert run.history()[0].valid
    assert packings == []


def stored_model() -> StoredModel:
    spec = WORD_NETS["masked, stacked, bidirectional"]
    return StoredModel("tiny", Model(spec, initialise(spec, 0)), WORDS, ("no", "yes"), {})


def test_many_predictions_use_the_loops(
    packings: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    valid = prepare(Path(), None, 0, lambda text: None).valid
    said = [" ".join(WORDS.words[n] for n in ids) for ids in valid.ids] * 5
    expected = stored_model().predict(said)
    assert len(packings) == 2 * 2 * 2  # batches, layers, directions
    packings.clear()
    monkeypatch.setattr(device, "SMALL", 1000)
    found = stored_model().predict(said)
    assert packings == []
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_few_predictions_load_no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*given: Any, **options: Any) -> Any:
        raise AssertionError("numba is loaded")

    monkeypatch.setattr(device, "choose_cpu", refuse)
    assert stored_model().predict(["w2 w3"]).shape == (1, 2)


def test_predictions_do_without_loops_that_do_not_compile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected = stored_model().predict(["w2 w3"])

    def broken(*given: Any, **options: Any) -> Any:
        raise RuntimeError("no such instruction")

    monkeypatch.setattr(device, "SMALL", 0)
    monkeypatch.setattr(compiled_backend(), "scan", broken)
    np.testing.assert_array_equal(stored_model().predict(["w2 w3"]), expected)
