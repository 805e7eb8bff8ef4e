"""The dropout masks of a training pass, as Keras 3 draws them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array
from rnnviz.engine.layer_cells import cell_of
from rnnviz.engine.spec import EmbeddingSpec, ModelSpec


@dataclass(frozen=True, eq=False)
class DropoutMasks:
    """Each is 0 with probability ``rate``, else 1 / (1 - rate); None if nothing drops.

    One mask a gate for h_prev, (G, B, H); for the input of a layer one for all gates, (1, B, D),
    unless there is recurrent dropout: then one a gate as well. Each direction has its own.
    """

    embedding: Array | None  # of the embedded words, (T, B, E)
    layers: tuple[
        tuple[tuple[Array | None, Array | None], ...], ...
    ]  # of x and h_prev, by direction
    features: Array | None  # of the head's input, (B, F), or (T, B, F) where it reads steps


class _Drawing:
    """Masks drawn one after the other on the host, and moved to a device in one copy."""

    def __init__(self, rng: np.random.Generator | None, dtype: np.dtype) -> None:
        self.rng, self.dtype = rng, dtype
        self.drawn: list[Array] = []

    def draw(self, rate: float, shape: tuple[int, ...]) -> int | None:
        """The index of a new mask; None if nothing drops."""
        if self.rng is None or not rate:
            return None
        keeps = self.rng.random(shape, np.float32) >= rate
        self.drawn.append(keeps.astype(self.dtype) / np.asarray(1 - rate, self.dtype))
        return len(self.drawn) - 1

    def moved(self, to_device: Callable[[Array], Array] | None) -> list[Array]:
        """The masks on the device, or themselves if that is the host."""
        if to_device is None or not self.drawn:
            return self.drawn
        flat = to_device(np.concatenate([a.ravel() for a in self.drawn]))
        ends = np.cumsum([a.size for a in self.drawn]).tolist()
        shapes = [a.shape for a in self.drawn]
        return [
            flat[end - math.prod(shape) : end].reshape(shape)
            for end, shape in zip(ends, shapes, strict=True)
        ]


def draw_masks(
    spec: ModelSpec, steps_and_batch: tuple[int, ...], dtype: np.dtype,
    rng: np.random.Generator | None, to_device: Callable[[Array], Array] | None,
) -> DropoutMasks:  # fmt: skip
    """Draw the masks of a batch (T, B), in the order in which the net applies them.

    On the host, so that every device drops the same; then ``to_device`` copies them.
    """
    (T, B), drawing = steps_and_batch, _Drawing(rng, dtype)
    source, width = spec.source, spec.source.width
    rate = source.dropout if isinstance(source, EmbeddingSpec) else 0.0
    embedding = drawing.draw(rate, (T, B, width))
    layers = []
    for layer in spec.layers:
        G = len(cell_of(layer).gates)
        groups = G if layer.recurrent_dropout else 1
        layers.append([
            (drawing.draw(layer.dropout, (groups, B, width)),
             drawing.draw(layer.recurrent_dropout, (G, B, layer.projection or layer.units)))
            for _ in layer.directions
        ])  # fmt: skip
        width = layer.output_width
    features = width if spec.layers else T * width
    rows = (T, B) if spec.head.reads == "steps" else (B,)
    head = drawing.draw(spec.head.dropout, (*rows, features))
    masks = drawing.moved(to_device)

    def found(index: int | None) -> Array | None:
        return None if index is None else masks[index]

    return DropoutMasks(
        found(embedding),
        tuple(tuple((found(x), found(h)) for x, h in directions) for directions in layers),
        found(head),
    )
