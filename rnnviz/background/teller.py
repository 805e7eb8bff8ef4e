"""A training that tells through a pipe how it goes: plain events, and not too many of them."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from rnnviz import runs
from rnnviz.background.child import TrainingJob
from rnnviz.errors import RnnvizError
from rnnviz.progress import (
    EpochProgress,
    EvaluationProgress,
    Event,
    ProgressNote,
    RunProgress,
    SnapshotReady,
    StepProgress,
    TrainingFailed,
    TrainingFinished,
)
from rnnviz.training import events
from rnnviz.training.events import Epoch, Evaluation, Note, Step

#: Seconds between two Stepped or Checked; the batches of the time between are summed.
PAUSE = 0.1


class Teller:
    """Trains one job; ``stopping`` and ``wanted`` are set by whoever listens to the pipe."""

    def __init__(self, pipe: Connection, job: TrainingJob) -> None:
        self.pipe, self.job = pipe, job
        self.stopping, self.wanted = threading.Event(), threading.Event()
        self._path = Path()
        self._owed = False  # a snapshot has been asked for and is being written
        self._result: Mapping[str, Any] | None = None
        self._started = time.monotonic()
        self._told = 0.0
        self._losses: list[float] = []
        self._examples = 0

    # -- the training -----------------------------------------------------------------------

    def train(self) -> None:
        """Train to the end, and say which end it was."""
        try:
            self._say(self._trained())
        except BrokenPipeError:
            pass  # nobody is there any more
        except RnnvizError as error:
            self._fail(str(error), error.exit_code)
        except MemoryError:
            self._fail("Memory ran out. Try a smaller --batch-size.", 1)
        except OSError as error:
            where = f" {error.filename}" if error.filename else ""
            self._fail(f"Cannot use{where}: {error.strerror or error}.", 1)
        except BaseException as error:
            self._fail(f"Internal error: {type(error).__name__}: {error}", 1)

    def _fail(self, message: str, code: int) -> None:
        with suppress(OSError):  # nobody is there any more
            self._say(TrainingFailed(message, code, traceback.format_exc()))

    def _trained(self) -> TrainingFinished:
        job = self.job
        asked: dict[str, Any] = {
            "data": job.data,
            "time_budget": job.time_budget,
            "device": job.device,
            "watch": self.watch,
            "stop": self._stop,
            "snapshot": self._snapshot,
        }
        if job.resume is not None:
            run = runs.resume(job.resume, epochs=job.options.epochs, **asked)
        else:
            run = runs.train(job.recipe, job.options, out=job.out, **asked)
        self._deliver()
        test = (self._result or {}).get("test") or {}
        return TrainingFinished(str(run.path), self._result is not None, _plain(test))

    def _stop(self) -> bool:
        self._deliver()
        return self.stopping.is_set()

    def _snapshot(self) -> bool:
        """Asked once a batch: true makes the training write the model as it is now."""
        self._deliver()
        self._owed = self.wanted.is_set()
        self.wanted.clear()
        return self._owed

    def _deliver(self) -> None:
        """By the next question the training asks, the snapshot it was told to write is there."""
        if self._owed:
            self._owed = False
            self._say(SnapshotReady(str(self._path / "now.safetensors")))

    # -- what is told -----------------------------------------------------------------------

    def watch(self, event: events.Event) -> None:
        """Pass an event on, without its arrays."""
        self._deliver()
        match event:
            case Note():
                self._say(ProgressNote(event.text))
            case events.RunStarted():
                self._path = event.path
                self._say(begun(event))
            case Step():
                self._step(event)
            case Evaluation():
                if self._due():
                    self._say(EvaluationProgress(event.batch / event.batches, event.of))
            case Epoch():
                numbers = (_plain(event.train), _plain(event.valid))
                self._say(EpochProgress(event.number, *numbers, event.seconds, _plain(event.norms)))
            case events.RunFinished():
                self._result = event.result

    def _step(self, step: Step) -> None:
        self._losses.append(float(step.loss))
        self._examples += step.examples
        if not self._due() and step.batch < step.batches:
            return
        loss = sum(self._losses) / len(self._losses)
        done = (step.epoch, step.epochs, step.batch, step.batches)
        seconds = time.monotonic() - self._started
        self._say(StepProgress(*done, loss, self._examples, seconds, _plain(step.norms)))
        self._losses, self._examples = [], 0

    def _due(self) -> bool:
        """Whether something small may be told again."""
        now = time.monotonic()
        if now - self._told < PAUSE:
            return False
        self._told = now
        return True

    def _say(self, event: Event) -> None:
        self.pipe.send(event)


def begun(event: events.RunStarted) -> RunProgress:
    """What a run's record says of it, and the epochs it had before."""
    record = event.record
    metric, published = record["metric"], record.get("published") or {}
    return RunProgress(
        path=str(event.path),
        recipe=record["recipe"],
        net=_net(record["config"]),
        data=record["trained_on"],
        example=record["example"],
        metric=metric["name"],
        better=metric["better"],
        epochs=event.epochs,
        published=published.get("value"),
        source=published.get("source", ""),
        scale=metric.get("scale"),
        unit=metric.get("unit", ""),
        keep=record.get("fit", {}).get("keep", "best"),
        history=tuple(_line(line) for line in runs.Run(event.path).history()),
    )


def _net(config: Mapping[str, Any] | None) -> str:
    """The layers in a few words, bottom to top: "LSTM 32 + LSTM 32"."""
    said = []
    for layer in (config or {}).get("layers", ()):
        both = "Bi" if layer["bidirectional"] else ""
        said.append(f"{both}{layer['cell'].upper()} {layer['units']}")
    return " + ".join(said)


def _line(line: Mapping[str, Any]) -> EpochProgress:
    """An epoch of before, from its line in the history."""
    norms = line.get("norms") or {}
    return EpochProgress(line["epoch"], line["train"], line["valid"], line["seconds"], norms)


def _plain(numbers: Mapping[str, float]) -> dict[str, float]:
    """Python's own numbers: whoever reads them need not have numpy."""
    return {name: float(value) for name, value in numbers.items()}
