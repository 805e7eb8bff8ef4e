"""A screen with a list to choose from: arrows, enter or a click."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.strip import Strip
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from rnnviz.display import folded
from rnnviz.tui.app.line_input import LineInput
from rnnviz.tui.app.modal import Modal

T = TypeVar("T")


@dataclass(frozen=True)
class ListRow(Generic[T]):
    """A row of the list: its value, name and description."""

    value: T
    name: str
    about: str = ""


#: The highlighted row, also where there are no colours.
_HIGHLIGHTED = Style(reverse=True)


class RowList(OptionList, can_focus=False):
    """The list; the keys come from the screen, so that a line beside it can be typed into."""

    def on_click(self, event: events.Click) -> None:
        # The row may have been filtered out since it was drawn; Textual would fail.
        if event.style.meta.get("option", -1) >= self.option_count:
            event.prevent_default().stop()

    def render_line(self, y: int) -> Strip:
        """A line; Textual's component classes cannot reverse the colours of the highlight."""
        strip = super().render_line(y)
        rows = (segment.style.meta.get("option") for segment in strip if segment.style)
        highlighted = self.highlighted is not None and self.highlighted in rows
        return strip.apply_style(_HIGHLIGHTED) if highlighted else strip


class ChoiceList(Modal[T | None]):
    """A title, a line that filters where there are many rows, and the list.

    Dismissed with the chosen value, or with None.
    """

    DEFAULT_CSS = """
    ChoiceList #title { height: auto; color: $foreground-muted; }
    ChoiceList.-short #frame { width: auto; padding: 0 2; }
    ChoiceList.-short #frame > * { width: auto; }
    ChoiceList.-tight #title { display: none; }
    ChoiceList RowList { height: auto; max-height: 100%; scrollbar-size-vertical: 1; }
    ChoiceList.-filter #frame { height: 90%; }
    ChoiceList.-filter RowList { height: 1fr; }
    ChoiceList.-filter.-tight #frame { height: 100%; }
    ChoiceList.-ascii RowList { scrollbar-size-vertical: 0; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "up", show=False, id="choice_up"),
        Binding("down", "move(1)", "down", show=False, id="choice_down"),
        Binding("pageup", "move(-5)", "page up", show=False, id="choice_page_up"),
        Binding("pagedown", "move(5)", "page down", show=False, id="choice_page_down"),
        Binding("enter", "choose", "choose", show=False, id="choice_choose"),
    ]

    def __init__(
        self,
        title: str,
        choices: Sequence[ListRow[T]] = (),
        *,
        filter_text: str | None = None,
        opened_by: Sequence[str] = (),
        numbered: bool = False,
    ) -> None:
        """``filter_text``: the hint in the line that filters; None: there is no such line.

        ``opened_by``: the keys that open the list. ``numbered``: a digit chooses the row of this
        number, from 1.
        """
        super().__init__()
        self.numbered = numbered
        self.heading, self.filter_text, self.opened_by = title, filter_text, opened_by
        self.choices: tuple[ListRow[T], ...] = tuple(choices)
        self._listed: tuple[ListRow[T], ...] = ()
        self.add_class("-short" if filter_text is None else "-filter")

    def compose(self) -> ComposeResult:
        """Title, line and list."""
        with Vertical(id="frame"):
            yield Static(self.shown(self.heading), id="title", markup=False)
            if self.filter_text is not None:
                yield LineInput(placeholder=self.shown(self.filter_text), id="filter")
            yield RowList(id="list")

    def on_mount(self) -> None:
        """Fill the list; keys go to the line, if there is one."""
        if self.filter_text is not None:
            self.set_focus(self.query_one(LineInput))
        self.show_choices(self.choices)

    def show_choices(self, choices: Sequence[ListRow[T]], chosen: T | None = None) -> None:
        """Replace the list, filtered; ``chosen`` is highlighted first."""
        self.choices = tuple(choices)
        self._filter("" if self.filter_text is None else self.query_one(LineInput).value)
        values = [choice.value for choice in self._listed]
        if chosen in values:
            self.query_one(RowList).highlighted = values.index(chosen)

    def _filter(self, typed: str) -> None:
        words = folded(typed).split()
        self._listed = tuple(
            choice
            for choice in self.choices
            if all(word in folded(f"{choice.name} {choice.about}") for word in words)
        )
        rows = self.query_one(RowList)
        rows.clear_options()
        rows.add_options([Option(self._row(choice)) for choice in self._listed])
        rows.highlighted = 0 if self._listed else None

    def _row(self, choice: ListRow[T]) -> Text:
        text = Text()
        text.append(self.shown(choice.name), "bold")
        if choice.about:
            text.append("\n" + self.shown(choice.about))
        return text

    def on_input_changed(self, event: LineInput.Changed) -> None:
        """List what has the typed words in its name or description."""
        self._filter(event.value)

    def on_input_submitted(self) -> None:
        """Enter in the line."""
        self.action_choose()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A row was clicked."""
        self.dismiss(self._listed[event.option_index].value)

    def on_key(self, event: events.Key) -> None:
        """The key that opened the list chooses the highlighted row, if no line takes it."""
        if self.numbered and event.key.isdecimal() and 0 < int(event.key) <= len(self._listed):
            event.stop()
            self.dismiss(self._listed[int(event.key) - 1].value)
        elif self.filter_text is None and event.key in self.opened_by:
            event.stop()
            self.action_choose()

    def action_move(self, rows: int) -> None:
        """Move the highlight by so many rows, as far as there are any."""
        # The list's own actions raise errors while it has no width.
        if self._listed:
            listed = self.query_one(RowList)
            listed.highlighted = min(
                max((listed.highlighted or 0) + rows, 0), len(self._listed) - 1
            )

    def action_choose(self) -> None:
        """Choose the highlighted row."""
        at = self.query_one(RowList).highlighted
        if at is not None and at < len(self._listed):
            self.dismiss(self._listed[at].value)
