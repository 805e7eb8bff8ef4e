"""The cell of a layer: the module of its name, with what the layer's spec chooses."""

from __future__ import annotations

from functools import cache
from typing import Any

from rnnviz.cells import CELLS, Cell
from rnnviz.cells.variants import variant
from rnnviz.engine.spec import RecurrentSpec


@cache
def cell_of(layer: RecurrentSpec) -> Cell:
    """The cell of a layer, with its activations, clip, bias, projection and meaning of z."""
    module: Any = CELLS[layer.cell]  # a module is hashable, which the protocol cannot express
    return variant(
        module, layer.activation, layer.recurrent_activation, layer.output_activation, layer.keeps,
        layer.clip, layer.bias, layer.projection,
    )  # fmt: skip
