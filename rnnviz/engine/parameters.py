"""The trained arrays of a model by the names of its weight file: shapes and initial values.

``embedding``, ``layers.K.forward.W``, ``head.b`` and others.
"""

from __future__ import annotations

import math

import numpy as np

from rnnviz.arrays import Values
from rnnviz.cells import CELLS
from rnnviz.engine import initializers
from rnnviz.engine.spec import EmbeddingSpec, ModelSpec, SeriesSpec

#: The most trained numbers of a net: 200 MB as float32.
MOST_PARAMETERS = 50_000_000


def shapes(spec: ModelSpec) -> dict[str, tuple[int, ...]]:
    """The name and shape of every trained array of the model; ValueError if it is too large."""
    by_name: dict[str, tuple[int, ...]] = {}
    if isinstance(spec.source, EmbeddingSpec):
        by_name["embedding"] = (spec.source.vocabulary, spec.source.width)
    width = spec.source.width
    for k, layer in enumerate(spec.layers):
        for direction in layer.directions:
            for key, shape in CELLS[layer.cell].shapes(width, layer.units).items():
                by_name[f"layers.{k}.{direction}.{key}"] = shape
        width = layer.units * len(layer.directions)
    if not spec.layers:
        width *= _flat_steps(spec)
    if hidden := spec.head.hidden:
        by_name["head.hidden.W"], by_name["head.hidden.b"] = (width, hidden), (hidden,)
        width = hidden
    by_name["head.W"], by_name["head.b"] = (width, spec.head.outputs), (spec.head.outputs,)
    count = sum(math.prod(shape) for shape in by_name.values())
    if count > MOST_PARAMETERS:
        raise ValueError(f"a net of {count:,} parameters; {MOST_PARAMETERS:,} are the most")
    return by_name


def recurrent_size(spec: ModelSpec) -> int:
    """The trained numbers of the recurrent layers: multiply-adds of a forward pass by token."""
    return sum(math.prod(s) for name, s in shapes(spec).items() if name.startswith("layers."))


def _flat_steps(spec: ModelSpec) -> int:
    """T of the series that a net without recurrent layers flattens."""
    if not isinstance(spec.source, SeriesSpec) or spec.source.steps is None:
        raise ValueError("a net without recurrent layers needs a series of known length")
    return spec.source.steps


def initialise(spec: ModelSpec, seed: int) -> Values:
    """Untrained float32 arrays, as Keras would draw them (its defaults, NumPy's generator)."""
    rng = np.random.default_rng(seed)
    params: Values = {}
    if isinstance(spec.source, EmbeddingSpec):
        params["embedding"] = initializers.embedding(rng, spec.source.vocabulary, spec.source.width)
    width = spec.source.width
    for k, layer in enumerate(spec.layers):
        for direction in layer.directions:
            arrays = initializers.recurrent(rng, CELLS[layer.cell], width, layer.units)
            params |= {f"layers.{k}.{direction}.{key}": a for key, a in arrays.items()}
        width = layer.units * len(layer.directions)
    for name, shape in shapes(spec).items():
        if name.startswith("head."):
            dense = name.endswith("W")
            params[name] = initializers.glorot_uniform(rng, *shape) if dense else np.zeros(shape)
    return {name: array.astype(np.float32, order="C") for name, array in params.items()}
