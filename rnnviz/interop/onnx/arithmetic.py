"""The operators that are evaluated where all their inputs are constants.

Exporters compute shapes, zero states and rearranged weights with them. https://onnx.ai/onnx/operators/
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from rnnviz.arrays import Array
from rnnviz.interop.onnx.movement import ShapeMismatchError, require_size
from rnnviz.interop.onnx.tensor_data import DATA_TYPES

_BINARY: Mapping[str, Callable[[Array, Array], Any]] = {
    "Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Pow": np.power,
    "Equal": np.equal, "Greater": np.greater, "Less": np.less,
    "GreaterOrEqual": np.greater_equal, "LessOrEqual": np.less_equal,
    "And": np.logical_and, "Or": np.logical_or, "Xor": np.logical_xor,
    "Min": np.minimum, "Max": np.maximum, "Mod": np.mod,
}  # fmt: skip
_UNARY: Mapping[str, Callable[[Array], Any]] = {
    "Not": np.logical_not, "Neg": np.negative, "Abs": np.abs, "Sqrt": np.sqrt, "Floor": np.floor,
    "Ceil": np.ceil, "Exp": np.exp, "Log": np.log, "Tanh": np.tanh, "Reciprocal": np.reciprocal,
}  # fmt: skip
_REDUCTIONS: Mapping[str, Callable[..., Any]] = {
    "ReduceSum": np.sum, "ReduceProd": np.prod, "ReduceMax": np.max, "ReduceMin": np.min,
    "ReduceMean": np.mean,
}  # fmt: skip

#: The operators that :func:`evaluate` knows.
OPERATORS = frozenset(
    [*_BINARY, *_UNARY, *_REDUCTIONS, "Div", "Where", "Cast", "CastLike", "ConstantOfShape",
     "Range", "MatMul", "Clip", "Size", "Shape"]
)  # fmt: skip


def evaluate(op_type: str, arrays: Sequence[Array], attributes: Mapping[str, Any]) -> Array:
    """The output of an operator on constants.

    Raises ValueError, or what NumPy raises, for inputs that it is not defined for.
    """
    with np.errstate(all="ignore"):
        return np.asarray(_evaluated(op_type, list(arrays), attributes))


def _evaluated(op_type: str, arrays: list[Array], attributes: Mapping[str, Any]) -> Any:
    first = arrays[0]
    if op_type in _BINARY or op_type in ("Div", "Where"):
        require_size(math.prod(np.broadcast_shapes(*(a.shape for a in arrays))))
    match op_type:
        case "Div":
            whole = first.dtype.kind in "iu"
            return np.trunc(first / arrays[1]).astype(first.dtype) if whole else first / arrays[1]
        case "Where":
            return np.where(*arrays)
        case "Cast":
            return first.astype(_dtype(attributes["to"]))
        case "CastLike":
            return first.astype(arrays[1].dtype)
        case "ConstantOfShape":
            shape = [int(n) for n in first.ravel()[:33]]
            require_size(math.prod(shape))
            fill = attributes.get("value")
            fill = np.zeros(1, np.float32) if fill is None else fill
            return np.full(shape, fill.ravel()[0])
        case "Range":
            start, limit, step = (float(a.ravel()[0]) for a in arrays)
            require_size(abs(int((limit - start) / step)))
            return np.arange(start, limit, step).astype(first.dtype)
        case "MatMul":
            return _product(first, arrays[1])
        case "Clip":
            low = arrays[1] if len(arrays) > 1 else attributes.get("min", -np.inf)
            high = arrays[2] if len(arrays) > 2 else attributes.get("max", np.inf)
            return np.clip(first, low, high)
        case "Size":
            return np.array(first.size)
        case "Shape":
            return np.array(first.shape)[slice(attributes.get("start"), attributes.get("end"))]
    if op_type in _BINARY:
        result = first
        for other in arrays[1:]:
            result = _BINARY[op_type](result, other)
        return result
    if op_type in _UNARY:
        return _UNARY[op_type](first).astype(first.dtype)
    axes = arrays[1].ravel().tolist() if len(arrays) > 1 else attributes.get("axes")
    keep = bool(attributes.get("keepdims", 1))
    return _REDUCTIONS[op_type](first, axis=tuple(axes) if axes else None, keepdims=keep)


def _product(a: Array, b: Array) -> Array:
    if a.ndim > 2 or b.ndim > 2 or a.size * b.shape[-1] > 1e7:
        raise ShapeMismatchError("a product of constants that is too large")
    return a @ b


def _dtype(data_type: int) -> np.dtype[Any]:
    name, code = DATA_TYPES.get(int(data_type), ("", ""))
    if not code:
        raise ShapeMismatchError(f"numbers of type {name or data_type}")
    return np.dtype(np.float32 if name == "bfloat16" else code)
