"""The input line of every screen: no control characters, earlier lines, completion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.suggester import Suggester
from textual.widgets import Input
from textual.widgets.input import Selection

from rnnviz.display import folded


class LineInput(Input):
    """Textual's input, in which a character that cannot be printed is a space.

    A text that is pasted, or that comes from a saved trace, may hold codes for the terminal.
    ``earlier`` are the lines that ↑ brings back, the newest last; ``words`` complete what is typed,
    and → or tab takes the completion.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "earlier(-1)", "earlier line", show=False, id="line_earlier"),
        Binding("down", "earlier(1)", "later line", show=False, id="line_later"),
        # Without these, the keys would go on to the screen, where they belong to the open page.
        Binding("tab", "complete", "take the completion", show=False, id="line_complete"),
        Binding("shift+tab", "stay", "nothing", show=False, id="line_stay"),
    ]

    def __init__(
        self,
        value: str = "",
        *,
        placeholder: str = "",
        selected: bool = False,
        earlier: Sequence[str] = (),
        words: Sequence[str] = (),
        id: str | None = None,
    ) -> None:
        suggester = WordSuggester(words) if words else None
        super().__init__(
            value, placeholder=placeholder, id=id, select_on_focus=selected, suggester=suggester
        )
        if selected:  # keys may come before the focus, which selects too
            self.selection = Selection(0, len(value))
        self.cursor_blink = False
        self.earlier = tuple(earlier)
        self._at = len(self.earlier)  # index in ``earlier``; its length: the line being typed
        self._typed = value

    def validate_value(self, value: str) -> str:
        """The value with each unprintable character replaced; its length stays the same."""
        return "".join(char if char.isprintable() else " " for char in value)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without earlier lines ↑ and ↓ go on to the screen."""
        return bool(self.earlier) if action == "earlier" else True

    def action_earlier(self, step: int) -> None:
        """Replace the line by an earlier (−1) or a later one (+1); the typed one is the last."""
        if self._at == len(self.earlier):
            self._typed = self.value
        at = self._at + step
        while 0 <= at < len(self.earlier) and self.earlier[at] == self.value:
            at += step
        if not 0 <= at <= len(self.earlier):
            return
        self._at = at
        typed = self._at == len(self.earlier)
        self.value = self._typed if typed else self.earlier[self._at]
        self.cursor_position = len(self.value)

    def action_complete(self) -> None:
        """Take the completion, if there is one."""
        self.cursor_position = len(self.value)
        if self._suggestion:
            self.action_cursor_right()

    def action_stay(self) -> None:
        """Leave everything as it is."""


class WordSuggester(Suggester):
    """Completes a line to the first word that begins with it, in upper or lower case."""

    def __init__(self, words: Sequence[str]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self.words = tuple(word for word in words if word.isprintable())

    async def get_suggestion(self, value: str) -> str | None:
        """The completion; None if there is none."""
        start = folded(value)
        found = (word for word in self.words if folded(word).startswith(start) and word != value)
        return next((value + word[len(value) :] for word in found), None)
