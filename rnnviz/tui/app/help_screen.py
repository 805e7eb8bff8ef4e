"""The help screen of both apps: sections of text, and a search in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from rnnviz.display import folded
from rnnviz.tui.app.line_input import LineInput
from rnnviz.tui.app.modal import Modal
from rnnviz.tui.render.theme import ViewTheme

#: Columns of the keys in a row.
KEYS = 8


@dataclass(frozen=True)
class HelpSection:
    """A title and its rows, each a key and what it does; a paragraph has no key."""

    title: str
    rows: tuple[tuple[str, str], ...]

    def matching(self, words: str) -> HelpSection | None:
        """The section with the rows in which the words are; whole if they are in its title."""
        wanted = folded(words)
        if wanted in folded(self.title):
            return self
        rows = tuple(row for row in self.rows if any(wanted in folded(text) for text in row))
        return HelpSection(self.title, rows) if rows else None

    def comes_first(self, words: str) -> bool:
        """Whether the section is found before others; all are in their own order."""
        return False


def help_text(
    sections: Sequence[HelpSection], theme: ViewTheme, words: str = ""
) -> tuple[Text, int]:
    """The sections that have ``words`` in them, every place highlighted; the number of places."""
    text = Text()
    for n, section in enumerate(_found(sections, words)):
        text.append(("\n" if n else "") + section.title + "\n", theme.source)
        for key, row in section.rows:
            if key:
                text.append(f"  {key:<{KEYS}} ", theme.key)
            text.append(row + "\n", theme.ink)
    return text, highlight(text, words, theme.chosen) if words else 0


def _found(sections: Sequence[HelpSection], words: str) -> Iterator[HelpSection]:
    if words:
        sections = sorted(sections, key=lambda section: not section.comes_first(words))
    for section in sections:
        found = section.matching(words) if words else section
        if found is not None:
            yield found


def highlight(text: Text, words: str, style: Style) -> int:
    """Style every place of the words, in upper or lower case; the number of places."""
    plain, wanted, count = folded(text.plain), folded(words), 0
    start = plain.find(wanted)
    while start >= 0:
        count += 1
        text.stylize(style, start, start + len(wanted))
        start = plain.find(wanted, start + len(wanted))
    return count


class SearchInput(LineInput):
    """The line of the search; while it is empty, q and ? leave the help and / begins a search."""

    searching = False

    def on_key(self, event: events.Key) -> None:
        """Keys that are no letters of a search."""
        if self.value or self.searching or event.character not in ("q", "?", "/"):
            return
        event.stop()
        event.prevent_default()
        if event.character == "/":
            self.searching = True
        else:
            self.screen.dismiss()


class HelpScreen(Modal[None]):
    """Sections that scroll, below a line that is searched for; escape leaves the search first."""

    DEFAULT_CSS = """
    HelpScreen #frame { height: 90%; }
    HelpScreen.-tight #frame { height: 100%; }
    HelpScreen VerticalScroll { height: 1fr; scrollbar-size-vertical: 1; }
    HelpScreen #found { height: 1; color: $text-muted; }
    HelpScreen.-tight #found { display: none; }
    HelpScreen.-ascii VerticalScroll { scrollbar-size-vertical: 0; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back", show=False, id="help_back"),
        Binding("f1", "dismiss", "back", show=False, id="help_leave"),
        Binding("up", "scroll(-1)", "up", show=False, id="help_up"),
        Binding("down,enter", "scroll(1)", "down", show=False, id="help_down"),
        Binding("pageup", "page(-1)", "page up", show=False, id="help_page_up"),
        Binding("pagedown", "page(1)", "page down", show=False, id="help_page_down"),
    ]

    def __init__(self, sections: Sequence[HelpSection], search: str = "help.search") -> None:
        super().__init__()
        self.sections, self._search = tuple(sections), search

    def compose(self) -> ComposeResult:
        """The line, a note, and the text."""
        self.sections = tuple(
            replace(
                section,
                title=self.shown(section.title),
                rows=tuple((self.shown(key), self.shown(row)) for key, row in section.rows),
            )
            for section in self.sections
        )
        with Vertical(id="frame"):
            yield SearchInput(placeholder=self.text(self._search), id="search")
            yield Static(self.text("help.leave"), id="found", markup=False)
            with VerticalScroll(can_focus=False):
                yield Static(help_text(self.sections, self.view_theme)[0], id="text")

    def on_mount(self) -> None:
        """Letters go to the search from the start."""
        self.set_focus(self.query_one(SearchInput))

    def on_input_changed(self, event: LineInput.Changed) -> None:
        """Show what has the typed words in it."""
        words = event.value.strip()
        text, count = help_text(self.sections, self.view_theme, words)
        note = self.text("help.found", n=count) if words else self.text("help.leave")
        self.query_one("#text", Static).update(text)
        self.query_one("#found", Static).update(note)
        self._scroll.scroll_home(animate=False)

    def on_input_submitted(self) -> None:
        """Enter goes down."""
        self.action_page(1)

    @property
    def _scroll(self) -> VerticalScroll:
        return self.query_one(VerticalScroll)

    def action_back(self) -> None:
        """Leave the search, or the help."""
        line = self.query_one(SearchInput)
        if line.value or line.searching:
            line.value, line.searching = "", False
        else:
            self.dismiss()

    def action_scroll(self, lines: int) -> None:
        """Scroll by lines."""
        self._scroll.scroll_relative(y=lines, animate=False)

    def action_page(self, pages: int) -> None:
        """Scroll by pages."""
        self._scroll.scroll_relative(y=pages * max(1, self._scroll.size.height - 1), animate=False)
