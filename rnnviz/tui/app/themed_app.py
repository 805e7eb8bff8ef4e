"""What both apps are: the terminal's driver, the palettes, one theme at a time."""

from __future__ import annotations

import asyncio
import os
import signal
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, TypeVar, cast

from textual import constants
from textual._context import active_message_pump
from textual.app import App, ScreenStackError
from textual.binding import Binding, BindingType
from textual.command import CommandPalette, Hit, Hits, Provider
from textual.css.query import NoMatches
from textual.dom import DOMNode
from textual.errors import NoWidget
from textual.events import Event
from textual.system_commands import SystemCommandsProvider
from textual.widget import MountError
from textual.worker import WorkerFailed, get_current_worker

from rnnviz import i18n, signals
from rnnviz.errors import UsageError
from rnnviz.files import reason
from rnnviz.tui.app.dismiss_once import DismissOnce
from rnnviz.tui.app.termination import ended_by_signals
from rnnviz.tui.render.theme import PALETTES, THEMES, ViewTheme, textual_theme
from rnnviz.tui.terminal.compositor import DiffScreen
from rnnviz.tui.terminal.driver_class import driver_for

End = TypeVar("End")


#: What a key causes that was still waiting when the app was left.
_TOO_LATE = (NoMatches, MountError, ScreenStackError)


class Commands(SystemCommandsProvider):
    """The commands of the app; a line in its language where none fits."""

    async def search(self, query: str) -> Hits:
        """Commands whose words fit what is typed."""
        found = False
        async for hit in super().search(query):
            found = True
            yield hit
        if not found and isinstance(self.app, ThemedApp):
            yield Hit(0.01, i18n.text("palette.none", self.app.lang), _nothing)


def _nothing() -> None:
    """What is not found does nothing."""


class Palette(DismissOnce, DiffScreen, CommandPalette):
    """Textual's palette, also while its list does not exist, has no lines or no room for them."""

    DEFAULT_CSS = "Palette CommandList { min-width: 8; }"  # a line without width cannot be wrapped

    def _action_command_list(self, action: str) -> None:
        with suppress(KeyError, IndexError, NoMatches):
            super()._action_command_list(action)

    async def on_event(self, event: Event) -> None:
        """An event; a click beside everything there is does nothing."""
        with suppress(NoWidget):
            await super().on_event(event)

    def _action_cursor_down(self) -> None:
        with suppress(NoMatches):
            super()._action_cursor_down()


class ThemedApp(App[End]):
    """An app in one of our themes; ``look`` is what its views are drawn with.

    Without ``colour`` no colour code is written at all; with ``ascii_only`` every character is
    ASCII.
    """

    TITLE = "rnnviz"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {Commands}
    CSS = "Screen { background: $background; color: $foreground; }"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+z", "suspend_process", "suspend", show=False, id="suspend"),
    ]
    #: Signals whose answer may take any time.
    patient: tuple[int, ...] = ()

    def __init__(self, theme: str, colour: bool, ascii_only: bool) -> None:
        # Textual takes even an empty NO_COLOR for a wish; whether colour is wanted was decided
        # by whoever started this.
        os.environ.pop("NO_COLOR", None)
        try:
            super().__init__(driver_class=driver_for(self.get_driver_class(), colour))
            if constants.LOG_FILE is not None:  # Textual opens it for every line
                Path(constants.LOG_FILE).open("ab").close()
        except Exception as error:
            raise _of_environment(error) from error
        for palette in PALETTES:
            self.register_theme(textual_theme(palette))
        self.colour, self.ascii_only = colour, ascii_only
        self.loop: asyncio.AbstractEventLoop | None = None
        self.signal: int | None = None  # the one that ended it
        self.wear(theme)

    @property
    def lang(self) -> str:
        """The language of the screen."""
        return i18n.LANGUAGES[0]

    @property
    def fault(self) -> Exception | None:
        """The error that ended the app; who started it tells it as every other error."""
        return self._exception

    def run(self, **options: Any) -> End | None:
        """Run on the terminal until it is left or a signal ends it."""
        # Textual queues this watcher also on a screen that is closing, and Python would then
        # print the warning on the user's terminal.
        warnings.filterwarnings("ignore", r"coroutine 'Screen\._watch_selections'", RuntimeWarning)
        with ended_by_signals(self):
            return super().run(**options)

    async def run_async(self, **options: Any) -> End | None:
        """The same, in a loop that runs already."""
        self.loop = asyncio.get_running_loop()
        if (number := signals.raised()) is not None:
            self.end_by(number)
        return await super().run_async(**options)

    def end_by(self, number: int) -> None:
        """End with the exit code that shells give to a process a signal has ended."""
        self.signal = self.signal or number
        if self.is_running:
            self.exit(return_code=128 + self.signal)
        elif self.loop is not None:  # it is starting, and would forget it
            self.loop.call_later(0.05, self.end_by, number)

    def give_back(self) -> None:
        """The terminal as it was, at once."""
        if give_back := getattr(self._driver, "give_back", None):
            give_back()

    def action_suspend_process(self) -> None:
        """Stop, as ctrl+z stops what has no screen: with every process that was started here."""
        if self._driver is not None and self._driver.can_suspend:
            self._suspend_signal()
            os.killpg(os.getpgrp(), signal.SIGTSTP)

    def action_command_palette(self) -> None:
        """Every command by its words."""
        if not isinstance(self.screen, CommandPalette):
            search = i18n.text("palette.search", self.lang)
            self.push_screen(Palette(placeholder=search))  # one that was left may still be there

    def action_help_quit(self) -> None:
        """ctrl+c does not quit: say which key does."""
        title = i18n.text("leave.title", self.lang)
        self.notify(i18n.text("leave.how", self.lang, name="q"), title=title)

    def _handle_exception(self, error: Exception) -> None:
        """Keep the error and end; nothing of it is printed here."""
        if isinstance(error, WorkerFailed):
            cause, node = error.error, get_current_worker().node
        else:
            cause, node = error, cast("DOMNode", active_message_pump.get())
        if isinstance(node, Palette) and not node.is_current:
            return
        if isinstance(cause, _TOO_LATE) and self.return_code is not None:
            return
        self._return_code = 1
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self._close_messages_no_wait()

    def wear(self, theme: str) -> None:
        """Another theme: for the views and for Textual's own widgets."""
        self.look = ViewTheme(theme, self.colour, self.ascii_only)
        own = self.look.palette
        self.theme = f"rnnviz-{own.name}" if own else "ansi-dark"

    def wear_next(self) -> str:
        """The next theme, and its name."""
        name = THEMES[(THEMES.index(self.look.name) + 1) % len(THEMES)]
        self.wear(name)
        return name


def _of_environment(error: Exception) -> Exception:
    """What Textual could not start with, as an error of the variables that are for it."""
    given = sorted(name for name in os.environ if name.startswith("TEXTUAL_"))
    if not given:
        return error
    return UsageError(
        f"The screen cannot start with {', '.join(given)} as set in the environment "
        f"({reason(error)}).\nTake it out: unset {' '.join(given)}"
    )
