"""The arithmetic of a training step, counted from the shapes of its arrays.

Counted are the multiplications and additions of all matrix products, 2·m·k·n for (m, k) · (k, n),
and how many numbers go through tanh, sigmoid and the like. Additions, multiplications by masks and
the optimizer are not counted.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from rnnviz.arrays import Array
from rnnviz.cells import Cell
from rnnviz.engine.directions import SharedPadding
from rnnviz.engine.layer_cells import cell_of
from rnnviz.engine.spec import EmbeddingSpec, HeadSpec, ModelSpec, RecurrentSpec
from rnnviz.equations import FUNCTIONS


@dataclass(frozen=True)
class StepOperations:
    """Operations of a forward and backward pass over one batch."""

    tokens: int  # computed in all layers and directions: no masked ones, shared padding once
    forward: int  # floating-point operations of products
    backward: int
    functions: Mapping[str, int]  # numbers that go through each function

    @property
    def products(self) -> int:
        """Floating-point operations of all products."""
        return self.forward + self.backward


def count_operations(spec: ModelSpec, inputs: Array, *, by_word: bool = True) -> StepOperations:
    """The operations of a training step on ids (T, B) or measurements (T, B, D).

    A masked token is not computed, and the padding that all sequences of an unmasked batch begin
    with is computed once. ``by_word``: embeddings that reach their layer without dropout are
    multiplied by W once for each word of the batch, not for each token.
    """
    tokens = forward = backward = 0
    functions: Counter[str] = Counter()
    source, (T, B) = spec.source, inputs.shape[:2]
    embedded = isinstance(source, EmbeddingSpec)
    mask = inputs != 0 if isinstance(source, EmbeddingSpec) and source.mask_zero else None
    dropped = isinstance(source, EmbeddingSpec) and source.dropout > 0
    shared = SharedPadding(inputs if embedded and mask is None and not dropped else None)
    width = source.width
    for k, layer in enumerate(spec.layers):
        cell = cell_of(layer)
        shape = cell.shapes(width, layer.units)
        for direction in layer.directions:
            lead = shared.steps(reverse=direction == "backward")
            rows = _computed_tokens(T, B, mask, None if _drops(layer) else lead)
            read = rows
            if by_word and k == 0 and embedded and not dropped and not _drops(layer):
                read = len(np.unique(inputs if mask is None else inputs[mask]))
            x, h = (2 * n * int(np.prod(shape[w])) for n, w in ((read, "W"), (rows, "U")))
            tokens += rows
            forward += x + h
            # The gradients of W and U, of h, and of x where something below is trained.
            backward += x + 2 * h + (x if k > 0 or embedded else 0)
            for name, calls in _calls(cell).items():
                functions[name] += calls * rows * layer.units
        shared.pass_layer(layer)
        width = layer.output_width
    steps = T if spec.head.reads == "steps" else 1
    head = 2 * B * steps * _head_size(spec.head, width)
    return StepOperations(
        tokens, forward + head, backward + 2 * head, dict(sorted(functions.items()))
    )


def _drops(layer: RecurrentSpec) -> bool:
    """Whether sequences differ by their dropout masks."""
    return layer.dropout > 0 or layer.recurrent_dropout > 0


def _computed_tokens(T: int, B: int, mask: Array | None, lead: Array | None) -> int:
    if mask is not None:
        return int(mask.sum())
    return T * B if lead is None else int(T * B - lead.sum() + lead.max())


def _head_size(head: HeadSpec, width: int) -> int:
    """The trained weights of the head."""
    widths = [width, *(dense.units for _, dense in head.below), head.outputs]
    return 0 if head.kind == "state" else sum(a * b for a, b in pairwise(widths))


def _calls(cell: Cell) -> Counter[str]:
    """The functions of the cell's lines, forward and backward; of equal calls in a pass one."""
    calls: Counter[str] = Counter()
    for lines in (cell.lines, cell.back):
        nodes = (n for x in lines for n in ast.walk(ast.parse(x.formula, mode="eval")))
        found = {ast.unparse(n): n.func for n in nodes if isinstance(n, ast.Call)}
        calls.update(f.id for f in found.values() if isinstance(f, ast.Name) and f.id in FUNCTIONS)
    return calls
