"""Nodes that are layers: embeddings, dense layers, activations, and recurrent ones.

A handler takes the node and the values that it reads and gives its outputs, or None where the node
is not such a layer; then it stays an operation that is not known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np

from rnnviz.arrays import Array
from rnnviz.interop.contents import (
    ActivationOperation,
    AffineOperation,
    DenseOperation,
    EmbeddingOperation,
    TensorRole,
)
from rnnviz.interop.onnx.elements import Constant, Numbered, Unshaped, Value
from rnnviz.interop.onnx.layer_nodes import LayerNode, LayerNotes
from rnnviz.interop.onnx.merging import averaged, merged, reduced
from rnnviz.interop.onnx.net import NetOperations
from rnnviz.interop.onnx.recurrent import GATES
from rnnviz.interop.onnx.recurrent_nodes import recurrent

#: Elementwise functions, with the names that assembling knows.
ACTIVATIONS: Final = {
    "Sigmoid": "sigmoid", "Tanh": "tanh", "Relu": "relu", "Softplus": "softplus",
    "Softsign": "softsign", "Selu": "selu", "Elu": "elu", "Erf": "erf", "Exp": "exp", "Abs": "abs",
}  # fmt: skip

Handler = Callable[[NetOperations, LayerNotes, LayerNode], list[Value] | None]


def embedding(net: NetOperations, notes: LayerNotes, node: LayerNode) -> list[Value] | None:
    """Gather of rows of a constant table by ids that the net reads."""
    table, ids = node.constant(0), node.value(1)
    if table is None or table.ndim != 2 or table.dtype.kind != "f" or node.attributes.get("axis"):
        return None
    if not isinstance(ids, Numbered | Unshaped):
        return None
    source, _ = net.read(ids)
    notes.give_role(node, 0, TensorRole(node.name, "embedding"))
    name = net.add(EmbeddingOperation(node.name, (source,), table.astype(np.float32, copy=False)))
    if isinstance(ids, Unshaped):
        return [Unshaped(name)]
    rows = Numbered((*ids.shape, 1), moved=ids.ids[..., None])
    return [net.elements.rowwise(name, rows, None, table.shape[1])]


def product(net: NetOperations, notes: LayerNotes, node: LayerNode) -> list[Value] | None:
    """MatMul with a constant (F, K) on the right, and Gemm."""
    W, value, b = node.constant(1), node.value(0), None
    if W is None or W.ndim != 2 or not isinstance(value, Numbered | Unshaped):
        return None
    if node.op_type == "Gemm":
        b = node.constant(2)
        if node.attributes.get("transA") or (node.value(2) is not None and b is None):
            return None
        W = W.T if node.attributes.get("transB") else W
        W = W * _number(node, "alpha") if _number(node, "alpha") != 1 else W
        if b is not None:
            if b.size not in (1, W.shape[1]):
                return None
            b = np.broadcast_to(b.ravel() * _number(node, "beta"), W.shape[1]).astype(W.dtype)
    if isinstance(value, Numbered) and (not value.shape or value.shape[-1] != W.shape[0]):
        return None
    source, match = net.read(value)
    notes.give_role(node, 1, TensorRole(node.name, "dense kernel"))
    if b is not None:
        notes.give_role(node, 2, TensorRole(node.name, "dense bias"))
    rows = isinstance(value, Numbered) and len(value.shape) > 2
    steps = rows if match is None or match.reads == "raw" else match.reads == "steps"
    name = net.add(DenseOperation(node.name, (source,), W, b, each_step=steps))
    if isinstance(value, Unshaped):
        return [Unshaped(name)]
    return [net.elements.rowwise(name, value, match, W.shape[1])]


def _number(node: LayerNode, attribute: str) -> float:
    return float(node.attributes.get(attribute, 1.0))


def affine(net: NetOperations, notes: LayerNotes, node: LayerNode) -> list[Value] | None:
    """Add, Sub, Mul, Div with a constant that depends on the feature alone; a bias where it is one.

    BatchNormalization is the same with its four constants.
    """
    if node.op_type == "BatchNormalization":
        value = node.value(0)
        arrays = [node.constant(k) for k in range(1, 5)]
        if not isinstance(value, Numbered) or any(a is None or a.ndim != 1 for a in arrays):
            return None
        gamma, beta, mean, variance = (np.asarray(a, np.float64) for a in arrays)
        scale = gamma / np.sqrt(variance + float(node.attributes.get("epsilon", 1e-5)))
        features = np.moveaxis(value.ids, min(1, len(value.shape) - 1), -1)  # (B, …, C)
        moved = Numbered(features.shape, moved=features, made_by="Transpose")
        if features.shape[-1] != len(scale):
            return None
        out = _scaled(net, node, moved, scale, beta - mean * scale)
        if out and isinstance(out[0], Numbered) and len(value.shape) > 2:
            back = np.moveaxis(out[0].ids, -1, 1)
            return [Numbered(back.shape, moved=back, made_by="Transpose")]
        return out
    left, right = node.value(0), node.value(1)
    if isinstance(left, Numbered) and isinstance(right, Numbered):
        one = merged(net, node.op_type, left, right)
        return None if one is None else [one]
    swapped = isinstance(left, Constant)
    value, constant = (right, left) if swapped else (left, right)
    if not isinstance(value, Numbered) or not isinstance(constant, Constant) or not value.shape:
        return None
    if swapped and node.op_type in ("Sub", "Div"):
        return None
    array = constant.array.astype(np.float64)
    if node.op_type in ("Add", "Sub"):
        array = array if node.op_type == "Add" else -array
        return _with_bias(net, notes, node, value, array, int(not swapped)) or _scaled(
            net, node, value, np.ones(()), array
        )
    with np.errstate(divide="ignore"):
        scale = array if node.op_type == "Mul" else 1 / array
    half = averaged(net, value, scale)
    return _scaled(net, node, value, scale, np.zeros(())) if half is None else [half]


def reduction(net: NetOperations, notes: LayerNotes, node: LayerNode) -> list[Value] | None:
    """A sum, product or mean of the two directions of a layer, which lie along an axis."""
    value, axes = node.value(0), node.constant(1)
    if axes is None:  # an attribute until opset 13 (ReduceSum) or 18
        axes = np.asarray(node.attributes.get("axes", ()))
    if not isinstance(value, Numbered) or axes.size != 1 or axes.dtype.kind != "i":
        return None
    keepdims = bool(node.attributes.get("keepdims", 1))
    one = reduced(net, node.op_type, value, int(axes.ravel()[0]), keepdims)
    return None if one is None else [one]


def _with_bias(
    net: NetOperations, notes: LayerNotes, node: LayerNode, value: Numbered, b: Array, k: int
) -> list[Value] | None:
    """The product below with this bias; None where it is no product, or has one."""
    match = net.match(value)
    name = match.form.operation if match else _only_operation(net, value)
    below = net.operations.get(name)
    if not isinstance(below, DenseOperation) or below.b is not None or below.activation != "linear":
        return None
    K = below.W.shape[1]
    if value.shape[-1] != K or b.size not in (1, K) or b.shape[-1:] not in ((), (1,), (K,)):
        return None
    bias = np.broadcast_to(b.ravel(), K).astype(below.W.dtype)
    notes.give_role(node, k, TensorRole(below.name, "dense bias"))
    return _with_dense_replaced(net, value, replace(below, name=node.name, b=bias), below.name)


def _with_dense_replaced(
    net: NetOperations, value: Numbered, operation: DenseOperation, name: str
) -> list[Value]:
    """A dense layer that took over a bias or an activation, in the place of ``name``."""
    match = net.match(value)
    net.replace(name, operation)
    return [net.elements.rowwise(operation.name, value, match, value.shape[-1])]


def _only_operation(net: NetOperations, value: Numbered) -> str:
    blocks = net.elements.blocks(value)
    return blocks[0].operation if len(blocks) == 1 else ""


def _scaled(
    net: NetOperations, node: LayerNode, value: Numbered, scale: Array, shift: Array
) -> list[Value] | None:
    """y = x · scale + shift, where both depend on the feature alone."""
    source, match = net.read(value)
    ids = value.ids
    steps = match is not None and match.reads != "raw"
    F = match.form.value.shape[-1] if match is not None and steps else ids.shape[-1]
    if ids.shape[-1] != F:
        return None
    vectors = []
    for array in (scale, shift):
        try:
            whole = np.broadcast_to(array, ids.shape)
        except ValueError:
            return None
        vector = whole.reshape(-1, F)[0] if ids.ndim else whole
        if not np.array_equal(whole, np.broadcast_to(vector, ids.shape), equal_nan=True):
            return None
        vectors.append(np.ascontiguousarray(vector, np.float32))
    name = net.add(AffineOperation(node.name, (source,), *vectors))
    return [net.elements.rowwise(name, value, match, F)]


def activation(net: NetOperations, notes: LayerNotes, node: LayerNode) -> list[Value] | None:
    """An elementwise function, or softmax over the features; part of the dense layer below."""
    value = node.value(0)
    if not isinstance(value, Numbered):
        return None
    name = ACTIVATIONS.get(node.op_type, node.op_type.lower())
    if node.op_type in ("Softmax", "LogSoftmax"):
        axis = int(node.attributes.get("axis", -1 if node.opset >= 13 else 1))
        if axis not in (-1, len(value.shape) - 1):
            return None
    if node.op_type == "HardSigmoid":
        alpha, beta = (node.attributes.get(k, d) for k, d in (("alpha", 0.2), ("beta", 0.5)))
        if abs(beta - 0.5) > 1e-6 or abs(alpha - 0.2) > 1e-6:
            return None
        name = "hard_sigmoid"
    source, match = net.read(value)
    below = net.operations.get(source)
    if isinstance(below, DenseOperation) and below.activation == "linear":
        return _with_dense_replaced(
            net, value, replace(below, name=node.name, activation=name), source
        )
    net.add(ActivationOperation(node.name, (source,), name))
    if value.shape:
        return [net.elements.rowwise(node.name, value, match, value.shape[-1])]
    return [net.elements.raw(node.name, value.shape)]


def _handlers() -> dict[str, Handler]:
    found: dict[str, Handler] = dict.fromkeys(GATES, recurrent)
    found |= {"Gather": embedding, "MatMul": product, "Gemm": product}
    found |= dict.fromkeys(("Add", "Sub", "Mul", "Div", "BatchNormalization"), affine)
    found |= dict.fromkeys(("ReduceSum", "ReduceProd", "ReduceMean"), reduction)
    return found | dict.fromkeys((*ACTIVATIONS, "Softmax", "LogSoftmax", "HardSigmoid"), activation)


#: By operator.
HANDLERS: Final = _handlers()
