"""Keras's default initializers."""

from __future__ import annotations

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.cells import Cell


def glorot_uniform(rng: np.random.Generator, fan_in: int, fan_out: int) -> Array:
    """(fan_in, fan_out), uniform within ±√(6 / (fan_in + fan_out)); Glorot and Bengio, 2010."""
    limit = np.sqrt(6.0 / (fan_in + fan_out))
    return rng.uniform(-limit, limit, (fan_in, fan_out))


def orthogonal(rng: np.random.Generator, rows: int, columns: int) -> Array:
    """(rows, columns) with orthonormal rows (or columns, if fewer); Saxe et al., 2014."""
    q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
    q = q * np.sign(np.diag(r))
    return q if rows >= columns else q.T


def embedding(rng: np.random.Generator, V: int, E: int) -> Array:
    """(V, E), uniform within ±0.05."""
    return rng.uniform(-0.05, 0.05, (V, E))


def recurrent(rng: np.random.Generator, cell: Cell, D: int, H: int) -> Values:
    """A layer's arrays: W glorot, U orthogonal, biases 0 but 1 for a forget gate (Keras)."""
    found: Values = {}
    for key, shape in cell.shapes(D, H).items():
        if key == "U":
            found[key] = orthogonal(rng, *shape)
        elif key == "b":
            found[key] = np.zeros(shape)
        elif len(shape) == 1:  # a vector of peepholes
            found[key] = glorot_uniform(rng, *shape, *shape)[0]
        else:
            found[key] = glorot_uniform(rng, *shape)
    if "f" in cell.gates and "b" in found:
        at = cell.gates.index("f") * H
        found["b"][at : at + H] = 1.0
    return found
