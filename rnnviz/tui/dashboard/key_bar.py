"""The key bar of the dashboard."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment

from rnnviz.tui.dashboard.panel import DashboardPanel, DashboardState
from rnnviz.tui.keymap import localized_key
from rnnviz.tui.render.segments import Line
from rnnviz.tui.view.widget import KeyClicked


class DashboardKeyBar(DashboardPanel):
    """At most eight keys, all of them clickable."""

    def lines(self, state: DashboardState, width: int, height: int) -> list[Line]:
        return [[piece for piece, _ in self._pieces(state, width)]]

    def _pieces(self, state: DashboardState, width: int) -> list[tuple[Segment, str | None]]:
        theme = state.theme
        for gap in (3, 2, 1):
            found: list[tuple[Segment, str | None]] = [(Segment(" ", theme.ink), None)]
            for key, action, word in entries(state):
                found.append((Segment(key, theme.key), action))
                found.append((Segment(f" {state.text(word)}", theme.ink), action))
                found.append((Segment(" " * gap, theme.ink), None))
            if sum(cell_len(piece.text) for piece, _ in found) - gap <= width:
                break
        return found

    def picked(self, state: DashboardState, x: int, y: int) -> KeyClicked | None:
        """The action of the key that was clicked."""
        at = 0
        for piece, action in self._pieces(state, self.size.width):
            at += cell_len(piece.text)
            if x < at:
                return None if action is None else KeyClicked(action)
        return None


def entries(state: DashboardState) -> list[tuple[str, str, str]]:
    """The key, the Textual action and the text key of each entry."""
    ended = state.progress.end is not None
    if state.asking:
        found = [("quit", "dashboard.key_stop"), ("zoom_out", "dashboard.key_go_on")]
    else:
        found = [
            ("zoom_in", "dashboard.key_step"),
            *([("view", "key.view")] if state.narrow else []),
            ("help", "key.help"),
            ("palette", "dashboard.key_all"),
            ("quit", "key.quit" if ended else "dashboard.key_stop"),
        ]
    return [
        (localized_key(state.keymap[name].keys[0], state.lang), state.keymap[name].run, text)
        for name, text in found
    ]
