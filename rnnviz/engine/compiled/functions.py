"""What formulas may call, of vectors; the text of these functions goes into every cell's module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rnnviz.engine.compiled.simd import add, fill, least, most, mul, step, sub, tanh


def sigmoid(a: Any) -> Any:
    """½·tanh(½a) + ½."""
    half = fill(a, 0.5)
    return add(mul(half, tanh(mul(half, a))), half)


def relu(a: Any) -> Any:
    """max(a, 0)."""
    return most(a, fill(a, 0.0))


def hard_sigmoid(a: Any) -> Any:
    """min(max(0.2·a + 0.5, 0), 1)."""
    line = add(mul(fill(a, 0.2), a), fill(a, 0.5))
    return least(most(line, fill(a, 0.0)), fill(a, 1.0))


def slope(y: Any) -> Any:
    """0.2 where 0 < y < 1, else 0."""
    return mul(fill(y, 0.2), step(mul(y, sub(fill(y, 1.0), y))))
