"""What a user may ask of a training: changes to its recipe, and ways to watch and end it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rnnviz.errors import InterruptedTraining
from rnnviz.training.events import Event, Note
from rnnviz.training.stopping import Budget

Watch = Callable[[Event], None]


@dataclass(frozen=True)
class Options:
    """What a user may change about a recipe; None leaves it as it is."""

    epochs: int | None = None
    batch_size: int | None = None
    units: int | None = None
    cell: str | None = None
    dropout: float | None = None
    recurrent_dropout: float | None = None
    limit: int | None = None  # rows of each data set
    variant: str | None = None  # another of the recipe's ways to ready its data
    seed: int = 0


@dataclass(frozen=True)
class Control:
    """How a training is watched and ended early.

    ``stop`` and ``snapshot`` are asked after every batch: to end (saved, as ctrl+c does), and to
    write the weights of the moment to ``now.safetensors``. ``stop`` is also asked whenever the
    preparation of the data says something. ``device`` is where to compute: auto, cpu or cuda.
    """

    budget: Budget
    watch: Watch = lambda event: None
    stop: Callable[[], bool] = lambda: False
    snapshot: Callable[[], bool] = lambda: False
    device: str = "cpu"

    def unless_stopped(self, kept: str) -> None:
        """InterruptedTraining if it is to end before the first batch; ``kept``: what is left."""
        if self.stop():
            raise InterruptedTraining(f"Interrupted while its data was made ready; {kept}")

    def say(self, text: str, kept: str) -> None:
        """A line for the user, and a moment to end at."""
        self.watch(Note(text))
        self.unless_stopped(kept)


def controlled(
    time_budget: float | None,
    stop: Callable[[], bool] | None,
    snapshot: Callable[[], bool] | None,
    watch: Watch | None,
    device: str = "cpu",
) -> Control:
    """The control of what was given; the budget begins now."""
    given = {"stop": stop, "snapshot": snapshot, "watch": watch}
    asked: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    return Control(Budget(time_budget), device=device, **asked)
