"""The sign that tokens of a long sentence lie outside the drawing."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from rnnviz.tui.view.view_state import ViewState

#: Arrows before the counts of tokens above and below a drawing with a row for each token.
ROWS = ("↑", "↓")
#: The same, left and right, for a drawing with a column for each token.
COLUMNS = ("←", "→")


def off_screen(
    view_state: ViewState, shown: Sequence[int], width: int, arrows: tuple[str, str] = ROWS
) -> str:
    """The counts of tokens outside ``shown`` (in order), as "↑3 ↓40 more"; "" if all are drawn.

    They are counted from the current token. At most ``width`` columns; the word is left out
    where it does not fit.
    """
    t, drawn = view_state.cursor.t, set(shown)
    before = sum(k not in drawn for k in range(t))
    after = len(view_state.trace.tokens) - len(drawn) - before
    return counted(view_state, before, after, width, arrows)


def counted(
    view_state: ViewState, before: int, after: int, width: int, arrows: tuple[str, str] = ROWS
) -> str:
    """The sign for ``before`` and ``after`` tokens (or pairs of them) outside a drawing."""
    text = " ".join(f"{arrow}{n}" for arrow, n in zip(arrows, (before, after), strict=True) if n)
    if not text:
        return ""
    whole = view_state.text("view.more", n=text)
    return whole if cell_len(whole) <= width else text
