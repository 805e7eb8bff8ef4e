"""The arrangement of views at every size: plain arithmetic, testable without an app."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from textual.geometry import Region

from rnnviz.tui.panels.heat_grid import (
    Shape,
    cell_width,
    heat_grid,
    heat_lines,
    heat_maps,
)

SMALLEST = (60, 20)
NARROW, WIDE = 100, 180
ROWS = 5  # tokens of each heat map that come before the diagram of the cell
CONCLUDED = 26  # lines of panels that have the conclusion below them, not in a heading
DRAWING = 24  # most lines of the diagram; more would be mostly wires
CLOCK = 16  # columns of the clock of presenter mode
CHAIN = 78  # columns of an equation with its numbers in one line


Places = Mapping[str, Region]


def arrange(
    width: int,
    height: int,
    *,
    zoom: str,
    shape: Shape,
    lesson: int = 0,
    vote: int = 0,
    status: int = 0,
    typing: bool = False,
    page: str = "",
    full_screen: bool = False,
    backward: bool = False,
    presenter: bool = False,
    thing: str = "",
    conclusion: int | None = None,
) -> Places:
    """The region of every visible view, by name.

    ``lesson``, ``vote``: lines of their panes. ``page``: the open page; ``full_screen``: it
    replaces the sentence panel too. ``backward``: the equation panel shows the gradients.
    ``presenter``: there is a clock; ``thing``: what presenter mode shows in place of the panels.
    ``conclusion``: the lines of the sentence below a page; None: as below any other.
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
    concluded = (
        conclusion_height(width, bottom - 1 - lesson - vote, page)
        if conclusion is None
        else conclusion
    )
    concluded = 0 if thing else concluded
    bottom -= concluded
    places["conclusion"] = Region(0, bottom, width, concluded)
    places["lesson"] = Region(0, 1, width, lesson)
    bottom -= vote
    places["vote"] = Region(0, bottom, width, vote)
    room = Region(0, 1 + lesson, width, bottom - 1 - lesson)
    if page:
        most = 6 if room.height < CONCLUDED - 1 else 7
        strip = 0 if full_screen else min(strip_height(room), most)
        above, below = room.split_horizontal(strip)
        views = {"sentence": above, f"page-{page}": below}
    elif thing:
        views = _presented(room, thing)
    else:
        views = _PANELS[zoom](room, shape, not backward)
    return {name: region for name, region in (places | views).items() if region.area}


def conclusion_height(width: int, height: int, page: str) -> int:
    """Lines of the conclusion; ``height`` is that of all views together.

    Few lines leave it to the heading of the sentence panel, which a page does not have.
    """
    if height < CONCLUDED:
        return 1 if page else 0
    return 2 if width < NARROW and height >= CONCLUDED + 6 else 1


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
    return 7 if room.height < CONCLUDED - 1 else 8 if room.height < 37 else 10


def _top(room: Region, spare: int = 0) -> tuple[Region, Region]:
    """The sentence panel and the rest; ``spare`` lines beyond what other panels need.

    The curve of predictions takes up to four of them, in pairs: an odd number of lines has one in
    the middle for 0.5. Where the changes of the prediction have a line, the first one that is to
    spare is for the explanation of the gradients.
    """
    lines, spare = strip_height(room), max(spare, 0)
    if room.width >= NARROW and lines == 8 and spare:
        lines, spare = lines + 1, spare - 1
    return room.split_horizontal(lines + min(spare, 4) // 2 * 2)


def _zoom_top(room: Region) -> tuple[Region, Region]:
    """The sentence panel and the rest at the zoom levels of the cell and the equation."""
    if room.width < NARROW:
        return room.split_horizontal(3)
    return _top(room, 4 if room.width >= WIDE else 0)


def _sentence(room: Region, shape: Shape, backward: bool) -> dict[str, Region]:
    """All quantities of every token first; then the cell, then its equations."""
    if room.width >= WIDE:
        return _wide(room, shape, backward)
    heat = heat_lines(room.width, shape)
    strip, rest = _top(room, room.height - strip_height(room) - heat - shape.diagram[1] - 9)
    tall = shape.diagram[1] + 1
    bands = heat_grid(room.width, shape).bands
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
    return _with_free_slot(places | heat_maps(above, shape))


def _wide(room: Region, shape: Shape, backward: bool) -> dict[str, Region]:
    """Two columns a unit or more where every token then still fits above the cell."""
    rest = room.height - strip_height(room)
    most = rest - shape.diagram[1] - 4
    for width in (150, room.width):
        grid = heat_grid(width, shape, most)
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
    return places | heat_maps(maps, shape, grid) | _stacked(last, shape, backward)


def _wide_beside(room: Region, shape: Shape, backward: bool) -> dict[str, Region]:
    """One column a unit: the heat maps at the left, the equations at the right."""
    tall = shape.diagram[1] + 1
    heat = heat_lines(119, shape)
    strip, rest = _top(room, room.height - strip_height(room) - heat - tall - 1)
    left, right = rest.split_vertical(119)
    right = _indented(right)
    most = max(rest.height - tall - 1, rest.height // 2)
    maps, below = left.split_horizontal(min(most, heat))
    places = {"sentence": strip, **heat_maps(maps, shape)}
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


# -- the last band of heat maps -----------------------------------------------------------------


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
