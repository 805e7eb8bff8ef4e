"""The arrangement of views at every size: plain arithmetic, testable without an app."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from textual.geometry import Region

SMALLEST = (60, 20)
NARROW, WIDE = 100, 180
NUMBER = 5  # columns of the chosen unit's number left of a heatmap
SHORTEST = 24  # columns of a heat map of few units, for its title
WORDS = 6, 16  # columns of the words left of a band of heat maps: least and most
ROWS = 5  # tokens of each heat map that come before the diagram of the cell
DRAWING = 24  # most lines of the diagram; more would be mostly wires
CLOCK = 16  # columns of the clock of presenter mode
CHAIN = 78  # columns of an equation with its numbers in one line


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


Places = Mapping[str, Region]


def arrange(
    width: int,
    height: int,
    *,
    zoom: str,
    shape: Shape,
    lesson: int = 0,
    status: int = 0,
    typing: bool = False,
    page: str = "",
    full_screen: bool = False,
    backward: bool = False,
    presenter: bool = False,
    thing: str = "",
) -> Places:
    """The region of every visible view, by name.

    ``lesson``: lines of its pane. ``page``: the open page; ``full_screen``: it replaces the
    sentence panel too. ``backward``: the equation panel shows the gradients.
    ``presenter``: there is a clock; ``thing``: what presenter mode shows in place of the panels.
    """
    if width < SMALLEST[0] or height < SMALLEST[1]:
        return {"small": Region(0, 0, width, height)}
    places: dict[str, Region] = {
        "title": Region(0, 0, width, 1),
        "keys": Region(0, height - 1, width, 1),
    }
    if presenter:
        title, clock = places["title"].split_vertical(width - CLOCK)
        places |= {"title": title, "clock": clock}
    bottom = height - 1
    if typing:
        bottom -= 1
        places["typing"] = Region(0, bottom, width, 1)
    if status:
        bottom -= status
        places["status"] = Region(0, bottom, width, status)
    places["lesson"] = Region(0, 1, width, lesson)
    room = Region(0, 1 + lesson, width, bottom - 1 - lesson)
    if page:
        strip = 0 if full_screen else min(strip_height(room), 6 if room.height < 26 else 7)
        above, below = room.split_horizontal(strip)
        views = {"sentence": above, f"page-{page}": below}
    elif thing:
        views = _presented(room, thing)
    else:
        views = _PANELS[zoom](room, shape, not backward)
    return {name: region for name, region in (places | views).items() if region.area}


def _presented(room: Region, thing: str) -> dict[str, Region]:
    """One thing in all the room, below the word and the prediction in large letters."""
    if thing == "belief":
        lines = 11 if room.height >= 32 else 7 if room.height >= 20 else 4
    else:
        lines = 6 if room.height >= 30 else 4 if room.height >= 18 else 0
    above, below = room.split_horizontal(lines)
    return {"headline": above, f"large-{thing}": below}


def strip_height(room: Region) -> int:
    """Lines of the sentence panel; more lines give a finer curve."""
    return 7 if room.height < 26 else 8 if room.height < 38 else 10


def _top(room: Region, spare: int = 0) -> tuple[Region, Region]:
    """The sentence panel and the rest; ``spare`` lines beyond what other panels need.

    The curve of predictions takes up to four of them, in pairs: an odd number of lines has one in
    the middle for 0.5.
    """
    return room.split_horizontal(strip_height(room) + min(max(spare, 0), 4) // 2 * 2)


def _zoom_top(room: Region) -> tuple[Region, Region]:
    """The sentence panel and the rest at the zoom levels of the cell and the equation."""
    if room.width < NARROW:
        return room.split_horizontal(3)
    return _top(room, 4 if room.width >= WIDE else 0)


def _sentence(room: Region, shape: Shape, backward: bool) -> dict[str, Region]:
    """All quantities of every token first; then the cell, then its equations."""
    if room.width >= WIDE:
        return _wide(room, shape, backward)
    heat = _heat_lines(room.width, shape)
    strip, rest = _top(room, room.height - strip_height(room) - heat - shape.diagram[1] - 9)
    tall = shape.diagram[1] + 1
    bands = _grid(room.width, shape).bands
    enough = bands * (min(shape.tokens, ROWS) + 1)
    places = {"sentence": strip}
    if room.width >= NARROW and rest.height - tall >= enough:
        above, below = rest.split_horizontal(min(heat, rest.height - tall))
        left, right = below.split_vertical(min(shape.diagram[0] + 2, below.width * 3 // 5))
        places |= {"cell": left, **_explained(right, shape, backward)}
    elif rest.height - max(enough, min(heat, rest.height - 5)) >= 5:
        above, below = rest.split_horizontal(max(enough, min(heat, rest.height - 5)))
        places |= _beside(below, shape, backward)
    else:
        # Lines that the heat maps cannot share make the curve finer.
        over = rest.height - enough if enough == bands * (shape.tokens + 1) else 0
        strip, above = _top(room, over if over < bands else 0)
        places["sentence"] = strip
    return _with_free_slot(places | _heatmaps(above, shape))


def _wide(room: Region, shape: Shape, backward: bool) -> dict[str, Region]:
    """Two columns a unit or more where every token then still fits above the cell."""
    rest = room.height - strip_height(room)
    most = rest - shape.diagram[1] - 4
    for width in (150, room.width):
        grid = _grid(width, shape, most)
        heat = grid.bands * (shape.tokens + 2)
        if grid.cell > cell_width(shape.units) and heat <= most:
            break
    else:
        return _wide_beside(room, shape, backward)
    strip, below = _top(room, most - heat)
    above, below = below.split_horizontal(heat)
    maps, weights = above.split_vertical(width)
    cell, right = below.split_vertical(shape.diagram[0] + 2)
    middle, last = right.split_vertical(CHAIN + 2)
    last = _indented(last)
    if not weights.width:
        weights, last = last.split_horizontal(last.height // 2)
    places = {"sentence": strip, "cell": cell, "equation": middle, "weights": _indented(weights)}
    return places | _heatmaps(maps, shape, grid) | _stacked(last, shape, backward)


def _wide_beside(room: Region, shape: Shape, backward: bool) -> dict[str, Region]:
    """One column a unit: the heat maps at the left, the equations at the right."""
    tall = shape.diagram[1] + 1
    heat = _heat_lines(119, shape)
    strip, rest = _top(room, room.height - strip_height(room) - heat - tall - 1)
    left, right = rest.split_vertical(119)
    right = _indented(right)
    most = max(rest.height - tall - 1, rest.height // 2)
    maps, below = left.split_horizontal(min(most, heat))
    places = {"sentence": strip, **_heatmaps(maps, shape)}
    if below.height >= tall:
        cell, weights = below.split_vertical(shape.diagram[0] + 2)
        places |= {"cell": cell, "weights": weights}
    else:
        cell, right = right.split_horizontal(min(tall, right.height // 2))
        places["cell"] = cell
    return _with_free_slot(places | _explained(right, shape, backward))


def _indented(region: Region) -> Region:
    """The region without its first column, as a gap to the panel at its left."""
    return Region(region.x + 1, region.y, max(0, region.width - 1), region.height)


def _cell(room: Region, shape: Shape, backward: bool) -> dict[str, Region]:
    """The diagram as large as it is readable, and the equations of the part."""
    strip, rest = _zoom_top(room)
    places = {"sentence": strip}
    if room.width >= WIDE:
        left, right = rest.split_vertical(rest.width * 3 // 5)
        cell, below = left.split_horizontal(min(DRAWING, left.height))
        right = _indented(right)
        if right.height - shape.roomy >= 12:
            equation, weights = right.split_horizontal(shape.roomy)
            return (
                places
                | {"cell": cell, "equation": equation, "weights": weights}
                | _stacked(below, shape, backward)
            )
        weights, last = below.split_vertical(below.width // 2)
        places |= {"cell": cell, "equation": right, "weights": weights}
        return places | _stacked(last, shape, backward)
    height = max(shape.diagram[1] + 1, min(DRAWING, rest.height - 10))
    if rest.height - height < 5:
        height = rest.height
    cell, below = rest.split_horizontal(height)
    return places | {"cell": cell} | _beside(below, shape, backward)


def _equation(room: Region, shape: Shape, backward: bool) -> dict[str, Region]:
    """Every equation of the token; beside or below it what is left."""
    strip, rest = _zoom_top(room)
    places = {"sentence": strip}
    tall = shape.diagram[1] + 1
    if rest.width >= WIDE:
        left, right = rest.split_vertical(CHAIN + 2)
        cell, below = _indented(right).split_horizontal(max(tall, rest.height // 2))
        if left.height - shape.roomy >= 12:
            equation, weights = left.split_horizontal(shape.roomy)
            places |= {"equation": equation, "weights": weights, "cell": cell}
            return places | _stacked(below, shape, backward)
        weights, last = below.split_vertical(below.width // 2)
        places |= {"equation": left, "cell": cell, "weights": weights}
        return places | _stacked(_indented(last), shape, backward)
    if rest.width - CHAIN >= 36:
        left, right = rest.split_vertical(CHAIN)
        weights, below = _indented(right).split_horizontal(min(rest.height // 2, 20))
        if left.height - shape.chain - 1 >= tall:
            equation, cell = left.split_horizontal(left.height - tall)
            places |= {"equation": equation, "cell": cell}
        else:
            places["equation"] = left
        return places | {"weights": weights} | _stacked(below, shape, backward)
    chain = min(rest.height, shape.chain + 1)
    if rest.height - chain < 4:
        return places | {"equation": rest}
    left, below = rest.split_horizontal(max(chain, rest.height - 10))
    return places | {"equation": left} | _stacked(below, shape, backward)


def _beside(region: Region, shape: Shape, backward: bool) -> dict[str, Region]:
    """The equation panel, and beside it backward and reach where there is room."""
    if not region.height:
        return {}
    if region.width < NARROW:
        return {"equation": region}
    left, right = region.split_vertical(region.width * 3 // 5)
    return {"equation": left, **_stacked(_indented(right), shape, backward)}


def _stacked(region: Region, shape: Shape, backward: bool) -> dict[str, Region]:
    """The backward panel above the reach panel; reach alone in few lines."""
    reach = min(region.height, 3 + shape.compared)
    if not shape.compared and shape.tokens + 2 <= region.height - 6:
        reach = shape.tokens + 2  # a line for each token
    if not backward or region.height - reach < 3:
        return {"reach": region}
    above, below = region.split_horizontal(region.height - reach)
    return {"backward": above, "reach": below}


def _explained(right: Region, shape: Shape, backward: bool) -> dict[str, Region]:
    """The equation, backward and reach panels above one another."""
    reach = max(2 if right.height < 16 else 3, 2 + shape.compared)
    back = 0
    if backward:
        back = 3 if right.height < 16 else 5 if right.height < shape.chain + 10 else 7
    equation, below = right.split_horizontal(max(3, right.height - reach - back))
    above, far = below.split_horizontal(max(0, min(back, below.height - reach)))
    return {"equation": equation, "backward": above, "reach": far}


#: The panels of each zoom level: from the room below the title, the shape, and whether there is a
#: backward panel.
_PANELS: Mapping[str, Callable[[Region, Shape, bool], dict[str, Region]]] = {
    "sentence": _sentence, "cell": _cell, "equation": _equation,
}  # fmt: skip


# -- heat maps ------------------------------------------------------------------------------------


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


def _grid(width: int, shape: Shape, height: int = 0) -> HeatGrid:
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


def _heat_lines(width: int, shape: Shape) -> int:
    """Lines that show every token of every quantity, with a line for the number of the unit."""
    return _grid(width, shape).bands * (shape.tokens + 2)


def _heatmaps(room: Region, shape: Shape, grid: HeatGrid | None = None) -> dict[str, Region]:
    """Heat maps side by side in bands of equal height, each with the words at its left."""
    if not shape.quantities or room.height < 2:
        return {}
    grid = grid or _grid(room.width, shape, room.height)
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


def _with_free_slot(places: dict[str, Region]) -> dict[str, Region]:
    """The place that an incomplete last band leaves, for a panel of its own.

    It gets the equation panel if that has no place, otherwise the reach panel, whose lines go to
    the equation panel above it.
    """
    maps = [region for name, region in places.items() if name.startswith("heat-")]
    right = max((region.right for region in maps), default=0)
    slot = Region(maps[-1].right, maps[-1].y, right - maps[-1].right, maps[-1].height)
    slot = _indented(slot)
    if slot.width < 34 or slot.height < 4:
        return places
    if "equation" not in places:
        return places | {"equation": slot}
    reach = places.get("reach", Region())
    backward, equation = places.get("backward"), places.get("equation")
    if _stands_on(backward, reach) and backward is not None:
        lower = Region(backward.x, backward.y + reach.height, backward.width, backward.height)
        if _stands_on(equation, backward) and equation is not None:
            return places | {
                "equation": _grown(equation, reach.height), "backward": lower, "reach": slot,
            }  # fmt: skip
        return places | {"backward": _grown(backward, reach.height), "reach": slot}
    if _stands_on(equation, reach) and equation is not None:
        return places | {"equation": _grown(equation, reach.height), "reach": slot}
    return places


def _grown(region: Region, lines: int) -> Region:
    return Region(region.x, region.y, region.width, region.height + lines)


def _stands_on(above: Region | None, below: Region) -> bool:
    if above is None:
        return False
    return (above.x, above.bottom, above.width) == (below.x, below.y, below.width)
