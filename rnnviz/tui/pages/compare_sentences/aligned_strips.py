"""The two sentences above each other, with their words aligned, and their predictions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from rich.cells import cell_len
from rich.segment import Segment

from rnnviz.analysis.difference import TraceDifference
from rnnviz.display import visible
from rnnviz.tui.panels.prediction_bars import (
    PredictionBar,
    PredictionScale,
    number_scale,
    picture,
    probability_scale,
    side_by_side,
    with_axis,
)
from rnnviz.tui.panels.word_columns import GUTTER, LONGEST, SIGN
from rnnviz.tui.render.segments import Line, fit, page
from rnnviz.tui.view.off_screen import off_signs
from rnnviz.tui.view.view_state import ViewState


@dataclass(frozen=True)
class StripPlace:
    """A token pair on the strips: its row, column, width and two words."""

    row: int
    x: int
    width: int
    a: str
    b: str


def is_known(view_state: ViewState, diff: TraceDifference, row: int) -> bool:
    """Whether the cursor is past this pair; a word only in b counts with the next one of a."""
    return view_state.prediction_known(diff.anchors[row])


def places(view_state: ViewState, diff: TraceDifference, width: int) -> list[StripPlace]:
    """The pairs that fit around the chosen one, with their columns."""
    words = _words(diff)
    wide = [max(cell_len(a), cell_len(b), 4) for a, b in words]
    room, here = width - GUTTER - 2, diff.row_of_token[view_state.cursor.t]
    if sum(wide) + 2 * (len(wide) - 1) > room:
        room -= SIGN
    gap = min(24, max(2, (room - sum(wide)) // len(wide)))
    first = page(len(wide), here, max(1, room * len(wide) // (sum(wide) + gap * len(wide))))
    # Words differ in length: shift the strip if the chosen word would be outside.
    while sum(wide[first : here + 1]) + gap * (here - first) > room and first < here:
        first += 1
    found_places, x = [], GUTTER + 1
    for row in range(first, len(wide)):
        if x + wide[row] > GUTTER + 1 + room and row > here:
            break
        found_places.append(StripPlace(row, x, wide[row], *words[row]))
        x += wide[row] + gap
    return found_places


@lru_cache(maxsize=8)
def _words(diff: TraceDifference) -> tuple[tuple[str, str], ...]:
    """The two words of every pair, marked if they differ."""
    result = []
    for row, pair in enumerate(diff.pairs):
        mark = diff.mark(row).replace("=", "")
        texts = zip((diff.a, diff.b), pair, strict=True)
        words = ("" if t is None else mark + visible(trace.tokens[t]) for trace, t in texts)
        a, b = (fit(word, min(LONGEST, cell_len(word))) for word in words)
        result.append((a, b))
    return tuple(result)


def strips(view_state: ViewState, diff: TraceDifference, pairs: list[StripPlace]) -> list[Line]:
    """The words of a and below them those of b, and at both ends how many pairs lie off."""
    theme, here = view_state.theme, diff.row_of_token[view_state.cursor.t]
    before, after = pairs[0].row, len(diff.pairs) - 1 - pairs[-1].row
    lines = []
    for name, plain in (("a", theme.bold), ("b", theme.source)):
        left, right = off_signs(before, after) if name == "a" else ("", "")
        line: Line = [
            Segment(fit(left, GUTTER - 3, ">"), theme.now),
            Segment(fit(name, 2, ">") + " ", plain),
        ]
        at = GUTTER
        for place in pairs:
            word = place.a if name == "a" else place.b
            style = plain if diff.mark(place.row) == "=" else theme.above
            start = place.x + (place.width - cell_len(word)) // 2
            if place.row == here and word:
                word, style, start = f"▐{word}▌", theme.chosen, start - 1
            elif not is_known(view_state, diff, place.row):
                style = theme.dim
            line += [Segment(" " * (start - at)), Segment(word, style)]
            at = start + cell_len(word)
        end = pairs[-1].x + pairs[-1].width + 1
        lines.append([*line, Segment(" " * (end - at) + right, theme.now)])
    return lines


def prediction_bars(
    view_state: ViewState, diff: TraceDifference, pairs: list[StripPlace], width: int, rows: int
) -> list[Line]:
    """The predictions after each token as far as they are known: a, and b narrow at its right."""
    theme, k = view_state.theme, view_state.shown_class()
    scale = _scale(diff, k)
    bars = []
    for place in pairs:
        if not is_known(view_state, diff, place.row):
            continue
        wide = place.width + 1
        own, narrow = side_by_side(wide)
        sides = ((diff.a, 0, own, theme.bold), (diff.b, wide - narrow, narrow, theme.source))
        for (trace, start, columns, style), t in zip(sides, diff.pairs[place.row], strict=True):
            if t is not None:
                share = scale.share(float(trace.head.readout[t, k]))
                bars.append(PredictionBar(place.x - GUTTER + start, columns, share, style))
    lines = picture(bars, scale, width - GUTTER, rows, theme)
    with_axis(lines, scale, GUTTER, theme)
    return lines


def _scale(diff: TraceDifference, label: int) -> PredictionScale:
    if not diff.a.head.is_number:
        return probability_scale(diff.a.head, label)
    return number_scale(np.concatenate([t.head.readout.ravel() for t in (diff.a, diff.b)]))
