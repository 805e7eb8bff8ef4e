"""A grid of character cells, each with a character and a colour role."""

from __future__ import annotations

import unicodedata
from itertools import groupby

from rnnviz.display import visible

#: The role of a cell's colour, and for data the index of the hue: ("data", 0), ("axis", None) …
Ink = tuple[str, int | None]
NO_INK: Ink = ("axis", None)


def width_of(text: str) -> int:
    """The columns that a text takes; it must be the result of :func:`visible`."""
    return sum(_columns(char) for char in text)


def _columns(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def cut(text: str, width: int) -> str:
    """The printable text, or its beginning and "…" if it is wider than ``width``."""
    text = visible(text)
    if width_of(text) <= width:
        return text
    while text and width_of(text) > width - 1:
        text = text[:-1]
    return text + "…" if width > 0 else ""


class BrailleCanvas:
    """``height`` rows of ``width`` cells; text outside of them is clipped."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = max(width, 0), max(height, 0)
        blank = (" ", NO_INK)
        self.cells: list[list[tuple[str, Ink]]] = [[blank] * self.width for _ in range(self.height)]

    def put(self, row: int, column: int, text: str, ink: Ink) -> int:
        """Write a text and return the column after it."""
        for char in text:
            columns = _columns(char)
            inside = 0 <= row < self.height and 0 <= column and column + columns <= self.width
            if inside and columns:
                self._part(row, column)
                self._part(row, column + columns)
                self.cells[row][column] = (char, ink)
                if columns == 2:
                    self.cells[row][column + 1] = ("", ink)
            elif inside and column:
                # A combining mark is added to the previous character, which may be two wide.
                base = column - 1 if self.cells[row][column - 1][0] else column - 2
                self.cells[row][base] = (self.cells[row][base][0] + char, ink)
            column += columns
        return column

    def _part(self, row: int, column: int) -> None:
        """Blank a wide character that spans the left edge of a cell, before half is overwritten."""
        if 0 < column < self.width and self.cells[row][column][0] == "":
            for half in (column - 1, column):
                self.cells[row][half] = (" ", self.cells[row][half][1])

    def free(self, row: int, column: int, width: int) -> bool:
        """Whether a part of a row is on the canvas and contains only blanks and level lines."""
        inside = 0 <= row < self.height and 0 <= column and column + width <= self.width
        return inside and all(
            char == " " or (ink[0] == "level" and char == "╌")
            for char, ink in self.cells[row][column : column + width]
        )

    def spans(self) -> list[list[tuple[str, Ink]]]:
        """The rows, each as a list of (text, ink)."""
        return [
            [("".join(char for char, _ in part), ink) for ink, part in groupby(row, _ink)]
            for row in self.cells
        ]


def _ink(cell: tuple[str, Ink]) -> Ink:
    return cell[1]
