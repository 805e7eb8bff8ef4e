"""The key bar, the line for messages, and the message of a terminal that is too small."""

from __future__ import annotations

from typing import Protocol

from rich.cells import cell_len
from rich.segment import Segment

from rnnviz.display import visible
from rnnviz.tui.pages import load
from rnnviz.tui.render.segments import Line, wrapped
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import DrawnView, HasTheme, KeyClicked, View

#: (keys and their actions, text key)
Entry = tuple[tuple[tuple[str, str], ...], str]


def entries(view_state: ViewState, width: int) -> list[Entry]:
    """The keys to show, at most eight."""
    if view_state.page:
        return _page_entries(view_state)
    play = "key.play" if view_state.seconds is None else "key.pause"
    found: list[Entry] = [
        ((("←", "token(-1)"), ("→", "token(1)")), "key.token"),
        (((",", "part(-1)"), (".", "part(1)")), "key.part"),
        ((("↑", "unit(-1)"), ("↓", "unit(1)")), "key.unit"),
        (((view_state.text("key.space"), "play"),), play),
        (((view_state.text("key.enter"), "zoom(1)"),), "key.zoom_in"),
        ((("t", "sentence"),), "key.sentence"),
        ((("?", "help"),), "key.help"),
        ((("q", "quit"),), "key.quit"),
    ]
    if view_state.cursor.zoom == "equation":
        found[4] = (((view_state.text("key.escape"), "zoom(-1)"),), "key.zoom_out")
    return found


def _page_entries(view_state: ViewState) -> list[Entry]:
    name = view_state.page
    own: list[Entry] = [
        (((key.shown, f"page_key('{key.keys[0]}')"),), f"page.{name}.key_{key.name}")
        for key in load(name).keys
    ]
    token: Entry = ((("←", "token(-1)"), ("→", "token(1)")), "key.token")
    back: Entry = (((view_state.text("key.escape"), "zoom(-1)"),), "key.zoom_out")
    return [token, *own[:5], back, ((("?", "help"),), "key.help")]


class KeyBar(View):
    """Keys that work now, all of them clickable."""

    def lines(self, view_state: ViewState, width: int, height: int) -> list[Line]:
        if view_state.paper:
            return [[]]
        return [[piece for piece, _ in self._pieces(view_state, width)]]

    def _pieces(self, view_state: ViewState, width: int) -> list[tuple[Segment, str | None]]:
        theme = view_state.theme
        for gap in (3, 2, 1):
            found: list[tuple[Segment, str | None]] = [(Segment(" ", theme.ink), None)]
            for keys, word in entries(view_state, width):
                for n, (key, action) in enumerate(keys):
                    found.append((Segment(f" {key}" if n else key, theme.key), action))
                found.append((Segment(f" {view_state.text(word)}", theme.ink), keys[-1][1]))
                found.append((Segment(" " * gap, theme.ink), None))
            if sum(cell_len(piece.text) for piece, _ in found) - gap <= width:
                break
        return found

    def picked(self, view_state: ViewState, x: int, y: int) -> KeyClicked | None:
        at = 0
        for piece, action in self._pieces(view_state, self.size.width):
            at += cell_len(piece.text)
            if x < at:
                return None if action is None else KeyClicked(action)
        return None


class HasMessages(HasTheme, Protocol):
    """A state with a message, and texts in the chosen language."""

    @property
    def status(self) -> str:
        """The message."""

    @property
    def failed(self) -> bool:
        """Whether it is an error message."""

    def text(self, key: str, **values: object) -> str:
        """The text of a key."""


class Status(DrawnView[HasMessages]):
    """The message above the keys."""

    def lines(self, state: HasMessages, width: int, height: int) -> list[Line]:
        style = state.theme.wrong if state.failed else state.theme.source
        mark = "! " if state.failed else "▸ "
        lines = wrapped(visible(state.status), width - 4)
        return [
            [Segment(" " + (mark if n == 0 else "  ") + line, style)]
            for n, line in enumerate(lines)
        ]


class Small(DrawnView[HasMessages]):
    """The message in a terminal that is too small: the size it needs, and how to quit."""

    def lines(self, state: HasMessages, width: int, height: int) -> list[Line]:
        text = state.text("small.size", w=width, h=height) + " " + state.text("small.how")
        return [[Segment(line, state.theme.ink)] for line in wrapped(text, max(1, width))]
