"""Weights that PyTorch stores as length and direction: w = g · v / ‖v‖, row by row.

``torch.nn.utils.weight_norm`` names them ``weight_hh_l0_g`` and ``weight_hh_l0_v``; its successor
``parametrizations.weight_hh_l0.original0`` and ``original1``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import numpy as np

from rnnviz.interop.contents import FileTensor, TensorRole

_OLD: Final = re.compile(r"(?P<name>.*weight\w*)_g")
_NEW: Final = re.compile(r"(?P<path>.*?)parametrizations\.(?P<name>\w+)\.original0")


def without_weight_norm(
    tensors: Mapping[str, FileTensor],
) -> tuple[dict[str, FileTensor], dict[str, TensorRole]]:
    """The tensors with w in the place of g and v, and the roles of g and v by their names."""
    found: dict[str, tuple[str, str]] = {}  # by the name of g: those of v and w
    for name in tensors:
        if old := _OLD.fullmatch(name):
            found[name] = (f"{old['name']}_v", old["name"])
        elif new := _NEW.fullmatch(name):
            found[name] = (f"{name[:-1]}1", f"{new['path']}{new['name']}")
    result: dict[str, FileTensor] = {}
    roles: dict[str, TensorRole] = {}
    directions = {v for v, _ in found.values()}
    for name, tensor in tensors.items():
        v, w = found.get(name, ("", ""))
        product = _product(tensor, tensors.get(v), w) if v else None
        if product is not None:
            result[w] = product
            roles |= {each: TensorRole(w, "other") for each in (name, v)}
        elif not (name in directions and name in roles):
            result[name] = tensor
    return result, roles


def _product(g: FileTensor, v: FileTensor | None, name: str) -> FileTensor | None:
    """w; None where g is not one number a row of v."""
    if v is None or g.array is None or v.array is None or len(v.shape) != 2 or not v.array.size:
        return None
    if g.shape != (v.shape[0], 1) or g.array.dtype.kind != "f" or v.array.dtype.kind != "f":
        return None
    with np.errstate(all="ignore"):
        length = np.linalg.norm(v.array.astype(np.float64), axis=1, keepdims=True)
        w = (g.array * (v.array / length)).astype(np.float32)
    return FileTensor(name, w.shape, "float32", w)
