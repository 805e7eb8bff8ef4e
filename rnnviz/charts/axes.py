"""Ranges and ticks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array

#: Larger absolute values are treated as not finite: their differences overflow.
LARGEST = 1e300


@dataclass(frozen=True)
class Axis:
    """A range with its ticks: values and labels."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]

    def share(self, values: Array | float) -> Array:
        """Positions of values in the range, of the same shape: 0 at its low end, 1 at its high."""
        return (np.asarray(values) - self.low) / (self.high - self.low)


def usable(values: Array | float) -> Array:
    """Whether each value can be placed on an axis."""
    return np.abs(values) <= LARGEST  # False for NaN and inf


def axis(values: Array, max_ticks: int, margin: float, integers: bool = False) -> Axis:
    """An axis for usable values (0 to 1 without any) with about ``max_ticks`` ticks.

    ``margin`` is the share of the range left free at each end; ``integers`` allows only whole
    numbers as ticks.
    """
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    largest = max(abs(low), abs(high))
    if high - low <= max(1e-12 * largest, 1e-290):
        # All values are equal: extend the range by half of the value, or by ½ around zero.
        around = 0.5 if integers or largest < 1e-280 else 0.5 * largest
        low, high = low - around, high + around
    free = margin * (high - low)
    low, high = low - free, high + free
    step = _step(low, high, max_ticks, integers)
    numbers = [k * step for k in range(math.ceil(low / step), math.floor(high / step) + 1)]
    return Axis(low, high, tuple(zip(numbers, written(numbers, step), strict=True)))


def _step(low: float, high: float, max_ticks: int, integers: bool) -> float:
    """1, 2 or 5 times a power of ten, small enough for two ticks if possible."""
    rough = (high - low) / max(max_ticks, 1)
    power = math.floor(math.log10(rough))
    steps = [m * 10.0**p for p in (power + 1, power, power - 1) for m in (5, 2, 1)]
    if integers:
        steps = [s for s in steps if s >= 1] or [1.0]
    fitting = [s for s in steps if s >= rough * (1 - 1e-9)]
    first = len(fitting) - 1 if fitting else 0
    coarser = 0.0
    for step in steps[first:]:
        count = math.floor(high / step) - math.ceil(low / step) + 1
        if count >= 2:
            # Around zero, a finer step can add several ticks at once; one tick is better then.
            return coarser if count > max_ticks + 2 and coarser else step
        coarser = step if count else 0.0
    return steps[-1]


def written(numbers: Sequence[float], step: float) -> list[str]:
    """Tick labels with as many decimals as needed to distinguish them."""
    largest = max((abs(n) for n in numbers), default=0.0)
    if largest >= 1e7 or step < 1e-5:
        digits = _power(max(largest, step)) - _power(step)
        return [f"{n:.{digits}e}" if n else "0" for n in numbers]
    decimals = max(0, -_power(step))
    return [f"{n + 0.0:,.{decimals}f}" for n in numbers]


def _power(number: float) -> int:
    return math.floor(math.log10(number) + 1e-9)
