"""What the ways of padding a text come to: the states after single steps, and the table."""

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
from rnnviz.tui.view.view_state import scale

LABEL = 13  # of a row of h
VALUE = 7  # of the chosen unit
GAUGE = 10
NAMES = 22  # of the ways


def states(drawing: Drawing, width: int, room: int) -> list[Line]:
    """h after some paddings and after each word, a row each."""
    moment = drawing.moment
    look, H = moment.look, moment.layer.units
    if room < 2:
        return [[]] * max(room, 0)
    wide = max(1, min(3, (width - LABEL - VALUE) // H))
    count = min(H, (width - LABEL - VALUE) // wide)
    first, note = window(H, moment.cursor.unit, count), ""
    if count < H:
        note = moment.text("panel.units", first=first, last=first + count - 1, H=H)
    rows = _marked(drawing, room - 1)
    found = [heading(drawing.say("states", unit=moment.cursor.unit), "", width, look, note)]
    return found + [_state(drawing, row, range(first, first + count), wide) for row in rows]


def in_sight(drawing: Drawing, room: int) -> range:
    """The tokens that have a row in :func:`states`."""
    words, pads = len(drawing.answer.words), drawing.answer.pads
    marks = shown_pads(pads, max(min(3, (room - 1) // 2), room - 1 - words))
    shown = _words(drawing, room - 1 - len(marks))
    return range(drawing.lead + shown.start, drawing.lead + shown.stop)


def _words(drawing: Drawing, room: int) -> range:
    """The words in so many rows: they stand still while the chosen one is among them."""
    words, first = len(drawing.answer.words), drawing.moment.first - drawing.lead
    if room >= words:
        first = 0
    elif not 0 <= first <= drawing.word < first + room:
        first = page(words, drawing.word, max(room, 1))
    return range(first, min(words, first + room))


def _marked(drawing: Drawing, room: int) -> list[tuple[str, int, int]]:
    """Name, step and word (−1: a padding) of the rows: some paddings, the words at the cursor."""
    words, pads = len(drawing.answer.words), drawing.answer.pads
    marks = shown_pads(pads, max(min(3, room // 2), room - words))
    shown = _words(drawing, room - len(marks))
    said = [(drawing.words[k], drawing.first_word + k, k) for k in shown]
    if drawing.way.side == "front":
        return [*((drawing.say("pad", n=n), n - 1, -1) for n in marks), *said]
    return [*said, *((drawing.say("pad", n=n), words + n - 1, -1) for n in marks)]


def _state(drawing: Drawing, row: tuple[str, int, int], units: range, wide: int) -> Line:
    """One row of h, with the number of the chosen unit."""
    (text, step, word), moment = row, drawing.moment
    look, unit, here = moment.look, moment.cursor.unit, word == drawing.word
    style = look.now if here else look.ink if word >= 0 else look.dim
    mark = second_sentence.mark(moment, drawing.lead + word) if word >= 0 else ""
    label = Segment(("▸" if here else mark or " ") + fit(text, LABEL - 2) + " ", style)
    if not drawing.known_at(step, word >= 0):
        dots = ("·   " * len(units) * wide)[: len(units) * wide]
        return [label, Segment(" " * VALUE), Segment(dots, look.rule)]
    value = number(float(drawing.padded.h[drawing.lane][step, unit]), signed=True)
    _, top = scale(moment.layer, "h")
    told = _levels(drawing.padded, drawing.lane, top)[step][units.start : units.stop]
    shown = cells(told, False, look, wide, unit - units.start)
    return [label, Segment(fit(value, VALUE), style), *shown]


@lru_cache(maxsize=32)
def _levels(padded: PaddedReading, lane: int, top: float) -> list[list[int]]:
    found: list[list[int]] = levels(padded.h[lane], top)
    return found


def table(drawing: Drawing, width: int) -> list[Line]:
    """The last prediction and the last state of every way."""
    moment, answer = drawing.moment, drawing.answer
    look, gauge = moment.look, GAUGE if width >= 66 else 0
    columns = fit(drawing.believed, VALUE + gauge) + fit(drawing.say("size_h"), 8)
    columns += fit(drawing.say("apart"), 8)
    lines = [
        heading(drawing.say("ways"), "", width, look),
        [Segment(" " * (NAMES + 1)), Segment(columns, look.dim)],
        _way(drawing, drawing.say("bare"), answer.unpadded, gauge, look.ink),
    ]
    for way, padded in answer.by_mode.items():
        style = look.now if way == drawing.way else look.ink
        line = _way(drawing, drawing.title(way), padded, gauge, style)
        if answer.is_trained_mode(way):
            line.append(Segment(drawing.say("usual"), look.source))
        lines.append(line)
    if answer.padding_only is not None:
        lines.append(_way(drawing, drawing.say("alone"), answer.padding_only, gauge, look.ink))
    return lines


def _way(drawing: Drawing, name: str, padded: PaddedReading, gauge: int, style: Style) -> Line:
    moment, look = drawing.moment, drawing.moment.look
    mark = "▸ " if padded is drawing.padded else "  "
    line = [Segment(mark + fit(name, NAMES - 2) + " ", style)]
    if moment.hidden:
        return [*line, Segment(fit("?", VALUE + gauge) + fit("?", 16), look.dim)]
    p = float(padded.output[moment.shown_class()])
    full = round(p * (gauge - 2))
    bar = "█" * full + "░" * (gauge - 2 - full) + "  " if gauge else ""
    size = float(np.linalg.norm(padded.last_state(drawing.lane).astype(np.float64)))
    far = final_state_distance(padded, drawing.answer.unpadded, drawing.lane)
    return [
        *line,
        Segment(fit(number(p), VALUE), style),
        Segment(bar, look.above if p >= 0.5 else look.below),
        Segment(fit(number(size), 8), style),
        Segment(fit(number(far), 8), look.dim if far == 0 else style),
    ]
