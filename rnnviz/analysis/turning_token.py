"""Which word turns a prediction, and whether a word makes it rise, stay or fall."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from rnnviz.analysis.prediction_change import prediction_change
from rnnviz.arrays import Array
from rnnviz.trace import Trace

#: A probability stays if it changes by less than this.
STAYS = 0.05

RISES, STAYS_PUT, FALLS = 1, 2, 3


def direction(before: float, after: float, stays: float = STAYS) -> int:
    """1 it rises, 2 it stays, 3 it falls; of the two numbers as they are printed."""
    change = round(round(after, 2) - round(before, 2), 2)
    if abs(change) < stays:
        return STAYS_PUT
    return RISES if change > 0 else FALLS


def output_before(trace: Trace, t: int, label: int) -> float | None:
    """The output of a label before token t; None before the first token of a net that reads in
    both directions."""
    return prediction_change(trace, t, label).before


@lru_cache(maxsize=64)
def turning_token(trace: Trace, label: int, first: int = 0) -> int:
    """The token, from ``first`` on, that turns the prediction.

    It is the last one at which another label becomes the most probable one: with two labels, at
    which the probability crosses .5. If none does, it is the one that changes the output of
    ``label`` most.
    """
    T = len(trace.tokens)
    leading = np.argmax(trace.head.readout, axis=1)
    turns = [t for t in range(max(1, first), T) if leading[t] != leading[t - 1]]
    if turns and not trace.head.is_number:
        return turns[-1]
    sizes = np.abs(changes(trace, label)[first:])
    return first + int(np.argmax(np.round(sizes, 6)))


def changes(trace: Trace, label: int) -> Array:
    """The change of a label's output at each token: (T,); 0 where nothing is before it."""
    after = trace.head.readout[:, label].astype(np.float64)
    before = output_before(trace, 0, label)
    start = after[0] if before is None else before
    return np.diff(after, prepend=start)
