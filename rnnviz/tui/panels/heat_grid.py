"""The grid of heat maps: how many side by side, and how wide a unit is."""

from __future__ import annotations

from dataclasses import dataclass

from textual.geometry import Region

NUMBER = 5  # columns of the chosen unit's number left of a heatmap
SHORTEST = 24  # columns of a heat map of few units, for its title
WORDS = 6, 16  # columns of the words left of a band of heat maps: least and most


@dataclass(frozen=True)
class Shape:
    """The properties of a trace that determine the size of its views."""

    tokens: int
    units: int
    quantities: int
    diagram: tuple[int, int]  # columns and lines of the drawing
    compared: int = 0  # further cells in the reach panel
    chain: int = 20  # lines of all equations of a token, one line each
    parts: int = 7

    @property
    def roomy(self) -> int:
        """Lines of all equations with an empty line after each part, and of the title."""
        return self.chain + self.parts + 1


def cell_width(units: int) -> int:
    """Least columns of a unit in a heat map; few units are wide enough for a number in each."""
    return max(1, min(6, 32 // max(1, units)))


@dataclass(frozen=True)
class HeatGrid:
    """Heat maps side by side in bands."""

    bands: int
    columns: int  # heat maps in a band
    each: int  # columns of a heat map
    words: int  # columns of the words at the left of a band
    cell: int  # columns of a unit


def heat_grid(width: int, shape: Shape, height: int = 0) -> HeatGrid:
    """The grid with the widest cells that shows every token in ``height`` lines.

    If none does, as many heat maps in a band as fit.
    """
    least = max(SHORTEST, NUMBER + min(shape.units, 32) * cell_width(shape.units))
    most = max(1, min(shape.quantities, (width - WORDS[0]) // least))
    best = _columns(width, shape, most)
    for columns in range(most - 1, 0, -1):
        grid = _columns(width, shape, columns)
        if grid.cell > best.cell and grid.bands * (shape.tokens + 2) <= height:
            best = grid
    return best


def _columns(width: int, shape: Shape, columns: int) -> HeatGrid:
    bands = -(-shape.quantities // columns)
    columns = -(-shape.quantities // bands)
    room = (width - WORDS[0]) // columns
    cell = max(1, min(6, (room - NUMBER) // max(1, shape.units)))
    each = min(room, max(SHORTEST, NUMBER + shape.units * cell))
    words = min(WORDS[1], width - columns * each)
    return HeatGrid(bands, columns, (width - words) // columns, words, cell)


def heat_lines(width: int, shape: Shape) -> int:
    """Lines that show every token of every quantity, with a line for the number of the unit."""
    return heat_grid(width, shape).bands * (shape.tokens + 2)


def heat_maps(room: Region, shape: Shape, grid: HeatGrid | None = None) -> dict[str, Region]:
    """Heat maps side by side in bands of equal height, each with the words at its left."""
    if not shape.quantities or room.height < 2:
        return {}
    grid = grid or heat_grid(room.width, shape, room.height)
    bands = grid.bands
    while bands > 1 and room.height // bands < 1 + min(shape.tokens, 2):
        bands -= 1
    height = room.height // bands
    places = {}
    for k in range(min(shape.quantities, bands * grid.columns)):
        band, column = divmod(k, grid.columns)
        top = room.y + height * band
        if column == 0:
            places[f"words-{band}"] = Region(room.x, top, grid.words, height)
        each = grid.each
        last = shape.quantities - band * grid.columns
        if last < grid.columns:
            # Fewer heat maps in the last band are wider if that makes their cells wider.
            wide = grid.each * grid.columns // last
            each = wide if (wide - NUMBER) // max(1, shape.units) > grid.cell else each
        left = room.x + grid.words + column * each
        places[f"heat-{k}"] = Region(left, top, each, height)
    return places
