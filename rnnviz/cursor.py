"""The cursor in a trace, shared by every view, and how it moves. Pure functions on frozen data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from rnnviz.trace import LayerTrace, Trace

Zoom = Literal["sentence", "cell", "equation"]
ZOOMS: tuple[Zoom, ...] = ("sentence", "cell", "equation")


@dataclass(frozen=True)
class Cursor:
    """Layer, token t (from 0), part (index into the layer's parts), unit, zoom level.

    The parts up to and including ``part`` are computed at token t; later parts and later tokens
    are shown as not computed yet.
    """

    layer: int = 0
    t: int = 0
    part: int = 0
    unit: int = 0
    zoom: Zoom = "sentence"


def start(trace: Trace, t: int = 0, unit: int = 0) -> Cursor:
    """The cursor after the last part of token t."""
    last = len(trace.layers[0].parts) - 1
    return fitted(Cursor(0, t, last, unit), trace)


def fitted(cursor: Cursor, trace: Trace) -> Cursor:
    """The nearest cursor that is valid in this trace (after another text, cell or layer)."""
    layer = min(max(cursor.layer, 0), len(trace.layers) - 1)
    chosen = trace.layers[layer]
    return replace(
        cursor,
        layer=layer,
        t=min(max(cursor.t, 0), len(trace.tokens) - 1),
        part=min(max(cursor.part, 0), len(chosen.parts) - 1),
        unit=min(max(cursor.unit, 0), chosen.units - 1),
    )


def to_token(cursor: Cursor, trace: Trace, t: int) -> Cursor:
    """The same part and unit at another token; clipped at the ends."""
    return fitted(replace(cursor, t=t), trace)


def to_part(cursor: Cursor, trace: Trace, step: int) -> Cursor:
    """The next (+1) or previous (−1) part, across tokens in the order they are read."""
    layer = trace.layers[cursor.layer]
    part = cursor.part + step
    if 0 <= part < len(layer.parts):
        return replace(cursor, part=part)
    order = list(layer.order)
    at = order.index(cursor.t) + step
    if not 0 <= at < len(order):
        return cursor
    return replace(cursor, t=order[at], part=0 if step > 0 else len(layer.parts) - 1)


def to_unit(cursor: Cursor, trace: Trace, step: int) -> Cursor:
    """Another unit of the same layer; wraps around."""
    units = trace.layers[cursor.layer].units
    return replace(cursor, unit=(cursor.unit + step) % units)


def to_layer(cursor: Cursor, trace: Trace, layer: int) -> Cursor:
    """Another layer or direction; the last part stays the last one, others keep their number."""
    at_last_part = cursor.part == len(trace.layers[cursor.layer].parts) - 1
    cursor = replace(cursor, layer=layer)
    return fitted(replace(cursor, part=10**6) if at_last_part else cursor, trace)


def zoomed(cursor: Cursor, step: int) -> Cursor:
    """One zoom level in (+1) or out (−1); clipped at the ends."""
    at = min(max(ZOOMS.index(cursor.zoom) + step, 0), len(ZOOMS) - 1)
    return replace(cursor, zoom=ZOOMS[at])


def known(cursor: Cursor, trace: Trace, t: int, name: str) -> bool:
    """Whether a value of token t is computed already at the cursor."""
    layer = trace.layers[cursor.layer]
    order = layer.order
    if t != cursor.t:
        return order.index(t) < order.index(cursor.t)
    return part_of(layer, name) <= cursor.part


def part_of(layer: LayerTrace, name: str) -> int:
    """The index of the part that computes a name; 0 (read) for x and states before."""
    for line in layer.lines:
        if line.name == name:
            return layer.parts.index(line.part)
    return len(layer.parts) - 1 if name == "p" else 0
