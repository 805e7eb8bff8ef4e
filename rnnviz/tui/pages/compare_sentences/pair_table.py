"""The table of token pairs: predictions, distances of states, and differences of units."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment

from rnnviz.analysis.difference import (
    THRESHOLD,
    TraceDifference,
    largest_change,
    value_changes,
)
from rnnviz.display import visible
from rnnviz.equations import number
from rnnviz.tui.pages.compare_sentences.aligned_strips import is_known
from rnnviz.tui.pages.compare_sentences.explanation import page_text
from rnnviz.tui.pages.shared_gradients import blocks
from rnnviz.tui.panels.heat_grid import NUMBER, cell_width
from rnnviz.tui.render.segments import Line, fit, heat, page, short, window
from rnnviz.tui.render.theme import ViewTheme
from rnnviz.tui.view import second_sentence
from rnnviz.tui.view.view_state import ViewState

#: Columns of a probability, of a distance, of the longest word in the table.
P, D, WORD = 7, 8, 16
#: Least columns of a bar; columns between heat maps.
BAR, GAP = 6, 2
#: Least and most lines of the curves and of the units.
CURVE, UNITS = (3, 15), (2, 20)
#: Pairs shown before the curves get any line.
ROWS = 12


@dataclass(frozen=True)
class SentencesLayout:
    """Lines of the parts of the page, and columns of the table."""

    curve: int
    units: int
    rows: range
    word: int
    bar: int
    wide: int
    first: int
    count: int
    beside: tuple[str, ...]  # further quantities in the table

    @property
    def top(self) -> int:
        """The line of the first pair."""
        return 4 + self.curve

    @property
    def heat(self) -> int:
        """The column of the first unit."""
        return 3 + 2 * (self.word + 1) + 2 * P + D + self.bar + NUMBER + 1


def note(view_state: ViewState, diff: TraceDifference) -> str:
    name = quantity(view_state)
    words = view_state.word("name", name)
    written = view_state.symbol(name)
    label = written if words == name else f"{written} {words}"
    scale = f"±{number(largest_change(diff, view_state.cursor.layer, name), 2)}"
    return page_text(view_state, "note", name=label, scale=scale)


def header(view_state: ViewState, diff: TraceDifference, plan: SentencesLayout) -> Line:
    theme = view_state.theme
    head, k = view_state.trace.head, view_state.shown_class()
    label = visible(head.labels[k])
    what = view_state.text("view.believes", label=label) if not head.is_number else label
    left = [
        Segment("   ", theme.dim), Segment(fit("a", plan.word + 1), theme.bold),
        Segment(fit("b", plan.word + 1), theme.source), Segment(fit(what, 2 * P), theme.dim),
        Segment(fit(page_text(view_state, "distance"), D + plan.bar + NUMBER + 1), theme.dim),
    ]  # fmt: skip
    line = [*left, *_arrow(view_state, plan)]
    for name in plan.beside:
        scale = number(largest_change(diff, view_state.cursor.layer, name), 2)
        heading = fit(f"{view_state.symbol(name)} ±{scale}", plan.count * plan.wide)
        line.append(Segment(" " * GAP + heading, theme.dim))
    return line


def _arrow(view_state: ViewState, plan: SentencesLayout) -> Line:
    unit = view_state.cursor.unit
    at = (unit - plan.first) * plan.wide + (plan.wide - 1) // 2
    unit_number = str(unit)
    # Put the number on the side with room for it.
    right = at + 1 + len(unit_number) <= plan.count * plan.wide
    text = f"▼{unit_number}" if right else f"{unit_number}▼"
    before = at if right else at - len(unit_number)
    after = plan.count * plan.wide - before - len(text)
    return [
        Segment(" " * before), Segment(text, view_state.theme.now), Segment(" " * after)
    ]  # fmt: skip


def pair_row(view_state: ViewState, diff: TraceDifference, plan: SentencesLayout, row: int) -> Line:
    theme, here = view_state.theme, row == diff.row_of_token[view_state.cursor.t]
    mark, read = diff.mark(row), is_known(view_state, diff, row)
    highlight = theme.above if mark != "=" else None
    line: Line = [
        Segment("▸" if here else " ", theme.now),
        Segment(f"{mark} ", highlight or theme.dim),
    ]
    sides = zip((diff.a, diff.b), diff.pairs[row], (theme.bold, theme.source), strict=True)
    beliefs: Line = []
    k = view_state.shown_class()
    for trace, t, style in sides:
        word = "" if t is None else visible(trace.tokens[t])
        ink = (
            theme.chosen
            if here and t is not None
            else theme.dim
            if not read
            else highlight or style
        )
        line += [Segment(fit(word, plan.word), ink), Segment(" ", theme.ink)]
        text = "" if t is None else number(float(trace.head.readout[t, k]), 3) if read else "·"
        text = "?" if t is not None and not read and here and view_state.part_hidden else text
        beliefs.append(Segment(fit(text, P), style if read else theme.rule))
    return [*line, *beliefs, *_distance(view_state, diff, plan, row, read),
            *_heat(view_state, diff, plan, row)]  # fmt: skip


def _distance(
    view_state: ViewState, diff: TraceDifference, plan: SentencesLayout, row: int, read: bool
) -> Line:
    theme, far = view_state.theme, diff.distances[row]
    if far is None or not read:
        text = page_text(view_state, "missing") if far is None and read else "·"
        return [Segment(fit(text, D + plan.bar), theme.rule)]
    if far <= THRESHOLD:
        return [Segment(fit(page_text(view_state, "same"), D + plan.bar), theme.dim)]
    top = max(d for d in diff.distances if d is not None)
    bar = blocks(far / top, max(0, plan.bar - 1))
    return [Segment(fit(number(far), D), theme.now), Segment(fit(bar, plan.bar), theme.above)]


def _heat(view_state: ViewState, diff: TraceDifference, plan: SentencesLayout, row: int) -> Line:
    """The difference of the chosen unit as a number, and of all units as cells."""
    theme, unit, name = view_state.theme, view_state.cursor.unit, quantity(view_state)
    if None in diff.pairs[row]:
        return []
    here = row == diff.row_of_token[view_state.cursor.t]
    read = view_state.known(diff.anchors[row], name)
    value = float(value_changes(diff, view_state.cursor.layer, name)[row, unit])
    text = fit(short(value) if read else "", NUMBER + 1)
    line = [Segment(text, theme.now if here else theme.dim)]
    for n, each in enumerate((name, *plan.beside)):
        line += [Segment(" " * GAP)] if n else []
        line += _unit_cells(view_state, diff, plan, row, each)
    return line


def _unit_cells(
    view_state: ViewState, diff: TraceDifference, plan: SentencesLayout, row: int, name: str
) -> Line:
    theme, wide = view_state.theme, plan.wide
    if not view_state.known(diff.anchors[row], name):
        dots = fit("·", max(4, wide)) * plan.count
        return [Segment(dots[: wide * plan.count], theme.rule)]
    sight = (plan.first, plan.first + plan.count)
    return _painted(
        diff, view_state.cursor.layer, name, row, sight, wide, view_state.cursor.unit, theme
    )


def quantity(view_state: ViewState) -> str:
    name = second_sentence.state(view_state).quantity
    return name if name in view_state.quantities else "h"


def layout(
    view_state: ViewState, diff: TraceDifference, width: int, height: int
) -> SentencesLayout:
    pairs = len(diff.pairs)
    curve, units = _shared(height - 5, pairs, len(view_state.trace.head.W))
    room = max(1, height - 5 - curve - units)
    first = _first_row(view_state, diff, room)
    longest = max(cell_len(visible(w)) for w in (*diff.a.tokens, *diff.b.tokens))
    H, wide = view_state.layer.units, cell_width(view_state.layer.units)
    fixed = 3 + 2 + 2 * P + D + NUMBER + 1
    word = min(WORD, max(6, min(longest, (width - fixed - H * wide) // 2)))
    count = min(H, max(1, (width - fixed - 2 * word) // wide))
    spare = width - fixed - 2 * word - count * wide
    bar = min(24, spare) if spare >= BAR else 0
    rows = range(first, min(first + room, pairs))
    begin = window(H, view_state.cursor.unit, count)
    beside = _beside(view_state, (spare - bar) // (count * wide + GAP) if count == H else 0)
    return SentencesLayout(curve, units, rows, word, bar, wide, begin, count, beside)


def _beside(view_state: ViewState, most: int) -> tuple[str, ...]:
    """The quantities after the chosen one that fit beside it, at most ``most``."""
    names = view_state.quantities
    at = names.index(quantity(view_state)) + 1
    return (*names[at:], *names[: at - 1])[:most]


def _first_row(view_state: ViewState, diff: TraceDifference, room: int) -> int:
    """The first row shown; it changes only when the chosen pair would be outside."""
    pairs, here = len(diff.pairs), diff.row_of_token[view_state.cursor.t]
    if room >= pairs:
        return 0
    first = second_sentence.first_row(diff, min(view_state.first, len(diff.row_of_token) - 1))
    if first <= here < first + room:
        return first
    first = page(pairs, here, room)
    whole = second_sentence.first_row(diff, diff.anchors[first])
    return whole if here < whole + room else first


@lru_cache(maxsize=1024)
def _painted(
    diff: TraceDifference,
    layer: int,
    name: str,
    row: int,
    sight: tuple[int, int],
    wide: int,
    unit: int,
    theme: ViewTheme,
) -> Line:
    """The cells of one pair; cached, because a step changes only two rows."""
    values = value_changes(diff, layer, name)[row, slice(*sight)]
    top = largest_change(diff, layer, name)
    return heat(values, top, False, theme, wide, unit - sight[0])


def _shared(lines: int, pairs: int, reads: int) -> tuple[int, int]:
    """Lines of the curves (odd, or 0) and of the units; the table gets the rest."""
    most = min(CURVE[1], (lines - min(pairs, ROWS)) // 2)
    curve = most - 1 + most % 2 if most >= CURVE[0] else 0
    least = UNITS[0] if curve <= CURVE[0] else 2 * UNITS[0]
    return curve, min(reads, max(least, min(UNITS[1], lines - curve - pairs)))
