"""The parent's side of a training in a separate process."""

from __future__ import annotations

import multiprocessing
import signal
import time
from contextlib import suppress
from multiprocessing import resource_tracker
from pathlib import Path
from typing import TYPE_CHECKING

from rnnviz import signals
from rnnviz.background.worker import GRACE, worker_main
from rnnviz.messages import _, language
from rnnviz.progress import Event, RunFailed, RunFinished, RunStarted

if TYPE_CHECKING:
    from rnnviz.runs import TrainingJob


class TrainingProcess:
    """A :class:`rnnviz.progress.ProgressSource`; leaving its ``with`` block ends the process."""

    def __init__(self, job: TrainingJob) -> None:
        self.job = job
        self.path: Path | None = None  # of the run, once it is known
        self.end: RunFinished | RunFailed | None = None
        # fork would copy the screen's threads and its terminal.
        context = multiprocessing.get_context("spawn")
        self._pipe, self._worker_pipe = context.Pipe()
        self._process = context.Process(
            target=worker_main, args=(self._worker_pipe, language()), daemon=True
        )

    def __enter__(self) -> TrainingProcess:
        with signals.deferred():  # a half-started process would write to the terminal
            resource_tracker.ensure_running()  # started below, it would unblock SIGINT
            with signals.sigint_blocked():  # ctrl+c is for this process
                self._process.start()
            with suppress(OSError):  # it has ended: see receive()
                self._pipe.send(self.job)
        # Kept open here, the pipe would not close when the process dies.
        self._worker_pipe.close()
        return self

    def __exit__(self, *exception: object) -> None:
        self._pipe.close()
        if self.path is not None or self.end is not None:  # else there is nothing to save
            self._process.join(GRACE + 1)
        self.kill()

    @property
    def pid(self) -> int | None:
        """The id of the process that trains."""
        return self._process.pid

    def receive(self, timeout: float) -> Event | None:
        """The next event; None if there is none in ``timeout`` seconds, and after the end."""
        if self.end is not None:
            return None
        try:
            if not self._pipe.poll(timeout):
                return None
            event: Event = self._pipe.recv()
        except (EOFError, OSError):
            event = self._died()
        if isinstance(event, RunFinished | RunFailed):
            self.end = event
        elif isinstance(event, RunStarted):
            self.path = event.path
        return event

    def stop(self) -> None:
        """Ask for the end: the batch is finished, the run saved, the exit code is 130."""
        self._send("stop")

    def stop_and_wait(self) -> RunFinished | RunFailed:
        """Stop; how it ended. After ``GRACE`` seconds it is killed."""
        self.stop()
        deadline = time.monotonic() + GRACE
        while self.end is None and time.monotonic() < deadline:
            self.receive(0.1)
        if self.end is None:
            self.kill()
            self.end = self._failure(
                _("The training process did not end within {seconds:.0f} seconds.").format(
                    seconds=GRACE
                )
            )
        return self.end

    def snapshot(self) -> None:
        """Ask for the current weights in RUN/now.safetensors; answered by SnapshotReady."""
        self._send("snapshot")

    def kill(self) -> None:
        """End the process now; every file on disk is complete."""
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _send(self, command: str) -> None:
        with suppress(OSError):  # it has ended: see receive()
            self._pipe.send(command)

    def _died(self) -> RunFailed:
        self._process.join(1)
        code = self._process.exitcode
        if code == -signal.SIGKILL:
            return self._failure(
                _("The training process was killed (SIGKILL), perhaps because memory ran out.")
            )
        if code is not None and code < 0:
            return self._failure(
                _("The training process was killed ({signal}).").format(
                    signal=signal.Signals(-code).name
                )
            )
        return self._failure(_("The training process ended unexpectedly."))

    def _failure(self, what: str) -> RunFailed:
        from rnnviz.runs import resume_command

        run = self.path or self.job.resume
        then = (
            _("To resume: {command}").format(command=resume_command(Path(run)))
            if run
            else _("Nothing had been saved yet.")
        )
        return RunFailed(f"{what} {then}", 1)
