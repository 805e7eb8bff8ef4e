"""Training in a process of its own, so that a screen beside it never waits for a batch.

The process trains in a second thread; its main thread listens to the pipe. When the pipe closes,
because whoever started it is gone, it saves and ends too.
"""

from __future__ import annotations

import multiprocessing
import signal
import time
from contextlib import suppress
from multiprocessing import resource_tracker
from pathlib import Path
from typing import TYPE_CHECKING

from rnnviz import signals
from rnnviz.background.child import GRACE, TrainingJob, child
from rnnviz.progress import Event, TrainingFailed, TrainingFinished

if TYPE_CHECKING:
    from rnnviz.runs import Options


class Background:
    """One training beside this process; use it in a ``with`` block, which leaves nothing running.

    It is a :class:`rnnviz.progress.ProgressSource`.
    """

    def __init__(
        self,
        recipe: str,
        options: Options,
        *,
        data: str | Path | None = None,
        out: str | Path | None = None,
        resume: str | Path | None = None,
        time_budget: float | None = None,
        device: str = "cpu",
    ) -> None:
        places = (_named(data), _named(out), _named(resume))
        self.job = TrainingJob(recipe, options, *places, time_budget, device)
        self.path: str | None = None  # of the run, once it is known
        self.end: TrainingFinished | TrainingFailed | None = None
        # A copy of this process (fork) would inherit the screen's threads and its terminal.
        context = multiprocessing.get_context("spawn")
        self._pipe, self._other = context.Pipe()
        self._process = context.Process(target=child, args=(self._other, self.job), daemon=True)

    def __enter__(self) -> Background:
        with signals.deferred():  # half started, the process would complain on the terminal
            resource_tracker.ensure_running()  # in here it would lift the mask
            with signals.sigint_blocked():  # ctrl+c is for the one that has the screen
                self._process.start()
        # Held here too, it would never close and the death of the process would go unseen.
        self._other.close()
        return self

    def __exit__(self, *reason: object) -> None:
        self._pipe.close()
        if self.path is not None or self.end is not None:  # else there is nothing to save
            self._process.join(GRACE + 1)
        self.kill()

    @property
    def pid(self) -> int | None:
        """The process that trains."""
        return self._process.pid

    def receive(self, timeout: float) -> Event | None:
        """The next event; None when nothing came in time, and after the end."""
        if self.end is not None:
            return None
        try:
            if not self._pipe.poll(timeout):
                return None
            event: Event = self._pipe.recv()
        except (EOFError, OSError):
            event = self._died()
        if isinstance(event, TrainingFinished | TrainingFailed):
            self.end = event
        elif hasattr(event, "path"):
            self.path = event.path
        return event

    def stop(self) -> None:
        """Finish the batch, save, end with exit code 130."""
        self._tell("stop")

    def stopped(self) -> TrainingFinished | TrainingFailed:
        """Stop, and wait for how it ended; for ``GRACE`` seconds at most, then it is killed."""
        self.stop()
        last = time.monotonic() + GRACE
        while self.end is None and time.monotonic() < last:
            self.receive(0.1)
        if self.end is None:
            self.kill()
            self.end = self._failed(f"did not end within {GRACE:.0f} seconds")
        return self.end

    def snapshot(self) -> None:
        """Write RUN/now.safetensors; answered with a Ready."""
        self._tell("snapshot")

    def kill(self) -> None:
        """End at once; every file on disk is whole."""
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _tell(self, command: str) -> None:
        with suppress(OSError):  # it has ended: receive() says so
            self._pipe.send(command)

    def _died(self) -> TrainingFailed:
        self._process.join(1)
        code = self._process.exitcode
        how = "ended without a word"
        if code is not None and code < 0:
            how = f"was killed ({signal.Signals(-code).name})"
            how += ", perhaps because memory ran out" if code == -signal.SIGKILL else ""
        return self._failed(how)

    def _failed(self, how: str) -> TrainingFailed:
        from rnnviz.training.directory import how_to_resume

        run = self.path or self.job.resume
        then = f"Go on with: {how_to_resume(Path(run))}" if run else "It had saved nothing yet."
        return TrainingFailed(f"The training process {how}. {then}", 1)


def _named(place: str | Path | None) -> str | None:
    return None if place is None else str(place)
