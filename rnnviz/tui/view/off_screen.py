"""The sign that tokens of a long sentence lie outside the drawing."""

from __future__ import annotations

from rich.cells import cell_len

from rnnviz.tui.view.view_state import ViewState

#: Arrows before the counts of tokens above and below a drawing with a row for each token.
ROWS = ("↑", "↓")
#: The same, left and right, for a drawing with a column for each token.
COLUMNS = ("←", "→")


def off_screen(
    view_state: ViewState, shown: range, width: int, arrows: tuple[str, str] = ROWS
) -> str:
    """The counts of tokens outside ``shown``, as "↑3 ↓40 more"; "" if all are drawn.

    At most ``width`` columns; the word is left out where it does not fit.
    """
    counts = (shown.start, len(view_state.trace.tokens) - shown.stop)
    text = " ".join(f"{arrow}{n}" for arrow, n in zip(arrows, counts, strict=True) if n > 0)
    if not text:
        return ""
    whole = view_state.text("view.more", n=text)
    return whole if cell_len(whole) <= width else text
