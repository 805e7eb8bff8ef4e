"""The models that a text or a series can be read with, as a list to choose from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Origin = Literal["shipped", "imported", "run", "file"]


@dataclass(frozen=True)
class ModelListQuestion:
    """Which models are there: shipped, imported, runs, and model files in the working folder."""


@dataclass(frozen=True)
class ModelEntry:
    """A model that can be chosen, as far as its JSON says."""

    name: str  # as the option -m takes it
    origin: Origin
    reads: Literal["words", "series", "own"]
    net: str  # "LSTM(32)"
    about: str  # what it was trained on
    example: str = ""  # the text to begin with; "" of a series: its default window
    labels: tuple[str, ...] = ()
    damage: str = ""  # why it cannot be read
