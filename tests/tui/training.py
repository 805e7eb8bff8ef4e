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
