"""The words that fit side by side, in windows that turn like pages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from rnnviz.analysis.difference import TraceDifference
from rnnviz.display import visible
from rnnviz.trace import Trace
from rnnviz.tui.render.segments import Line, fit
from rnnviz.tui.view import second_sentence
from rnnviz.tui.view.view_state import ViewState

GUTTER = 13
LONGEST = 16  # columns of one word; longer ones are cut
NARROWEST = 5  # columns of one word; a number below it may be a column wider
GAP, WIDEST_GAP = 2, 30
MANY = 4  # words of a window of which two are in the next one too
SIGN = 6  # columns of the sign at the right edge


@dataclass(frozen=True)
class WordColumn:
    """A word of the strip: its token, column and width."""

    t: int
    x: int
    width: int
    word: str
    slot: int  # columns to the next word
    other: str = ""  # the aligned word of the second sentence

    @property
    def centre(self) -> int:
        """The column in the middle."""
        return self.x + self.width // 2


@dataclass(frozen=True)
class WordWindow:
    """The words that fit, and how many lie off at each side."""

    columns: tuple[WordColumn, ...]
    before: int
    after: int


def window(view_state: ViewState, width: int) -> WordWindow:
    """The words that fit around the chosen one.

    The words stay in place until the cursor comes to the last one; the next window begins one or
    two words before it.
    """
    trace, found = view_state.trace, second_sentence.difference(view_state)
    t = view_state.cursor.t
    around = [w for w in _windows(trace, found, width) if w.columns[0].t <= t <= w.columns[-1].t]
    return next((w for w in around if w.columns[-1].t > t), around[-1])


@lru_cache(maxsize=16)
def _windows(trace: Trace, found: TraceDifference | None, width: int) -> tuple[WordWindow, ...]:
    """All windows from left to right; each has a token that the one before does not have."""
    words = _words(trace, found)
    wide = [cell_len(word) for word in words]
    T, room = len(words), max(1, width - GUTTER - 2)
    if sum(wide) + GAP * (T - 1) > room:
        room = max(1, room - SIGN)
    result: list[WordWindow] = []
    first = last = 0
    while True:
        last = first
        used = wide[first]
        while last + 1 < T and used + GAP + wide[last + 1] <= room:
            last += 1
            used += GAP + wide[last]
        while last == T - 1 and first > 0 and used + GAP + wide[first - 1] <= room:
            first -= 1
            used += GAP + wide[first]
        result.append(_placed(words, found, first, last, room - used))
        if last == T - 1:
            return tuple(result)
        first = max(first + 1, last - (2 if last - first > MANY else 1))


def _placed(
    words: tuple[str, ...], found: TraceDifference | None, first: int, last: int, free: int
) -> WordWindow:
    """The words from ``first`` to ``last`` with the ``free`` columns between them."""
    gap = min(WIDEST_GAP, GAP + max(0, free) // (last - first + 1))
    columns, x = [], GUTTER + 1
    for t in range(first, last + 1):
        other = "" if found is None else second_sentence.words(found, t)
        wide = cell_len(words[t])
        columns.append(WordColumn(t, x, wide, words[t], wide + gap, other))
        x += wide + gap
    return WordWindow(tuple(columns), first, len(words) - 1 - last)


@lru_cache(maxsize=16)
def _words(trace: Trace, found: TraceDifference | None) -> tuple[str, ...]:
    """The words as they are shown, each padded to the columns it takes."""
    result = []
    for t, token in enumerate(trace.tokens):
        text = "" if found is None else second_sentence.mark_of(found, t)
        text += visible(token) + ("?" if trace.unknown[t] else "")
        other = 0 if found is None else cell_len(second_sentence.words(found, t))
        result.append(fit(text, min(LONGEST, max(NARROWEST, other, cell_len(text)))))
    return tuple(result)


def line_label(text: str, style: Style) -> Segment:
    """A label at the left of a line of the strip."""
    return Segment(fit(text, GUTTER - 1, ">") + " ", style)


def at_columns(pieces: Iterable[tuple[int, Segment]]) -> Line:
    """Segments at their columns, from left to right; one that would cover another is left out."""
    line: Line = []
    at = 0
    for x, piece in pieces:
        if x >= at:
            line += [Segment(" " * (x - at)), piece] if x > at else [piece]
            at = x + cell_len(piece.text)
    return line
