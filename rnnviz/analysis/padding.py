"""The effect of padding: one text with padding on either side, masked or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np

from rnnviz.arrays import Array
from rnnviz.query import Query

Side = Literal["front", "end"]


class PaddingMode(NamedTuple):
    """The side of the padding, and whether a mask skips it."""

    side: Side
    masked: bool


PADDING_MODES = tuple(
    PaddingMode(side, masked) for side in ("front", "end") for masked in (False, True)
)

#: Numbers of paddings to choose from, besides the number in training.
PAD_CHOICES = (0, 20, 100)
#: A share of ‖h‖ below which a distance cannot be told from float32 rounding.
ROUNDING = 8 * float(np.finfo(np.float32).eps)
#: The number of paddings for a model without a fixed sequence length.
DEFAULT_PADS = 20


@dataclass(frozen=True)
class PaddingQuestion:
    """Compare the padding modes for a query with ``pads`` paddings; None: as in training."""

    query: Query
    pads: int | None = None


@dataclass(frozen=True, eq=False)
class PaddedReading:
    """The states and predictions of one padded text; T counts the paddings too.

    A lane is one layer and direction, in the order of ``Trace.layers``.
    """

    ids: tuple[int, ...]  # (T)
    directions: tuple[str, ...]  # "forward" or "backward" for each lane
    h: tuple[Array, ...]  # (T, H) for each lane
    readout: Array  # (T, K) the prediction after each step; (0, K) if a layer reads backwards
    output: Array  # (K) the final prediction

    def last_state(self, lane: int) -> Array:
        """The final state of a lane, (H)."""
        return self.h[lane][-1 if self.directions[lane] == "forward" else 0]


@dataclass(frozen=True, eq=False)
class PaddingComparison:
    """All padding modes with the same weights, and two references."""

    words: tuple[str, ...]  # (N)
    pads: int
    choices: tuple[int, ...]  # numbers of paddings to choose from
    trained_mode: PaddingMode
    trained_pads: int | None  # paddings of this text in training; None: any number
    by_mode: Mapping[PaddingMode, PaddedReading]
    unpadded: PaddedReading
    padding_only: PaddedReading | None  # unmasked padding without a word; None if ``pads`` is 0

    def is_trained_mode(self, mode: PaddingMode) -> bool:
        """Whether the model was trained with this mode and number of paddings."""
        return mode == self.trained_mode and self.trained_pads in (None, self.pads)


def pad_choices(words: int, length: int | None) -> tuple[int, ...]:
    """Numbers of paddings for a text of ``words`` tokens.

    ``length`` is the sequence length in training, which the padded text never exceeds.
    """
    if length is None:
        return PAD_CHOICES
    room = max(0, length - words)
    return (*(n for n in PAD_CHOICES if n < room), room)


@lru_cache(maxsize=64)
def padded_state_norms(padded: PaddedReading, lane: int) -> Array:
    """‖h‖ after each step: (T,) float64."""
    return np.asarray(np.linalg.norm(padded.h[lane].astype(np.float64), axis=1))


@lru_cache(maxsize=64)
def state_changes(padded: PaddedReading, lane: int) -> Array:
    """‖h − h₋‖ of each step, the first one from h = 0: (T,) float64."""
    h = padded.h[lane].astype(np.float64)
    if padded.directions[lane] == "backward":
        h = h[::-1]
    sizes = np.linalg.norm(np.diff(h, axis=0, prepend=np.zeros((1, h.shape[1]))), axis=1)
    return np.asarray(sizes[::-1] if padded.directions[lane] == "backward" else sizes)


def final_state_distance(one: PaddedReading, other: PaddedReading, lane: int) -> float:
    """‖h − h′‖ of the final states of a lane in two readings; 0 below their float32 rounding.

    Matrix products sum in another order for each length and on each machine.
    """
    h, other_h = (each.last_state(lane).astype(np.float64) for each in (one, other))
    gap = float(np.linalg.norm(h - other_h))
    return gap if gap > ROUNDING * float(np.linalg.norm(h)) else 0.0


def shown_pads(pads: int, room: int) -> tuple[int, ...]:
    """The paddings to show, counted from 1, at most ``room``: all, or 1, 2, 5, ... and the last."""
    if pads <= room:
        return tuple(range(1, pads + 1))
    shown = [m * 10**e for e in range(7) for m in (1, 2, 5) if m * 10**e < pads]
    if pads:
        shown.append(pads)
    if len(shown) > room:
        at = np.linspace(0, len(shown) - 1, max(room, 1)).round().astype(int)
        shown = [shown[k] for k in at] if room > 1 else shown[-1:]
    return tuple(shown)
