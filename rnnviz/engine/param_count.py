"""Parameter counts and their arithmetic: ``4·(32·32 + 32·32 + 32) = 8,320``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import prod
from typing import Any

from rnnviz.cells import CELLS, Cell
from rnnviz.engine.layer_cells import cell_of
from rnnviz.engine.parameters import shapes
from rnnviz.engine.spec import DenseSpec, EmbeddingSpec, ModelSpec, RecurrentSpec, SeriesSpec
from rnnviz.messages import _


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
    each_step = spec.head.reads == "steps"
    for k, layer in enumerate(spec.layers):
        cell, n = cell_of(layer), len(layer.directions)
        arithmetic = _recurrent(cell, width, layer)
        count = _count(spec, k)
        width = layer.output_width
        top = k + 1 == len(spec.layers) and not each_step
        arithmetic = arithmetic if n == 1 else f"2·({arithmetic})"
        output = f"({width})" if top else f"({T}, {width})"
        rows.append(_row(_title(layer), output, arithmetic, count))
    if not spec.layers and isinstance(spec.source, SeriesSpec):
        width *= spec.source.steps or 1
        rows.append(_row("Flatten", f"({width})", "0", 0))
    if spec.head.kind == "state":
        return rows
    last = DenseSpec(spec.head.outputs, bias=spec.head.bias)
    layers: list[tuple[str, DenseSpec]] = [(d.activation, d) for _, d in spec.head.below]
    for name, dense in [*layers, (spec.head.kind, last)]:
        shape = f"({T}, {dense.units})" if each_step else f"({dense.units})"
        rows.append(_dense(name, width, dense, shape))
        width = dense.units
    return rows


def _count(spec: ModelSpec, k: int) -> int:
    """The trained numbers of layer k."""
    return sum(prod(s) for name, s in shapes(spec).items() if name.startswith(f"layers.{k}."))


def _title(layer: RecurrentSpec) -> str:
    """The cell's name, whether it is bidirectional, and choices other than the default."""
    title = CELLS[layer.cell].title
    parts = [_("Bidirectional {cell}").format(cell=title) if layer.bidirectional else title]
    if layer.activation != "tanh":
        parts.append(layer.activation)
    if layer.recurrent_activation != "sigmoid":
        parts.append(_("{activation} gates").format(activation=layer.recurrent_activation))
    parts += [] if layer.bias else [_("no bias")]
    parts += [_("backward")] if layer.directions == ("backward",) else []
    parts += [layer.merge] if layer.joined < len(layer.directions) else []
    parts += [_("trained initial states")] if layer.trained_initial else []
    return ", ".join(parts)


def _dense(name: str, width: int, dense: DenseSpec, output: str) -> LayerCount:
    units, bias = dense.units, f" + {dense.units}" if dense.bias else ""
    name = "linear" if name == "identity" else name
    return _row(f"Dense, {name}", output, f"{width}·{units}{bias}", (width + dense.bias) * units)


def _row(layer: str, output: str, arithmetic: str, count: int) -> LayerCount:
    return LayerCount(layer, output, count, f"{arithmetic} = {count:,}")


def _recurrent(cell: Cell, D: int, layer: RecurrentSpec) -> str:
    """W (D·H), U (H·H) and bias (H, two of them, or none) of each gate, and the other arrays."""
    H = layer.units
    arrays, G = cell.shapes(D, H), len(cell.gates)
    summands = [f"{D}·{H}"]
    summands += [f"{arrays['U'][0]}·{H}"] if arrays["U"][1] else []  # no gate of minGRU reads h
    if "b" in arrays:
        summands.append(f"{H}" if len(arrays["b"]) == 1 else f"2·{H}")
    gate = " + ".join(summands)
    gates = gate if G == 1 else f"{G}·({gate})"
    extra = [s for key, s in arrays.items() if key not in ("W", "U", "b")]
    widths = (layer.projection if s == "h" and layer.projection else H for s in cell.states)
    extra += [(n,) for n in widths] if layer.trained_initial else []
    return " + ".join([gates, *("·".join(map(str, s)) for s in extra)])
