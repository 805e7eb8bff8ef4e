"""The predictions after each word in the full height, with their numbers in large digits."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from rnnviz.display import visible
from rnnviz.equations import number
from rnnviz.lessons.predictions import spoken
from rnnviz.tui.panels.arrangement import NARROW
from rnnviz.tui.panels.prediction_bars import (
    ASCII_BARS,
    PredictionScale,
    eighths,
    number_scale,
    probability_scale,
    with_axis,
)
from rnnviz.tui.panels.presenter.headline import prediction_style
from rnnviz.tui.panels.word_columns import GUTTER
from rnnviz.tui.render.braille_plot import Canvas, runs
from rnnviz.tui.render.large_text import (
    LARGE,
    MEDIUM,
    drawable,
    fitting_face,
    large_text,
    large_width,
)
from rnnviz.tui.render.marks import DIRECTION, PREDICTED
from rnnviz.tui.render.segments import Line, block_column, cut, page
from rnnviz.tui.render.theme import BARS
from rnnviz.tui.view import predict_mode
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.vote_state import HallLevel, hall_levels, hall_text
from rnnviz.tui.view.widget import CellPicked, View

#: Most columns of a word, and columns between two.
_WIDEST, _GAP = 26, 2
#: Columns of the scale in a narrow terminal: of numbers, and of 0 and 1 without their labels.
_NUMBERS, _ENDS = 10, 4


@dataclass(frozen=True)
class _Slots:
    """The words that have a bar, and the columns of each."""

    tokens: range
    each: int
    gutter: int  # columns of the scale at the left

    def x(self, t: int) -> int:
        """The first column of a word."""
        return (t - self.tokens.start) * self.each + 1


def _slots(view_state: ViewState, width: int) -> _Slots:
    gutter = GUTTER if width >= NARROW else _NUMBERS if _linear(view_state) else _ENDS
    T, room = len(view_state.trace.tokens), max(2, width - gutter - 1)
    count = min(T, room // 2)
    first = page(T, view_state.cursor.t, count)
    return _Slots(range(first, first + count), min(_WIDEST, room // count), gutter)


def _linear(view_state: ViewState) -> bool:
    return view_state.trace.head.is_number


class LargeBelief(View):
    """A bar for each word, the current one at full contrast; its number stands above it."""

    def lines(self, view_state: ViewState, width: int, height: int) -> list[Line]:
        slots = _slots(view_state, width)
        words = [visible(view_state.trace.tokens[t]) for t in slots.tokens]
        room = slots.each - _GAP
        large = all(drawable(w, MEDIUM) and large_width(w, MEDIUM) <= room for w in words)
        below = MEDIUM.lines + 1 if large and height >= 16 else 1  # an empty line above large words
        canvas = Canvas[Style](width - slots.gutter, height - below, view_state.theme.rule)
        top = self._bars(view_state, slots, canvas)
        lines = _segments(canvas)
        scale = _scale(view_state, slots)
        over = lines[:top]
        for line in over:
            line.insert(0, Segment(" " * slots.gutter, view_state.theme.rule))
        plot = lines[len(over) :]
        with_axis(plot, scale, slots.gutter, view_state.theme)
        return [*over, *plot, *self._words(view_state, slots, words, width, below)]

    def _bars(self, view_state: ViewState, slots: _Slots, canvas: Canvas[Style]) -> int:
        """Draw the bars and their numbers; the lines above the scale, which has one for 0.5."""
        theme, here = view_state.theme, view_state.cursor.t
        scale = _scale(view_state, slots)
        values = {
            t: view_state.output(t)
            for t in slots.tokens if view_state.prediction_known(t)
        }  # fmt: skip
        texts = {t: number(value, 2) for t, value in values.items()}
        longest = max([*texts.values(), "0.00"], key=len)
        face = fitting_face(longest, slots.each - _GAP, max(1, canvas.rows // 4), (LARGE, MEDIUM))
        top = face.lines if face else 1
        top += scale.middle != "" and (canvas.rows - top) % 2 == 0
        rows = canvas.rows - top
        if scale.middle and rows % 2:
            for x in range(1, canvas.width, 2):
                canvas.put(top + rows // 2, x, "·", theme.rule)
        wide = max(1, slots.each - max(_GAP if slots.each > 4 else 1, slots.each // 4))
        blocks = ASCII_BARS if theme.ascii else BARS
        for t, value in values.items():
            full = eighths(scale.share(value), rows)
            style = prediction_style(view_state, value)
            style = style if t == here else theme.faded(style)
            for row, glyph in enumerate(block_column(full, rows, blocks)):
                for x in range(slots.x(t), slots.x(t) + wide):
                    if glyph != " ":
                        canvas.put(top + row, x, glyph, style)
            drawn = large_text(texts[t], face, theme.ascii) if face else [texts[t]]
            if face is None and len(texts[t]) >= slots.each:
                continue
            style = prediction_style(view_state, value) if t == here else theme.dim
            at = top + rows - -(-full // 8) - len(drawn)
            x = slots.x(t) + max(0, (wide - len(drawn[0])) // 2)
            for row, text in enumerate(drawn):
                for k, char in enumerate(text):
                    canvas.put(at + row, x + k, char, style)
        for t in slots.tokens:
            if t not in values:
                mark = "?" if view_state.part_hidden and t == here else "·"
                canvas.put(canvas.rows - 1, slots.x(t) + wide // 2, mark, theme.rule)
            rows_of_class: dict[int, HallLevel] = {}
            for each in hall_levels(view_state, t):
                row = top + rows - 1 - (eighths(scale.share(each.level), rows) - 1) // 8
                rows_of_class[row] = max(rows_of_class.get(row, each), each, key=lambda e: e.n)
            for row, each in rows_of_class.items():
                text = hall_text(each, slots.each - wide - 1)
                for x, char in enumerate(text, slots.x(t) + wide):
                    canvas.put(row, x, char, theme.source)
            for level, way in predict_mode.committed_levels(view_state, t):
                row = top + rows - 1 - (eighths(scale.share(level), rows) - 1) // 8
                sign = DIRECTION[way - 1] if way else PREDICTED
                number_beside = "" if way else spoken(level)
                free = slots.each - wide - 1
                text = sign + number_beside if 1 + len(number_beside) <= free else sign
                line = range(slots.x(t), slots.x(t) + wide) if not way else range(0)
                for x in line:
                    if canvas.cells[row][x][0] in " ·":
                        canvas.put(row, x, "─", theme.now)
                for x, char in enumerate(text, slots.x(t) + wide):
                    canvas.put(row, x, char, theme.now)
        return top

    def _words(
        self, view_state: ViewState, slots: _Slots, words: list[str], width: int, rows: int
    ) -> list[Line]:
        """The words below the bars; in narrow slots the current one alone."""
        theme, here = view_state.theme, view_state.cursor.t
        canvas = Canvas[Style](width - slots.gutter, rows, theme.ink)
        wide = max(1, slots.each - max(_GAP, slots.each // 4))
        narrow = slots.each < 4
        for t, word in zip(slots.tokens, words, strict=True):
            if narrow and t != here:
                continue
            style = theme.now if t == here else theme.dim
            if rows > 1:
                drawn = ["", *large_text(word, MEDIUM, theme.ascii)]
            else:
                drawn = [cut(word, canvas.width if narrow else slots.each - 1)]
            size = cell_len(drawn[-1])
            x = min(slots.x(t) + max(0, (wide - size) // 2), canvas.width - size)
            for row, text in enumerate(drawn):
                at = x
                for char in text:
                    canvas.put(row, at, char, style)
                    if cell_len(char) == 2:
                        canvas.put(row, at + 1, "", style)
                    at += cell_len(char)
        gutter = Segment(" " * slots.gutter, theme.ink)
        return [[gutter, *line] for line in _segments(canvas)]

    def picked(self, view_state: ViewState, x: int, y: int) -> CellPicked | None:
        slots = _slots(view_state, self.size.width)
        n = (x - slots.gutter) // slots.each
        return CellPicked(t=slots.tokens[n]) if 0 <= n < len(slots.tokens) else None


def _segments(canvas: Canvas[Style]) -> list[Line]:
    return [[Segment(text, style) for text, style in runs(row)] for row in canvas.cells]


def _scale(view_state: ViewState, slots: _Slots) -> PredictionScale:
    """From 0 to 1; for forecasts the range of those that are shown."""
    head, k = view_state.trace.head, view_state.shown_class()
    if not head.is_number:
        writes = PredictionScale(0, 1, "1", "0", "0.5")
        scale = writes if head.writes else probability_scale(head, k)
        return scale if slots.gutter == GUTTER else replace(scale, top="1", middle=".5", bottom="0")
    known = [view_state.readout[t, k] for t in slots.tokens if view_state.prediction_known(t)]
    return number_scale(np.array(known))
