"""The arrangement of views at every size: plain arithmetic, testable without an app."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from textual.geometry import Region

SMALLEST = (60, 20)
NARROW, WIDE = 100, 180
TITLE = 23  # least columns of a heatmap, for its title
NUMBER = 5  # columns of the chosen unit's number left of a heatmap


@dataclass(frozen=True)
class Shape:
    """The properties of a trace that determine the size of its views."""

    tokens: int
    units: int
    quantities: int
    diagram: tuple[int, int]  # columns and lines of the drawing
    compared: int = 0  # further cells in the reach panel


Places = Mapping[str, Region]


def arrange(
    width: int,
    height: int,
    *,
    zoom: str,
    shape: Shape,
    status: int = 0,
    typing: bool = False,
    page: str = "",
    full_screen: bool = False,
) -> Places:
    """The region of every visible view, by name.

    ``page`` is the name of an open page; ``full_screen``: it replaces the sentence panel too.
    """
    if width < SMALLEST[0] or height < SMALLEST[1]:
        return {"small": Region(0, 0, width, height)}
    places: dict[str, Region] = {
        "title": Region(0, 0, width, 1),
        "keys": Region(0, height - 1, width, 1),
    }
    bottom = height - 1
    if typing:
        bottom -= 1
        places["typing"] = Region(0, bottom, width, 1)
    if status:
        bottom -= status
        places["status"] = Region(0, bottom, width, status)
    room = Region(0, 1, width, bottom - 1)
    if page:
        strip = 0 if full_screen else min(strip_height(room), 6 if room.height < 26 else 7)
        above, below = room.split_horizontal(strip)
        views = {"sentence": above, f"page-{page}": below}
    elif width < NARROW:
        views = _narrow(room, zoom, shape)
    elif width >= WIDE and zoom == "sentence":
        views = _wide(room, shape)
    else:
        views = _middle(room, zoom, shape)
    return places | {name: region for name, region in views.items() if region.area}


def strip_height(room: Region) -> int:
    """Lines of the sentence panel; more lines give a finer curve."""
    return 7 if room.height < 26 else 8 if room.height < 38 else 10


def _top(room: Region) -> tuple[Region, Region]:
    return room.split_horizontal(strip_height(room))


def _narrow(room: Region, zoom: str, shape: Shape) -> dict[str, Region]:
    if zoom == "cell":
        strip, rest = room.split_horizontal(3)
        return {"sentence": strip, "cell": rest}
    if zoom == "equation":
        strip, rest = room.split_horizontal(3)
        equation, below = rest.split_horizontal(max(7, rest.height - 10))
        backward, reach = below.split_horizontal(min(6, below.height))
        return {"sentence": strip, "equation": equation, "backward": backward, "reach": reach}
    strip, rest = _top(room)
    return {"sentence": strip, **_heatmaps(rest, shape)}


def _middle(room: Region, zoom: str, shape: Shape) -> dict[str, Region]:
    strip, rest = _top(room)
    places = {"sentence": strip}
    if zoom == "equation":
        equation, below = rest.split_horizontal(max(8, rest.height - 8))
        backward, reach = below.split_vertical(below.width * 3 // 5)
        return places | {"equation": equation, "backward": backward, "reach": reach}
    if zoom == "sentence":
        tall = shape.diagram[1] + 1
        most = max(rest.height - tall, rest.height // 3)
        heat, rest = rest.split_horizontal(min(most, heat_height(room.width, shape)))
        places |= _heatmaps(heat, shape)
    left, right = rest.split_vertical(min(shape.diagram[0] + 2, rest.width * 3 // 5))
    places["cell"] = left
    return places | _explained(right, shape)


def _explained(right: Region, shape: Shape) -> dict[str, Region]:
    """The equation, backward and reach panels above one another."""
    reach = max(2 if right.height < 16 else 5, 2 + shape.compared)
    backward = max(3, min(6, (right.height - reach) // 2))
    equation, below = right.split_horizontal(max(3, right.height - reach - backward))
    back, far = below.split_horizontal(max(0, below.height - reach))
    return {"equation": equation, "backward": back, "reach": far}


def _wide(room: Region, shape: Shape) -> dict[str, Region]:
    tall = shape.diagram[1] + 1
    # A short text leaves lines for a finer curve of predictions. Add them in pairs: an odd number
    # of lines has one in the middle for 0.5.
    spare = room.height - strip_height(room) - heat_height(119, shape) - tall - 1
    strip, rest = room.split_horizontal(strip_height(room) + min(max(spare, 0), 4) // 2 * 2)
    left, right = rest.split_vertical(119)
    most = max(rest.height - tall - 1, rest.height // 2)
    heat, below = left.split_horizontal(min(most, heat_height(left.width, shape)))
    places = {"sentence": strip, **_heatmaps(heat, shape)}
    if below.height >= tall:
        cell, weights = below.split_vertical(shape.diagram[0] + 2)
        places |= {"cell": cell, "weights": weights}
    else:
        cell, right = right.split_horizontal(min(tall, right.height // 2))
        places["cell"] = cell
    right = Region(right.x + 1, right.y, right.width - 1, right.height)
    return places | _explained(right, shape)


def cell_width(units: int) -> int:
    """Columns of one unit in a heat map; few units are wide enough for a number in each cell."""
    return max(1, min(6, 32 // max(1, units)))


def _bands(width: int, shape: Shape) -> tuple[int, int, int]:
    """The number of bands of heat maps, of heat maps in each, and the columns of one."""
    each = max(TITLE, NUMBER + min(shape.units, 32) * cell_width(shape.units))
    columns = max(1, min(shape.quantities, (width - 6) // each))
    bands = -(-shape.quantities // columns)
    return bands, -(-shape.quantities // bands), each


def heat_height(width: int, shape: Shape) -> int:
    """Lines that show every token of every quantity."""
    bands, _, _ = _bands(width, shape)
    return bands * (shape.tokens + 2)


def _heatmaps(room: Region, shape: Shape) -> dict[str, Region]:
    """Heat maps side by side in bands of equal height, each with the words at its left."""
    if not shape.quantities or room.height < 2:
        return {}
    bands, columns, each = _bands(room.width, shape)
    while bands > 1 and room.height // bands < 3:
        bands -= 1
    words = min(16, max(6, room.width - columns * each))
    # Remaining columns show more units.
    each += (room.width - words - columns * each) // columns if shape.units > 32 else 0
    height = room.height // bands
    places = {}
    for k in range(min(shape.quantities, bands * columns)):
        band, column = divmod(k, columns)
        top = room.y + height * band
        if column == 0:
            places[f"words-{band}"] = Region(room.x, top, words, height)
        places[f"heat-{k}"] = Region(room.x + words + column * each, top, each, height)
    return places
