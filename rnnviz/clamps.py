"""What is held at a value instead of being computed: the what-if of a reading."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Clamp:
    """Hold a recorded value; None stands for all: every token, every unit, the first layer."""

    name: str  # "f", "c", "x" ...
    value: float
    t: int | None = None  # token, from 0
    unit: int | None = None
    layer: str | None = None  # as the trace names it: "lstm", "lstm.1.backward"
