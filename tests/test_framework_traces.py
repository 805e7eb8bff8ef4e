"""Traces of nets that other frameworks build: their files, their text, the panels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from framework_nets import NETS

from rnnviz import i18n
from rnnviz.cli.step import plain_text
from rnnviz.data.vectors import Vectors
from rnnviz.data.vocabulary import Vocabulary
from rnnviz.engine import losses
from rnnviz.engine.model import Model
from rnnviz.engine.parameters import initialise
from rnnviz.engine.spec import EmbeddingSpec, HeadSpec, ModelSpec
from rnnviz.errors import UsageError
from rnnviz.model_files import StoredModel, load, save
from rnnviz.query import Query
from rnnviz.trace import Trace
from rnnviz.trace.file import open_trace, save_trace
from rnnviz.trace.validation import validate
from rnnviz.tracer import trace as trace_of
from tests.tui.small_models import moment, panels

TEXT = "this movie was not good"
MANY = replace(NETS["labels of each step"], head=HeadSpec("softmax", 512, reads="steps"))
EVERY = {**NETS, "many labels": MANY}


def stored(spec: ModelSpec) -> StoredModel:
    """The net with drawn weights, and an encoder for its input."""
    vocabulary = Vocabulary.build([TEXT.split()] * 3, 20)
    if isinstance(spec.source, EmbeddingSpec):
        spec = replace(spec, source=replace(spec.source, vocabulary=len(vocabulary)))
    encoder = vocabulary if isinstance(spec.source, EmbeddingSpec) else Vectors(spec.source.width)
    names = ("no", "yes") if spec.head.is_binary else (f"l{k}" for k in range(spec.head.outputs))
    model = Model(spec, initialise(spec, 3))
    return StoredModel("net", model, encoder, tuple(names), {"trained_on": "a seed"})


def made(spec: ModelSpec, target: str | None = None) -> Trace:
    """The trace of a text."""
    net = stored(spec)
    text = TEXT if net.reads_ids else "random 5 0"
    return trace_of(net, Query(text, net.name, target=target))


@pytest.mark.parametrize("name", EVERY)
def test_a_trace_is_valid_and_the_same_after_its_file(name: str, tmp_path: Path) -> None:
    trace = made(EVERY[name])
    validate(trace)
    save_trace(trace, tmp_path / "t.npz")
    assert open_trace(tmp_path / "t.npz").to_json() == trace.to_json()


@pytest.mark.parametrize("name", EVERY)
def test_text_and_panels_say_it_in_both_languages(name: str) -> None:
    trace = made(EVERY[name])
    for lang in i18n.LANGUAGES:
        lines = list(plain_text.lines(trace, 0, lang))
        assert len(lines) < 300 and not any("{" in line for line in lines)
        for t in (0, len(trace.tokens) - 1):
            for backward in (False, True):
                now = moment(trace, t, lang=lang, backward=backward)
                for size in ((80, 24), (120, 36)):
                    assert panels(now, size)


@pytest.mark.parametrize("name", EVERY)
def test_a_model_file_gives_the_same_net(name: str, tmp_path: Path) -> None:
    net = stored(EVERY[name])
    save(tmp_path / "net.json", net.model, net.encoder, net.labels, net.record, np.float32)
    again = load(str(tmp_path / "net.json"))
    assert again.model.spec == net.model.spec and again.labels == net.labels
    for key, array in net.model.params.items():
        np.testing.assert_array_equal(again.model.params[key], array)


def test_a_head_of_each_step_is_read_out_there_and_its_gradient_is_of_the_last() -> None:
    net, trace = stored(EVERY["ave at each step"]), made(EVERY["ave at each step"])
    logits = net.model.logits(np.array(trace.ids)[:, None])[:, 0]
    wanted = losses.outputs("softmax", logits)
    np.testing.assert_allclose(trace.head.readout, wanted, 1e-5, 1e-6)
    np.testing.assert_array_equal(trace.head.output, trace.head.readout[-1])
    forward, backward = trace.layers
    assert forward.grads["h_out"][-1].any() and not forward.grads["h_out"][:-1].any()
    assert trace.head.objective.endswith("at the last token") and backward.merge == "ave"


def test_the_objective_of_a_state_is_the_chosen_unit() -> None:
    spec = EVERY["state"]
    for target, unit in ((None, 0), ("l2", 2)):
        trace = made(spec, target)
        assert trace.head.loss == pytest.approx(float(trace.layers[0].values["h"][-1, unit]))
        np.testing.assert_array_equal(trace.layers[0].grads["h_out"][-1], np.eye(4)[unit])
    with pytest.raises(UsageError, match="Unknown target"):
        made(spec, "l9")


def test_a_label_by_itself_has_a_loss_by_itself() -> None:
    trace = made(EVERY["several labels"], "l1")
    assert trace.head.loss == pytest.approx(-np.log(trace.head.output[1]), rel=1e-5)
    assert trace.head.other_class(1) is None and not trace.head.is_binary
