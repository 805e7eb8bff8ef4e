"""Words in the colours of one unit: a whole text, or one word in its context."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment

from rnnviz.display import visible
from rnnviz.tui.render.segments import Line, cut, fit, level
from rnnviz.tui.render.theme import ViewTheme, signed_glyph
from rnnviz.tui.view import second_sentence
from rnnviz.tui.view.view_state import ViewState

#: Most columns of a word; longer ones are truncated.
LONGEST = 20


@dataclass(frozen=True)
class Word:
    """A word of a wrapped text: its token, line and column."""

    t: int
    line: int
    x: int
    text: str


def flow(tokens: Sequence[str], width: int) -> list[Word]:
    """Wrap the words; each has a column before it for ▸ and one after it for its sign."""
    words: list[Word] = []
    line = x = 0
    for t, token in enumerate(tokens):
        text = cut(visible(token), min(LONGEST, width - 2))
        taken = cell_len(text) + 2
        if x and x + taken > width:
            line, x = line + 1, 0
        words.append(Word(t, line, x, text))
        x += taken
    return words


def coloured(view_state: ViewState, words: Iterable[Word], first: int, count: int) -> list[Line]:
    """Lines of words in the colour of the chosen unit's state, as far as it is known."""
    theme, unit = view_state.theme, view_state.cursor.unit
    h = view_state.layer.values["h"]
    lines: list[Line] = [[] for _ in range(count)]
    for word in words:
        if not first <= word.line < first + count:
            continue
        chosen = word.t == view_state.cursor.t
        line = lines[word.line - first]
        mark = second_sentence.mark(view_state, word.t)
        line.append(Segment("▸" if chosen else mark or " ", theme.now if chosen else theme.above))
        if view_state.known(word.t, "h"):
            line.append(swatch(word.text, float(h[word.t, unit]), theme))
        else:
            line.append(Segment(word.text + " ", theme.dim))
    return lines


def swatch(text: str, value: float, theme: ViewTheme) -> Segment:
    """A word on the colour of a value from −1 to 1, and its sign."""
    at = level(value, 1.0)
    return Segment(text + signed_glyph(at), theme.number_on(at, False))


def in_context(
    before: Sequence[str], word: Segment, after: Sequence[str], width: int, theme: ViewTheme
) -> Line:
    """A word in its context; the words of several such lines are aligned."""
    wide = cell_len(word.text)
    left = min((width - 1) * 11 // 20, width - wide)
    words_before = _nearest([visible(token) for token in reversed(before)], left - 1)
    words_after = _nearest([visible(token) for token in after], width - left - wide - 1)
    return [
        Segment(fit(" ".join(reversed(words_before)), max(0, left - 1), ">") + " ", theme.dim),
        word,
        Segment(fit(" " + " ".join(words_after), max(0, width - left - wide)), theme.dim),
    ]


def _nearest(words: Iterable[str], room: int) -> list[str]:
    """The nearest words that fit."""
    result: list[str] = []
    for word in words:
        room -= cell_len(word) + bool(result)
        if room < 0:
            break
        result.append(word)
    return result
