"""Parameter counts and their arithmetic: ``4·(32·32 + 32·32 + 32) = 8,320``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import prod
from typing import Any

from rnnviz.cells import CELLS, Cell
from rnnviz.engine.layer_cells import cell_of
from rnnviz.engine.spec import EmbeddingSpec, ModelSpec, RecurrentSpec, SeriesSpec


@dataclass(frozen=True)
class LayerCount:
    """The row of one layer."""

    layer: str
    output: str
    count: int
    arithmetic: str

    def to_json(self) -> dict[str, Any]:
        """The four fields."""
        return asdict(self)


def parameters(spec: ModelSpec) -> list[LayerCount]:
    """The layers from bottom to top, each with its count and the arithmetic of it.

    Output shapes have a number for T where the spec fixes the number of steps.
    """
    rows, width = [], spec.source.width
    T: int | str = "T"
    if isinstance(spec.source, EmbeddingSpec):
        V = spec.source.vocabulary
        rows.append(_row("Embedding", f"(T, {width})", f"{V}·{width}", V * width))
    else:
        T = spec.source.steps or T
    for k, layer in enumerate(spec.layers):
        cell, n = cell_of(layer), len(layer.directions)
        count = sum(prod(shape) for shape in cell.shapes(width, layer.units).values())
        arithmetic = _recurrent(cell, width, layer.units)
        width = layer.units * n
        output = f"({width})" if k + 1 == len(spec.layers) else f"({T}, {width})"
        arithmetic = arithmetic if n == 1 else f"2·({arithmetic})"
        rows.append(_row(_title(layer), output, arithmetic, n * count))
    if not spec.layers and isinstance(spec.source, SeriesSpec):
        width *= spec.source.steps or 1
        rows.append(_row("Flatten", f"({width})", "0", 0))
    if spec.head.hidden:
        rows.append(_dense("relu", width, spec.head.hidden))
        width = spec.head.hidden
    return [*rows, _dense(spec.head.kind, width, spec.head.outputs)]


def _title(layer: RecurrentSpec) -> str:
    """The cell's name, whether it is bidirectional, and choices other than the default."""
    title = CELLS[layer.cell].title
    parts = [f"Bidirectional {title}" if layer.bidirectional else title]
    if layer.activation != "tanh":
        parts.append(layer.activation)
    if layer.recurrent_activation != "sigmoid":
        parts.append(f"{layer.recurrent_activation} gates")
    parts += [] if layer.bias else ["no bias"]
    return ", ".join(parts)


def _dense(kind: str, width: int, units: int) -> LayerCount:
    return _row(f"Dense, {kind}", f"({units})", f"{width}·{units} + {units}", (width + 1) * units)


def _row(layer: str, output: str, arithmetic: str, count: int) -> LayerCount:
    return LayerCount(layer, output, count, f"{arithmetic} = {count:,}")


def _recurrent(cell: Cell, D: int, H: int) -> str:
    """W (D·H), U (H·H) and bias (H, two of them, or none) of each gate, and the other arrays."""
    shapes, G = cell.shapes(D, H), len(cell.gates)
    summands = [f"{D}·{H}"]
    summands += [f"{H}·{H}"] if shapes["U"][1] else []  # no gate of minGRU reads h
    if "b" in shapes:
        summands.append(f"{H}" if len(shapes["b"]) == 1 else f"2·{H}")
    gate = " + ".join(summands)
    gates = gate if G == 1 else f"{G}·({gate})"
    extra = [s for key, s in shapes.items() if key not in ("W", "U", "b")]
    return " + ".join([gates, *("·".join(map(str, s)) for s in extra)])
