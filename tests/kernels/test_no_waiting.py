"""A training on the GPU is launched ahead: its waits for the GPU and its uploads are counted.

The stand-in raises TypeError for an operation on a NumPy array and one on the GPU, so every
training here also shows that there is none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from kernels.launches import step_counts
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
class EventActivity:
    """An event of a training, and the waits and uploads since the event before."""

    event: TrainingStep | Evaluation | Epoch
    waits: Counter[str]  # by the function that waited
    uploads: Counter[tuple[str, int]]  # by the function that uploaded, and bytes


def training_activity(
    backend: CudaBackend, name: str, epochs: int, batches: int
) -> Iterator[EventActivity]:
    """Train a lesson's net, with this many batches of two per epoch."""
    net = NETS[name]
    model = Model(net.model, initialise(net.model, 0), backend)
    examples = few(net.examples, 2 * batches)
    spec = replace(net.fit, monitor="loss", epochs=epochs, batch_size=2)
    waits, uploads = 0, 0
    for event in fit(model, lambda epoch, rng: examples, few(net.valid, 3), spec):
        assert isinstance(event, TrainingStep | Evaluation | Epoch)
        yield EventActivity(
            event,
            Counter(where.split()[-1] for _, where in record.syncs[waits:]),
            Counter((where.split()[-1], n) for n, where in record.uploads[uploads:]),
        )
        waits, uploads = len(record.syncs), len(record.uploads)


def few(examples: Examples, count: int) -> Texts | Windows:
    """The first examples."""
    if isinstance(examples, Texts):
        return replace(examples, ids=examples.ids[:count], y=examples.y[:count])
    assert isinstance(examples, Windows)
    rows = None if examples.rows is None else examples.rows[:count]
    return replace(examples, draws=count, rows=rows)


def total(counters: Iterator[Counter[str]]) -> Counter[str]:
    """The sum of the counters."""
    return sum(counters, start=Counter())


def test_sixteen_steps_are_launched_before_their_numbers_are_read() -> None:
    assert updater.READ_EVERY == 16


@pytest.mark.parametrize("batches", [3, 4, 6])
def test_an_epoch_waits_once_for_each_group_of_batches_and_once_for_its_validation(
    emulated_backend: CudaBackend, monkeypatch: pytest.MonkeyPatch, batches: int
) -> None:
    monkeypatch.setattr(updater, "READ_EVERY", 4)
    events = list(training_activity(emulated_backend, "imdb-lstm", 1, batches))
    done = [one for one in events if isinstance(one.event, TrainingStep)]
    assert len(done) == batches
    assert total(one.waits for one in done) == {"flush": -(-batches // 4)}
    # The results of four steps are read at once: the first event has waited, the others not.
    assert [bool(one.waits) for one in done] == [n % 4 == 0 for n in range(batches)]
    (evaluation,) = (one for one in events if isinstance(one.event, Evaluation))
    assert not evaluation.waits
    (end,) = (one for one in events if isinstance(one.event, Epoch))
    assert end.waits.pop("evaluation") == 1
    assert not end.waits  # weights stay on the GPU until a run saves them


#: Bytes of a net's inputs; None: those of its ids.
DATA = {"imdb-lstm": None, "jena-gru-dropout": 400 * 14 * 4}
BATCHES = 3


@pytest.mark.parametrize("name", DATA)
def test_an_epoch_uploads_its_order_and_dropout_masks_but_no_data(
    emulated_backend: CudaBackend, name: str
) -> None:
    net, data = NETS[name], DATA[name]
    if data is None:
        data = 4 * sum(map(len, few(net.examples, 2 * BATCHES).ids))
    events = list(training_activity(emulated_backend, name, 2, BATCHES))
    uploads = [n for one in events for (_, n), times in one.uploads.items() for _ in range(times)]
    # A series is uploaded once for training and once for validation.
    assert uploads.count(data) == (2 if name == "jena-gru-dropout" else 1)
    first, *others = (
        one for one in events if isinstance(one.event, TrainingStep) and one.event.epoch == 2
    )
    assert len(others) == BATCHES - 1
    assert not any(one.uploads for one in others)
    wanted = {
        ("batches", 4 * 2 * BATCHES): 1,
        ("copy", 4): BATCHES,  # where in this order the batch of a graph begins
    }
    layer = net.model.layers[0]
    if layer.dropout:
        masks = 4 * 3 * 2  # bytes of a number, gates, sequences
        wanted[("copy", masks * (layer.units + net.model.source.width))] = BATCHES
    assert dict(first.uploads) == wanted
    *_, evaluation, end = events
    assert dict(evaluation.uploads) == {("batches", 4 * 3): 1}
    assert not end.uploads


#: The most kernels that a step may launch, its batch included.
LAUNCHES = {
    "imdb-lstm": 9, "jena-gru": 8, "jena-gru-dropout": 8, "jena-stacked": 13, "agnews-bilstm": 17,
}  # fmt: skip


@pytest.mark.parametrize("name", NETS)
def test_a_step_launches_few_kernels(emulated_backend: CudaBackend, name: str) -> None:
    assert step_counts(emulated_backend, name, graphs=False).launches <= LAUNCHES[name]


def test_a_step_launches_each_kernel_once(emulated_backend: CudaBackend) -> None:
    counts = step_counts(emulated_backend, "jena-gru-dropout", graphs=False)
    assert counts.ours == dict.fromkeys(
        ("gather_windows", "input_projection", "forward", "head", "backward", "weight_gradients",
         "check_gradients", "step_rmsprop_2017"), 1,
    )  # fmt: skip
