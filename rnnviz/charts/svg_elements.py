"""The pieces of an SVG document, and the colours of its two backgrounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array
from rnnviz.charts.canvas import width_of
from rnnviz.display import markup, visible

SIZE = 13  # of the text, in pixels
LETTER = 0.56 * SIZE  # a generous mean width of a letter

Number = float | Array


@dataclass(frozen=True)
class Paint:
    """Colours of one background; told apart without red and green."""

    paper: str
    ink: str
    dim: str
    grid: str
    spot: str
    hues: tuple[str, ...]

    def hue(self, index: int) -> str:
        """The colour of one line."""
        return self.hues[index % len(self.hues)]


LIGHT = Paint(
    "#ffffff", "#1b2330", "#566070", "#e3e5e9", "#a34a00",
    ("#1b5fb0", "#d76c08", "#8a3a8f", "#3d9bd1", "#8a6d00", "#555b66"),
)  # fmt: skip
DARK = Paint(
    "#10141b", "#eceff4", "#a9b1bd", "#2b323d", "#ffd75f",
    ("#75b2ff", "#f59a45", "#d79be0", "#a5dcff", "#e5d27a", "#b9c3d2"),
)  # fmt: skip


@dataclass(frozen=True)
class Frame:
    """The plot's rectangle in pixels."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Its right side."""
        return self.left + self.width

    @property
    def foot(self) -> float:
        """Its lower side."""
        return self.top + self.height

    def x(self, share: Number) -> Array:
        """Pixels from the left of the drawing."""
        return self.left + np.asarray(share) * self.width

    def y(self, share: Number) -> Array:
        """Pixels from the top of the drawing."""
        return self.top + (1 - np.asarray(share)) * self.height


def pixels(value: Number) -> str:
    """A coordinate to a tenth of a pixel."""
    return f"{float(value):.1f}".removesuffix(".0")


def words(x: Number, y: Number, text: str, colour: str, more: str = "") -> str:
    """A text whose baseline starts at (x, y)."""
    return f'<text x="{pixels(x)}" y="{pixels(y)}" fill="{colour}"{more}>{markup(text)}</text>'


def circle(x: Number, y: Number, radius: float, look: str) -> str:
    """A circle around (x, y)."""
    return f'<circle cx="{pixels(x)}" cy="{pixels(y)}" r="{pixels(radius)}" {look}/>'


def path(steps: str, colour: str, width: float, dashes: str = "", more: str = "") -> str:
    """A line along ``steps``, "M0 0L1 1 …"."""
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return (
        f'<path d="{steps}" fill="none" stroke="{colour}" stroke-width="{pixels(width)}" '
        f'stroke-linejoin="round"{dashed}{more}/>'
    )


def steps(*points: tuple[Number, Number]) -> str:
    """The steps of a path through points."""
    return "M" + "L".join(f"{pixels(x)} {pixels(y)}" for x, y in points)


def length_of(text: str) -> float:
    """About how many pixels a text takes, rather more than less."""
    return width_of(visible(text)) * LETTER
