"""Splitting rows into training, validation and test parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from rnnviz.arrays import Array
from rnnviz.messages import _

#: Distinguishes the generator of the split from that of the training, which has the same seed.
_STREAM = 0x5B11
#: Fewer rows than these to train on are said to be few.
FEW_ROWS: Final = 100


class TableSplit(NamedTuple):
    """Indices of the rows of each part, ascending."""

    training: Array
    validation: Array
    test: Array


def split_rows(classes: Sequence[int], validation: float, test: float, seed: int) -> TableSplit:
    """Split rows at random so that each part has the same shares of the classes.

    ``validation`` and ``test`` are shares of the rows. Of a class with two rows or more at least
    one is in each part that is not empty, as far as they go; the training part comes first.
    """
    rng = np.random.default_rng([seed, _STREAM])
    labels = np.asarray(classes)
    parts: tuple[list[Array], list[Array], list[Array]] = ([], [], [])
    for label in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == label))
        held = [_count(share, len(rows)) for share in (validation, test)]
        held[0] = min(held[0], len(rows) - 1)
        held[1] = min(held[1], len(rows) - 1 - held[0])
        first, second = held[0], held[0] + held[1]
        for part, chosen in zip(
            parts, (rows[second:], rows[:first], rows[first:second]), strict=True
        ):
            part.append(chosen)
    return TableSplit(*(np.sort(np.concatenate(part)) for part in parts))


def _count(share: float, rows: int) -> int:
    return max(1, round(share * rows)) if share else 0


def few_rows(training: int, validation: int, *, of_series: bool = False) -> str:
    """A warning about few rows, or windows, to train on; "" where there are enough."""
    if training >= FEW_ROWS:
        return ""
    said = (
        _(
            "Warning: {training:,} windows are few to train on, and {validation:,} to validate "
            "give a rough measure. Some hundred give a sensible net."
        )
        if of_series
        else _(
            "Warning: {training:,} rows are few to train on, and {validation:,} to validate give a "
            "rough measure. Some hundred give a sensible net."
        )
    )
    return said.format(training=training, validation=validation)
