"""The parts of the page: the text, the bars of the next tokens, the surprise, the branches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from rnnviz.analysis.writing import NextTokens, surprises
from rnnviz.arrays import Array
from rnnviz.display import in_one_line, visible
from rnnviz.equations import number
from rnnviz.tui.pages.writing.text_layout import columns, text_layout
from rnnviz.tui.pages.writing.written_text import WritingState, best, in_trace, probabilities
from rnnviz.tui.panels.prediction_bars import ASCII_BARS
from rnnviz.tui.render.segments import Line, block_column, cut, fit, levels, window
from rnnviz.tui.render.theme import BARS, STEPS
from rnnviz.tui.view.view_state import ViewState

#: The surprise with the full colour, in bits.
MOST_BITS = 10
#: Columns of a token in the bars, and of its number.
LABEL = 6


@dataclass(frozen=True, eq=False)
class WritingView:
    """What the page draws: the view state, its text, and what is known of it."""

    view_state: ViewState
    state: WritingState
    found: NextTokens
    tokens: tuple[str, ...]  # (T) with those written since ``found``

    @property
    def last(self) -> int:
        """The index of the last token that is shown: what is hidden is not."""
        hidden = self.view_state.hidden and self.view_state.part_hidden
        if not self.view_state.hidden:
            return len(self.tokens) - 1
        return min(self.state.at + (0 if hidden else 1), len(self.tokens) - 1)

    @property
    def is_known(self) -> bool:
        """Whether the net's probabilities after the cursor are known and not hidden."""
        return self.state.at < len(self.found.tokens) and not self.view_state.part_hidden

    @property
    def comes(self) -> str | None:
        """The token after the cursor; None at the end of the text."""
        return self.tokens[self.state.at + 1] if self.state.at < self.last else None


def text(view: WritingView, width: int, height: int) -> list[Line]:
    """The lines of the text around the cursor, in ``width`` columns."""
    theme, found, at = view.view_state.theme, view.found, view.state.at
    shown = view.tokens[: view.last + 1]
    layout = text_layout(shown, found.separator, max(8, width - 2))
    row = layout.line_of[min(at, len(shown) - 1)]
    first = window(len(layout.lines), row, height)
    levels_of = _levels(view)
    lines: list[Line] = []
    for tokens in layout.lines[first : first + height]:
        line: Line = [Segment(" ", theme.ink)]
        run, paint = "", theme.ink
        for t in tokens:
            style = theme.chosen if t == at else _token_style(view, t, levels_of)
            said = _written(shown[t], t == at or style.bgcolor is not None) + found.separator
            if style is not paint:
                line += [Segment(run, paint)] if run else []
                run, paint = "", style
            run += said
        lines.append([*line, Segment(run, paint)] if run else line)
    return lines


def token_at(view: WritingView, width: int, height: int, x: int, y: int) -> int | None:
    """The token of :func:`text` in this column and line; None beside the text."""
    shown, separator = view.tokens[: view.last + 1], view.found.separator
    layout = text_layout(shown, separator, max(8, width - 2))
    row = y + window(len(layout.lines), layout.line_of[min(view.state.at, len(shown) - 1)], height)
    column = 1
    for t in layout.lines[row] if 0 <= row < len(layout.lines) else ():
        column += columns(shown[t], separator)
        if x < column:
            return t if x else None
    return None


def _written(token: str, marked: bool) -> str:
    """A token in the text; white space has a sign only where it is marked."""
    if token == "\n":
        return "↵" if marked else " "
    return " " if token == " " and not marked else visible(token)


def _levels(view: WritingView) -> list[int] | None:
    """The level of each token's colour, −20 to 20; None without colours."""
    state, view_state = view.state, view.view_state
    if state.colour == "surprise":
        bits = np.nan_to_num(surprises(view.found))
        return levels(bits, MOST_BITS)
    if not state.colour:
        return None
    values = unit_values(view)
    if values is None:
        return None
    top = float(np.abs(view_state.layer.values[state.colour]).max()) if state.colour == "c" else 1.0
    return levels(values, top)


def unit_values(view: WritingView) -> Array | None:
    """The state that colours the text, of the cursor's unit, as far as the trace goes."""
    view_state, state = view.view_state, view.state
    trace, layer = view_state.trace, view_state.layer
    tokens = trace.tokens
    if state.colour not in layer.states or tokens != view.tokens[: len(tokens)]:
        return None
    return layer.values[state.colour][:, view_state.cursor.unit]


def _token_style(view: WritingView, t: int, levels_of: list[int] | None) -> Style:
    theme, state = view.view_state.theme, view.state
    later = t > state.at
    if levels_of is None or t >= len(levels_of):
        return theme.dim if later else theme.ink
    level = levels_of[t]
    if abs(level) < 2:
        return theme.ink
    if theme.colour:
        return theme.number_on(level, False)
    # Without colours: strong values are reversed, negative ones underlined.
    return Style(reverse=abs(level) >= STEPS // 2, bold=True, underline=level < 0)


def bars(view: WritingView, width: int, height: int) -> list[Line]:
    """The likeliest next tokens at the cursor with their probabilities, and the one that comes."""
    theme, found = view.view_state.theme, view.found
    if not view.is_known:
        return [[Segment("  ?" if view.view_state.hidden else "  …", theme.dim)]]
    p = probabilities(found, view.state)
    chosen = [k for k in best(p, height) if p[k] > 0]
    came = found.labels.index(view.comes) if view.comes in found.labels else None
    if came is not None and came not in chosen:
        chosen = [*chosen[: height - 1], came]
    lines: list[Line] = []
    room = max(1, width - LABEL - 11)
    for n, k in enumerate(chosen, 1):
        style = theme.now if k == came else theme.source
        rank = str(n) if n <= 9 and (k != came or k in best(p, 9)) else " "
        mark = "▸" if k == came else " "
        label = fit(cut(visible(found.labels[k]), LABEL - 1), LABEL)
        block = "█" * max(int(p[k] > 0.5 / room), round(float(p[k]) * room))
        lines.append([
            Segment(f"{mark}{rank} ", theme.key if mark == " " else theme.now),
            Segment(label, style),
            Segment(fit(number(float(p[k]), 3), 7), theme.ink),
            Segment(block, style),
        ])  # fmt: skip
    return lines


def curve(view: WritingView, width: int, rows: int) -> list[Line]:
    """The surprise of each token around the cursor as a bar, with the tokens below."""
    theme, view_state, at = view.view_state.theme, view.view_state, view.state.at
    bits = surprises(view.found)
    gutter = 7
    room = max(1, width - gutter - 1)
    T = min(len(bits), view.last + 1)
    first = window(T, at, room)
    shown = range(first, min(T, first + room))
    top = max(1.0, float(np.nanmax(bits[shown.start : shown.stop], initial=1.0)))
    blocks = ASCII_BARS if theme.ascii else BARS
    drawn = [
        block_column(
            0 if np.isnan(bits[t]) else max(1, round(8 * rows * bits[t] / top)), rows, blocks
        )
        for t in shown
    ]
    name = view_state.text("next.bits")
    labels = [number(top, 1), *[""] * (rows - 2), "0"] if rows > 1 else [number(top, 1)]
    lines: list[Line] = []
    for row, label in enumerate(labels):
        line = [Segment(fit(label, gutter - 2, ">") + " ┤", theme.dim)]
        glyphs = [column[row] for column in drawn]
        lines.append([*line, *_marked(glyphs, at - first, theme.above, theme.now)])
    signs = [visible(view.tokens[t])[:1] if cell_len(visible(view.tokens[t])[:1]) == 1 else "·"
             for t in shown]  # fmt: skip
    below = [Segment(fit(name, gutter - 1, ">") + " ", theme.dim)]
    return [*lines, [*below, *_marked(signs, at - first, theme.dim, theme.chosen)]]


def _marked(glyphs: list[str], at: int, style: Style, marked: Style) -> Line:
    """Glyphs of one column each, that at the cursor in another style."""
    whole = "".join(glyphs)
    if not 0 <= at < len(glyphs):
        return [Segment(whole, style)]
    parts = (whole[:at], style), (whole[at], marked), (whole[at + 1 :], style)
    return [Segment(text, paint) for text, paint in parts if text]


def branch_lines(view: WritingView, width: int, room: int) -> list[Line]:
    """The text on the page and the other branches, each by its end, as many as fit."""
    theme, state = view.view_state.theme, view.state
    if not state.branches or room < 1:
        return []
    every = [(state.text, True), *((branch.text, False) for branch in state.branches)]
    lines: list[Line] = []
    for said, here in every[:room]:
        end = in_one_line(said[-width:])
        fits = len(said) <= width and cell_len(end) <= width - 6
        end = end if fits else "…" + end[-(width - 8) :]
        style = theme.now if here else theme.dim
        lines.append([Segment(f" {'▸' if here else ' '} {cut(end, width - 4)}", style)])
    return lines


def has_trace(view: WritingView) -> bool:
    """Whether the trace on the screen is that of the text."""
    return in_trace(view.view_state, view.state)
