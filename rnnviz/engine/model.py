"""A model: a spec and a dict of named arrays, run forwards and backwards.

The arrays carry the names of the weight file: ``embedding``, ``layers.K.forward.W``, ``head.b``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from rnnviz.arrays import Array, Values, blocks, contiguous
from rnnviz.cells import CELLS, Cell
from rnnviz.cells.variants import variant
from rnnviz.engine import initializers, losses
from rnnviz.engine.backend import HOST, Backend, DirectionInput, ScanOutput, plainly
from rnnviz.engine.clamping import Clamping
from rnnviz.engine.embedding import Lookup, WordRows, table_of
from rnnviz.engine.recurrent import Scan, ScanGradients, unscan, unscan_one
from rnnviz.engine.spec import EmbeddingSpec, ModelSpec, RecurrentSpec, SeriesSpec
from rnnviz.equations import relu

#: The most trained numbers of a net: 200 MB as float32.
MOST_PARAMETERS = 50_000_000


def shapes(spec: ModelSpec) -> dict[str, tuple[int, ...]]:
    """The name and shape of every trained array of the model; ValueError if it is too large."""
    found: dict[str, tuple[int, ...]] = {}
    if isinstance(spec.source, EmbeddingSpec):
        found["embedding"] = (spec.source.vocabulary, spec.source.width)
    width = spec.source.width
    for k, layer in enumerate(spec.layers):
        for direction in directions(layer):
            for key, shape in CELLS[layer.cell].shapes(width, layer.units).items():
                found[f"layers.{k}.{direction}.{key}"] = shape
        width = layer.units * len(directions(layer))
    if not spec.layers:
        width *= _flat_steps(spec)
    if hidden := spec.head.hidden:
        found["head.hidden.W"], found["head.hidden.b"] = (width, hidden), (hidden,)
        width = hidden
    found["head.W"], found["head.b"] = (width, spec.head.outputs), (spec.head.outputs,)
    count = sum(math.prod(shape) for shape in found.values())
    if count > MOST_PARAMETERS:
        raise ValueError(f"a net of {count:,} parameters; {MOST_PARAMETERS:,} are the most")
    return found


def _flat_steps(spec: ModelSpec) -> int:
    """T of the series that a net without recurrent layers flattens."""
    if not isinstance(spec.source, SeriesSpec) or spec.source.steps is None:
        raise ValueError("a net without recurrent layers needs a series of known length")
    return spec.source.steps


def directions(layer: RecurrentSpec) -> tuple[str, ...]:
    """The directions a layer reads in, as they are named in files."""
    return ("forward", "backward") if layer.bidirectional else ("forward",)


def initialise(spec: ModelSpec, seed: int) -> Values:
    """Untrained float32 arrays, as Keras would draw them (its defaults, our generator)."""
    rng = np.random.default_rng(seed)
    found: Values = {}
    if isinstance(spec.source, EmbeddingSpec):
        found["embedding"] = initializers.embedding(rng, spec.source.vocabulary, spec.source.width)
    width = spec.source.width
    for k, layer in enumerate(spec.layers):
        for direction in directions(layer):
            arrays = initializers.recurrent(rng, CELLS[layer.cell], width, layer.units)
            found |= {f"layers.{k}.{direction}.{key}": a for key, a in arrays.items()}
        width = layer.units * len(directions(layer))
    for name, shape in shapes(spec).items():
        if name.startswith("head."):
            dense = name.endswith("W")
            found[name] = initializers.glorot_uniform(rng, *shape) if dense else np.zeros(shape)
    return {name: array.astype(np.float32, order="C") for name, array in found.items()}


@dataclass(frozen=True, eq=False)
class ForwardPass:
    """Everything one forward pass computed."""

    inputs: Array  # (T, B) ids or (T, B, D) measurements
    mask: Array | None  # (T, B) bool
    scans: tuple[tuple[ScanOutput, ...], ...]  # per layer, per direction
    dropped: Array | None  # dropout mask of the embedded words, (T, B, E)
    features: Array  # (B, F): the last states, side by side, as the head reads them
    features_mask: Array | None  # dropout mask of the head's input
    hidden: Array | None  # (B, hidden): the head's relu layer, where there is one
    logits: Array  # (B, K)


@dataclass(frozen=True, eq=False)
class BackwardPass:
    """Everything one backward pass computed."""

    head: Values  # gradients of the head's arrays
    unscans: tuple[tuple[ScanGradients, ...], ...]  # per layer, per direction
    x: Array  # (T, B, D): of what the bottom layer's input is made from
    reach: tuple[tuple[Array, ...], ...]  # per layer, per direction, (T); empty unless asked for


class Model:
    """A recurrent network with trained (or fresh) arrays, on the device of its ``loops``."""

    def __init__(self, spec: ModelSpec, params: Mapping[str, Array], loops: Backend = HOST) -> None:
        self.spec, self.loops = spec, loops
        # Optimizers change them in place, through flat views.
        self.params: Values = {n: contiguous(loops.asarray(a)) for n, a in params.items()}

    def astype(self, dtype: type) -> Model:
        """The same model in another precision."""
        changed: Values = {name: a.astype(dtype) for name, a in self.params.items()}
        return Model(self.spec, changed, self.loops)

    def layer_params(self, k: int, direction: str) -> Values:
        """One direction of one layer: W, U, b and whatever else its cell has."""
        prefix = f"layers.{k}.{direction}."
        return {n.removeprefix(prefix): a for n, a in self.params.items() if n.startswith(prefix)}

    def cell(self, k: int) -> Cell:
        """The cell of layer k, with the layer's choices."""
        return cell_of(self.spec.layers[k])

    def mask_of(self, ids: Array) -> Array | None:
        """(T, B) true where a real token stands; None when this model does not mask."""
        source = self.spec.source
        masking = isinstance(source, EmbeddingSpec) and source.mask_zero
        return ids != 0 if masking else None

    def forward(
        self,
        inputs: Array,
        rng: np.random.Generator | None = None,
        *,
        quick: bool = False,
        keep: bool = True,
        initial: Sequence[Sequence[Values]] | None = None,
        held: Sequence[Sequence[Clamping | None]] | None = None,
    ) -> ForwardPass:
        """Run over ids (T, B) or measurements (T, B, D); ``rng`` draws dropout (training only).

        Every named value is recorded, unless ``quick``: then what :meth:`gradients` needs, several
        times as fast; without ``keep`` not even that. ``initial`` are the states before the first
        token, by layer and direction, (B, H) by name. ``held``, by layer and direction, is what is
        not computed.
        """
        mask, dropped = None, None
        x: Array | Lookup = inputs
        source, host = self.spec.source, self.loops.on_host
        if isinstance(source, EmbeddingSpec):
            mask = self.mask_of(inputs)
            if host and mask is not None and mask.all():
                mask = None
            x = Lookup(self.params["embedding"], inputs)
            dropped = self._dropout(rng, source.dropout, x.shape, x.dtype)
            if dropped is not None or not quick:
                x = self.params["embedding"][inputs]
                x = x if dropped is None else x * dropped
        # The same padding leads to the same state only where all begin with the same.
        alike = quick and mask is None and initial is None and held is None and dropped is None
        lead = _Lead(inputs if host and alike and isinstance(source, EmbeddingSpec) else None)
        scans: list[tuple[ScanOutput, ...]] = []
        for k, layer in enumerate(self.spec.layers):
            top, cell = k + 1 == len(self.spec.layers), self.cell(k)
            passes = []
            for n, direction in enumerate(directions(layer)):
                drops = self._layer_dropout(layer, x, rng)
                start = None if initial is None else initial[k][n]
                reverse = direction == "backward"
                p = self.layer_params(k, direction)
                passes.append(DirectionInput(p, reverse, start, *drops, lead.of(reverse)))
            if quick and (held is None or not any(held[k])):
                scans.append(self.loops.scan(cell, passes, x, mask, keep or not top))
            else:
                if isinstance(x, Lookup):
                    x = x.table[x.ids]
                kept = None if held is None else held[k]
                scans.append(plainly(cell, passes, x, mask, kept))
            lead.after(layer)
            if not top:
                x = _beside([s.stack("h") for s in scans[-1]])
        if self.spec.layers:
            features = np.concatenate([s.last["h"] for s in scans[-1]], axis=-1)
        else:
            features = inputs.transpose(1, 0, 2).reshape(inputs.shape[1], -1)
        drop = self._dropout(rng, self.spec.head.dropout, features.shape, features.dtype)
        head_input = features if drop is None else features * drop
        hidden = self._hidden(head_input)
        logits = self._output(head_input if hidden is None else hidden)
        return ForwardPass(inputs, mask, tuple(scans), dropped, head_input, drop, hidden, logits)

    def _hidden(self, features: Array) -> Array | None:
        if not self.spec.head.hidden:
            return None
        return relu(features @ self.params["head.hidden.W"] + self.params["head.hidden.b"])

    def _output(self, features: Array) -> Array:
        return features @ self.params["head.W"] + self.params["head.b"]

    def head(self, features: Array) -> Array:
        """Logits (..., K) of last states (..., F)."""
        hidden = self._hidden(features)
        return self._output(features if hidden is None else hidden)

    def _head_back(self, done: ForwardPass, d_logits: Array) -> tuple[Values, Array]:
        """Gradients of the head's arrays, and of the last states (B, F)."""
        read = done.features if done.hidden is None else done.hidden
        grads: Values = {"head.W": read.T @ d_logits, "head.b": d_logits.sum(0)}
        d = d_logits @ self.params["head.W"].T
        if done.hidden is not None:
            d = d * (done.hidden > 0)
            grads |= {"head.hidden.W": done.features.T @ d, "head.hidden.b": d.sum(0)}
            if not self.spec.layers:
                return grads, d  # nothing below is trained
            d = d @ self.params["head.hidden.W"].T
        return grads, d if done.features_mask is None else d * done.features_mask

    def backward(self, done: ForwardPass, d_logits: Array, *, reach: bool = False) -> BackwardPass:
        """Gradients of every recorded value, given those of the logits (B, K).

        With ``reach`` (one sequence only) also how far back each last state can still feel.
        """
        grads, d_features = self._head_back(done, d_logits)
        unscans: list[tuple[ScanGradients, ...]] = []
        reaches: list[tuple[Array, ...]] = []
        d_x: Array | None = None
        for k in reversed(range(len(self.spec.layers))):
            passes: list[ScanGradients] = []
            far: list[Array] = []
            both = zip(directions(self.spec.layers[k]), done.scans[k], strict=True)
            for n, (direction, s) in enumerate(both):
                if not isinstance(s, Scan):
                    raise ValueError("a quick pass keeps no values by name: see gradients()")
                p = self.layer_params(k, direction)
                d_h, last = _arriving(d_features, d_x, len(done.scans[k]), n)
                if reach:
                    back, found = unscan_one(self.cell(k), p, s, d_h, last)
                    far.append(found)
                else:
                    back = unscan(self.cell(k), p, s, d_h, last)
                passes.append(back)
            unscans.insert(0, tuple(passes))
            reaches.insert(0, tuple(far))
            d_x = sum((u.below for u in passes[1:]), start=passes[0].below)
        assert d_x is not None
        d_x = d_x if done.dropped is None else d_x * done.dropped
        return BackwardPass(grads, tuple(unscans), d_x, tuple(reaches))

    def gradients(self, done: ForwardPass, d_logits: Array) -> Values:
        """Gradients of every trained array, the embedding's rows included."""
        grads, words = self.gradients_by_word(done, d_logits)
        if words is not None:
            grads["embedding"] = table_of(words, self.params["embedding"].shape)
        return grads

    def gradients_by_word(
        self, done: ForwardPass, d_logits: Array
    ) -> tuple[Values, WordRows | None]:
        """The same, but of the embedding only the rows of words that occur, where there is one."""
        grads, d_features = self._head_back(done, d_logits)
        words = isinstance(self.spec.source, EmbeddingSpec)
        looked: list[tuple[Array, Array]] = []  # ids and gradients of table rows
        d_x: Array | None = None
        d_last: Array | None = d_features
        for k in reversed(range(len(self.spec.layers))):
            names = directions(self.spec.layers[k])
            params = [self.layer_params(k, direction) for direction in names]
            back = self.loops.unscan(
                self.cell(k), params, done.scans[k], d_x, d_last, need_x=k > 0 or words
            )
            for direction, found in zip(names, back.params, strict=True):
                grads |= {f"layers.{k}.{direction}.{key}": g for key, g in found.items()}
            looked += back.looked
            d_x, d_last = back.x, None
        if not words:
            return grads, None
        if d_x is not None:
            d_x = d_x if done.dropped is None else d_x * done.dropped
            looked.append((done.inputs.ravel(), d_x.reshape(-1, d_x.shape[-1])))
        if len(looked) == 1 and isinstance(looked[0], WordRows):
            return grads, looked[0]  # summed up already
        ids = np.concatenate([found for found, _ in looked])
        rows = np.concatenate([d for _, d in looked]) if len(looked) > 1 else looked[0][1]
        table = self.loops.table_gradient(ids, rows, len(self.params["embedding"]))
        if isinstance(table, WordRows):
            return grads, table
        return {**grads, "embedding": table}, None

    def _layer_dropout(
        self, layer: RecurrentSpec, x: Array | Lookup, rng: np.random.Generator | None
    ) -> tuple[Array | None, Array | None]:
        """Dropout masks of a layer's input and of its h_prev, as Keras 3 draws them.

        One a gate for h_prev, (G, B, H); for the input one for all gates, (1, B, D), unless there
        is recurrent dropout: then one a gate as well. Each direction draws its own.
        """
        G, (_, B, D) = len(CELLS[layer.cell].gates), x.shape
        masks = G if layer.recurrent_dropout else 1
        return (
            self._dropout(rng, layer.dropout, (masks, B, D), x.dtype),
            self._dropout(rng, layer.recurrent_dropout, (G, B, layer.units), x.dtype),
        )

    def _dropout(
        self, rng: np.random.Generator | None, rate: float, shape: tuple[int, ...], dtype: np.dtype
    ) -> Array | None:
        """0 with probability ``rate``, else 1 / (1 − rate): the mean stays; None if nothing drops.

        Drawn on the host, so that every device drops the same.
        """
        if rng is None or not rate:
            return None
        kept = (rng.random(shape, np.float32) >= rate).astype(dtype) / np.asarray(1 - rate, dtype)
        return self.loops.asarray(kept)

    def predict(self, inputs: Array) -> Array:
        """What the head says after the last token: (B, K) probabilities or numbers."""
        logits = self.forward(inputs, quick=True, keep=False).logits
        return losses.outputs(self.spec.head.kind, logits)


@cache
def cell_of(layer: RecurrentSpec) -> Cell:
    """The cell of a layer, with its choices of activations and of what z is."""
    module: Any = CELLS[layer.cell]  # a module is hashable, which its protocol cannot say
    chosen = layer.activation, layer.recurrent_activation, layer.output_activation, layer.keeps
    return variant(module, *chosen)


class _Lead:
    """How many steps each sequence begins with that are the same padding for all, unmasked."""

    def __init__(self, ids: Array | None) -> None:
        self.found: dict[bool, Array] = {}
        if ids is not None and ids.shape[1] > 1:
            real = ids != 0
            never = ~real.any(0)
            self.found[False] = np.where(never, len(ids), real.argmax(0))
            self.found[True] = np.where(never, len(ids), real[::-1].argmax(0))

    def of(self, reverse: bool) -> Array | None:
        """(B), in reading order."""
        return self.found.get(reverse)

    def after(self, layer: RecurrentSpec) -> None:
        """Above a layer only what it read from that side is still the same for all."""
        if layer.bidirectional:
            self.found = {}
        self.found.pop(True, None)


def _arriving(
    d_features: Array, d_x: Array | None, split: int, n: int
) -> tuple[Array | None, Values | None]:
    """What reaches direction n of a layer: from the head, or from the layer above at every step."""
    if d_x is None:
        return None, {"h": blocks(d_features, split)[n]}
    return blocks(d_x, split)[n], None


def _beside(outputs: list[Array]) -> Array:
    """The outputs of both directions side by side, (T, B, ·), in the memory order of the first."""
    if len(outputs) == 1:
        return outputs[0]
    if outputs[0].flags.c_contiguous:
        return np.concatenate(outputs, axis=-1)
    return np.concatenate([o.transpose(0, 2, 1) for o in outputs], axis=1).transpose(0, 2, 1)
