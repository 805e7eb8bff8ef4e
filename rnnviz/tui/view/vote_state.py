"""A vote of a class on the step screen: how many have answered, and once it is closed what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

from rnnviz.query import Query
from rnnviz.tui.render.marks import DIRECTION

if TYPE_CHECKING:
    from rnnviz.tui.view.view_state import ViewState

#: The bins of numbers from 0 to 1.
BINS = 20
#: How far beside the output before a token its directions stand.
_STEP = 0.12


@dataclass(frozen=True)
class HallLevel:
    """What ``n`` of the class have answered, at a level of the curve.

    ``way`` is 1 to 3 for a direction, 0 for numbers; ``share`` is of the answer that most gave.
    """

    level: float
    n: int
    share: float
    way: int = 0


@dataclass(frozen=True)
class VoteState:
    """The phones of a class, and the question that they were asked last.

    ``links`` lead to the page, the best one first. ``question`` is "" if nothing is asked.
    ``names`` are the options by language, or the words. ``t`` is the token that the question is
    about, of ``query``, -1 if it is about none; ``is_direction``: whether the output rises, stays
    or falls there. ``counts`` and ``values`` are empty while the vote is open, those of the first
    vote are in ``first_counts`` and ``first_values`` after a second one.
    """

    links: tuple[str, ...] = ()
    devices: int = 0
    question: str = ""
    vote: int = 1
    ask: str = "choice"
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    bounded: bool = False  # a number lies between 0 and 1
    query: Query | None = None
    t: int = -1
    is_direction: bool = False
    is_open: bool = False
    closing: bool = False  # the answers are being written
    answered: int = 0
    counts: tuple[int, ...] = ()
    values: tuple[float, ...] = ()
    reasons: tuple[str, ...] = ()
    first_counts: tuple[int, ...] = ()
    first_values: tuple[float, ...] = ()
    right: float | None = None  # known to the screen once it is revealed
    within: float = 0.0
    is_revealed: bool = False

    @property
    def is_going(self) -> bool:
        """Whether phones are being asked, or their answers counted."""
        return self.is_open or self.closing

    @property
    def is_counted(self) -> bool:
        """Whether what was answered may be shown."""
        return bool(self.question) and not self.is_going

    def options(self, lang: str) -> tuple[str, ...]:
        """The options in a language, or in the first one."""
        return self.names.get(lang) or next(iter(self.names.values()), ())


def answer_text(view_state: ViewState, key: str, **values: object) -> str:
    """A text about the reader's answer; where phones answer, the one about the class's."""
    return view_state.text(key if view_state.vote is None else f"{key}_class", **values)


def bins(values: tuple[float, ...]) -> list[int]:
    """How many of the numbers are in each of the bins from 0 to 1."""
    found = [0] * BINS
    for value in values:
        found[min(BINS - 1, max(0, int(value * BINS)))] += 1
    return found


def hall_levels(view_state: ViewState, t: int) -> list[HallLevel]:
    """What the class has answered about the output of token t, to stand beside the curve.

    Numbers are counted by bin; directions stand at the output before the token.
    """
    vote = view_state.vote
    if vote is None or not vote.is_counted or vote.t != t or vote.query is None:
        return []
    if vote.query.text != view_state.query.text:  # a reveal may read it with a clamp
        return []
    if vote.is_direction:
        from rnnviz.tui.view.predict_mode import before_token

        before = before_token(view_state, t, view_state.shown_class())
        if before is None:
            return []
        most = max(vote.counts, default=0)
        return [HallLevel(before + _STEP * (1 - k), n, n / most, k + 1)
                for k, n in enumerate(vote.counts) if n]  # fmt: skip
    if not vote.values or not vote.bounded:
        return []
    counted = bins(vote.values)
    most = max(counted)
    return [HallLevel((k + 0.5) / BINS, n, n / most) for k, n in enumerate(counted) if n]


def hall_text(level: HallLevel, room: int) -> str:
    """A row of signs in so many columns, or the direction and the number of answers."""
    if room < 1:
        return ""
    if level.way:
        return f"{DIRECTION[level.way - 1]}{level.n}"[:room]
    return "▪" * max(1, round(level.share * room))


def median_of(values: tuple[float, ...]) -> float | None:
    """The median of the numbers; None without any."""
    return float(median(values)) if values else None
