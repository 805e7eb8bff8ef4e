"""The line that a sentence, a clamp or a list of cells is typed into."""

from __future__ import annotations

from textual.widgets import Input


class LineInput(Input):
    """Textual's input, in which a character that cannot be printed is a space.

    A text that is pasted, or that comes from a saved trace, may hold codes for the terminal.
    """

    def validate_value(self, value: str) -> str:
        """The value that is kept, as long as the one that was set."""
        return "".join(char if char.isprintable() else " " for char in value)
