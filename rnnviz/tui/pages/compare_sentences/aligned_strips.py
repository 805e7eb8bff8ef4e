"""The two sentences above each other, with their words aligned, and their two curves."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from rich.cells import cell_len
from rich.segment import Segment

from rnnviz.analysis.difference import TraceDifference
from rnnviz.arrays import Array
from rnnviz.display import visible
from rnnviz.trace import HeadTrace
from rnnviz.tui.panels.sentence import GUTTER, LONGEST
from rnnviz.tui.render.segments import Line, curve, fit, page
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
    """The words of a and below them those of b; differences are highlighted."""
    theme, here = view_state.theme, diff.row_of_token[view_state.cursor.t]
    lines = []
    for name, plain in (("a", theme.bold), ("b", theme.source)):
        line: Line = [Segment(fit(name + " ", GUTTER, ">"), plain)]
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
        lines.append(line)
    return lines


def curves(
    view_state: ViewState, diff: TraceDifference, pairs: list[StripPlace], width: int, rows: int
) -> list[Line]:
    """The predictions after each token of a (●) and b (◆), as far as they are known."""
    theme, head, k = view_state.theme, diff.a.head, view_state.shown_class()
    low, high = _range(diff)
    drawn = []
    for side, trace in enumerate((diff.a, diff.b)):
        at = [(p, diff.pairs[p.row][side]) for p in pairs if is_known(view_state, diff, p.row)]
        points = [(p, t) for p, t in at if t is not None]
        shares = [(float(trace.head.readout[t, k]) - low) / (high - low) for _, t in points]
        centres = [p.x + p.width // 2 - GUTTER for p, _ in points]
        blank = [" " * (width - GUTTER)] * rows
        drawn.append(curve(shares, centres, width - GUTTER, rows) if points else blank)
    names = [""] * rows
    if head.kind != "linear":
        names[0], names[-1] = visible(head.labels[k]), _other(head, k)
        if rows % 2:
            names[rows // 2] = view_state.text("view.unsure")
    lines = []
    for row in range(rows):
        label = Segment(fit(names[row], GUTTER - 2, ">") + " ", theme.dim)
        mark = Segment("┤" if names[row] else "│", theme.rule)
        lines.append([label, mark, *_over(view_state, drawn[0][row], drawn[1][row])])
    return lines


def _other(head: HeadTrace, k: int) -> str:
    return visible(head.labels[1 - k]) if len(head.labels) == 2 else "0"


def _range(diff: TraceDifference) -> tuple[float, float]:
    if diff.a.head.kind != "linear":
        return 0.0, 1.0
    both: Array = np.concatenate([diff.a.head.readout.ravel(), diff.b.head.readout.ravel()])
    low, high = float(both.min()), float(both.max())
    return low, high if high > low else low + 1


def _over(view_state: ViewState, a: str, b: str) -> Line:
    """One row of both curves: a is drawn over b, but never over a point of b."""
    theme = view_state.theme
    b = b.replace("●", "◆")
    line: Line = []
    for one, other in zip(a, b, strict=True):
        mine = one == "●" or (one != " " and other != "◆")
        text, style = (one, theme.bold) if mine else (other, theme.source)
        if line and line[-1].style is style:
            line[-1] = Segment(line[-1].text + text, style)
        else:
            line.append(Segment(text, style))
    return line
