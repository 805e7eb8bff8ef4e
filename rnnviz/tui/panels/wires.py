"""The wires of a diagram as a graph, and the way of a number along them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from heapq import heappop, heappush

from rnnviz.tui.panels.cell_diagram import Diagram

#: A character of the drawing: row and column.
Place = tuple[int, int]

_UP, _DOWN, _LEFT, _RIGHT = (-1, 0), (1, 0), (0, -1), (0, 1)
_EVERY = (_UP, _DOWN, _LEFT, _RIGHT)
#: Where the strokes of a character lead; others, such as the text in a box, lead everywhere.
_STROKES = {
    "─": (_LEFT, _RIGHT), "│": (_UP, _DOWN), "┌": (_RIGHT, _DOWN), "┐": (_LEFT, _DOWN),
    "└": (_RIGHT, _UP), "┘": (_LEFT, _UP), "├": (_UP, _DOWN, _RIGHT), "┤": (_UP, _DOWN, _LEFT),
    "┬": (_LEFT, _RIGHT, _DOWN), "┴": (_LEFT, _RIGHT, _UP),
}  # fmt: skip
#: A character of a label counts as so many: a way leaves its label where a wire does.
_LABEL_COST = 4
#: Lines between a label and its wire, at most.
_APART = 8
_ARROWS = {"▶": _RIGHT, "▼": _DOWN}


class WireGraph:
    """The characters of a diagram, their owners, and which of them are connected."""

    def __init__(self, plan: Diagram) -> None:
        self.art = [row.ljust(plan.width) for row in plan.art]
        self.owners = [
            [plan.name(letter) for letter in row.ljust(plan.width)[: plan.width]]
            for row in plan.mask
        ]
        self.labels: dict[str, list[Place]] = {}
        #: The middle of each label; a value may have two.
        self.middles: dict[str, list[Place]] = {}
        for at in plan.labels:
            cells = [(at.row + y, at.column + x) for y in range(at.height) for x in range(at.width)]
            self.labels.setdefault(at.name, []).extend(cells)
            middle = (at.row + at.height // 2, at.column + at.width // 2)
            self.middles.setdefault(at.name, []).append(middle)
        self._label_at = {cell: name for name, cells in self.labels.items() for cell in cells}
        #: The values with a label and no wire.
        self._carried = set(self.labels) - {
            owner
            for row, owners in enumerate(self.owners)
            for column, owner in enumerate(owners)
            if (row, column) not in self._label_at and self.art[row][column] != " "
        }
        self._inside = self._interiors()

    def owner(self, place: Place) -> str:
        """The name of the value that a character belongs to, or ""."""
        return self.owners[place[0]][place[1]]

    def _char(self, place: Place) -> str:
        row, column = place
        inside = 0 <= row < len(self.art) and 0 <= column < len(self.art[row])
        return self.art[row][column] if inside else " "

    def _interiors(self) -> set[Place]:
        """The characters inside of boxes: a number passes through them."""
        found: set[Place] = set()
        for top, row in enumerate(self.art):
            for left, char in enumerate(row):
                if char != "┌":
                    continue
                right = next((c for c in range(left + 1, len(row)) if row[c] in "┐ │"), len(row))
                walls = range(top + 1, len(self.art))
                bottom = next((r for r in walls if self.art[r][left] not in "│├┤"), len(self.art))
                if self._char((top, right)) != "┐" or self._char((bottom, left)) != "└":
                    continue
                if self._char((bottom, right)) == "┘" and right - left < 40:
                    found |= {
                        (r, c) for r in range(top + 1, bottom) for c in range(left + 1, right)
                    }
        return found

    def _leads(self, place: Place, way: Place) -> bool:
        char = self._char(place)
        if place in self._inside or place in self._label_at:
            return True
        return way in _STROKES.get(char, _EVERY)

    def _neighbours(self, place: Place) -> Iterator[tuple[Place, ...]]:
        """The characters that are reached in one step; over a crossing wire, two of them."""
        for way in _EVERY:
            there = (place[0] + way[0], place[1] + way[1])
            char = self._char(there)
            if self._joined(place, there, way):
                yield (there,)
            elif taken := self._apart(place, way):
                yield taken
            elif char in "─│" and self._char(place) in _STROKES and self._leads(place, way):
                beyond = (there[0] + way[0], there[1] + way[1])
                wire = self._char(beyond) in _STROKES and beyond not in self._inside
                if wire and self._leads(beyond, (-way[0], -way[1])):
                    yield there, beyond

    def _joined(self, place: Place, there: Place, way: Place) -> bool:
        """Whether one character leads to its neighbour."""
        if self._char(there) == " " and there not in self._inside:
            return False
        back = (-way[0], -way[1])
        ends = {place, there} & self._label_at.keys()
        if len(ends) == 2:
            return self._label_at[place] == self._label_at[there]
        if ends and self.owner(place) == self.owner(there):
            return True
        if place in self._inside or _ARROWS.get(self._char(place)) == way:
            return True
        return self._leads(place, way) and self._leads(there, back)

    def _apart(self, place: Place, way: Place) -> tuple[Place, ...]:
        """The way between a label and its wire that lies a few lines off; () if there is none.

        A value without a wire takes that of the state before.
        """
        taken, there = [], place
        for _ in range(_APART if way in (_UP, _DOWN) else 0):
            there = (there[0] + way[0], there[1])
            taken.append(there)
            ends = {place, there} & self._label_at.keys()
            if len(ends) == 2 or (there in self._label_at and len(taken) == 1):
                break
            if ends and self._char(there) != " ":
                owner, other = self.owner(place), self.owner(there)
                carried = owner in self._carried and other.endswith("_prev")
                if owner == other or (place in ends and carried):
                    return tuple(taken)
        return ()

    def path(self, start: str, end: str, allowed: Collection[str]) -> tuple[Place, ...]:
        """The shortest way from the label of one value to that of another.

        It keeps to the characters of the ``allowed`` values if there is such a way; the label of
        no other value is crossed. () if there is no way at all.
        """
        places = self.middles.get(start, [])
        names = (None, start, end)
        if start in self._carried:
            allowed = {*allowed, *(name for name in self.labels if name.endswith("_prev"))}
        return self._path(places, end, names, allowed) or self._path(places, end, names, None)

    def from_end(self, name: str) -> tuple[Place, ...]:
        """The way from the right end of the wire of a value to its label."""
        own = [
            (row, column)
            for row, owners in enumerate(self.owners)
            for column, owner in enumerate(owners)
            if owner == name and self._char((row, column)) in "▶─"
        ]
        last = max(own, key=lambda place: place[1], default=None)
        return self._path([last], name, (None, name), {name}) if last else ()

    def _path(
        self,
        starts: Sequence[Place],
        end: str,
        passable: Collection[str | None],
        allowed: Collection[str] | None,
    ) -> tuple[Place, ...]:
        goals = self.middles.get(end, ())
        before: dict[Place, tuple[Place, tuple[Place, ...]]] = {}
        queue = [(0, n, place) for n, place in enumerate(starts)]
        costs = dict.fromkeys(starts, 0)
        while queue:
            cost, _, place = heappop(queue)
            if place in goals:
                steps = [place]
                while place in before:
                    place, taken = before[place]
                    steps = [place, *taken[:-1], *steps]
                return tuple(steps)
            for taken in self._neighbours(place):
                there = taken[-1]
                passes = self._label_at.get(there) in passable and (
                    allowed is None or self.owner(there) in allowed or there in self._inside
                )
                further = cost + (_LABEL_COST if there in self._label_at else len(taken))
                if passes and further < costs.get(there, further + 1):
                    costs[there] = further
                    before[there] = (place, taken)
                    heappush(queue, (further, len(costs), there))
        return ()
