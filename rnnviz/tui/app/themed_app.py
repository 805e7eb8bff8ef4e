"""The base class of both apps: driver, themes, palette, and how it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from textual import constants
from textual._context import active_message_pump
from textual.app import App, ScreenStackError
from textual.binding import Binding, BindingType
from textual.command import CommandPalette, Provider
from textual.css.query import NoMatches
from textual.dom import DOMNode
from textual.driver import Driver
from textual.events import Event, Paste
from textual.widget import MountError
from textual.worker import WorkerFailed, get_current_worker

from rnnviz import i18n, signals
from rnnviz.errors import UsageError
from rnnviz.files import reason
from rnnviz.messages import _, set_language
from rnnviz.tui.app.palette import AppCommands, Palette
from rnnviz.tui.app.termination import end_on_signals
from rnnviz.tui.keymap import DEFAULT_KEYMAP, Keymap
from rnnviz.tui.render.theme import PALETTES, THEMES, ViewTheme, textual_theme
from rnnviz.tui.terminal.driver_class import driver_for
from rnnviz.window import in_browser

if TYPE_CHECKING:
    from rnnviz.tui.terminal.cast import CastWriter

End = TypeVar("End")


#: Errors of keys that were still waiting when the app exited.
_ERRORS_AFTER_EXIT = (NoMatches, MountError, ScreenStackError)


class ThemedApp(App[End]):
    """An app in one of our themes; its views are drawn in ``view_theme``.

    Without ``colour`` no colour codes are written; with ``ascii_only`` every character is ASCII.
    """

    TITLE = "rnnviz"
    ALLOW_SELECT = False  # Textual fails if a widget is removed while a selection begins on it
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {AppCommands}
    CSS = "Screen { background: $background; color: $foreground; }"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+z", "suspend_process", "suspend", show=False, id="suspend"),
    ]
    #: Signals after which the app may take any time to end.
    unhurried_signals: tuple[int, ...] = ()

    def __init__(
        self, theme: str, colour: bool, ascii_only: bool, keymap: Keymap = DEFAULT_KEYMAP
    ) -> None:
        # Textual would obey even an empty NO_COLOR; ``colour`` decides here.
        os.environ.pop("NO_COLOR", None)
        try:
            super().__init__(driver_class=driver_for(self.get_driver_class(), colour))
            if constants.LOG_FILE is not None:  # Textual opens it for each line
                Path(constants.LOG_FILE).open("ab").close()
        except Exception as error:
            raise _environment_error(error) from error
        for palette in PALETTES:
            self.register_theme(textual_theme(palette))
        self.colour, self.ascii_only, self.keymap = colour, ascii_only, keymap
        self.set_keymap(keymap.overridden())
        self.loop: asyncio.AbstractEventLoop | None = None
        self.signal: int | None = None  # the signal that ended the app
        #: The folder of files that outlive the app; None: nothing is kept.
        self.state_folder: Path | None = None
        #: Takes what the terminal is given; None: nobody does.
        self.cast: CastWriter | None = None
        #: Called whenever something has been painted.
        self.painted: list[Callable[[], None]] = []
        self.use_theme(theme)

    def get_driver_class(self) -> type[Driver]:
        """The driver of a page in a browser, which has no other terminal; else Textual's choice."""
        if not in_browser():
            return super().get_driver_class()
        from rnnviz.tui.terminal.page_driver import PageDriver

        return PageDriver

    @property
    def lang(self) -> str:
        """The language of the screen."""
        return i18n.LANGUAGES[0]

    @property
    def fault(self) -> Exception | None:
        """The error that ended the app, to be reported by the command line; None without one."""
        return self._exception  # Textual has no public name for it

    def run(self, **options: Any) -> End | None:
        """Run on the terminal until the app exits or a signal ends it."""
        # Textual queues this watcher also on a screen that is closing, and Python would then
        # print the warning on the user's terminal.
        warnings.filterwarnings("ignore", r"coroutine 'Screen\._watch_selections'", RuntimeWarning)
        with end_on_signals(self):
            return super().run(**options)

    async def run_async(self, **options: Any) -> End | None:
        """Run in the current event loop."""
        set_language(self.lang)
        self.loop = asyncio.get_running_loop()
        if (number := signals.raised()) is not None:
            self.end_by_signal(number)
        return await super().run_async(**options)

    def end_by_signal(self, number: int) -> None:
        """Exit with the code that shells use for a process ended by a signal, 128 + number."""
        self.signal = self.signal or number
        if self.is_running:
            self.exit(return_code=128 + self.signal)
        elif self.loop is not None:  # exit() has no effect while the app starts
            self.loop.call_later(0.05, self.end_by_signal, number)

    def restore_terminal(self) -> None:
        """Restore the terminal at once, from any thread."""
        # Textual has no public name for the driver.
        if restore_terminal := getattr(self._driver, "restore_terminal", None):
            restore_terminal()

    def action_suspend_process(self) -> None:
        """Suspend the whole process group, as ctrl+z does for programs without a screen."""
        if self._driver is not None and self._driver.can_suspend:
            self.app_suspend_signal.publish(self)
            os.killpg(os.getpgrp(), signal.SIGTSTP)

    def action_command_palette(self) -> None:
        """Open the command palette, unless one is open."""
        if not isinstance(self.screen, CommandPalette):
            search = i18n.text("palette.search", self.lang)
            self.push_screen(Palette(placeholder=search))  # a dismissed one may still be in the DOM

    def action_help_quit(self) -> None:
        """ctrl+c: tell which key quits."""
        title = i18n.text("leave.title", self.lang)
        self.notify(i18n.text("leave.how", self.lang, name=self.keymap.key("quit")), title=title)

    async def on_event(self, event: Event) -> None:
        """Handle an event; in a text that is pasted, what cannot be printed is a space.

        The line of Textual's palette would write such characters to the terminal.
        """
        if isinstance(event, Paste):
            event.text = "".join(char if char.isprintable() else " " for char in event.text)
        await super().on_event(event)

    def _handle_exception(self, error: Exception) -> None:
        """Store the error and exit without printing it.

        Textual has no public hook: its own method prints a traceback. The widget whose handler
        failed is known only to a private context variable.
        """
        if isinstance(error, WorkerFailed):
            cause, node = error.error, get_current_worker().node
        else:
            cause, node = error, cast("DOMNode", active_message_pump.get())
        if isinstance(node, Palette) and not node.is_current:
            return
        if isinstance(cause, _ERRORS_AFTER_EXIT) and self.return_code is not None:
            return
        self._return_code = 1
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self._close_messages_no_wait()

    def next_language(self) -> str:
        """The language after that of the screen; errors are in it from now on."""
        at = (i18n.LANGUAGES.index(self.lang) + 1) % len(i18n.LANGUAGES)
        set_language(i18n.LANGUAGES[at])
        return i18n.LANGUAGES[at]

    def post_display_hook(self) -> None:
        """Tell who wants to know that something has been painted."""
        for tell in tuple(self.painted):
            tell()

    def use_theme(self, theme: str) -> None:
        """Switch the theme of the views and of Textual's widgets."""
        self.view_theme = ViewTheme(theme, self.colour, self.ascii_only)
        palette = self.view_theme.palette
        self.theme = f"rnnviz-{palette.name}" if palette else "ansi-dark"

    def use_next_theme(self) -> str:
        """Switch to the next theme; return its name."""
        name = THEMES[(THEMES.index(self.view_theme.name) + 1) % len(THEMES)]
        self.use_theme(name)
        return name


def _environment_error(error: Exception) -> Exception:
    """An error while Textual starts, as an error in its environment variables if any are set."""
    names = sorted(name for name in os.environ if name.startswith("TEXTUAL_"))
    if not names:
        return error
    return UsageError(
        _(
            "The screen cannot start with {names} as set in the environment "
            "({reason}).\nTake it out: unset {variables}"
        ).format(names=", ".join(names), reason=reason(error), variables=" ".join(names))
    )
