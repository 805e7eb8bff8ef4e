"""The text of a net that writes in the colours of one unit, character by character."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from rich.segment import Segment

from rnnviz.arrays import Array
from rnnviz.display import visible
from rnnviz.trace import Trace
from rnnviz.tui.pages.units.property_questions import state_shown
from rnnviz.tui.pages.writing.text_layout import TextLayout, columns, text_layout
from rnnviz.tui.render.segments import Line, levels, window
from rnnviz.tui.render.theme import signed_glyph
from rnnviz.tui.view.view_state import ViewState


@lru_cache(maxsize=8)
def separator(trace: Trace) -> str:
    """What stands between two tokens: nothing between characters, a space between words."""
    entries = (label for label in trace.head.labels if not label.startswith("["))
    return " " if any(len(label) > 1 for label in entries) else ""


def unit_values(view_state: ViewState) -> Array:
    """The state shown of the cursor's unit at each token that is known, (n)."""
    known = view_state.cursor.t + view_state.known(view_state.cursor.t, "h")
    known = len(view_state.trace.tokens) if view_state.paper else known
    return view_state.layer.values[state_shown(view_state)][:known, view_state.cursor.unit]


def largest(view_state: ViewState) -> float:
    """The value with the full colour: the largest |value| of the unit in the text."""
    own = view_state.layer.values[state_shown(view_state)][:, view_state.cursor.unit]
    values = unit_values(view_state) if view_state.hidden else own
    return float(np.abs(values).max(initial=0.0)) or 1.0


def shown_tokens(view_state: ViewState) -> tuple[str, ...]:
    """The tokens that are not hidden."""
    tokens = view_state.trace.tokens
    if not view_state.hidden:
        return tokens
    return tokens[: view_state.cursor.t + 1 + (not view_state.part_hidden)]


def unit_text(view_state: ViewState, width: int, room: int) -> list[Line]:
    """The lines around the cursor, at most ``room``; without colours each with its signs below."""
    layout, first = _layout(view_state, width, room)
    found: list[Line] = []
    at = levels(unit_values(view_state), largest(view_state))
    for tokens in layout.lines[first : first + text_rows(view_state, room)]:
        found.append(_line(view_state, tokens, at))
        if not view_state.theme.colour:
            found.append(_signs(view_state, tokens, at))
    return found


def text_height(view_state: ViewState, width: int) -> int:
    """The lines that the whole text takes."""
    layout, _first = _layout(view_state, width, 1)
    return len(layout.lines) * (1 if view_state.theme.colour else 2)


def text_rows(view_state: ViewState, room: int) -> int:
    """The lines of text in ``room``: half of them without colours."""
    return max(1, room if view_state.theme.colour else room // 2)


def token_at(view_state: ViewState, width: int, room: int, x: int, y: int) -> int | None:
    """The token in this column and line of :func:`unit_text`; None beside the text."""
    layout, first = _layout(view_state, width, room)
    row = first + (y if view_state.theme.colour else y // 2)
    column, apart = 1, separator(view_state.trace)
    for t in layout.lines[row] if 0 <= row < len(layout.lines) else ():
        column += columns(view_state.trace.tokens[t], apart)
        if x < column:
            return t if x else None
    return None


def _layout(view_state: ViewState, width: int, room: int) -> tuple[TextLayout, int]:
    """The text in lines, and the first one that is visible."""
    tokens = shown_tokens(view_state)
    layout = text_layout(tokens, separator(view_state.trace), max(8, width - 2))
    row = layout.line_of[min(view_state.cursor.t, len(tokens) - 1)]
    return layout, window(len(layout.lines), row, text_rows(view_state, room))


def _line(view_state: ViewState, tokens: range, at: list[int]) -> Line:
    theme, apart = view_state.theme, separator(view_state.trace)
    line: Line = [Segment(" ", theme.ink)]
    run, paint = "", theme.ink
    for t in tokens:
        if t == view_state.cursor.t:
            style = theme.chosen
        elif t >= len(at):
            style = theme.dim
        else:
            style = theme.number_on(at[t], False) if theme.colour else theme.ink
        said = _written(view_state.trace.tokens[t], t < len(at)) + apart
        if style is not paint:
            line += [Segment(run, paint)] if run else []
            run, paint = "", style
        run += said
    return [*line, Segment(run, paint)] if run else line


def _signs(view_state: ViewState, tokens: range, at: list[int]) -> Line:
    """The sign of each token that is known, below it."""
    apart = separator(view_state.trace)
    signs = [
        (signed_glyph(at[t]) if t < len(at) else " ").ljust(
            columns(view_state.trace.tokens[t], apart)
        )
        for t in tokens
    ]
    return [Segment(" " + "".join(signs), view_state.theme.bold)]


def _written(token: str, known: bool) -> str:
    """A token in the text; a new line has a sign where it has a value."""
    if token == "\n":
        return "↵" if known else " "
    return " " if token == " " else visible(token)
