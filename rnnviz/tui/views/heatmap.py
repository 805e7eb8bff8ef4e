"""What was kept, written, shown? One quantity of all units over time: a row a token."""

from __future__ import annotations

from functools import lru_cache

from rich.segment import Segment

from rnnviz.display import visible
from rnnviz.trace import LayerTrace
from rnnviz.tui.arrange import NUMBER, cell_width
from rnnviz.tui.draw import Line, fit, heading, heat, length, page, short, window
from rnnviz.tui.look import Look
from rnnviz.tui.moment import Moment, scale
from rnnviz.tui.view import Picked, View


def rows(moment: Moment, height: int) -> tuple[int, range]:
    """The line the rows start at, and the tokens that have one; if tight, no line for ▼ alone."""
    T = len(moment.trace.tokens)
    top = 2 if height - 2 >= min(T, 6) else 1
    room = max(0, height - top)
    first, t = moment.first, moment.cursor.t
    if not first <= t < first + room:  # the size or the text has changed since it was set
        first = page(T, t, room)
    return top, range(first, min(T, first + room))


def units(moment: Moment, width: int) -> tuple[int, int, int]:
    """Columns a unit, the first unit shown, how many."""
    H = moment.layer.units
    wide = cell_width(H)
    count = min(H, max(1, (width - NUMBER) // wide))
    return wide, window(H, moment.cursor.unit, count), count


@lru_cache(maxsize=2048)
def _cells(
    layer: LayerTrace, name: str, t: int, shown: range, look: Look, wide: int, mark: int
) -> tuple[Segment, ...]:
    """The cells of one token: the same at every step until something else is looked at."""
    gate, end = scale(layer, name)
    cells = layer.values[name][t, shown.start : shown.stop]
    return tuple(heat(cells, end, gate, look, wide, mark))


class Words(View):
    """The words at the left of a band of heatmaps."""

    def lines(self, moment: Moment, width: int, height: int) -> list[Line]:
        look, t = moment.look, moment.cursor.t
        top, shown = rows(moment, height)
        lines: list[Line] = [[Segment("─" * width, look.rule)], *([[]] * (top - 1))]
        for k in shown:
            word = fit(_named(moment, k, width - 1), width - 1)
            if k == t:
                lines.append([Segment(f"▸{word}", look.chosen)])
            else:
                style = look.unknown if moment.trace.unknown[k] else look.ink
                lines.append([Segment(f" {word}", style)])
        return lines

    def picked(self, moment: Moment, x: int, y: int) -> Picked | None:
        top, shown = rows(moment, self.size.height)
        return Picked(t=shown[y - top]) if 0 <= y - top < len(shown) else None


def _named(moment: Moment, t: int, room: int) -> str:
    """The word; of a time without room for its day the hour alone, not a part of a number."""
    word = visible(moment.trace.tokens[t])
    return word if moment.trace.series is None or len(word) <= room else word[-room:].split()[-1]


class Heatmap(View):
    """One quantity; which one is its place among the cell's quantities."""

    def __init__(self, moment: Moment, slot: int) -> None:
        super().__init__(moment, id=f"heat-{slot}")
        self.slot = slot

    def lines(self, moment: Moment, width: int, height: int) -> list[Line]:
        if self.slot >= len(moment.quantities):
            return []
        look, layer, unit = moment.look, moment.layer, moment.cursor.unit
        name = moment.quantities[self.slot]
        wide, first, count = units(moment, width)
        top, shown = rows(moment, height)
        arrow = NUMBER + (unit - first) * wide + (wide - 1) // 2
        lines = [self._title(moment, name, first, count, width)]
        if top == 2:
            number = str(unit)
            ends = arrow + 1 + len(number) > width
            said = f"{number}▼" if ends else f"▼{number}"
            lines.append([Segment(" " * (arrow - ends * len(number))), Segment(said, look.now)])
        elif length(lines[0][:-1]) <= arrow < width:
            rule = width - arrow - 1
            before = arrow - length(lines[0][:-1])
            lines[0][-1:] = [
                Segment("─" * before, look.rule), Segment("▼", look.now),
                Segment("─" * rule, look.rule),
            ]  # fmt: skip
        for t in shown:
            if not moment.known(t, name):
                hidden = moment.hidden and t == moment.cursor.t
                dots = (" ?" if hidden else "").ljust(NUMBER)
                # A dot every fourth column says "not yet" as well as one in each, in fewer bytes.
                mark = fit("·", max(4, wide)) * count
                lines.append([Segment(dots, look.dim), Segment(mark[: wide * count], look.rule)])
                continue
            row = layer.values[name][t]
            style = look.now if t == moment.cursor.t else look.dim
            lines.append(
                [
                    Segment(f"{'▸' if t == moment.cursor.t else ' '}{short(row[unit])}", style),
                    *_cells(layer, name, t, range(first, first + count), look, wide, unit - first),
                ]
            )
        return lines

    def _title(self, moment: Moment, name: str, first: int, count: int, width: int) -> Line:
        gate, end = scale(moment.layer, name)
        note = "0…1" if gate else f"±{end:.3g}"
        if count < moment.layer.units:
            H = moment.layer.units
            note += " " + moment.text("panel.units", first=first, last=first + count - 1, H=H)
        made = any(line.name == name for line in moment.lines)
        words = moment.word("name", name)
        title = name if words == name else f"{name} {words}"
        line = heading(title, "", width, moment.look, note)
        if made:
            line[1] = Segment(line[1].text, moment.look.now)
        return line

    def picked(self, moment: Moment, x: int, y: int) -> Picked | None:
        top, shown = rows(moment, self.size.height)
        wide, first, count = units(moment, self.size.width)
        unit = (x - NUMBER) // wide + first
        return Picked(
            t=shown[y - top] if 0 <= y - top < len(shown) else None,
            unit=unit if x >= NUMBER and unit < first + count else None,
        )
