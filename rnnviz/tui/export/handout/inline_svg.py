"""Many pictures of panels in one HTML page: lines and styles that they share are written once.

A picture is a list of lines of characters. A line is an SVG group with an id, and a picture refers
to its lines with ``<use>``: of two pictures of a walk most lines are the same. A style is a CSS
class with the colours of the light theme, and in a dark window those of the dark one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby

from rich.cells import cell_len
from rich.style import Style
from textual.strip import Strip

from rnnviz.display import markup
from rnnviz.tui.export.pictures import FONTS
from rnnviz.tui.render.theme import PALETTES, ColourPalette

#: Width and height of a character in the units of the pictures, and the size of the font.
COLUMN, LINE, FONT_SIZE = 10, 20, 16.4
#: The base line of a character, from the top of its line.
BASE = 15

LIGHT, DARK = (next(p for p in PALETTES if p.name == name) for name in ("light", "dark"))

#: Colour, background and marks of a character in one theme.
Look = tuple[str, str, bool, bool]


@dataclass(frozen=True)
class PagePicture:
    """A picture by the numbers of its lines; ``alt`` says in words what it shows."""

    lines: tuple[int, ...]
    alt: str
    columns: int


@dataclass
class PictureSheet:
    """The lines and styles of all pictures of a page."""

    _lines: dict[str, int] = field(default_factory=dict)  # the SVG of a line: its number
    _inks: dict[tuple[str, str, bool, bool], int] = field(default_factory=dict)
    _backs: dict[tuple[str, str], int] = field(default_factory=dict)

    def picture(
        self, light: Sequence[Strip], dark: Sequence[Strip], alt: str, columns: int
    ) -> PagePicture:
        """A picture of the same lines drawn in the light and in the dark theme."""
        pairs = zip(light, dark, strict=True)
        return PagePicture(tuple(self._number(one, other) for one, other in pairs), alt, columns)

    def _number(self, light: Strip, dark: Strip) -> int:
        return self._lines.setdefault(self._line(light, dark), len(self._lines))

    def _line(self, light: Strip, dark: Strip) -> str:
        """The SVG of a line: its backgrounds, a path for each colour, then its texts."""
        backs: dict[int, str] = {}
        texts = []
        x = 0
        cells = _cells(light, LIGHT)
        shades = _cells(dark if dark.text == light.text else light, DARK)
        for looks, run in groupby(
            zip(cells, shades, strict=True), key=lambda pair: (pair[0][1], pair[1][1])
        ):
            text = "".join(cell[0] for cell, _ in run)
            wide = cell_len(text) * COLUMN
            if (looks[0][1], looks[1][1]) != (LIGHT.background, DARK.background):
                back = self._back(looks[0][1], looks[1][1])
                backs[back] = backs.get(back, "") + f"M{x} 0h{wide}v{LINE}h-{wide}z"
            texts.append(self._text(text, x, looks))
            x += wide
        paths = "".join(f'<path class="b{n}" d="{d}"/>' for n, d in backs.items())
        return paths + "".join(texts)

    def _text(self, text: str, x: int, looks: tuple[Look, Look]) -> str:
        """The characters of one style without spaces around them; "" of spaces alone."""
        inside = text.strip(" ")
        if not inside:
            return ""
        x += COLUMN * (len(text) - len(text.lstrip(" ")))
        wide = cell_len(inside) * COLUMN
        # textLength keeps the columns in any font; one character needs none.
        length = f' textLength="{wide}"' if len(inside) > 1 else ""
        (light, _, bold, line), (dark, *_) = looks
        n = self._inks.setdefault((light, dark, bold, line), len(self._inks))
        shown = markup(inside).replace(" ", "\N{NO-BREAK SPACE}")
        return f'<text class="f{n}" x="{x}" y="{BASE}"{length}>{shown}</text>'

    def _back(self, light: str, dark: str) -> int:
        return self._backs.setdefault((light, dark), len(self._backs))

    def svg(self, picture: PagePicture) -> str:
        """The picture as an element of the page."""
        uses = "".join(
            f'<use href="#r{n}" y="{y * LINE}"/>' if y else f'<use href="#r{n}"/>'
            for y, n in enumerate(picture.lines)
            if n in self._drawn
        )
        wide, high = picture.columns * COLUMN, len(picture.lines) * LINE
        return (
            f'<svg class="pic" viewBox="0 0 {wide} {high}" role="img" '
            f'aria-label="{markup(picture.alt)}">{uses}</svg>'
        )

    @property
    def _drawn(self) -> set[int]:
        """The lines with anything on them."""
        return {n for line, n in self._lines.items() if line}

    def definitions(self) -> str:
        """The lines of all pictures, in an element of no size."""
        groups = "".join(f'<g id="r{n}">{line}</g>\n' for line, n in self._lines.items() if line)
        return f'<svg class="defs" aria-hidden="true"><defs>{groups}</defs></svg>'

    def css(self) -> str:
        """The styles of all pictures; those of the dark theme apply on a dark screen only."""
        light, dark = [], []
        for (own, other, bold, line), n in self._inks.items():
            marks = (";font-weight:bold" if bold else "") + (
                ";text-decoration:underline" if line else ""
            )
            light.append(f".f{n}{{fill:{own}{marks}}}")
            if other != own:
                dark.append(f".f{n}{{fill:{other}}}")
        for (own, other), n in self._backs.items():
            light.append(f".b{n}{{fill:{own}}}")
            if other != own:
                dark.append(f".b{n}{{fill:{other}}}")
        family = FONTS.replace('"', "'")
        return (
            # Inherited: no selector reaches from a picture into the lines that it uses.
            f".pic{{font-family:{family};font-size:{FONT_SIZE}px;shape-rendering:crispEdges}}"
            + "".join(light)
            + "@media screen and (prefers-color-scheme:dark){"
            + "".join(dark)
            + "}"
        )


def _cells(strip: Strip, palette: ColourPalette) -> list[tuple[str, Look]]:
    """The characters of a line, each with its look."""
    return [
        (char, look)
        for segment in strip
        for look in (_look(segment.style or Style(), palette),)
        for char in segment.text
    ]


@lru_cache(maxsize=1024)
def _look(style: Style, palette: ColourPalette) -> Look:
    ink = palette.ink if style.color is None else _hex(style.color.get_truecolor())
    back = palette.background if style.bgcolor is None else _hex(style.bgcolor.get_truecolor())
    if style.reverse:
        ink, back = back, ink
    return ink, back, bool(style.bold), bool(style.underline)


def _hex(colour: tuple[int, int, int]) -> str:
    return "#" + "".join(f"{value:02x}" for value in colour)
