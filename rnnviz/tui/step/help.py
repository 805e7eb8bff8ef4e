"""The help screen and its text."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from rnnviz.tui.app.dismiss_once import DismissOnce
from rnnviz.tui.keymap import localized_key, step_actions
from rnnviz.tui.pages import PAGES
from rnnviz.tui.render.theme import ASCII
from rnnviz.tui.terminal.compositor import DiffScreen
from rnnviz.tui.view.view_state import ViewState

PANELS = ("sentence", "heatmap", "cell", "equation", "backward", "reach", "weights")


class HelpScreen(DismissOnce, DiffScreen, ModalScreen[None]):
    """A scrollable text; escape or q closes it."""

    DEFAULT_CSS = """
    HelpScreen { align: center middle; }
    HelpScreen VerticalScroll {
        width: 90%; max-width: 96; height: 90%; padding: 1 2; background: $background;
        border: round $accent;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1", "dismiss", "back", id="help_back"),
    ]

    def __init__(self, page: Text) -> None:
        super().__init__()
        self.page = page

    def compose(self) -> ComposeResult:
        """The text."""
        with VerticalScroll():
            yield Static(self.page)


def page(view_state: ViewState) -> Text:
    """All keys, and how to read each panel and page, in the language of the view state."""
    theme, say = view_state.theme, view_state.text
    pieces: list[tuple[str, object]] = [
        (say("help.title") + "\n", theme.bold),
        (say("help.leave") + "\n\n", theme.dim),
        (say("help.idea") + "\n\n", theme.ink),
        (say("help.keys") + "\n", theme.bold),
    ]
    lang, keymap = view_state.lang, view_state.keymap
    for action in step_actions(keymap, view_state.others):
        shown = " ".join(localized_key(key, lang) for key in action.keys)
        pieces.append((f"  {shown:<9}", theme.key))
        pieces.append((keymap.words(action, lang, view_state.others) + "\n", theme.ink))
    pieces.append(("\n" + say("help.panels") + "\n", theme.bold))
    for name in PANELS:
        title = say(f"panel.{name}") if name != "heatmap" else "f i o g c h"
        pieces.append((f"\n{title} · {say(f'question.{name}')}\n", theme.source))
        pieces.append((say(f"help.{name}") + "\n", theme.ink))
    for entry in PAGES:
        title, question = (say(f"page.{entry.name}.{key}") for key in ("title", "question"))
        key = keymap.key(f"page_{entry.name}")
        pieces.append((f"\n{title} [{key}] · {question}\n", theme.source))
        read = [say(f"page.{entry.name}.{key}") for key in ("help", "help_keys")]
        pieces.append((" ".join(filter(None, read)) + "\n", theme.ink))
    text = Text()
    for piece, style in pieces:
        text.append(piece.translate(ASCII) if theme.ascii else piece, style)  # type: ignore[arg-type]
    return text
