"""A training on a card is launched ahead: what it waits for and what it sends, counted.

An array of NumPy's in an operation would be a TypeError of the stand-in's; that none reaches one is
shown by every training here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from kernels.nets import NETS
from kernels.record import record

from rnnviz.data.batches import Examples, Texts, Windows
from rnnviz.engine.cuda.backend import CudaBackend
from rnnviz.engine.model import Model
from rnnviz.engine.parameters import initialise
from rnnviz.progress import Epoch, Evaluation, TrainingStep
from rnnviz.training.cuda import updater
from rnnviz.training.fit import fit


@dataclass(frozen=True)
class Told:
    """An event of a training, and what the card was asked since the one before."""

    event: TrainingStep | Evaluation | Epoch
    waits: Counter[str]  # by the function that waited
    sent: Counter[tuple[str, int]]  # by the function that sent, and bytes


def told(card: CudaBackend, name: str, epochs: int, batches: int) -> Iterator[Told]:
    """A training of a lesson's net, with this many batches of two an epoch."""
    net = NETS[name]
    model = Model(net.model, initialise(net.model, 0), card)
    examples = few(net.examples, 2 * batches)
    spec = replace(net.fit, monitor="loss", epochs=epochs, batch_size=2)
    waits, sent = 0, 0
    for event in fit(model, lambda epoch, rng: examples, few(net.valid, 3), spec):
        assert isinstance(event, TrainingStep | Evaluation | Epoch)
        yield Told(
            event,
            Counter(where.split()[-1] for _, where in record.syncs[waits:]),
            Counter((where.split()[-1], n) for n, where in record.uploads[sent:]),
        )
        waits, sent = len(record.syncs), len(record.uploads)


def few(examples: Examples, count: int) -> Texts | Windows:
    """The first of them."""
    if isinstance(examples, Texts):
        return replace(examples, ids=examples.ids[:count], y=examples.y[:count])
    assert isinstance(examples, Windows)
    rows = None if examples.rows is None else examples.rows[:count]
    return replace(examples, draws=count, rows=rows)


def total(counters: Iterator[Counter[str]]) -> Counter[str]:
    """All of them together."""
    found: Counter[str] = Counter()
    for one in counters:
        found += one
    return found


def test_sixteen_steps_are_launched_before_their_numbers_are_read() -> None:
    assert updater.READ_EVERY == 16


@pytest.mark.parametrize("batches", [3, 4, 6])
def test_an_epoch_waits_once_for_each_group_of_batches_and_once_for_its_validation(
    emulated_card: CudaBackend, monkeypatch: pytest.MonkeyPatch, batches: int
) -> None:
    monkeypatch.setattr(updater, "READ_EVERY", 4)
    events = list(told(emulated_card, "imdb-lstm", 1, batches))
    done = [one for one in events if isinstance(one.event, TrainingStep)]
    assert len(done) == batches
    assert total(one.waits for one in done) == {"flush": -(-batches // 4)}
    # Those of a reading come together: the first has waited, and none of the others.
    assert [bool(one.waits) for one in done] == [n % 4 == 0 for n in range(batches)]
    (evaluation,) = (one for one in events if isinstance(one.event, Evaluation))
    assert not evaluation.waits
    (end,) = (one for one in events if isinstance(one.event, Epoch))
    assert end.waits.pop("evaluation") == 1
    assert not end.waits  # weights stay on the GPU until a run saves them


#: Bytes of a lesson's inputs, and of a number in the order of an epoch.
DATA = {"imdb-lstm": (None, 4), "jena-gru-dropout": (400 * 14 * 4, 8)}
BATCHES = 3


@pytest.mark.parametrize("name", DATA)
def test_an_epoch_sends_its_order_and_what_dropout_drops_but_no_data(
    emulated_card: CudaBackend, name: str
) -> None:
    net, (data, wide) = NETS[name], DATA[name]
    if data is None:
        data = 4 * sum(map(len, few(net.examples, 2 * BATCHES).ids))
    events = list(told(emulated_card, name, 2, BATCHES))
    all_sent = [n for one in events for (_, n), times in one.sent.items() for _ in range(times)]
    # A series goes over once to be trained on and once to be validated on.
    assert all_sent.count(data) == (2 if name == "jena-gru-dropout" else 1)
    first, *others = (
        one for one in events if isinstance(one.event, TrainingStep) and one.event.epoch == 2
    )
    assert len(others) == BATCHES - 1
    assert not any(one.sent for one in others)
    arrays = len(initialise(net.model, 0))
    wanted = {
        ("batches", wide * 2 * BATCHES): 1,
        ("__init__", 4 * (arrays + 1)): 1,  # where each array begins among all numbers
    }
    layer = net.model.layers[0]
    if layer.dropout:
        masks = 4 * 3 * 2  # bytes of a number, gates, sequences
        wanted |= {("_dropout", masks * n): BATCHES for n in (layer.units, net.model.source.width)}
    assert dict(first.sent) == wanted
    *_, evaluation, end = events
    assert dict(evaluation.sent) == {("batches", wide * 3): 1}
    assert not end.sent


def test_a_step_launches_each_kernel_once(emulated_card: CudaBackend) -> None:
    count = sum(
        isinstance(one.event, TrainingStep) for one in told(emulated_card, "jena-gru-dropout", 1, 3)
    )
    assert Counter(record.launches) == {
        "forward": count + 1,  # and one validation
        **dict.fromkeys(("backward", "check_gradients", "sum_squares", "step_rmsprop_2017"), count),
    }
