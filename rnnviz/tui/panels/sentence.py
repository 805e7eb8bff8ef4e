"""The sentence panel: the words, the prediction after each, and the gradient of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from rnnviz.analysis.readout import saliency
from rnnviz.equations import number
from rnnviz.lessons.predictions import spoken
from rnnviz.tui.panels.belief import belief_text, change_line, gradient_line, output_name
from rnnviz.tui.panels.change_row import change_row, conclusion_line
from rnnviz.tui.panels.prediction_bars import (
    PredictionBar,
    PredictionMark,
    PredictionScale,
    number_scale,
    picture,
    probability_scale,
    side_by_side,
    with_axis,
)
from rnnviz.tui.panels.word_columns import (
    GAP,
    GUTTER,
    SIGN,
    WordColumn,
    WordWindow,
    at_columns,
    line_label,
    window,
)
from rnnviz.tui.render.marks import DIRECTION, PREDICTED
from rnnviz.tui.render.segments import Line, bar, fit, heading, length
from rnnviz.tui.view import predict_mode, second_sentence
from rnnviz.tui.view.off_screen import off_signs
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.vote_state import hall_levels, hall_text
from rnnviz.tui.view.widget import CellPicked, View

#: From this width on the heading has the panel's title before what the word changed.
TITLED = 100
#: Columns of a slot with room for the numbers of both sentences.
BOTH_NUMBERS = 11
#: The least lines of the panel where the conclusion has a line of its own below all panels.
CONCLUDED_BELOW = 8
#: A bar is wider than its word by a share of the columns between the words, 1 in this many.
WIDENING = 5


@dataclass(frozen=True)
class PanelRows:
    """The lines of each part of the panel."""

    beside: int  # the second sentence
    bars: int  # the predictions
    changes: int  # of the prediction at each word
    gradients: int
    explanation: int  # of the gradients

    @classmethod
    def of(cls, height: int, second: bool, wide: bool = False) -> PanelRows:
        """Shares out the lines; the heading, the words and their predictions are always there.

        ``wide``: the changes of the prediction have a line, before the explanation has one.

        A probability of 0.5 is in the middle of a line if the bars have an odd number of lines.
        With three lines, values .05 apart differ in height.
        """
        left = height - 3
        beside = int(second and left > 1)
        left -= beside
        bars = 3 if left >= 3 else 0
        left -= bars
        gradients = int(bars > 0 and left >= 1)
        changes = int(bars > 0 and wide and left >= 2)
        explanation = int(bars > 0 and left >= 2 + changes)
        left = max(0, left - gradients - changes - explanation) if bars else 0
        more = min(left // 2 * 2, 6)
        return cls(beside, bars + more, changes, gradients + left - more, explanation)


class Sentence(View):
    """Words, predictions as numbers and bars, and bars of |∂L/∂x|."""

    def lines(self, view_state: ViewState, width: int, height: int) -> list[Line]:
        shown = window(view_state, width)
        second = second_sentence.difference(view_state) is not None
        rows = PanelRows.of(height, second, width >= TITLED)
        lines = [
            _heading(view_state, width, height, explained=rows.explanation > 0),
            _words(view_state, shown, width),
        ]
        if rows.beside:
            lines.append(_others(view_state, shown))
        lines.append(_predictions(view_state, shown, width))
        if rows.bars:
            lines += _prediction_bars(view_state, shown, width, rows.bars)
        if rows.changes:
            lines.append(change_row(view_state, shown))
        if rows.gradients:
            lines += _gradient_bars(view_state, shown, rows.gradients)
        if rows.explanation:
            indent = Segment(" " * (GUTTER + 1), view_state.theme.ink)
            lines.append([indent, *gradient_line(view_state, width - GUTTER - 2)])
        return lines

    def picked(self, view_state: ViewState, x: int, y: int) -> CellPicked | None:
        shown = window(view_state, self.size.width)
        for column in shown.columns:
            if column.x - 1 <= x <= column.x + column.width:
                return CellPicked(t=column.t)
        # The signs of the words that lie off lead to the nearest of them.
        if y == 1 and shown.before and x < GUTTER:
            return CellPicked(t=shown.before - 1)
        if y == 1 and shown.after and x >= self.size.width - SIGN - 1:
            return CellPicked(t=shown.columns[-1].t + 1)
        return None


def _heading(view_state: ViewState, width: int, height: int, explained: bool) -> Line:
    """The title and what the current word changed; narrow panels leave the title out.

    While the gradients are chosen, a panel without a line for them has them in its heading. Where
    the panels have no line for their conclusion, it is in the heading.
    """
    title, question = "panel.sentence", "question.sentence"
    if view_state.trace.series is not None:
        title, question = "page.series.strip", "page.series.strip_question"
    note: Line = []
    both = _both(view_state)
    if both:
        note = [Segment(both, view_state.theme.dim), Segment(" · ", view_state.theme.rule)]
    name = view_state.text(title) if width >= TITLED or both else ""
    room = width - length(note) - cell_len(name) - (3 if name else 2)
    said = gradient_line(view_state, room) if view_state.backward and not explained else []
    # Of a net that writes, what follows in the text comes before what the token changed.
    concludes = not view_state.page and not view_state.trace.head.writes
    if not said and height < CONCLUDED_BELOW and concludes:
        said = conclusion_line(view_state, room)
    said = said or change_line(view_state, room)
    # Beside the two predictions the change is left out where it would be cut.
    note = note[:1] if both and said[-1].text.endswith("…") else [*note, *said]
    return heading(name, view_state.text(question), width, view_state.theme, note)


def _words(view_state: ViewState, shown: WordWindow, width: int) -> Line:
    """The words, the chosen one in brackets, and at both ends how many more there are."""
    theme, layer, t = view_state.theme, view_state.layer, view_state.cursor.t
    left, right = off_signs(shown.before, shown.after)
    pieces = [(0, Segment(fit(left, GUTTER - 1, ">"), theme.now))]
    for column in shown.columns:
        if column.t == t:
            pieces.append((column.x - 1, Segment(f"▐{column.word.rstrip()}▌", theme.chosen)))
        elif view_state.trace.unknown[column.t]:
            pieces.append((column.x, Segment(column.word, theme.unknown)))
        else:
            read = layer.order.index(column.t) < layer.order.index(t)
            lit = theme.above if second_sentence.mark(view_state, column.t) else theme.bold
            pieces.append((column.x, Segment(column.word, lit if read else theme.dim)))
    pieces.append((width - 1 - cell_len(right), Segment(right, theme.now)))
    return at_columns(pieces)


def _others(view_state: ViewState, shown: WordWindow) -> Line:
    """The second sentence below each word: = the same, ≠ another, − none, + one more."""
    theme = view_state.theme
    pieces = [(0, line_label(view_state.text("beside.other"), theme.dim))]
    for column in shown.columns:
        style = theme.source if second_sentence.mark(view_state, column.t) else theme.dim
        pieces.append((column.x, Segment(fit(column.other, column.width, "^"), style)))
    return at_columns(pieces)


def _both(view_state: ViewState) -> str:
    """The prediction here, and that for the second sentence at the aligned word."""
    t, k = view_state.cursor.t, view_state.shown_class()
    at = second_sentence.aligned_token(view_state, t)
    if at is None or not view_state.prediction_known(t):
        return ""
    a, b = view_state.output(t), at[0].b.head.readout[at[1], k]
    return view_state.text("beside.beliefs", a=number(float(a)), b=number(float(b)))


def _other_value(view_state: ViewState, t: int) -> float | None:
    """The second sentence's prediction after the word aligned with token t."""
    at = second_sentence.aligned_token(view_state, t)
    if at is None:
        return None
    return float(at[0].b.head.readout[at[1], view_state.shown_class()])


def _style(view_state: ViewState, value: float) -> Style:
    """The colour of a prediction: orange from 0.5 on, blue below; a forecast has neither."""
    theme = view_state.theme
    if view_state.trace.head.is_number:
        return theme.source
    return theme.above if value >= 0.5 else theme.below


def _predictions(view_state: ViewState, shown: WordWindow, width: int) -> Line:
    """The probability of the followed class, or of the next token, after each word."""
    theme, here = view_state.theme, view_state.cursor.t
    writes = view_state.trace.head.writes
    name = view_state.text("next.name") if writes else output_name(view_state)
    pieces = [(0, line_label(name, theme.dim))]
    for column in shown.columns:
        t = column.t
        if not view_state.prediction_known(t):
            hidden = view_state.part_hidden and t == here
            pieces.append((column.centre, Segment("?" if hidden else "·", theme.rule)))
            continue
        value, other = view_state.output(t), _other_value(view_state, t)
        text = number(value, 2, room=max(4, column.slot - 1))
        beside = ""
        if other is not None and column.slot >= BOTH_NUMBERS:
            beside = f" {second_sentence.MARK}{number(other, 2)}"
        x = column.x + max(0, column.width - cell_len(text + beside)) // 2
        pieces.append((x, Segment(text, _style(view_state, value))))
        x += cell_len(text)
        if beside:
            pieces.append((x, Segment(beside, theme.source)))
            x += cell_len(beside)
        elif t == here:
            room = width - x - (SIGN if shown.after else 0)
            believed = belief_text(view_state, t)
            if believed and cell_len(believed) + 4 <= room:
                pieces.append((x, Segment(f" ({believed}) ", _style(view_state, value))))
    return at_columns(pieces)


def _prediction_bars(view_state: ViewState, shown: WordWindow, width: int, rows: int) -> list[Line]:
    """The predictions as bars below the words, as far as they are known.

    The second sentence's bar is the narrow one at the right of a word's own.
    """
    theme = view_state.theme
    known = [c for c in shown.columns if view_state.prediction_known(c.t)]
    scale = _scale(view_state, shown, known)
    bars: list[PredictionBar] = []
    for column in known:
        value, other = view_state.output(column.t), _other_value(view_state, column.t)
        x, wide = _bar_columns(column)
        own, narrow = (wide, 0) if other is None else side_by_side(wide)
        bars.append(PredictionBar(x, own, scale.share(value), _style(view_state, value)))
        if other is not None:
            x += wide - narrow
            bars.append(PredictionBar(x, narrow, scale.share(other), theme.source))
    marks = [mark for column in shown.columns for mark in _marks(view_state, column, scale)]
    lines = picture(bars, scale, width - GUTTER, rows, theme, marks)
    _hint(view_state, shown, lines[0])
    with_axis(lines, scale, GUTTER, theme)
    return lines


def _bar_columns(column: WordColumn) -> tuple[int, int]:
    """The first column of a word's bar, and its width."""
    x, wide = column.x - GUTTER, column.width
    if column.slot - wide > GAP + 1:  # wider than the word, with a gap to the next bar
        x, wide = x - 1, wide + 2 + (column.slot - wide) // WIDENING
    return x, wide


def _marks(
    view_state: ViewState, column: WordColumn, scale: PredictionScale
) -> Iterator[PredictionMark]:
    """What was predicted about a word, right of its bar."""
    x, wide = _bar_columns(column)
    style, room = view_state.theme.now, column.x - GUTTER + column.slot - x - wide - 1
    if predict_mode.turning_word(view_state) == column.t:
        text = view_state.text("predict.mark")
        text = text if cell_len(text) <= room else PREDICTED
        yield PredictionMark(x + wide, 0, 1.0, text, style)
    for each in hall_levels(view_state, column.t):
        text, answered = hall_text(each, room), view_state.theme.source
        yield PredictionMark(x + wide, 0, scale.share(each.level), text, answered)
    for level, way in predict_mode.committed_levels(view_state, column.t):
        if way:
            yield PredictionMark(x + wide, 0, scale.share(level), DIRECTION[way - 1], style)
            continue
        text = PREDICTED + spoken(level)
        text = text if cell_len(text) <= room else PREDICTED
        yield PredictionMark(x + wide, wide, scale.share(level), text, style)


def _scale(
    view_state: ViewState, shown: WordWindow, known: Sequence[WordColumn]
) -> PredictionScale:
    """From 0 to 1; for forecasts the range of the words that are shown."""
    head, k = view_state.trace.head, view_state.shown_class()
    if head.writes:
        return PredictionScale(0, 1, "1", "0", "0.5")
    if not head.is_number:
        return probability_scale(head, k)
    values = [view_state.output(c.t) for c in known]
    for column in shown.columns:
        values += [level for level, _ in predict_mode.committed_levels(view_state, column.t)]
    others = (_other_value(view_state, c.t) for c in known)
    return number_scale(np.array([*values, *(v for v in others if v is not None)]))


def _hint(view_state: ViewState, shown: WordWindow, line: Line) -> None:
    """At the first word, which key reads the next one, right of its bar."""
    t, theme = view_state.cursor.t, view_state.theme
    if t or view_state.keyless or not shown.columns[1:] or not view_state.prediction_known(t):
        return
    text = view_state.text("next.hint" if view_state.trace.head.writes else "belief.next")
    x = shown.columns[1].x - GUTTER
    room = length(line) - x
    if cell_len(text) > room:
        return
    first = "".join(segment.text for segment in line)[:x]
    key, _, rest = text.partition(" ")
    styled = [segment.style for segment in line if segment.text.strip()]
    line[:] = [
        Segment(first, styled[0] if styled else theme.ink),
        Segment(key, theme.key),
        Segment(" " + rest, theme.dim),
        Segment(" " * (room - cell_len(text)), theme.ink),
    ]


def _gradient_bars(view_state: ViewState, shown: WordWindow, rows: int) -> list[Line]:
    """Bars of |∂L/∂x|, the sensitivity of the loss to each word, with their numbers."""
    theme, t = view_state.theme, view_state.cursor.t
    if view_state.hidden:
        # Gradients would reveal the hidden prediction.
        name = f"|{view_state.symbol('d_x')}| ?"
        return [[line_label(text, theme.dim)] for text in (name, *[""] * (rows - 1))]
    sizes = saliency(view_state.trace)
    top = float(sizes.max()) or 1.0
    lines = []
    blocks = {c.t: bar(float(sizes[c.t]) / top, rows) for c in shown.columns}
    for row in range(rows):
        last = row == rows - 1
        pieces = [(0, line_label(f"|{view_state.symbol('d_x')}|" if last else "", theme.dim))]
        for column in shown.columns:
            text = number(float(sizes[column.t]), 2)
            wide = max(1, min(3, column.slot - 2 - cell_len(text)))
            x = column.x - int(column.slot - cell_len(text) - wide < 2)
            style = theme.now if column.t == t else theme.dim
            pieces.append((x, Segment(blocks[column.t][row] * wide, style)))
            if last:
                pieces.append((x + wide, Segment(text, style)))
        lines.append(at_columns(pieces))
    return lines
