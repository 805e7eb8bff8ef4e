"""The base class of screens in front of another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from textual import events
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from rnnviz.tui.app.dismiss_once import DismissOnce
from rnnviz.tui.render.theme import ASCII, ViewTheme
from rnnviz.tui.terminal.compositor import DiffScreen

if TYPE_CHECKING:
    from rnnviz.tui.app.themed_app import ThemedApp

Result = TypeVar("Result")

#: Below this size the frame fills the terminal and has no border.
ROOMY = (44, 16)


class Modal(DismissOnce, DiffScreen, ModalScreen[Result]):
    """A frame in the middle of the terminal; escape closes it.

    Its content is in a widget with the id ``frame``.
    """

    DEFAULT_CSS = """
    Modal { align: center middle; }
    Modal #frame {
        width: 90%; max-width: 96; height: auto; max-height: 90%; padding: 0 1;
        background: $background; border: round $accent;
    }
    Modal.-ascii #frame { border: ascii $accent; }
    Modal.-tight #frame { width: 100%; max-height: 100%; padding: 0; border: none; }
    Modal Input, Modal Input:focus {
        border: none; height: 1; padding: 0;
        background: $background; background-tint: $foreground 0%;
    }
    Modal OptionList { border: none; padding: 0; background: $background; height: auto; }
    Modal OptionList > .option-list--option-highlighted,
    Modal OptionList > .option-list--option-hover {
        color: $foreground; background: $background; text-style: none;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "back", show=False, id="modal_back"),
    ]

    @property
    def view_theme(self) -> ViewTheme:
        """The theme, and what the terminal can show."""
        return cast("ThemedApp[Any]", self.app).view_theme

    def text(self, key: str, **values: object) -> str:
        """The text of a key in the language of the screen."""
        app = cast("ThemedApp[Any]", self.app)
        return self.shown(app.keymap.text(key, app.lang, **values))

    def shown(self, text: str) -> str:
        """The text in the characters that the terminal has."""
        return text.translate(ASCII) if self.view_theme.ascii else text

    def on_mount(self) -> None:
        """Take a border that the terminal can show."""
        self.set_class(self.view_theme.ascii, "-ascii")

    def on_resize(self, event: events.Resize) -> None:
        """Leave the border out where there is no room for it."""
        small = event.size.width < ROOMY[0] or event.size.height < ROOMY[1]
        self.set_class(small, "-tight")
