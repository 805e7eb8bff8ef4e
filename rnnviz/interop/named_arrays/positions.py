"""Arrays without names, ``arr_0``, ``arr_1`` …: named by the layers that their shapes allow.

``numpy.savez(file, *model.get_weights())`` writes Keras's layers in order, and
``torch.save(list(model.parameters()))`` PyTorch's. LSTM and GRU are recognised by the shapes of
their matrices; what else there is keeps its number.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from rnnviz.interop.contents import FileTensor

_NUMBER: Final = re.compile(r"(?:arr_)?\d+")
_KERAS: Final = ("kernel", "recurrent_kernel", "bias")
_TORCH: Final = ("weight_ih_l", "weight_hh_l", "bias_ih_l", "bias_hh_l")


def names_by_position(tensors: Sequence[FileTensor]) -> dict[str, str]:
    """A name for each array where all have numbers for names; else no names."""
    if not tensors or not all(_NUMBER.fullmatch(tensor.name) for tensor in tensors):
        return {}
    names: dict[str, str] = {}
    shapes = [tensor.shape for tensor in tensors]
    k = 0
    while k < len(tensors):
        found = _layer(shapes[k:])
        for leaf, tensor in zip(found, tensors[k:], strict=False):
            names[tensor.name] = f"layer_{tensors[k].name.removeprefix('arr_')}{leaf}"
        k += max(len(found), 1)
    return names


def _layer(shapes: Sequence[tuple[int, ...]]) -> list[str]:
    """The ends of the names of the next layer's arrays; empty where it is not recognised."""
    first, second = shapes[0], shapes[1] if len(shapes) > 1 else ()
    if len(first) != 2:
        return []
    if len(second) == 2 and 0 not in second:
        rows, columns = second
        if columns in (3 * rows, 4 * rows) and first[1] == columns:
            biases = [(columns,), (2, columns)]
            count = 3 if len(shapes) > 2 and shapes[2] in biases else 2
            return [f"/{part}" for part in _KERAS[:count]]
        if rows in (3 * columns, 4 * columns) and first[0] == rows:
            count = 4 if list(shapes[2:4]) == [(rows,), (rows,)] else 2
            return [f".{part}0" for part in _TORCH[:count]]
    if second == (first[1],) and second != (first[0],):
        return ["/kernel", "/bias"]
    if second == (first[0],) and second != (first[1],):
        return [".weight", ".bias"]
    return [".weight"] if len(second) == 2 else []
