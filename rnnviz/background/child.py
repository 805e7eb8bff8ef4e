"""The process that trains: silent, deaf to ctrl+c, told what to do through a pipe alone."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from rnnviz import signals

if TYPE_CHECKING:
    from rnnviz.background.teller import Teller
    from rnnviz.runs import Options

#: Seconds a process that was told to end may take for its last batch and for saving.
GRACE = 10.0


@dataclass(frozen=True)
class TrainingJob:
    """What is to be trained, as it crosses to the other process."""

    recipe: str
    options: Options
    data: str | None = None
    out: str | None = None
    resume: str | None = None  # a run to go on with; recipe, data and out are then its own
    time_budget: float | None = None  # seconds
    device: str = "cpu"


def child(pipe: Connection, job: TrainingJob) -> None:
    """What the process does: it trains in a second thread, and listens in its first."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):  # the screen is drawn there
        os.dup2(nowhere, stream)
    for variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    from rnnviz.background.teller import Teller

    teller = Teller(pipe, job)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in signals.ENDING:
        if number != signal.SIGINT:
            signal.signal(number, lambda *_: teller.stopping.set())
    work = threading.Thread(target=teller.train, daemon=True)
    work.start()
    _obey(pipe, teller, work)


def _obey(pipe: Connection, teller: Teller, work: threading.Thread) -> None:
    """Do what comes through the pipe; when it closes, nobody is there for whom to go on."""
    commands = {"stop": teller.stopping, "snapshot": teller.wanted}
    while work.is_alive():
        try:
            if pipe.poll(0.1):
                commands[pipe.recv()].set()
        except (EOFError, OSError):
            teller.stopping.set()
            work.join(GRACE)
            os._exit(1 if work.is_alive() else 0)
