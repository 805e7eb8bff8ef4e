"""The last line: at most eight keys, all of them clickable."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment

from rnnviz.tui.dashboard.board import Board, Panel
from rnnviz.tui.render.segments import Line
from rnnviz.tui.view.widget import KeyClicked


class DashboardKeys(Panel):
    """The key bar: at most eight keys, all of them clickable."""

    def lines(self, board: Board, width: int, height: int) -> list[Line]:
        return [[piece for piece, _ in self._pieces(board, width)]]

    def _pieces(self, board: Board, width: int) -> list[tuple[Segment, str | None]]:
        look = board.theme
        for gap in (3, 2, 1):
            found: list[tuple[Segment, str | None]] = [(Segment(" ", look.ink), None)]
            for key, action, word in entries(board):
                found.append((Segment(key, look.key), action))
                found.append((Segment(f" {board.text(word)}", look.ink), action))
                found.append((Segment(" " * gap, look.ink), None))
            if sum(cell_len(piece.text) for piece, _ in found) - gap <= width:
                break
        return found

    def picked(self, board: Board, x: int, y: int) -> KeyClicked | None:
        """The action of the key that was clicked."""
        at = 0
        for piece, action in self._pieces(board, self.size.width):
            at += cell_len(piece.text)
            if x < at:
                return None if action is None else KeyClicked(action)
        return None


def entries(board: Board) -> list[tuple[str, str, str]]:
    """Key, action and word of what can be done now."""
    if board.asking:
        return [
            ("y", "stop", "dashboard.key_stop"),
            (board.text("key.escape"), "back", "dashboard.key_go_on"),
        ]
    found = [("s", "step", "dashboard.key_step")]
    if board.narrow:
        found.append(("v", "view", "key.view"))
    leave = "key.quit" if board.story.end is not None else "dashboard.key_stop"
    return [
        *found,
        ("?", "help", "key.help"),
        ("ctrl+p", "app.command_palette", "dashboard.key_all"),
        ("q", "leave", leave),
    ]
