"""Shapes of the outputs of operators that are not followed, as far as layers above need them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from rnnviz.interop.onnx.elements import Constant, Numbered, Value

#: Operators whose output has the shape of their first input.
_SAME: Final = frozenset(
    ["LeakyRelu", "PRelu", "Elu", "Clip", "HardSigmoid", "HardSwish", "Gelu", "Mish", "Softmax",
     "LogSoftmax", "LayerNormalization", "InstanceNormalization", "BatchNormalization", "Neg",
     "Abs", "Sqrt", "Exp", "Log", "Not", "Floor", "Ceil", "Round", "Sign", "ThresholdedRelu",
     "CumSum", "LRN", "Relu", "Tanh", "Sigmoid"]
)  # fmt: skip
_JOINED: Final = frozenset(
    ["Add", "Sub", "Mul", "Div", "Pow", "Where", "Sum", "Max", "Min", "Mean", "Equal", "Greater",
     "Less", "And", "Or"]
)  # fmt: skip


def output_shape(
    op_type: str, values: Sequence[Value | None], attributes: Mapping[str, Any]
) -> tuple[int, ...] | None:
    """The shape of a node's first output; None where it is not known."""
    shapes = [_shape(value) for value in values]
    if not shapes or shapes[0] is None:
        return None
    try:
        return _output_shape(op_type, shapes, attributes)
    except (ValueError, IndexError, TypeError, KeyError):
        return None


def _shape(value: Value | None) -> tuple[int, ...] | None:
    if isinstance(value, Numbered):
        return value.shape
    return value.array.shape if isinstance(value, Constant) else None


def _output_shape(
    op_type: str, shapes: Sequence[tuple[int, ...] | None], attributes: Mapping[str, Any]
) -> tuple[int, ...] | None:
    first = shapes[0] or ()
    known = [shape for shape in shapes if shape is not None]
    if op_type in _SAME:
        return first
    if op_type in _JOINED and len(known) == len(shapes):
        return np.broadcast_shapes(*known)
    if op_type == "Concat" and len(known) == len(shapes):
        axis = int(attributes.get("axis", 1))
        total = sum(shape[axis] for shape in known)
        return tuple(total if k == axis % len(first) else n for k, n in enumerate(first))
    if op_type == "MatMul" and len(known) == 2:
        batch = np.broadcast_shapes(first[:-2], known[1][:-2])
        return (*batch, first[-2], known[1][-1])
    if op_type == "Conv" and len(known) > 1:
        weights = known[1]
        kernel = attributes.get("kernel_shape", weights[2:])
        return (first[0], weights[0], *_windows(first[2:], kernel, attributes))
    if op_type in ("MaxPool", "AveragePool"):
        return (*first[:2], *_windows(first[2:], attributes["kernel_shape"], attributes))
    if op_type in ("GlobalMaxPool", "GlobalAveragePool"):
        return (*first[:2], *(1 for _ in first[2:]))
    return None


def _windows(
    lengths: Sequence[int], kernel: Sequence[int], attributes: Mapping[str, Any]
) -> tuple[int, ...]:
    """Numbers of windows along each axis of a convolution or a pooling."""
    n = len(lengths)
    strides = attributes.get("strides", [1] * n)
    dilations = attributes.get("dilations", [1] * n)
    pads = attributes.get("pads", [0] * 2 * n)
    if str(attributes.get("auto_pad", "NOTSET")).startswith("SAME"):
        return tuple(-(-length // strides[k]) for k, length in enumerate(lengths))
    found = []
    for k, length in enumerate(lengths):
        free = length + pads[k] + pads[n + k] - dilations[k] * (kernel[k] - 1) - 1
        whole = -(-free // strides[k]) if attributes.get("ceil_mode") else free // strides[k]
        found.append(whole + 1)
    if min(found, default=1) < 1:
        raise ValueError("a window that is longer than its input")
    return tuple(found)
