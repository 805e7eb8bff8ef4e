"""The key bar, the line for messages, and the message of a terminal that is too small."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from rich.cells import cell_len
from rich.segment import Segment

from rnnviz.display import visible
from rnnviz.tui.keymap import FOOTER, LESSON_FOOTER, localized_key
from rnnviz.tui.pages import load
from rnnviz.tui.render.segments import Line, wrapped
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import DrawnView, HasTheme, KeyClicked, View

if TYPE_CHECKING:
    from rnnviz.lessons.player import LessonPlayer

#: The most keys of a page in the key bar.
MOST = 5
#: (keys and their actions, text key)
Entry = tuple[tuple[tuple[str, str], ...], str]


def entries(view_state: ViewState, width: int) -> list[Entry]:
    """The keys to show, at most eight."""
    if view_state.lesson is not None:
        return _lesson_entries(view_state, view_state.lesson.player)
    if view_state.page:
        return _page_entries(view_state)
    found = [_entry(view_state, names, label) for names, label in FOOTER]
    if view_state.predictions.on:
        found[2] = _entry(view_state, ("type",), "key.type")
        found[5] = _entry(view_state, ("predict",), "key.predict")
    if view_state.seconds is not None:
        found[3] = _entry(view_state, ("play",), "key.pause")
    if view_state.travel is not None:
        found[3] = _entry(view_state, ("play",), "key.pause")
        found[4] = _entry(view_state, ("zoom_out",), "key.back")
    elif view_state.thing:
        found[4] = _entry(view_state, ("view",), "key.view")
    elif view_state.cursor.zoom == "equation":
        found[4] = _entry(view_state, ("zoom_out",), "key.zoom_out")
    return found


def _lesson_entries(view_state: ViewState, player: LessonPlayer) -> list[Entry]:
    """The keys of a lesson; that of the answer where there is one to type."""
    answers = player.can_answer or player.phase == "own"
    out = "key.back" if view_state.page else "key.zoom_out"
    zoomed = view_state.page or view_state.cursor.zoom == "equation"
    return [
        _entry(view_state, ("zoom_out",), out) if names == ("zoom_in",) and zoomed
        else _entry(view_state, names, label)
        for names, label in LESSON_FOOTER
        if names != ("type",) or answers
    ]  # fmt: skip


def _page_entries(view_state: ViewState) -> list[Entry]:
    name = view_state.page
    page = load(name)
    actions = page.available(view_state)
    own = []
    if view_state.predictions.on:
        own = [
            _entry(view_state, ("type",), "key.type"),
            _entry(view_state, ("predict",), "key.predict"),
        ]
        actions = tuple(action for action in actions if action != "type")
    overridden = page.overridden(view_state)
    into = tuple(action for action in overridden if action == "zoom_in")
    actions = (*actions[: MOST - len(own) - len(into)], *into)
    own += [_entry(view_state, (action,), f"page.{name}.key_{action}") for action in actions]
    steps = f"page.{name}.key_token_on" if "token_on" in overridden else "key.token"
    return [
        _entry(view_state, ("token_back", "token_on"), steps),
        *own[:MOST],
        _entry(view_state, ("zoom_out",), "key.back"),
        _entry(view_state, ("help",), "key.help"),
    ]


def _entry(view_state: ViewState, names: tuple[str, ...], label: str) -> Entry:
    """The first key of each action, and the text of all."""
    actions = [view_state.keymap[name] for name in names]
    keys = [(localized_key(action.keys[0], view_state.lang), action.run) for action in actions]
    return tuple(keys), label


def key_buttons(view_state: ViewState) -> list[tuple[str, str]]:
    """The words and the action of each entry of the key bar that is no pair of arrows.

    Of an entry with several keys each key is one, with what it is called.
    """
    found: list[tuple[str, str]] = []
    for keys, word in entries(view_state, 0):
        if len(keys) == 1:
            found.append((view_state.text(word), keys[0][1]))
        elif not {key for key, _ in keys} <= {*"←→↑↓"}:
            found += keys
    return found


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
            found.pop()  # the last gap
            if sum(cell_len(piece.text) for piece, _ in found) <= width:
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

    def message(self, state: HasMessages) -> str:
        """The text."""
        return state.status

    def lines(self, state: HasMessages, width: int, height: int) -> list[Line]:
        style = state.theme.wrong if state.failed else state.theme.source
        mark = "! " if state.failed else "▸ "
        lines = wrapped(visible(self.message(state)), width - 4)
        return [
            [Segment(" " + (mark if n == 0 else "  ") + line, style)]
            for n, line in enumerate(lines)
        ]


class StepStatus(Status):
    """The message of the step screen, which in predict mode is never empty."""

    def message(self, state: HasMessages) -> str:
        return state.message if isinstance(state, ViewState) else state.status


class Small(DrawnView[HasMessages]):
    """The message in a terminal that is too small: the size it needs, and how to quit."""

    def lines(self, state: HasMessages, width: int, height: int) -> list[Line]:
        text = state.text("small.size", w=width, h=height) + " " + state.text("small.how")
        return [[Segment(line, state.theme.ink)] for line in wrapped(text, max(1, width))]
