"""Stateful training: the states that a batch ended with are those that the next begins with."""

from __future__ import annotations

import numpy as np
import pytest

from rnnviz.arrays import Values
from rnnviz.data.next_tokens import TextWindows, WholeTexts
from rnnviz.engine import losses
from rnnviz.engine.model import Model
from rnnviz.engine.optimizers import OPTIMIZERS
from rnnviz.engine.parameters import initialise, shapes
from rnnviz.engine.spec import EmbeddingSpec, FitSpec, HeadSpec, ModelSpec, RecurrentSpec
from rnnviz.progress import Epoch, TrainingStep
from rnnviz.training.carried_states import CarriedStates
from rnnviz.training.fit import evaluate, fit, update
from rnnviz.training.state import State

V, SIZE = 5, 4
NET = ModelSpec(
    EmbeddingSpec(V, 3, mask_zero=False),
    (RecurrentSpec("lstm", 4), RecurrentSpec("gru", 3)),
    HeadSpec("softmax", V, reads="steps"),
)
SPEC = FitSpec(2, SIZE, rate=0.03, clip=1.0, monitor="loss", stateful=True)
TEXT = np.random.default_rng(0).integers(0, V, 250)
TRAIN, VALID = TextWindows(TEXT, 7, stateful=True), TextWindows(TEXT[:60], 7)


def run(until: int | None = None, state: State | None = None) -> tuple[list[object], State]:
    """Events up to that one, and the state there."""
    net = Model(NET, initialise(NET, 0))
    state = state or State.fresh(net.params, SPEC)
    events: list[object] = []
    for event in fit(net, lambda *_: TRAIN, VALID, SPEC, state):
        events.append(event)
        if len(events) == until:
            break
    return events, state


def test_a_batch_begins_with_the_states_of_the_batch_before_it() -> None:
    """The losses are those of the same updates, with the states passed by hand."""
    events, _ = run()
    net = Model(NET, initialise(NET, 0))
    optimizer, rng = OPTIMIZERS["adam"](SPEC.rate), np.random.default_rng(SPEC.seed)
    wanted = []
    for _ in range(SPEC.epochs):
        initial = None  # an epoch begins with zeros
        for inputs, y, weight in TRAIN.batches(SIZE):
            done = net.forward(inputs, initial=initial)
            wanted.append(float(losses.losses("softmax", done.logits, y).mean()))
            initial = done.layers.last_states
            update(net, optimizer, (inputs, y, weight), SPEC, rng, _carried_before(done, net))
    found = [event.loss for event in events if isinstance(event, TrainingStep)]
    np.testing.assert_allclose(found, wanted, 1e-6)
    alone = _losses_without_states()
    assert abs(found[1] - alone[1]) > 1e-4


def _carried_before(done: object, net: Model) -> CarriedStates | None:
    """The states that a pass began with, as an update takes them."""
    carried = CarriedStates()
    scans = done.layers.scans  # type: ignore[attr-defined]
    carried.store([
        [{s: scan.states[s][:SIZE].copy() for s in net.cell(k).states} for scan in layer]
        for k, layer in enumerate(scans)
    ])  # fmt: skip
    return carried


def _losses_without_states() -> list[float]:
    net = Model(NET, initialise(NET, 0))
    optimizer, rng = OPTIMIZERS["adam"](SPEC.rate), np.random.default_rng(SPEC.seed)
    return [update(net, optimizer, batch, SPEC, rng).loss for batch in TRAIN.batches(SIZE)]


def test_a_stateful_training_goes_on_bit_for_bit_at_any_event() -> None:
    events, whole = run()
    wanted = whole.pack()
    for at in range(1, len(events)):
        _, state = run(until=at)
        rest, ended = run(state=State.unpack(state.pack(), shapes(NET), "here"))
        assert [e.loss for e in events[at:] if isinstance(e, TrainingStep)] == [
            e.loss for e in rest if isinstance(e, TrainingStep)
        ]
        found = State.unpack(ended.pack(), shapes(NET), "here")
        found.progress.seconds = whole.progress.seconds
        assert found.pack() == wanted, at


def test_a_net_that_reads_backwards_cannot_be_stateful() -> None:
    spec = ModelSpec(NET.source, (RecurrentSpec("gru", 3, bidirectional=True),), NET.head)
    net = Model(spec, initialise(spec, 0))
    with pytest.raises(ValueError, match="stateful"):
        next(iter(fit(net, lambda *_: TRAIN, VALID, SPEC)))


def test_every_batch_must_have_as_many_sequences() -> None:
    carried = CarriedStates()
    states: list[list[Values]] = [[{"h": np.zeros((4, 2))}]]
    carried.store(states)
    with pytest.raises(ValueError, match="as many sequences"):
        carried.store([[{"h": np.zeros((3, 2))}]])


def test_every_character_counts_the_same_in_the_loss_of_whole_texts() -> None:
    """Of texts of different lengths: the mean over all characters, in training and evaluation."""
    rng = np.random.default_rng(3)
    spec = ModelSpec(EmbeddingSpec(V, 3), (RecurrentSpec("gru", 4),), NET.head)
    net = Model(spec, initialise(spec, 2))
    texts = WholeTexts([rng.integers(1, V, n).tolist() for n in (2, 9, 4, 5, 3, 12, 2)])
    each, right = [], []
    for ids in texts.ids:
        row = np.array(ids)[:, None]
        logits = net.logits(row[:-1])[:, 0]
        p = losses.outputs("softmax", logits)[np.arange(len(ids) - 1), row[1:, 0]]
        each += (-np.log(p)).tolist()
        right += (logits.argmax(-1) == row[1:, 0]).tolist()
    wanted = {"loss": np.mean(each), "accuracy": np.mean(right)}
    for size in (1, 3, 256):
        found = evaluate(net, texts, size)
        assert found == pytest.approx(wanted, rel=1e-5)
    (batch,) = texts.batches(8)
    result = update(net, OPTIMIZERS["adam"](0.0), batch, FitSpec(1), rng)
    assert result.loss == pytest.approx(wanted["loss"], rel=1e-5)
    assert result.metric / result.examples == pytest.approx(wanted["accuracy"], rel=1e-5)


def test_an_epochs_loss_is_the_mean_of_all_its_windows() -> None:
    """Also where the windows do not come out even, and the last batch reads some of them twice."""
    events, _ = run()
    steps = [e.loss for e in events if isinstance(e, TrainingStep) and e.epoch == 1]
    (first, *_) = [e for e in events if isinstance(e, Epoch)]
    assert len(TRAIN) % SIZE
    assert first.train["loss"] == pytest.approx(np.mean(steps), rel=1e-6)
