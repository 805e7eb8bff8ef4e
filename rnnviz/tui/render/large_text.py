"""Text several lines high, drawn with half blocks: read from the back of a room.

The glyphs are pictures in ``glyphs/FACE.txt``: a line with characters, then their rows of pixels,
``#`` or ``.``. A line of the terminal has two rows of pixels.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from rich.segment import Segment
from rich.style import Style

from rnnviz.tui.render.segments import Line

#: Upper and lower half of a line: neither, upper, lower, both; in ASCII as well.
_BLOCKS, _ASCII_BLOCKS = " ▀▄█", ' "o#'
_Glyph = tuple[str, ...]


@dataclass(frozen=True)
class Face:
    """A set of glyphs, and how large a pixel is."""

    name: str  # of the file
    lines: int  # of the terminal
    doubled: bool = False  # a pixel takes two columns and a line, not a column and half a line


MEDIUM, LARGE = Face("medium", 3), Face("large", 5)
MEDIUM_DOUBLE, LARGE_DOUBLE = Face("medium", 6, True), Face("large", 10, True)
#: All faces, the largest first.
FACES = (LARGE_DOUBLE, MEDIUM_DOUBLE, LARGE, MEDIUM)


@cache
def _glyphs(name: str) -> dict[str, _Glyph]:
    """The rows of pixels of each character."""
    lines = files(__package__).joinpath("glyphs", f"{name}.txt").read_text("utf-8").splitlines()
    found: dict[str, _Glyph] = {}
    height = next(n for n, line in enumerate(lines[1:]) if set(line) - set("#. "))
    for start in range(0, len(lines), height + 1):
        rows = [line.split(" ") for line in lines[start + 1 : start + 1 + height]]
        for n, char in enumerate(lines[start].split(" ")):
            found[char] = tuple(row[n] for row in rows)
    found[" "] = ("." * (3 if height > 6 else 2),) * height
    return found


def _glyph(name: str, char: str) -> _Glyph | None:
    """The glyph of a character, or of its letter without the accent; None if there is neither."""
    glyphs = _glyphs(name)
    if char in glyphs:
        return glyphs[char]
    return glyphs.get(unicodedata.normalize("NFD", char)[:1])


def drawable(text: str, face: Face) -> bool:
    """Whether the face has every character."""
    return all(_glyph(face.name, char) for char in text)


@cache
def large_width(text: str, face: Face) -> int:
    """Columns of the text, without a gap at its end; as many as its letters if not drawable."""
    pixels = sum(len((_glyph(face.name, char) or ("",))[0]) + 1 for char in text) - 1
    return max(0, pixels) * (2 if face.doubled else 1)


def large_text(text: str, face: Face, ascii_only: bool = False) -> list[str]:
    """The text in ``face.lines`` lines of equal width; characters without a glyph are left out."""
    return list(_drawn(text, face, ascii_only))


@cache
def _drawn(text: str, face: Face, ascii_only: bool) -> tuple[str, ...]:
    glyphs = [glyph for char in text if (glyph := _glyph(face.name, char))]
    if not glyphs:
        return ("",) * face.lines
    rows = [".".join(parts) for parts in zip(*glyphs, strict=True)]
    blocks = _ASCII_BLOCKS if ascii_only else _BLOCKS
    if face.doubled:
        return tuple("".join((blocks[0], blocks[3])[p == "#"] * 2 for p in row) for row in rows)
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return tuple(
        "".join(blocks[(a == "#") + 2 * (b == "#")] for a, b in zip(upper, lower, strict=True))
        for upper, lower in pairs
    )


def fitting_face(text: str, width: int, lines: int, faces: Iterable[Face] = FACES) -> Face | None:
    """The first face in which the text fits; None if none has its characters or the room."""
    for face in faces:
        if face.lines <= lines and drawable(text, face) and large_width(text, face) <= width:
            return face
    return None


def large_line(pieces: Line, face: Face, ascii_only: bool = False) -> list[Line]:
    """Segments of a line as ``face.lines`` lines, each piece in its style, a pixel apart."""
    gap = Segment("  " if face.doubled else " ", Style())
    lines: list[Line] = [[] for _ in range(face.lines)]
    for text, style, _ in pieces:
        for line, drawn in zip(lines, large_text(text, face, ascii_only), strict=True):
            line += [Segment(drawn, style), gap]
    return lines
