"""What can be copied to the clipboard: the command that leads here, the equation, the view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rnnviz.errors import shortened
from rnnviz.tui.app.choice_list import ChoiceList, ListRow
from rnnviz.tui.step.command_line import command_line

if TYPE_CHECKING:
    from rnnviz.tui.step.screen import StepScreen

#: Columns and lines in which the equation is written.
EQUATION_SIZE = (100, 60)


@dataclass(frozen=True)
class ClipboardText:
    """A text, and what it is."""

    what: str
    text: str


def choices(screen: StepScreen) -> list[ListRow[ClipboardText]]:
    """The command, the equation, and the view."""
    view_state = screen.view_state
    texts = {
        "command": command_line(view_state), "equation": equation(screen), "view": shown(screen),
    }  # fmt: skip
    return [
        ListRow(ClipboardText(what := view_state.text(f"copy.{name}"), text), what)
        for name, text in texts.items()
    ]


def choose(screen: StepScreen) -> None:
    """Open the list, and copy what is chosen."""

    def copy(copied: ClipboardText | None) -> None:
        if copied is not None:
            screen.app.copy_to_clipboard(copied.text)
            text = copied.text.replace("\n", " ")
            screen.say("copy.copied", what=copied.what, text=shortened(text))

    view_state = screen.view_state
    keys = view_state.keymap["copy"].keys
    opened = ChoiceList(view_state.text("copy.title"), choices(screen), opened_by=keys)
    screen.app.push_screen(opened, copy)


def equation(screen: StepScreen) -> str:
    """The equations of the current part and unit, with symbols and with numbers."""
    from rnnviz.tui.export import pictures

    return _safe(pictures.of_panel(screen.view_state, "equation", EQUATION_SIZE, "txt"))


def shown(screen: StepScreen) -> str:
    """The open page, the panel of the zoom level, or all panels, without title and keys."""
    from rnnviz.tui.export import pictures

    page, zoom = screen.page_host.page, screen.view_state.cursor.zoom
    if page is not None:
        return _safe("\n".join(strip.text.rstrip() for strip in page.strips()))
    if zoom != "sentence":
        return _safe(pictures.of_panel(screen.view_state, zoom, screen.size, "txt"))
    lines = pictures.of_screen(screen.app, "txt").split("\n")
    return _safe("\n".join(lines[1 : screen.size.height - 1]))


def _safe(text: str) -> str:
    """The text without control characters, which could run commands where it is pasted."""
    lines = text.rstrip().split("\n")
    return "\n".join("".join(c if c.isprintable() else " " for c in line) for line in lines)
