"""How a run is observed, stopped early, and where it is computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rnnviz.engine.backend import Backend
from rnnviz.errors import InterruptedTraining
from rnnviz.messages import _
from rnnviz.progress import Event, Note
from rnnviz.runs.backend_choice import requested_backend
from rnnviz.training.stopping import TimeBudget

Watch = Callable[[Event], None]


@dataclass(frozen=True)
class Control:
    """Callbacks and limits of one run.

    ``stop`` and ``snapshot`` are called after every batch: whether to save and end, as ctrl+c does,
    and whether to write the current weights to ``now.safetensors``. ``stop`` is also called
    whenever the preparation of the data sends a message.
    """

    budget: TimeBudget
    watch: Watch
    stop: Callable[[], bool]
    snapshot: Callable[[], bool]
    requested: Backend | None  # None: "auto", which depends on the net

    def note(self, text: str) -> None:
        """Send a message for the user."""
        self.watch(Note(text))

    def check_stopped(self, remains: str) -> None:
        """InterruptedTraining if it is to end before the first batch; ``remains``: what is left."""
        if self.stop():
            raise InterruptedTraining(
                _("Interrupted while its data was prepared; {remains}").format(remains=remains)
            )


def make_control(
    time_budget: float | None = None,
    stop: Callable[[], bool] | None = None,
    snapshot: Callable[[], bool] | None = None,
    watch: Watch | None = None,
    device: str = "auto",
) -> Control:
    """The control of these arguments; the budget, in seconds, starts now.

    MissingError if the device is not available, UsageError if there is no such device.
    """
    watch = watch or (lambda event: None)
    requested = requested_backend(device, lambda text: watch(Note(text)))
    return Control(
        TimeBudget(time_budget), watch, stop or _never, snapshot or _never, requested,
    )  # fmt: skip


def _never() -> bool:
    return False
