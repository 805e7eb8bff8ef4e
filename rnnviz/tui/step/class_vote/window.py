"""The window with the code that leads phones to the page of a class."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from rnnviz.network_addresses import qr_lines
from rnnviz.tui.app.modal import Modal

if TYPE_CHECKING:
    from rnnviz.tui.step.class_vote.control import ClassControl

#: A camera needs dark modules on light ones, whatever the theme.
_CODE = Style(color="#ffffff", bgcolor="#000000")


_LEAVE = "enter,pagedown,G,space,percent_sign,q"


class ClassWindow(Modal[None]):
    """The QR code, the links, how many phones there are, and the second vote."""

    DEFAULT_CSS = """
    ClassWindow #frame { width: auto; padding: 0 2; align: center middle; }
    ClassWindow #frame > * { width: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(_LEAVE, "dismiss", "back", show=False, id="class_back"),
        Binding("a", "again", "vote again", show=False, id="class_again"),
    ]

    def __init__(self, control: ClassControl) -> None:
        super().__init__()
        self.control = control

    def compose(self) -> ComposeResult:
        """The code, the links and the numbers."""
        links = self.control.vote.links
        with Vertical(id="frame"):
            if links and not self.view_theme.ascii:
                lines = qr_lines(links[0])
                yield Static(Text("\n".join(lines), style=_CODE, no_wrap=True), id="code")
            text = Text("\n".join(links), style=self.view_theme.bold)
            yield Static(text, id="links", markup=False)
            yield Static(self._said(), id="said", markup=False)

    def _said(self) -> str:
        said = self.text("vote.phones", n=self.control.vote.devices)
        if self.control.can_ask_again:
            said += "\n" + self.text("vote.window_again")
        return f"{said}\n{self.text('vote.window_back')}"

    def show_vote(self) -> None:
        """The numbers have changed."""
        self.query_one("#said", Static).update(self._said())

    def action_again(self) -> None:
        """Vote once more, and close the window."""
        if self.control.can_ask_again:
            self.control.ask_again()
            self.dismiss()
