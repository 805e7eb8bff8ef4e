"""The process that trains: it sends events through a pipe and receives commands from it.

It trains in a second thread; its main thread waits for commands. When the pipe closes, because the
parent has ended, it saves and ends too.
"""

from __future__ import annotations

import os
import signal
import threading
import time
import traceback
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from rnnviz import signals
from rnnviz.errors import RnnvizError, system_reason
from rnnviz.messages import _, set_language
from rnnviz.progress import (
    Epoch,
    Evaluation,
    Event,
    Note,
    RunFailed,
    RunFinished,
    RunStarted,
    SentenceReading,
    SnapshotReady,
    TrainingStep,
)

if TYPE_CHECKING:
    from rnnviz.runs import TrainingJob

#: Seconds the process may take to end once it is asked to: the current batch, and saving.
GRACE = 10.0
#: Least seconds between two events of a batch; those of the batches between are merged.
MIN_INTERVAL = 0.1


def worker_main(pipe: Connection, lang: str) -> None:
    """Receive a TrainingJob, train, and send events; ctrl+c is left to the parent.

    ``lang`` is the language of its messages.
    """
    set_language(lang)
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):  # the terminal belongs to the screen
        os.dup2(null, stream)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Before numpy is imported, which happens when the job is received.
    for variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    try:
        worker = TrainingWorker(pipe, pipe.recv())
    except (EOFError, OSError):
        return
    for number in signals.ENDING:
        if number != signal.SIGINT:
            signal.signal(number, lambda *_: worker.stop_requested.set())
    thread = threading.Thread(target=worker.train, daemon=True)
    thread.start()
    _receive_commands(pipe, worker, thread)


def _receive_commands(pipe: Connection, worker: TrainingWorker, thread: threading.Thread) -> None:
    commands = {"stop": worker.stop_requested, "snapshot": worker.snapshot_requested}
    while thread.is_alive():
        try:
            if pipe.poll(0.1):
                commands[pipe.recv()].set()
        except (EOFError, OSError):
            worker.stop_requested.set()
            thread.join(GRACE)
            os._exit(1 if thread.is_alive() else 0)


class TrainingWorker:
    """Trains one job; another thread sets ``stop_requested`` and ``snapshot_requested``."""

    def __init__(self, pipe: Connection, job: TrainingJob) -> None:
        self.pipe, self.job = pipe, job
        self.stop_requested, self.snapshot_requested = threading.Event(), threading.Event()
        self._path = Path()
        self._snapshot_pending = False  # one is being written
        self._finished: RunFinished | None = None
        self._sent_at = 0.0
        self._losses: list[float] = []  # of the batches not sent yet
        self._examples = 0

    def train(self) -> None:
        """Train to the end, and send how it ended."""
        try:
            self._send(self._train())
        except BrokenPipeError:
            pass  # the parent has ended
        except RnnvizError as error:
            self._fail(str(error), error.exit_code)
        except MemoryError:
            self._fail(_("Memory ran out. Try a smaller --batch-size."), 1)
        except OSError as error:
            if error.filename:
                self._fail(
                    _("Cannot use {file}: {reason}.").format(
                        file=error.filename, reason=system_reason(error)
                    ),
                    1,
                )
            else:
                self._fail(_("Cannot use: {reason}.").format(reason=system_reason(error)), 1)
        except BaseException as error:
            message = _("Internal error: {kind}: {reason}")
            self._fail(message.format(kind=type(error).__name__, reason=error), 1)

    def _train(self) -> RunFinished:
        from rnnviz.runs import run_job

        run = run_job(self.job, stop=self._stop, snapshot=self._snapshot, watch=self.watch)
        self._send_snapshot_ready()
        return self._finished or RunFinished(run.path, complete=False)

    def _fail(self, message: str, code: int) -> None:
        with suppress(OSError):  # the parent has ended
            self._send(RunFailed(message, code, traceback.format_exc()))

    # -- called by the training ----------------------------------------------------------------

    def watch(self, event: Event) -> None:
        """Send an event; frequent ones are merged or left out."""
        self._send_snapshot_ready()
        match event:
            case RunFinished():
                self._finished = event
            case TrainingStep():
                self._merge(event)
            case Evaluation():
                if self._is_due():
                    self._send(event)
            case RunStarted():
                self._path = event.path
                self._send(event)
            case Note() | SentenceReading() | Epoch() | SnapshotReady() | RunFailed():
                self._send(event)

    def _stop(self) -> bool:
        self._send_snapshot_ready()
        return self.stop_requested.is_set()

    def _snapshot(self) -> bool:
        """Called once a batch; true makes the training write the current weights."""
        self._send_snapshot_ready()
        self._snapshot_pending = self.snapshot_requested.is_set()
        self.snapshot_requested.clear()
        return self._snapshot_pending

    # -- sending -------------------------------------------------------------------------------

    def _send_snapshot_ready(self) -> None:
        """A snapshot has been written by the time the training calls back again."""
        if self._snapshot_pending:
            self._snapshot_pending = False
            self._send(SnapshotReady(str(self._path / "now.safetensors")))

    def _merge(self, step: TrainingStep) -> None:
        self._losses.append(step.loss)
        self._examples += step.examples
        if not self._is_due() and step.batch < step.batches:
            return
        mean = sum(self._losses) / len(self._losses)
        self._send(replace(step, loss=mean, examples=self._examples))
        self._losses, self._examples = [], 0

    def _is_due(self) -> bool:
        now = time.monotonic()
        if now - self._sent_at < MIN_INTERVAL:
            return False
        self._sent_at = now
        return True

    def _send(self, event: Event) -> None:
        self.pipe.send(event)
