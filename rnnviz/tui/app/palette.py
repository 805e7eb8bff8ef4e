"""The command palette."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from textual.command import CommandList, CommandPalette, Hit, Hits
from textual.css.query import NoMatches
from textual.errors import NoWidget
from textual.events import Click, Event
from textual.system_commands import SystemCommandsProvider

from rnnviz import i18n
from rnnviz.tui.app.dismiss_once import DismissOnce
from rnnviz.tui.terminal.compositor import DiffScreen

if TYPE_CHECKING:
    from rnnviz.tui.app.themed_app import ThemedApp


class AppCommands(SystemCommandsProvider):
    """The commands of the app; a message in its language if none matches."""

    async def search(self, query: str) -> Hits:
        """The commands that match the query."""
        found = False
        async for hit in super().search(query):
            found = True
            yield hit
        if not found:
            app = cast("ThemedApp[Any]", self.app)
            yield Hit(0.01, i18n.text("palette.none", app.lang), _do_nothing)


def _do_nothing() -> None:
    """The command of the message that no command matches."""


class CurrentCommandList(CommandList):
    """Textual's list, without its error if a command is clicked that was replaced meanwhile."""

    def on_click(self, event: Click) -> None:
        if event.style.meta.get("option", -1) >= self.option_count:
            event.prevent_default().stop()


class Palette(DismissOnce, DiffScreen, CommandPalette):
    """Textual's palette, without its errors while its list is missing, empty or has no room.

    The actions of its list are private in Textual.
    """

    # A line without width cannot be wrapped. Textual's dim text is too faint to read.
    DEFAULT_CSS = """
    Palette CommandList { min-width: 8; }
    Palette SearchIcon { color: $foreground; }
    Palette > .command-palette--help-text { text-style: none; }
    """

    def on_mount(self) -> None:
        """Replace the class of the list, which Textual makes itself."""
        self.query_one(CommandList).__class__ = CurrentCommandList

    def _action_command_list(self, action: str) -> None:
        with suppress(KeyError, IndexError, NoMatches):
            super()._action_command_list(action)

    async def on_event(self, event: Event) -> None:
        """Handle an event; ignore a click outside every widget."""
        with suppress(NoWidget):
            await super().on_event(event)

    def _action_cursor_down(self) -> None:
        with suppress(NoMatches):
            super()._action_cursor_down()
