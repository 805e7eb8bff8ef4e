"""Help: every key, and how to read every panel."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from rnnviz.tui.app.dismiss_once import DismissOnce
from rnnviz.tui.pages import PAGES
from rnnviz.tui.render.theme import ASCII
from rnnviz.tui.step.actions import offered, words
from rnnviz.tui.terminal.compositor import DiffScreen
from rnnviz.tui.view.view_state import ViewState

PANELS = ("sentence", "heatmap", "cell", "equation", "backward", "reach", "weights")


class HelpScreen(DismissOnce, DiffScreen, ModalScreen[None]):
    """A page to scroll; esc or q goes back."""

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
        """One page of text."""
        with VerticalScroll():
            yield Static(self.page)


def page(view_state: ViewState) -> Text:
    """The help text in the chosen language."""
    look, say = view_state.theme, view_state.text
    pieces: list[tuple[str, object]] = [
        (say("help.title") + "\n", look.bold),
        (say("help.leave") + "\n\n", look.dim),
        (say("help.idea") + "\n\n", look.ink),
        (say("help.keys") + "\n", look.bold),
    ]
    for action in offered(view_state.others):
        shown = say("key.space") if action.shown == "space" else action.shown
        pieces.append((f"  {shown:<9}", look.key))
        pieces.append((words(action, view_state.lang, view_state.others) + "\n", look.ink))
    pieces.append(("\n" + say("help.panels") + "\n", look.bold))
    for name in PANELS:
        title = say(f"panel.{name}") if name != "heatmap" else "f i o g c h"
        pieces.append((f"\n{title} · {say(f'question.{name}')}\n", look.source))
        pieces.append((say(f"help.{name}") + "\n", look.ink))
    for entry in PAGES:
        title, question = (say(f"page.{entry.name}.{key}") for key in ("title", "question"))
        pieces.append((f"\n{title} [{entry.shown}] · {question}\n", look.source))
        read = [say(f"page.{entry.name}.{key}") for key in ("help", "help_keys")]
        pieces.append((" ".join(filter(None, read)) + "\n", look.ink))
    text = Text()
    for piece, style in pieces:
        text.append(piece.translate(ASCII) if look.ascii else piece, style)  # type: ignore[arg-type]
    return text
