"""The trained arrays of a model by the names of its weight file: shapes and initial values.

``embedding``, ``layers.K.forward.W``, ``head.b`` and others.
"""

from __future__ import annotations

import math

import numpy as np

from rnnviz.arrays import Values
from rnnviz.engine.layer_cells import cell_of
from rnnviz.engine.spec import DenseSpec, EmbeddingSpec, HeadSpec, ModelSpec, SeriesSpec
from rnnviz.messages import _

#: The most trained numbers of a net: 200 MB as float32.
MOST_PARAMETERS = 50_000_000


def shapes(spec: ModelSpec) -> dict[str, tuple[int, ...]]:
    """The name and shape of every trained array of the model; ValueError if it is too large."""
    by_name: dict[str, tuple[int, ...]] = {}
    if isinstance(spec.source, EmbeddingSpec):
        by_name["embedding"] = (spec.source.vocabulary, spec.source.width)
    width = spec.source.width
    for k, layer in enumerate(spec.layers):
        cell = cell_of(layer)
        arrays = cell.shapes(width, layer.units)
        if layer.trained_initial:
            widths = dict.fromkeys(cell.states, layer.units) | {
                "h": layer.output_width // layer.joined
            }
            arrays = arrays | {f"{state}0": (width_of,) for state, width_of in widths.items()}
        for direction in layer.directions:
            for key, shape in arrays.items():
                by_name[f"layers.{k}.{direction}.{key}"] = shape
        width = layer.output_width
    if not spec.layers:
        width *= _flat_steps(spec)
    by_name |= _head_shapes(spec.head, width)
    count = sum(math.prod(shape) for shape in by_name.values())
    if count > MOST_PARAMETERS:
        raise ValueError(
            _("a net of {count:,} parameters; {most:,} are the most").format(
                count=count, most=MOST_PARAMETERS
            )
        )
    return by_name


def _head_shapes(head: HeadSpec, width: int) -> dict[str, tuple[int, ...]]:
    """The arrays of the dense layers on features of this width."""
    if head.kind == "state":
        if head.outputs != width:
            raise ValueError(
                _("head.outputs: expected {width}, the numbers of the state it reads").format(
                    width=width
                )
            )
        return {}
    by_name: dict[str, tuple[int, ...]] = {}
    for name, dense in (*head.below, ("head", DenseSpec(head.outputs, bias=head.bias))):
        by_name[f"{name}.W"] = (width, dense.units)
        if dense.bias:
            by_name[f"{name}.b"] = (dense.units,)
        width = dense.units
    return by_name


def recurrent_size(spec: ModelSpec) -> int:
    """The trained numbers of the recurrent layers: multiply-adds of a forward pass by token."""
    return sum(math.prod(s) for name, s in shapes(spec).items() if name.startswith("layers."))


def _flat_steps(spec: ModelSpec) -> int:
    """T of the series that a net without recurrent layers flattens."""
    if not isinstance(spec.source, SeriesSpec) or spec.source.steps is None:
        raise ValueError(_("a net without recurrent layers needs a series of known length"))
    if spec.source.mask_value is not None:
        raise ValueError(_("a net without recurrent layers cannot skip steps: mask_value"))
    if spec.head.reads != "last" or spec.head.kind == "state":
        raise ValueError(_("a net without recurrent layers has no states that its head could read"))
    return spec.source.steps


def initialise(spec: ModelSpec, seed: int) -> Values:
    """Untrained float32 arrays, as Keras would draw them (its defaults, NumPy's generator)."""
    from rnnviz.engine import initializers

    rng = np.random.default_rng(seed)
    params: Values = {}
    if isinstance(spec.source, EmbeddingSpec):
        params["embedding"] = initializers.embedding(rng, spec.source.vocabulary, spec.source.width)
    width = spec.source.width
    for k, layer in enumerate(spec.layers):
        for direction in layer.directions:
            arrays = initializers.recurrent(rng, cell_of(layer), width, layer.units)
            params |= {f"layers.{k}.{direction}.{key}": a for key, a in arrays.items()}
        width = layer.output_width
    for name, shape in shapes(spec).items():
        if name.startswith("head."):
            dense = name.endswith("W")
            params[name] = initializers.glorot_uniform(rng, *shape) if dense else np.zeros(shape)
        elif name not in params:  # states before the first token
            params[name] = np.zeros(shape)
    return {name: array.astype(np.float32, order="C") for name, array in params.items()}
