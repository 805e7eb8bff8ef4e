"""The copies with a bug: each runs, hides its name, and is wrong where its original is right."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import rnnviz
from rnnviz.analysis import layer_stack
from rnnviz.data import agnews
from rnnviz.data.folders import SAMPLE, require_folder
from rnnviz.data.sst2 import detokenize, read_sst2
from rnnviz.engine.model import Model
from rnnviz.lookup import BUGGY_COPIES
from rnnviz.model_files import load, save
from rnnviz.model_files.bugs import BUGS, PADDED_LENGTH

#: A text each copy reads as another class than its original.
FLIPS = {
    "bug-1": "works hard to establish rounded characters, but then has nothing fresh or "
    "particularly interesting to say about them",
    "bug-2": "this movie was not good",
    "bug-3": "this movie was good",
    "bug-4": "Wall Street set for a flat start (Reuters)",
    "bug-5": "Halliburton suffers loss on asbestos claims",
}


def test_every_copy_has_a_bug() -> None:
    assert BUGS.keys() == BUGGY_COPIES.keys() == FLIPS.keys()
    assert all(BUGS[name].original == of for name, of in BUGGY_COPIES.items())


@pytest.mark.parametrize("name", BUGS)
def test_a_copy_runs_and_answers_otherwise_than_its_original(name: str) -> None:
    bug = BUGS[name]
    trace, right = (rnnviz.step(FLIPS[name], model=model) for model in (name, bug.original))
    assert trace.head.labels == right.head.labels
    assert trace.head.target != right.head.target
    # What is on the screen says that there is a bug, and not which.
    assert trace.model == name
    assert trace.about == f"{bug.original}, copy with a bug"
    assert [layer.title for layer in trace.layers] == [layer.title for layer in right.layers]
    # The training pass of the same net agrees with the trace.
    np.testing.assert_allclose(load(name).predict([FLIPS[name]])[0], trace.head.output, atol=1e-5)


@pytest.mark.parametrize("name", ["bug-1", "bug-2", "bug-3"])
def test_a_copy_is_less_accurate_on_the_packaged_phrases(name: str) -> None:
    phrases = read_sst2(require_folder(SAMPLE), "validation")
    truth = np.array([label for _, label in phrases])
    texts = [detokenize(phrase) for phrase, _ in phrases]

    def accuracy(model: str) -> float:
        return float((load(model).predict(texts).argmax(-1) == truth).mean())

    assert accuracy(name) < accuracy(BUGS[name].original) - 0.01


@pytest.mark.parametrize("name", ["bug-4", "bug-5"])
def test_a_copy_is_less_accurate_on_the_packaged_news(name: str) -> None:
    news = agnews.read_agnews(require_folder(SAMPLE), "test")[:240]
    truth = np.array([item.label for item in news])
    texts = [f"{item.title} {item.description}" for item in news]

    def accuracy(model: str) -> float:
        return float((load(model).predict(texts).argmax(-1) == truth).mean())

    assert accuracy(name) < accuracy(BUGS[name].original) - 0.05


def test_the_padding_is_read_as_words() -> None:
    trace = rnnviz.step(FLIPS["bug-3"], model="bug-3")
    assert trace.tokens[4:] == ("[PAD]",) * (PADDED_LENGTH - 4)
    assert trace.layers[0].mask.all()


def test_the_head_reads_the_last_row_of_both_directions() -> None:
    trace = rnnviz.step(FLIPS["bug-4"], model="bug-4")
    read = layer_stack.head_input(trace, trace.head.reads)
    assert read is not None
    assert [state.tokens_read for state in read.states] == [len(trace.tokens), 1]
    np.testing.assert_allclose(read.output, trace.head.output, atol=1e-6)
    # And the gradients of the trace are those of what runs.
    backward = trace.layers[-1]
    assert np.abs(backward.grads["h"][-1]).max() > 0
    assert not np.abs(backward.grads["h"][:-1]).any()


def test_a_training_pass_of_a_head_at_the_end_has_the_gradients_of_the_recording() -> None:
    stored = load("bug-4")
    rng = np.random.default_rng(1)
    params = {n: a.astype(np.float64) for n, a in stored.model.params.items()}
    ids = np.concatenate([rng.integers(2, 90, (5, 3)), np.array([[0, 7, 9]])])
    model = Model(stored.model.spec, params)
    d_logits = rng.standard_normal((3, 4))
    done, recording = model.forward(ids), model.record(ids)
    np.testing.assert_allclose(done.logits, recording.logits, atol=1e-12)
    grads, back = model.gradients(done, d_logits), model.record_backward(recording, d_logits)
    for k, layer in enumerate(back.scans):
        for direction, scan in zip(("forward", "backward"), layer, strict=True):
            for name, grad in scan.params.items():
                wanted = grads[f"layers.{k}.{direction}.{name}"]
                np.testing.assert_allclose(grad, wanted, atol=1e-12)


def test_an_untrained_copy_keeps_its_bug() -> None:
    params = load("bug-5").untrained(3).model.params
    assert np.array_equal(params["layers.1.backward.U"], params["layers.1.forward.U"])


def test_a_head_at_the_end_is_stored_and_read_again(tmp_path: Path) -> None:
    stored = load("bug-4")
    path = tmp_path / "copy.json"
    save(path, stored.model, stored.encoder, stored.labels, {"name": "copy"}, np.float32)
    again = load(str(path))
    assert again.model.spec == stored.model.spec
    assert again.bug is None
    assert "reads" not in load("agnews-bilstm").model.spec.to_json()["head"]
    wrong = replace(stored.model.spec.head, reads="first")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"head\.reads: expected last, end or steps"):
        type(stored.model.spec).from_json(replace(stored.model.spec, head=wrong).to_json())
