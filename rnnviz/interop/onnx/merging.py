"""Outputs of two directions that become one unit by unit: added, multiplied or averaged."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from rnnviz.arrays import Array
from rnnviz.engine.spec import Merge
from rnnviz.interop.contents import RecurrentOperation
from rnnviz.interop.onnx.elements import Form, Numbered
from rnnviz.interop.onnx.net import NetOperations

_MERGES: Final[dict[str, Merge]] = {
    "Add": "sum", "Mul": "mul", "ReduceSum": "sum", "ReduceProd": "mul", "ReduceMean": "ave",
}  # fmt: skip


def merged(net: NetOperations, op_type: str, a: Numbered, b: Numbered) -> Numbered | None:
    """The two directions of a layer as one, unit by unit; None for any other two values."""
    if op_type not in _MERGES or a.shape != b.shape:
        return None
    first, second = net.elements.blocks(a), net.elements.blocks(b)
    if len(first) != 1 or len(second) != 1:
        return None
    forms = first[0].forms
    if first[0] is not second[0]:
        forms = net.joined(forms, second[0].forms) or net.joined(second[0].forms, forms)
    for k, form in enumerate(forms):
        layer = net.operations.get(form.operation)
        if isinstance(layer, RecurrentOperation) and layer.spec.bidirectional:
            table = form.value.ids
            H = table.shape[-1] // 2
            halves = table[..., :H], table[..., H:]
            for x, y in ((a.ids, b.ids), (b.ids, a.ids)):
                places = _places(halves[0], x)
                if places is not None and np.array_equal(halves[1].ravel()[places], y):
                    own = _forms(net, layer, _MERGES[op_type], forms)[k]
                    return Numbered(a.shape, moved=own.value.ids.ravel()[places])
    return None


def reduced(
    net: NetOperations, op_type: str, value: Numbered, axis: int, keepdims: bool
) -> Numbered | None:
    """A reduction over the axis of the two directions of a layer; None for any other axis."""
    if not -len(value.shape) <= axis < len(value.shape) or value.shape[axis] != 2:
        return None
    ways = (np.ascontiguousarray(value.ids.take(k, axis)) for k in (0, 1))
    one = merged(net, op_type, *(Numbered(ids.shape, moved=ids) for ids in ways))
    if one is None or not keepdims:
        return one
    ids = np.expand_dims(one.ids, axis)
    return Numbered(ids.shape, moved=ids)


def averaged(net: NetOperations, value: Numbered, scale: Array) -> Numbered | None:
    """Half of the sum of two directions; None where it is not."""
    match = net.match(value)
    layer = net.operations.get(match.form.operation) if match else None
    summed = isinstance(layer, RecurrentOperation) and layer.spec.merge == "sum"
    if match is None or not summed or not np.all(scale == 0.5):
        return None
    assert isinstance(layer, RecurrentOperation)
    forms = net.elements.blocks(value)[0].forms
    k = forms.index(match.form)
    own = _forms(net, layer, "ave", forms)[k].value.ids
    places = _places(match.form.value.ids, value.ids)
    return None if places is None else Numbered(value.shape, moved=own.ravel()[places])


def _places(table: Array, ids: Array) -> Array | None:
    """Where in ``table`` the numbers stand; None where one of them does not."""
    flat = table.ravel()
    order = np.argsort(flat)
    at = order[np.minimum(np.searchsorted(flat, ids, sorter=order), len(order) - 1)]
    return at if np.array_equal(flat[at], ids) else None


def _forms(
    net: NetOperations, layer: RecurrentOperation, merge: Merge, forms: list[Form]
) -> list[Form]:
    """The forms of the layer with its directions merged, each with numbers of its own."""
    name = f"{layer.name}, {merge}"
    if name in net.operations:
        return net.forms[name]
    net.replace(layer.name, replace(layer, name=name, spec=replace(layer.spec, merge=merge)))
    found = []
    shapes = [(*form.value.shape[:-1], layer.spec.units) for form in forms]
    block = net.elements.new_block(name, sum(int(np.prod(shape)) for shape in shapes))
    start = block.start
    for form, shape in zip(forms, shapes, strict=True):
        found.append(Form(name, form.kind, Numbered(shape, start)))
        start += int(np.prod(shape))
    block.forms += found
    net.forms[name] = found
    return found
