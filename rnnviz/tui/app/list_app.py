"""An app that is one list: a row is chosen, or the list is left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from rnnviz.tui.app.choice_list import ChoiceList, ListRow
from rnnviz.tui.app.themed_app import ThemedApp
from rnnviz.tui.keymap import DEFAULT_KEYMAP, Keymap

T = TypeVar("T")


class ListApp(ThemedApp[T]):
    """``run()`` returns the value of the chosen row; None if the list is left.

    ``chosen`` is highlighted first; ``filter_text`` is the hint in the line that filters.
    """

    def __init__(
        self,
        title: str,
        rows: Sequence[ListRow[T]],
        filter_text: str,
        chosen: T | None = None,
        *,
        lang: str = "en",
        theme: str = "dark",
        colour: bool = True,
        ascii_only: bool = False,
        keymap: Keymap = DEFAULT_KEYMAP,
    ) -> None:
        super().__init__(theme, colour, ascii_only, keymap)
        self.rows, self.chosen, self._lang = tuple(rows), chosen, lang
        self.list: ChoiceList[T] = ChoiceList(title, rows, filter_text=filter_text)

    @property
    def lang(self) -> str:
        """The language of the screen."""
        return self._lang

    async def on_mount(self) -> None:
        """Show the list."""
        await self.push_screen(self.list, self.exit)
        self.list.show_choices(self.rows, self.chosen)
