"""The states after single steps, and the table of all padding modes."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from rich.segment import Segment
from rich.style import Style

from rnnviz.analysis.padding import PaddedReading, final_state_distance, shown_pads
from rnnviz.equations import number
from rnnviz.tui.pages.padding.padded_drawing import Drawing
from rnnviz.tui.render.segments import Line, cells, fit, heading, levels, page, window
from rnnviz.tui.view import second_sentence
from rnnviz.tui.view.off_screen import off_above_below
from rnnviz.tui.view.view_state import scale

LABEL = 13  # of a row of h
VALUE = 7  # of the chosen unit
GAUGE = 10
NAMES = 22  # of the padding modes


def states(drawing: Drawing, width: int, room: int) -> list[Line]:
    """h after some paddings and after each word, a row each."""
    view_state = drawing.view_state
    theme, H = view_state.theme, view_state.layer.units
    if room < 2:
        return [[]] * max(room, 0)
    wide = max(1, min(3, (width - LABEL - VALUE) // H))
    count = min(H, (width - LABEL - VALUE) // wide)
    first, note = window(H, view_state.cursor.unit, count), ""
    if count < H:
        note = view_state.text("panel.units", first=first, last=first + count - 1, H=H)
    rows = _marked(drawing, room - 1)
    words = [word for _, _, word in rows if word >= 0]
    if words:
        after = len(drawing.words) - words[-1] - 1
        note = f"{note} {off_above_below(view_state, words[0], after, width)}".strip()
    lines = [
        heading(drawing.page_text("states", unit=view_state.cursor.unit), "", width, theme, note)
    ]
    return lines + [_state(drawing, row, range(first, first + count), wide) for row in rows]


def in_sight(drawing: Drawing, room: int) -> range:
    """The tokens with a row in :func:`states`."""
    words, pads = len(drawing.answer.words), drawing.answer.pads
    marks = shown_pads(pads, max(min(3, (room - 1) // 2), room - 1 - words))
    visible_words = _words(drawing, room - 1 - len(marks))
    return range(drawing.lead + visible_words.start, drawing.lead + visible_words.stop)


def _words(drawing: Drawing, room: int) -> range:
    """The words shown; they change only when the chosen one would be outside."""
    words, first = len(drawing.answer.words), drawing.view_state.first - drawing.lead
    if room >= words:
        first = 0
    elif not 0 <= first <= drawing.word < first + room:
        first = page(words, drawing.word, max(room, 1))
    return range(first, min(words, first + room))


def _marked(drawing: Drawing, room: int) -> list[tuple[str, int, int]]:
    """Name, step and word (−1: a padding) of each row: some paddings, words at the cursor."""
    words, pads = len(drawing.answer.words), drawing.answer.pads
    marks = shown_pads(pads, max(min(3, room // 2), room - words))
    visible_words = _words(drawing, room - len(marks))
    word_rows = [(drawing.words[k], drawing.first_word + k, k) for k in visible_words]
    if drawing.mode.side == "front":
        return [*((drawing.page_text("pad", n=n), n - 1, -1) for n in marks), *word_rows]
    return [*word_rows, *((drawing.page_text("pad", n=n), words + n - 1, -1) for n in marks)]


def _state(drawing: Drawing, row: tuple[str, int, int], units: range, wide: int) -> Line:
    """One row of h, with the number of the chosen unit."""
    (text, step, word), view_state = row, drawing.view_state
    theme, unit, here = view_state.theme, view_state.cursor.unit, word == drawing.word
    style = theme.now if here else theme.ink if word >= 0 else theme.dim
    mark = second_sentence.mark(view_state, drawing.lead + word) if word >= 0 else ""
    label = Segment(("▸" if here else mark or " ") + fit(text, LABEL - 2) + " ", style)
    if not drawing.known_at(step, word >= 0):
        dots = ("·   " * len(units) * wide)[: len(units) * wide]
        return [label, Segment(" " * VALUE), Segment(dots, theme.rule)]
    value = number(float(drawing.padded.h[drawing.lane][step, unit]), signed=True)
    _, top = scale(view_state.layer, "h")
    row_levels = _levels(drawing.padded, drawing.lane, top)[step][units.start : units.stop]
    unit_cells = cells(row_levels, False, theme, wide, unit - units.start)
    return [label, Segment(fit(value, VALUE), style), *unit_cells]


@lru_cache(maxsize=32)
def _levels(padded: PaddedReading, lane: int, top: float) -> list[list[int]]:
    all_levels: list[list[int]] = levels(padded.h[lane], top)
    return all_levels


def table(drawing: Drawing, width: int) -> list[Line]:
    """The final prediction and final state of every padding mode."""
    view_state, answer = drawing.view_state, drawing.answer
    theme, gauge = view_state.theme, GAUGE if width >= 66 else 0
    columns = fit(drawing.prediction_label, VALUE + gauge) + fit(drawing.page_text("size_h"), 8)
    columns += fit(drawing.page_text("apart"), 8)
    lines = [
        heading(drawing.page_text("ways"), "", width, theme),
        [Segment(" " * (NAMES + 1)), Segment(columns, theme.dim)],
        _way(drawing, drawing.page_text("bare"), answer.unpadded, gauge, theme.ink),
    ]
    for mode, padded in answer.by_mode.items():
        style = theme.now if mode == drawing.mode else theme.ink
        line = _way(drawing, drawing.title(mode), padded, gauge, style)
        if answer.is_trained_mode(mode):
            line.append(Segment(drawing.page_text("usual"), theme.source))
        lines.append(line)
    if answer.padding_only is not None:
        lines.append(
            _way(drawing, drawing.page_text("alone"), answer.padding_only, gauge, theme.ink)
        )
    return lines


def _way(drawing: Drawing, name: str, padded: PaddedReading, gauge: int, style: Style) -> Line:
    view_state, theme = drawing.view_state, drawing.view_state.theme
    mark = "▸ " if padded is drawing.padded else "  "
    line = [Segment(mark + fit(name, NAMES - 2) + " ", style)]
    if view_state.hidden:
        return [*line, Segment(fit("?", VALUE + gauge) + fit("?", 16), theme.dim)]
    p = float(padded.output[view_state.shown_class()])
    full = round(p * (gauge - 2))
    bar = "█" * full + "░" * (gauge - 2 - full) + "  " if gauge else ""
    size = float(np.linalg.norm(padded.last_state(drawing.lane).astype(np.float64)))
    far = final_state_distance(padded, drawing.answer.unpadded, drawing.lane)
    return [
        *line,
        Segment(fit(number(p), VALUE), style),
        Segment(bar, theme.above if p >= 0.5 else theme.below),
        Segment(fit(number(size), 8), style),
        Segment(fit(number(far), 8), theme.dim if far == 0 else style),
    ]
