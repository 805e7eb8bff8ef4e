"""SVG elements, and the colours on light and dark backgrounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array
from rnnviz.charts.canvas import width_of
from rnnviz.display import markup, visible

SIZE = 13  # of the text, in pixels
LETTER = 0.56 * SIZE  # mean width of a letter, rounded up

Number = float | Array


@dataclass(frozen=True)
class Paint:
    """The colours for a background; distinguishable with red-green colour blindness."""

    paper: str
    ink: str
    dim: str
    grid: str
    spot: str
    hues: tuple[str, ...]

    def hue(self, index: int) -> str:
        """The colour of a line by its index."""
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
class PlotArea:
    """The plot's rectangle in pixels."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """x of the right side."""
        return self.left + self.width

    @property
    def foot(self) -> float:
        """y of the lower side."""
        return self.top + self.height

    def x(self, share: Number) -> Array:
        """Pixels from the left of the image, of the shape of ``share``."""
        return self.left + np.asarray(share) * self.width

    def y(self, share: Number) -> Array:
        """Pixels from the top of the image, of the shape of ``share``."""
        return self.top + (1 - np.asarray(share)) * self.height


def pixels(value: Number) -> str:
    """Format a coordinate to a tenth of a pixel."""
    return f"{float(value):.1f}".removesuffix(".0")


def text_element(x: Number, y: Number, text: str, colour: str, attributes: str = "") -> str:
    """A text whose baseline starts at (x, y)."""
    start = f'<text x="{pixels(x)}" y="{pixels(y)}" fill="{colour}"{attributes}>'
    return f"{start}{markup(text)}</text>"


def circle(x: Number, y: Number, radius: float, attributes: str) -> str:
    """A circle around (x, y)."""
    return f'<circle cx="{pixels(x)}" cy="{pixels(y)}" r="{pixels(radius)}" {attributes}/>'


def path(steps: str, colour: str, width: float, dashes: str = "", more: str = "") -> str:
    """A line along path commands, "M0 0L1 1 …"."""
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return (
        f'<path d="{steps}" fill="none" stroke="{colour}" stroke-width="{pixels(width)}" '
        f'stroke-linejoin="round"{dashed}{more}/>'
    )


def steps(*points: tuple[Number, Number]) -> str:
    """The path commands through points."""
    return "M" + "L".join(f"{pixels(x)} {pixels(y)}" for x, y in points)


def length_of(text: str) -> float:
    """The approximate width of a text in pixels, rounded up."""
    return width_of(visible(text)) * LETTER
