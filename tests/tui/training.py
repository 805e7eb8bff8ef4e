"""A training that only says what it is told to, and the dashboard before it."""

from __future__ import annotations

import math
import queue
from dataclasses import replace
from pathlib import Path

from textual.pilot import Pilot
from tui.small_models import read

from rnnviz.progress import (
    Epoch,
    Event,
    Note,
    RunFinished,
    RunStarted,
    SentenceReading,
    TrainingStep,
)
from rnnviz.tui.dashboard.app import TrainApp

BATCHES, EPOCHS = 40, 10
BEGUN = RunStarted(
    path=Path("/runs/imdb-lstm-1"),
    recipe="imdb-lstm",
    net="LSTM 32",
    data="IMDB",
    example="this movie was not good",
    metric="accuracy",
    better="high",
    epochs=EPOCHS,
    published=0.893,
    source="the notebook",
)


def stepped(epoch: int, batch: int) -> TrainingStep:
    """The batches up to this one; a smooth, wavy fall of the loss."""
    at = epoch - 1 + batch / BATCHES
    loss = 0.2 + 0.5 * math.exp(-at / 2) + 0.02 * math.sin(7 * at)
    norms = {"embedding": 0.02 * math.exp(-at), "layers.0": 0.3 + 0.1 * math.sin(at), "head": 1.5}
    return TrainingStep(epoch, EPOCHS, batch, BATCHES, loss, 128, 0.25 * BATCHES * at, norms)


def measured(epoch: int) -> Epoch:
    """An epoch; validation is best at the third one."""
    train = {"loss": 0.2 + 0.5 * math.exp(-epoch / 2), "accuracy": 0.95 - 0.2 / epoch}
    valid = {"loss": 0.35 + 0.02 * (epoch - 3) ** 2, "accuracy": 0.871 - 0.01 * (epoch - 3) ** 2}
    return Epoch(epoch, train, valid, 12.5, {"head": 1.4})


def told(epoch: int = 4, batch: int = 20) -> list[Event]:
    """Everything up to this batch."""
    events: list[Event] = [Note("Reading IMDB"), BEGUN]
    for e in range(1, epoch + 1):
        events += [stepped(e, b) for b in range(1, (batch if e == epoch else BATCHES) + 1)]
        if e < epoch:
            events.append(measured(e))
    return events


ENDED = [*told(10, BATCHES), measured(10), RunFinished(BEGUN.path, True, {"accuracy": 0.868})]


def _forecast() -> list[Event]:
    """A net that foresees temperatures, in its third epoch; the second was the best."""
    started = replace(
        BEGUN, recipe="jena-gru", net="GRU 32", data="Jena 2020", metric="mae", better="low",
        published=0.264, source="a book", scale=9.0, unit="°C",
    )  # fmt: skip
    errors = ((1, 0.35, 0.31), (2, 0.29, 0.27))
    epochs: list[Event] = [
        Epoch(n, {"loss": a, "mae": a}, {"loss": b, "mae": b}, 30.0) for n, a, b in errors
    ]
    steps: list[Event] = [stepped(e, b) for e in (1, 2, 3) for b in range(1, BATCHES + 1)]
    return [started, *steps[:BATCHES], epochs[0], *steps[BATCHES : 2 * BATCHES], epochs[1],
            *steps[2 * BATCHES : -10]]  # fmt: skip


DEGREES = _forecast()


def reading(epoch: int, batch: int) -> SentenceReading:
    """The sentence at this batch: at first all words are at .5, at last "not" has turned it."""
    step = (epoch - 1) * BATCHES + batch
    learned = 1 - math.exp(-step / (1.5 * BATCHES))
    ends = (0.55, 0.58, 0.56, 0.12, 0.04)
    rows = tuple((0.5 - (end - 0.5) * learned, 0.5 + (end - 0.5) * learned) for end in ends)
    return SentenceReading(step, epoch, batch, BEGUN.example, tuple(BEGUN.example.split()), rows)


def with_readings(labels: tuple[str, ...] = ("negative", "positive")) -> list[Event]:
    """As ``told``, with the sentence read before the first batch and then after every fifth."""
    events: list[Event] = []
    for event in told():
        if isinstance(event, TrainingStep) and (event.epoch, event.batch) == (1, 1):
            events.append(reading(1, 0))
        events.append(replace(event, labels=labels) if isinstance(event, RunStarted) else event)
        if isinstance(event, TrainingStep) and event.batch % 5 == 0:
            events.append(reading(event.epoch, event.batch))
    return events


def of_four_classes() -> list[Event]:
    """A net for news: the third of four labels leads, and with more as it is trained."""

    def news(event: Event) -> Event:
        if not isinstance(event, SentenceReading):
            return event
        rows = tuple((0.5 * q, 0.2 * q, p, 0.3 * q) for p, q in event.outputs)
        text = "the stock market fell today"
        return replace(event, text=text, tokens=tuple(text.split()), outputs=rows)

    return [news(event) for event in with_readings(("World", "Sports", "Business", "Sci/Tech"))]


class Fake:
    """A source: what is put into it comes out; what it is told to do is written down."""

    def __init__(self, events: list[Event]) -> None:
        self.queue: queue.Queue[Event] = queue.Queue()
        self.asked: list[str] = []
        self.add(*events)

    def add(self, *events: Event) -> None:
        for event in events:
            self.queue.put(event)

    def receive(self, timeout: float) -> Event | None:
        try:
            return self.queue.get(timeout=min(timeout, 0.02))
        except queue.Empty:
            return None

    def stop(self) -> None:
        self.asked.append("stop")

    def snapshot(self) -> None:
        self.asked.append("snapshot")

    def kill(self) -> None:
        self.asked.append("kill")


def dashboard(events: list[Event] | None = None, **options: object) -> TrainApp:
    """The dashboard; its source is ``app.train_screen.source``."""

    def answer(query: object) -> object:
        asked.append(query)
        # The stepper's small nets are known by their cells.
        return read(replace(query, model="lstm"))  # type: ignore[type-var]

    asked: list[object] = []
    app = TrainApp(Fake(told() if events is None else events), answer, "imdb-lstm", **options)  # type: ignore[arg-type]
    app.queries = asked  # type: ignore[attr-defined]
    return app


async def heard(pilot: Pilot[object]) -> None:
    """Wait until all that was said is on the screen."""
    app = pilot.app
    assert isinstance(app, TrainApp)
    source = app.train_screen.source
    assert isinstance(source, Fake)
    for _ in range(200):
        await pilot.pause(0.02)
        if source.queue.empty():
            break
    await pilot.pause(0.3)
