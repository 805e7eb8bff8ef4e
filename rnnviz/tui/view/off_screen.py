"""The signs that tokens of a long sentence lie outside a drawing."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from rnnviz.tui.view.view_state import ViewState


def off_signs(before: int, after: int) -> tuple[str, str]:
    """How many words lie off to the left and to the right: "‹ 12" and "23 ›"; "" for none."""
    return f"‹ {before}" if before else "", f"{after} ›" if after else ""


def off_left_right(before: int, after: int) -> str:
    """Both signs in one text, for a drawing with a column for each word."""
    return "  ".join(sign for sign in off_signs(before, after) if sign)


def off_rows(view_state: ViewState, shown: Sequence[int], width: int) -> str:
    """How many tokens have no row above and below: "↑3 ↓40 more"; "" if all of them have one.

    ``shown`` are the tokens with a row. At most ``width`` columns; the word is left out where it
    does not fit.
    """
    t, drawn = view_state.cursor.t, set(shown)
    before = sum(k not in drawn for k in range(t))
    after = len(view_state.trace.tokens) - len(drawn) - before
    return off_above_below(view_state, before, after, width)


def off_above_below(view_state: ViewState, before: int, after: int, width: int) -> str:
    """The same for ``before`` and ``after`` rows that are not drawn."""
    text = " ".join(f"{arrow}{n}" for arrow, n in (("↑", before), ("↓", after)) if n)
    if not text:
        return ""
    whole = view_state.text("view.more", n=text)
    return whole if cell_len(whole) <= width else text
