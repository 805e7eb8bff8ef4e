"""Where a parameter count comes from: ``4·(32·32 + 32·32 + 32) = 8,320``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import prod
from typing import Any

from rnnviz.cells import CELLS, Cell
from rnnviz.engine.model import directions
from rnnviz.engine.spec import EmbeddingSpec, ModelSpec


@dataclass(frozen=True)
class Row:
    """One layer of the summary."""

    layer: str
    output: str
    count: int
    arithmetic: str

    def to_json(self) -> dict[str, Any]:
        """The four fields."""
        return asdict(self)


def parameters(spec: ModelSpec) -> list[Row]:
    """The layers from bottom to top, each with its count of trained numbers and how it comes."""
    rows, width = [], spec.source.width
    if isinstance(spec.source, EmbeddingSpec):
        V = spec.source.vocabulary
        rows.append(_row("Embedding", f"(T, {width})", f"{V}·{width}", V * width))
    for k, layer in enumerate(spec.layers):
        cell, n = CELLS[layer.cell], len(directions(layer))
        count = sum(prod(shape) for shape in cell.shapes(width, layer.units).values())
        arithmetic = _recurrent(cell, width, layer.units)
        width_out = layer.units * n
        last = k + 1 == len(spec.layers)
        output = f"({width_out})" if last else f"(T, {width_out})"
        title = cell.title if n == 1 else f"Bidirectional {cell.title}"
        rows.append(_row(title, output, arithmetic if n == 1 else f"2·({arithmetic})", n * count))
        width = width_out
    K = spec.head.outputs
    rows.append(_row(f"Dense, {spec.head.kind}", f"({K})", f"{width}·{K} + {K}", width * K + K))
    return rows


def _row(layer: str, output: str, arithmetic: str, count: int) -> Row:
    return Row(layer, output, count, f"{arithmetic} = {count:,}")


def _recurrent(cell: Cell, D: int, H: int) -> str:
    """W (D·H), U (H·H) and bias (H, or two of them) of each gate, and what else the cell has."""
    shapes, G = cell.shapes(D, H), len(cell.gates)
    bias = f"{H}" if len(shapes["b"]) == 1 else f"2·{H}"
    gate = f"{D}·{H} + {H}·{H} + {bias}"
    said = gate if G == 1 else f"{G}·({gate})"
    extra = [s for key, s in shapes.items() if key not in ("W", "U", "b")]
    return " + ".join([said, *("·".join(map(str, s)) for s in extra)])
