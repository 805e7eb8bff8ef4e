"""The last line: at most eight keys, all of them clickable; and the line for messages above it."""

from __future__ import annotations

from typing import Protocol

from rich.cells import cell_len
from rich.segment import Segment

from rnnviz.display import visible
from rnnviz.tui.pages import load
from rnnviz.tui.render.segments import Line, wrapped
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import DrawnView, HasTheme, KeyClicked, View

#: (keys with the action each one stands for, word)
Entry = tuple[tuple[tuple[str, str], ...], str]


def entries(view_state: ViewState, width: int) -> list[Entry]:
    """The keys to show now."""
    if view_state.page:
        return _of_page(view_state)
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


def _of_page(view_state: ViewState) -> list[Entry]:
    name = view_state.page
    own: list[Entry] = [
        (((key.shown, f"page_key('{key.keys[0]}')"),), f"page.{name}.key_{key.name}")
        for key in load(name).keys
    ]
    token: Entry = ((("←", "token(-1)"), ("→", "token(1)")), "key.token")
    back: Entry = (((view_state.text("key.escape"), "zoom(-1)"),), "key.zoom_out")
    return [token, *own[:5], back, ((("?", "help"),), "key.help")]


class KeyBar(View):
    """The key bar."""

    def lines(self, view_state: ViewState, width: int, height: int) -> list[Line]:
        if view_state.paper:
            return [[]]
        return [[piece for piece, _ in self._pieces(view_state, width)]]

    def _pieces(self, view_state: ViewState, width: int) -> list[tuple[Segment, str | None]]:
        look = view_state.theme
        for gap in (3, 2, 1):
            found: list[tuple[Segment, str | None]] = [(Segment(" ", look.ink), None)]
            for keys, word in entries(view_state, width):
                for n, (key, action) in enumerate(keys):
                    found.append((Segment(f" {key}" if n else key, look.key), action))
                found.append((Segment(f" {view_state.text(word)}", look.ink), keys[-1][1]))
                found.append((Segment(" " * gap, look.ink), None))
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
    """What has a line for messages, and words in the chosen language."""

    @property
    def status(self) -> str:
        """The message."""

    @property
    def failed(self) -> bool:
        """Whether it says what did not work."""

    def text(self, key: str, **values: object) -> str:
        """The text of a key."""


class Status(DrawnView[HasMessages]):
    """What just happened, or what did not work and what to do next."""

    def lines(self, said: HasMessages, width: int, height: int) -> list[Line]:
        style = said.theme.wrong if said.failed else said.theme.source
        mark = "! " if said.failed else "▸ "
        told = wrapped(visible(said.status), width - 4)
        return [
            [Segment(" " + (mark if n == 0 else "  ") + line, style)] for n, line in enumerate(told)
        ]


class Small(DrawnView[HasMessages]):
    """A terminal that is too small: the size it needs, and the way out."""

    def lines(self, said: HasMessages, width: int, height: int) -> list[Line]:
        told = said.text("small.size", w=width, h=height) + " " + said.text("small.how")
        return [[Segment(line, said.theme.ink)] for line in wrapped(told, max(1, width))]
