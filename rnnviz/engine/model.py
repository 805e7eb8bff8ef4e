"""A model: a spec and a dict of named arrays, run forwards and backwards.

The arrays carry the names of the weight file: ``embedding``, ``layers.K.forward.W``, ``head.b``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array, Values, blocks
from rnnviz.cells import CELLS, Cell
from rnnviz.engine import initial, losses
from rnnviz.engine.recurrent import Scan, Unscan, scan, unscan, unscan_one
from rnnviz.engine.spec import EmbeddingSpec, ModelSpec, RecurrentSpec


def shapes(spec: ModelSpec) -> dict[str, tuple[int, ...]]:
    """The name and shape of every trained array of the model."""
    found: dict[str, tuple[int, ...]] = {}
    if isinstance(spec.source, EmbeddingSpec):
        found["embedding"] = (spec.source.vocabulary, spec.source.width)
    width = spec.source.width
    for k, layer in enumerate(spec.layers):
        for direction in directions(layer):
            for key, shape in CELLS[layer.cell].shapes(width, layer.units).items():
                found[f"layers.{k}.{direction}.{key}"] = shape
        width = layer.units * len(directions(layer))
    found["head.W"], found["head.b"] = (width, spec.head.outputs), (spec.head.outputs,)
    return found


def directions(layer: RecurrentSpec) -> tuple[str, ...]:
    """The directions a layer reads in, as they are named in files."""
    return ("forward", "backward") if layer.bidirectional else ("forward",)


def initialise(spec: ModelSpec, seed: int) -> Values:
    """Untrained float32 arrays, as Keras would draw them (its defaults, our generator)."""
    rng = np.random.default_rng(seed)
    found: Values = {}
    if isinstance(spec.source, EmbeddingSpec):
        found["embedding"] = initial.embedding(rng, spec.source.vocabulary, spec.source.width)
    width = spec.source.width
    for k, layer in enumerate(spec.layers):
        for direction in directions(layer):
            arrays = initial.recurrent(rng, CELLS[layer.cell], width, layer.units)
            found |= {f"layers.{k}.{direction}.{key}": a for key, a in arrays.items()}
        width = layer.units * len(directions(layer))
    found["head.W"] = initial.glorot_uniform(rng, width, spec.head.outputs)
    found["head.b"] = np.zeros(spec.head.outputs)
    return {name: array.astype(np.float32) for name, array in found.items()}


@dataclass(frozen=True, eq=False)
class Forward:
    """Everything one forward pass computed."""

    inputs: Array  # (T, B) ids or (T, B, D) measurements
    mask: Array | None  # (T, B) bool
    scans: tuple[tuple[Scan, ...], ...]  # per layer, per direction
    dropped: tuple[Array | None, ...]  # input dropout mask of each layer, (B, D) or (T, B, D)
    features: Array  # (B, F): the last states, side by side
    features_mask: Array | None  # dropout mask of the head's input
    logits: Array  # (B, K)


@dataclass(frozen=True, eq=False)
class Backward:
    """Everything one backward pass computed."""

    head: Values  # gradients of head.W and head.b
    unscans: tuple[tuple[Unscan, ...], ...]  # per layer, per direction
    x: Array  # (T, B, D): of the bottom layer's input
    reach: tuple[tuple[Array, ...], ...]  # per layer, per direction, (T); empty unless asked for


class Model:
    """A recurrent network with trained (or fresh) arrays."""

    def __init__(self, spec: ModelSpec, params: Mapping[str, Array]) -> None:
        self.spec = spec
        self.params: Values = dict(params)

    def astype(self, dtype: type) -> Model:
        """The same model in another precision."""
        return Model(self.spec, {name: a.astype(dtype) for name, a in self.params.items()})

    def layer_params(self, k: int, direction: str) -> Values:
        """One direction of one layer: W, U, b and whatever else its cell has."""
        prefix = f"layers.{k}.{direction}."
        return {n.removeprefix(prefix): a for n, a in self.params.items() if n.startswith(prefix)}

    def cell(self, k: int) -> Cell:
        """The cell of layer k."""
        return CELLS[self.spec.layers[k].cell]

    def mask_of(self, ids: Array) -> Array | None:
        """(T, B) true where a real token stands; None when this model does not mask."""
        source = self.spec.source
        masking = isinstance(source, EmbeddingSpec) and source.mask_zero
        return ids != 0 if masking else None

    def forward(self, inputs: Array, rng: np.random.Generator | None = None) -> Forward:
        """Run over ids (T, B) or measurements (T, B, D); ``rng`` draws dropout (training only)."""
        mask = None
        x = inputs
        if isinstance(self.spec.source, EmbeddingSpec):
            mask = self.mask_of(inputs)
            if mask is not None and mask.all():
                mask = None
            x = self.params["embedding"][inputs]
        scans: list[tuple[Scan, ...]] = []
        dropped: list[Array | None] = []
        for k, layer in enumerate(self.spec.layers):
            drop = self._input_dropout(k, x, rng)
            dropped.append(drop)
            x = x if drop is None else x * drop
            passes = []
            for direction in directions(layer):
                recurrent = self._recurrent_dropout(layer, x, rng)
                passes.append(
                    scan(
                        self.cell(k),
                        self.layer_params(k, direction),
                        x,
                        mask,
                        reverse=direction == "backward",
                        recurrent_mask=recurrent,
                    )
                )
            scans.append(tuple(passes))
            if k + 1 < len(self.spec.layers):
                x = np.concatenate([s.stack("h") for s in passes], axis=-1)
        features = np.concatenate([s.last["h"] for s in scans[-1]], axis=-1)
        keep = _dropout(rng, self.spec.head.dropout, features.shape, features.dtype)
        head_input = features if keep is None else features * keep
        logits = self.head(head_input)
        return Forward(inputs, mask, tuple(scans), tuple(dropped), head_input, keep, logits)

    def _input_dropout(self, k: int, x: Array, rng: np.random.Generator | None) -> Array | None:
        rate, shape = self.spec.layers[k].dropout, x.shape[1:]
        if k == 0 and isinstance(self.spec.source, EmbeddingSpec) and self.spec.source.dropout:
            rate, shape = self.spec.source.dropout, x.shape
        return _dropout(rng, rate, shape, x.dtype)

    def _recurrent_dropout(
        self, layer: RecurrentSpec, x: Array, rng: np.random.Generator | None
    ) -> Array | None:
        shape = (len(CELLS[layer.cell].gates), x.shape[1], layer.units)
        return _dropout(rng, layer.recurrent_dropout, shape, x.dtype)

    def head(self, features: Array) -> Array:
        """Logits (..., K) of last states (..., F)."""
        return features @ self.params["head.W"] + self.params["head.b"]

    def backward(self, done: Forward, d_logits: Array, *, reach: bool = False) -> Backward:
        """Gradients of every recorded value, given those of the logits (B, K).

        With ``reach`` (one sequence only) also how far back each last state can still feel.
        """
        grads: Values = {
            "head.W": done.features.T @ d_logits,
            "head.b": d_logits.sum(0),
        }
        d_features = d_logits @ self.params["head.W"].T
        if done.features_mask is not None:
            d_features = d_features * done.features_mask
        unscans: list[tuple[Unscan, ...]] = []
        reaches: list[tuple[Array, ...]] = []
        d_x: Array | None = None
        for k in reversed(range(len(self.spec.layers))):
            passes: list[Unscan] = []
            far: list[Array] = []
            split = len(done.scans[k])
            both = zip(directions(self.spec.layers[k]), done.scans[k], strict=True)
            for n, (direction, s) in enumerate(both):
                p = self.layer_params(k, direction)
                last = {"h": blocks(d_features, split)[n]} if d_x is None else None
                d_h = None if d_x is None else blocks(d_x, split)[n]
                if reach:
                    back, found = unscan_one(self.cell(k), p, s, d_h, last)
                    far.append(found)
                else:
                    back = unscan(self.cell(k), p, s, d_h, last)
                passes.append(back)
            unscans.insert(0, tuple(passes))
            reaches.insert(0, tuple(far))
            d_x = sum((u.x for u in passes[1:]), start=passes[0].x)
            drop = done.dropped[k]
            d_x = d_x if drop is None else d_x * drop
        assert d_x is not None
        return Backward(grads, tuple(unscans), d_x, tuple(reaches))

    def gradients(self, done: Forward, d_logits: Array) -> Values:
        """Gradients of every trained array, the embedding's rows included."""
        back = self.backward(done, d_logits)
        grads: Values = dict(back.head)
        for k, layer in enumerate(self.spec.layers):
            for direction, u in zip(directions(layer), back.unscans[k], strict=True):
                grads |= {f"layers.{k}.{direction}.{key}": g for key, g in u.params.items()}
        if isinstance(self.spec.source, EmbeddingSpec):
            shape = self.params["embedding"].shape
            grads["embedding"] = scatter_rows(done.inputs, back.x, shape)
        return grads

    def predict(self, inputs: Array) -> Array:
        """What the head says after the last token: (B, K) probabilities or numbers."""
        return losses.outputs(self.spec.head.kind, self.forward(inputs).logits)


def _dropout(
    rng: np.random.Generator | None, rate: float, shape: tuple[int, ...], dtype: np.dtype
) -> Array | None:
    """0 with probability ``rate``, else 1 / (1 − rate): the mean stays; None if nothing drops."""
    if rng is None or not rate:
        return None
    return (rng.random(shape, np.float32) >= rate).astype(dtype) / np.asarray(1 - rate, dtype)


def scatter_rows(ids: Array, d_x: Array, shape: tuple[int, ...]) -> Array:
    """The table's gradient (V, E): each word's row sums the gradients of its occurrences.

    Sorting the tokens and summing runs is several times as fast as ``np.add.at``.
    """
    flat, rows = ids.ravel(), d_x.reshape(-1, d_x.shape[-1])
    order = np.argsort(flat, kind="stable")
    ordered = flat[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    table = np.zeros_like(d_x, shape=shape)
    table[ordered[starts]] = np.add.reduceat(rows[order], starts, axis=0)
    return table
