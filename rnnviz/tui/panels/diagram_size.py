"""A wiring diagram in more columns and lines: longer wires, larger boxes, and a number in each box.

The drawing itself stays in one file a cell; its columns and lines are repeated where nothing but
wires, labels and the walls of boxes pass.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from rnnviz.equations import argument
from rnnviz.trace import LayerTrace
from rnnviz.tui.panels.cell_diagram import BARE, Diagram, diagram
from rnnviz.tui.render.segments import fit

#: The text in a box; what stands beside it is a wall, and above it the top of the box.
_TEXT = re.compile(r"(?<=[│┤├▶])( *[^\s│┤├┼─┌┐└┘┬┴⊗⊕▶▼@][^│┤├┼─⊗⊕▶▼@]*)(?=[│┤├])")
#: Characters with a stroke down, and with one up; a label continues a wire.
_DOWN, _UP = frozenset("│┌┐├┤┬┼⊗⊕@"), frozenset("│└┘├┤┴┼⊗⊕▼@")
_TOP = re.compile(r"[┌├][─┴┬]+[┐┤]")


@lru_cache(maxsize=64)
def sized(layer: LayerTrace, lang: str, width: int, height: int) -> Diagram:
    """The diagram of a layer's cell in at most ``width`` columns and ``height`` lines.

    Never smaller than drawn, nor more than twice as wide and high.
    """
    plan = diagram(layer, lang)
    if width > plan.width:
        plan = _wider(plan, min(width, 2 * plan.width) - plan.width)
    rows = min(height, 2 * len(plan.art)) - len(plan.art)
    numbered = 0
    if rows > 0:
        plan, numbered = _with_numbers(plan, layer, rows)
    return _higher(plan, rows - numbered)


def enlarged(layer: LayerTrace, lang: str, width: int, height: int) -> Diagram:
    """The diagram for a projector, up to three times as wide, with labels three lines high.

    As :func:`sized` where there is no room for such labels.
    """
    return _enlarged(layer, lang, width, height)


@lru_cache(maxsize=16)
def _enlarged(layer: LayerTrace, lang: str, width: int, height: int) -> Diagram:
    plan = diagram(layer, lang)
    tall = (TALL - 1) * sum("@" in row for row in plan.art)
    rows = min(height, 3 * len(plan.art)) - len(plan.art) - tall
    if rows < 0:
        return sized(layer, lang, width, height)
    if width > plan.width:
        plan = _wider(plan, min(width, 3 * plan.width) - plan.width)
    numbered = 0
    if rows > 0:
        plan, numbered = _with_numbers(plan, layer, rows)
    return _with_tall_labels(_higher(plan, rows - numbered))


#: Lines of a tall label.
TALL = 3
#: Columns that a tall label takes of the empty ones beside it: a symbol and three decimals.
_LONG = 30


def _with_tall_labels(plan: Diagram) -> Diagram:
    """The drawing with each label in TALL lines; the numbers in boxes keep their one line."""
    art, mask = _padded(plan)
    rows: list[str] = []
    owners: list[str] = []
    for n, row in enumerate(art):
        rows.append(row)
        owners.append(mask[n])
        spans = [m.span() for m in re.finditer("@+", row) if len(m[0]) > BARE]
        if not spans:
            continue
        new = _inserted(row, art[n + 1]) if n + 1 < len(art) else " " * len(row)
        carried = _carried(mask[n], mask[n + 1], new) if n + 1 < len(art) else new
        for begin, end in spans:
            letter = mask[n][begin]
            while end - begin < _LONG and end + 2 < len(row) and _empty(row, new, end, end + 3):
                end += 1
            while end - begin < _LONG and begin > 2 and _empty(row, new, begin - 3, begin):
                begin -= 1
            rows[-1] = row = _filled(row, begin, "@" * (end - begin))
            owners[-1] = _filled(owners[-1], begin, letter * (end - begin))
            new = _filled(new, begin, "@" * (end - begin))
            carried = _filled(carried, begin, letter * (end - begin))
        rows += [new] * (TALL - 1)
        owners += [carried] * (TALL - 1)
    return replace(plan, art=tuple(rows), mask=tuple(owners))


def _empty(row: str, below: str, begin: int, end: int) -> bool:
    return not row[begin:end].strip() and not below[begin:end].strip()


Rows = Sequence[str]


def _texts(art: Rows, n: int) -> list[tuple[int, int]]:
    """Where the insides of the boxes with a text in row ``n`` begin and end."""
    found = [m.span(1) for m in _TEXT.finditer(art[n])]
    return [
        (begin, end) for begin, end in found
        if n and _TOP.fullmatch(art[n - 1].ljust(end + 1)[begin - 1 : end + 1])
    ]  # fmt: skip


def _padded(plan: Diagram) -> tuple[tuple[str, ...], tuple[str, ...]]:
    width = plan.width
    return tuple(a.ljust(width) for a in plan.art), tuple(m.ljust(width) for m in plan.mask)


def _wider(plan: Diagram, extra: int) -> Diagram:
    """The drawing with ``extra`` more columns, spread over those that can be repeated."""
    art, mask = _padded(plan)
    boxes = [_texts(art, n) for n in range(len(art))]
    blank, owners = list(art), list(mask)
    for n, spans in enumerate(boxes):
        for begin, end in spans:
            blank[n] = _filled(blank[n], begin, " " * (end - begin))
            owner = mask[n][begin:end].strip()[:1]
            owners[n] = _filled(owners[n], begin, owner * (end - begin))
    columns = [c for c in range(plan.width) if all(row[c] in " ─@" for row in blank)]
    if not columns:
        return plan
    each, more = divmod(extra, len(columns))
    taken = {columns[(2 * k + 1) * len(columns) // (2 * more)] for k in range(more)}
    times = [1 + (each + (c in taken)) * (c in columns) for c in range(plan.width)]

    def stretched(row: str) -> str:
        return "".join(char * times[c] for c, char in enumerate(row))

    rows = [stretched(row) for row in blank]
    for n, spans in enumerate(boxes):
        for start, stop in spans:
            begin, end = sum(times[:start]), sum(times[:stop])
            rows[n] = _filled(rows[n], begin, fit(art[n][start:stop].strip(), end - begin, "^"))
    return replace(plan, art=tuple(rows), mask=tuple(stretched(row) for row in owners))


def _filled(row: str, begin: int, text: str) -> str:
    return row[:begin] + text + row[begin + len(text) :]


def _with_numbers(plan: Diagram, layer: LayerTrace, rows: int) -> tuple[Diagram, int]:
    """The drawing with what each function is applied to below its symbol, and the lines it took."""
    art, mask = list(plan.art), list(plan.mask)
    names = dict(plan.names)
    free = [letter for letter in "defgijklmnqrstuvwxyz" if letter not in names]
    printed = {plan.name(c) for row in plan.mask for c in row if c.isupper()}
    added = 0
    for n in range(len(art) - 1, -1, -1):
        if added == rows:
            break
        new = _inserted(art[n], art[n + 1]) if n + 1 < len(art) else ""
        owners = _carried(mask[n], mask[n + 1], new) if new else ""
        found_one = False
        for begin, end in _texts(art, n):
            name = plan.name(mask[n][(begin + end) // 2])
            formula = next((li.formula for li in layer.lines if li.name == name), "x")
            before = argument(formula)
            if before is None or before in printed or before not in layer.values or not free:
                continue
            if end - begin < BARE or before in layer.states:
                continue
            names[letter := free.pop()] = before
            begin += (end - begin - BARE) // 2
            new = _filled(new, begin, "@" * BARE)
            owners = _filled(owners, begin, letter.upper() * BARE)
            found_one = True
        if found_one:
            art.insert(n + 1, new)
            mask.insert(n + 1, owners)
            added += 1
    return replace(plan, art=tuple(art), mask=tuple(mask), names=names), added


def _higher(plan: Diagram, extra: int) -> Diagram:
    """The drawing with ``extra`` more lines, spread over those that continue a wire."""
    art, mask = _padded(plan)
    gaps = [n for n in range(len(art) - 1) if _inserted(art[n], art[n + 1]).strip()]
    if extra <= 0 or not gaps:
        return replace(plan, art=art, mask=mask)
    each, more = divmod(extra, len(gaps))
    taken = {gaps[(2 * k + 1) * len(gaps) // (2 * more)] for k in range(more)}
    rows: list[str] = []
    owners: list[str] = []
    for n, row in enumerate(art):
        rows.append(row)
        owners.append(mask[n])
        if n in gaps:
            new = _inserted(row, art[n + 1])
            times = each + (n in taken)
            rows += [new] * times
            owners += [_carried(mask[n], mask[n + 1], new)] * times
    return replace(plan, art=tuple(rows), mask=tuple(owners))


def _inserted(above: str, below: str) -> str:
    """The line between two: a wire where both have a stroke towards it."""
    wide = max(len(above), len(below))
    pairs = zip(above.ljust(wide), below.ljust(wide), strict=True)
    return "".join("│" if a in _DOWN and b in _UP else " " for a, b in pairs)


def _carried(above: str, below: str, row: str) -> str:
    """The mask of an inserted line: the value of the wire above, or below a label of it."""
    wide = len(row)
    above, below = above.ljust(wide), below.ljust(wide)
    pairs = zip(above, below, row, strict=True)
    return "".join(
        ((b if a.isupper() and b.islower() else a).lower() if char == "│" else " ")
        for a, b, char in pairs
    )
