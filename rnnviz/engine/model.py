"""A model: a spec and a dict of named arrays, run forward and backward.

There are two passes with the same results up to rounding. The training pass (``forward``,
``gradients``) computes what gradients of the trained arrays need, with the scans of the model's
backend. The recording pass (``record``, ``record_backward``) keeps every named value of every
layer, for a trace.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array, Values, contiguous
from rnnviz.cells import Cell
from rnnviz.engine import losses
from rnnviz.engine.backend import HOST, Backend, LayerGradients, ScanOutput
from rnnviz.engine.clamping import Clamping
from rnnviz.engine.directions import (
    DirectionInput,
    SharedPadding,
    concat_directions,
    direction_gradients,
    end_gradients,
)
from rnnviz.engine.dropout import DropoutMasks, draw_masks
from rnnviz.engine.embedding import Lookup, WordRows, sum_of_equal_words, table_of
from rnnviz.engine.layer_cells import cell_of
from rnnviz.engine.reach import scan_backward_with_reach
from rnnviz.engine.scan import Scan, ScanGradients, scan_backward, scan_directions
from rnnviz.engine.spec import EmbeddingSpec, ModelSpec
from rnnviz.equations import relu

#: By layer and direction: states before the first token, (B, H) by name.
InitialStates = Sequence[Sequence[Values]]
#: By layer and direction: the values that are set instead of computed.
Clampings = Sequence[Sequence[Clamping | None]]


@dataclass(frozen=True, eq=False)
class HeadPass:
    """What the dense head read and computed."""

    features: Array  # (B, F): the last states, side by side, after dropout
    features_mask: Array | None  # dropout mask of the features
    hidden: Array | None  # (B, hidden): the relu layer, where there is one
    logits: Array  # (B, K)


@dataclass(frozen=True, eq=False)
class LayersPass:
    """A training pass up to the last states, and what the gradients of the arrays need."""

    inputs: Array  # (T, B) ids or (T, B, D) measurements
    scans: tuple[tuple[ScanOutput, ...], ...]  # per layer, per direction
    embedding_mask: Array | None  # dropout mask of the embedded words, (T, B, E)
    features_mask: Array | None  # dropout mask of the last states, (B, F)


@dataclass(frozen=True, eq=False)
class ForwardPass:
    """A training pass: the logits, and what the gradients of the trained arrays need."""

    layers: LayersPass
    head: HeadPass

    @property
    def logits(self) -> Array:
        """(B, K)."""
        return self.head.logits


@dataclass(frozen=True, eq=False)
class Recording:
    """A recording pass: every named value of every layer."""

    inputs: Array  # (T, B) ids or (T, B, D) measurements
    scans: tuple[tuple[Scan, ...], ...]  # per layer, per direction
    embedding_mask: Array | None  # dropout mask of the embedded words, (T, B, E)
    head: HeadPass

    @property
    def logits(self) -> Array:
        """(B, K)."""
        return self.head.logits


@dataclass(frozen=True, eq=False)
class RecordedGradients:
    """The gradients of every value of a :class:`Recording`."""

    head: Values  # of the head's arrays
    scans: tuple[tuple[ScanGradients, ...], ...]  # per layer, per direction
    x: Array  # (T, B, D): of the embedded words or the measurements
    reach: tuple[tuple[Array, ...], ...]  # per layer, per direction, (T); empty unless asked for


class Model:
    """A recurrent network with trained (or fresh) arrays, on the device of its backend."""

    def __init__(
        self, spec: ModelSpec, params: Mapping[str, Array], backend: Backend = HOST
    ) -> None:
        self.spec, self.backend = spec, backend
        # Optimizers change them in place, through flat views.
        self.params: Values = {n: contiguous(backend.asarray(a)) for n, a in params.items()}

    def astype(self, dtype: type) -> Model:
        """The same model in another precision."""
        cast: Values = {name: a.astype(dtype) for name, a in self.params.items()}
        return Model(self.spec, cast, self.backend)

    def layer_params(self, k: int, direction: str) -> Values:
        """One direction of one layer: W, U, b and whatever else its cell has."""
        prefix = f"layers.{k}.{direction}."
        return {n.removeprefix(prefix): a for n, a in self.params.items() if n.startswith(prefix)}

    def cell(self, k: int) -> Cell:
        """The cell of layer k, with the layer's activations."""
        return cell_of(self.spec.layers[k])

    def predict(self, inputs: Array) -> Array:
        """The head's output after the last token: (B, K) probabilities or numbers."""
        return losses.outputs(self.spec.head.kind, self.logits(inputs))

    def logits(self, inputs: Array) -> Array:
        """(B, K) of ids (T, B) or measurements (T, B, D): a training pass that keeps nothing."""
        return self._forward(inputs, None, None, keep=False).logits

    # -- the training pass ------------------------------------------------------------------------

    def forward(
        self,
        inputs: Array,
        rng: np.random.Generator | None = None,
        *,
        initial: InitialStates | None = None,
    ) -> ForwardPass:
        """Run over ids (T, B) or measurements (T, B, D), for :meth:`gradients`.

        ``rng`` draws dropout masks; without it nothing is dropped.
        """
        return self._forward(inputs, rng, initial, keep=True)

    def _forward(
        self, inputs: Array, rng: np.random.Generator | None, initial: InitialStates | None,
        *, keep: bool,
    ) -> ForwardPass:  # fmt: skip
        masks = self._dropout_masks(inputs, rng)
        layers = self._layers_pass(inputs, masks, initial, keep=keep)
        return ForwardPass(layers, self.head_pass(layers))

    def layers_pass(self, inputs: Array, masks: DropoutMasks) -> LayersPass:
        """:meth:`forward` without the head, for :meth:`layer_gradients`; with drawn masks."""
        return self._layers_pass(inputs, masks, None, keep=True)

    def _layers_pass(
        self, inputs: Array, masks: DropoutMasks, initial: InitialStates | None, *, keep: bool
    ) -> LayersPass:
        mask = self.mask(inputs)
        x: Array | Lookup = inputs
        lead = SharedPadding(None)
        if isinstance(self.spec.source, EmbeddingSpec):
            x = Lookup(self.params["embedding"], inputs)
            if masks.embedding is not None:
                x = self.params["embedding"][inputs] * masks.embedding
            # The same padding leads to the same states only from the same initial states.
            elif self.backend.on_host and mask is None and initial is None:
                lead = SharedPadding(inputs)
        scans: list[tuple[ScanOutput, ...]] = []
        for k, layer in enumerate(self.spec.layers):
            top = k + 1 == len(self.spec.layers)
            directions = self._direction_inputs(k, masks, initial, lead)
            all_steps = keep or not top or self.spec.head.reads == "end"
            scans.append(self.backend.scan(self.cell(k), directions, x, mask, all_steps))
            lead.pass_layer(layer)
            if not top:
                x = self.backend.outputs(scans[-1])
        return LayersPass(inputs, tuple(scans), masks.embedding, masks.features)

    def head_pass(self, done: LayersPass) -> HeadPass:
        """The head on the last states of the top layer, or on the flattened series without one."""
        return self._head_pass(
            done.inputs, done.scans[-1] if done.scans else (), done.features_mask
        )

    def gradients(self, forward: ForwardPass, d_logits: Array) -> Values:
        """Gradients of every trained array, given those of the logits (B, K)."""
        grads, words = self.gradients_by_word(forward, d_logits)
        if words is not None:
            grads["embedding"] = table_of(words, self.params["embedding"].shape)
        return grads

    def gradients_by_word(
        self, forward: ForwardPass, d_logits: Array
    ) -> tuple[Values, WordRows | None]:
        """:meth:`gradients`, of the embedding only the rows of words that occur.

        None for those rows where there is no embedding, or the backend gives the whole table.
        """
        grads, d_features = self.head_gradients(forward.head, d_logits)
        below, words = self.layer_gradients(forward.layers, d_features)
        return {**grads, **below}, words

    def layer_gradients(
        self, done: LayersPass, d_features: Array, out: Values | None = None
    ) -> tuple[Values, WordRows | None]:
        """Gradients of the arrays below the head, given those of the last states (B, F).

        ``out``: arrays by name that they may be written to, that of the embedding zero before; a
        backend returns these or others.
        """
        grads: Values = {}
        embedded = isinstance(self.spec.source, EmbeddingSpec)
        rows: list[tuple[Array, Array]] = []  # ids and gradients of table rows
        reads_end = self.spec.head.reads == "end"
        d_x = end_gradients(d_features, len(done.inputs)) if reads_end else None
        d_last = None if reads_end else d_features
        for k in reversed(range(len(self.spec.layers))):
            names = self.spec.layers[k].directions
            params = [self.layer_params(k, direction) for direction in names]
            own = None if out is None else self._layer_targets(k, out)
            back = self.backend.scan_backward(
                self.cell(k), params, done.scans[k], d_x, d_last, k > 0 or embedded, own
            )
            for direction, arrays in zip(names, back.params, strict=True):
                grads |= {f"layers.{k}.{direction}.{key}": g for key, g in arrays.items()}
            rows += back.rows
            d_x, d_last = back.x, None
        if not embedded:
            return grads, None
        if back.table is not None:
            return {**grads, "embedding": back.table}, None
        if d_x is not None:
            d_x = d_x if done.embedding_mask is None else d_x * done.embedding_mask
            rows.append((done.inputs.ravel(), d_x.reshape(-1, d_x.shape[-1])))
        if (summed := sum_of_equal_words(rows)) is not None:
            return grads, summed
        ids = np.concatenate([ids for ids, _ in rows])
        d_rows = np.concatenate([d for _, d in rows]) if len(rows) > 1 else rows[0][1]
        table = self.backend.table_gradient(ids, d_rows, len(self.params["embedding"]))
        if isinstance(table, WordRows):
            return grads, table
        return {**grads, "embedding": table}, None

    def _layer_targets(self, k: int, out: Values) -> LayerGradients:
        prefixes = [f"layers.{k}.{direction}." for direction in self.spec.layers[k].directions]
        params = tuple(
            {n.removeprefix(prefix): a for n, a in out.items() if n.startswith(prefix)}
            for prefix in prefixes
        )
        return LayerGradients(params, None, table=out.get("embedding"))

    # -- the recording pass -----------------------------------------------------------------------

    def record(
        self,
        inputs: Array,
        rng: np.random.Generator | None = None,
        *,
        initial: InitialStates | None = None,
        clampings: Clampings | None = None,
    ) -> Recording:
        """Run over ids (T, B) or measurements (T, B, D) and keep every named value.

        ``rng`` draws dropout masks as in training; without it nothing is dropped.
        """
        mask, masks, x = self.mask(inputs), self._dropout_masks(inputs, rng), inputs
        if isinstance(self.spec.source, EmbeddingSpec):
            x = self.params["embedding"][inputs]
            x = x if masks.embedding is None else x * masks.embedding
        scans: list[tuple[Scan, ...]] = []
        for k in range(len(self.spec.layers)):
            if scans:
                x = concat_directions([s.stack("h") for s in scans[-1]])
            directions = self._direction_inputs(k, masks, initial)
            clamped = None if clampings is None else clampings[k]
            scans.append(scan_directions(self.cell(k), directions, x, mask, clamped))
        head = self._head_pass(inputs, scans[-1] if scans else (), masks.features)
        return Recording(inputs, tuple(scans), masks.embedding, head)

    def record_backward(
        self, recording: Recording, d_logits: Array, *, reach: bool = False
    ) -> RecordedGradients:
        """Gradients of every recorded value, given those of the logits (B, K).

        With ``reach`` (one sequence only) also the norms of :func:`rnnviz.engine.reach.reach`.
        """
        grads, d_features = self.head_gradients(recording.head, d_logits)
        layers: list[tuple[ScanGradients, ...]] = []
        reaches: list[tuple[Array, ...]] = []
        reads_end = self.spec.head.reads == "end"
        d_x = end_gradients(d_features, len(recording.inputs)) if reads_end else None
        for k in reversed(range(len(self.spec.layers))):
            backs: list[ScanGradients] = []
            norms: list[Array] = []
            both = zip(self.spec.layers[k].directions, recording.scans[k], strict=True)
            for n, (direction, scan) in enumerate(both):
                p = self.layer_params(k, direction)
                d_h, last = direction_gradients(d_features, d_x, len(recording.scans[k]), n)
                if reach:
                    back, norm = scan_backward_with_reach(self.cell(k), p, scan, d_h, last)
                    norms.append(norm)
                else:
                    back = scan_backward(self.cell(k), p, scan, d_h, last)
                backs.append(back)
            layers.insert(0, tuple(backs))
            reaches.insert(0, tuple(norms))
            d_x = sum((b.below for b in backs[1:]), start=backs[0].below)
        assert d_x is not None
        d_x = d_x if recording.embedding_mask is None else d_x * recording.embedding_mask
        return RecordedGradients(grads, tuple(layers), d_x, tuple(reaches))

    # -- what both passes need --------------------------------------------------------------------

    def mask(self, inputs: Array) -> Array | None:
        """(T, B) true where a token is read; None if all are, or the model does not mask."""
        source = self.spec.source
        if not isinstance(source, EmbeddingSpec) or not source.mask_zero:
            return None
        mask: Array = inputs != 0
        return None if self.backend.on_host and mask.all() else mask

    def _direction_inputs(
        self, k: int, masks: DropoutMasks, initial: InitialStates | None,
        lead: SharedPadding | None = None,
    ) -> list[DirectionInput]:  # fmt: skip
        """How each direction of layer k reads its input."""
        directions = []
        for n, direction in enumerate(self.spec.layers[k].directions):
            reverse = direction == "backward"
            start = None if initial is None else initial[k][n]
            steps = None if lead is None else lead.steps(reverse=reverse)
            p = self.layer_params(k, direction)
            directions.append(DirectionInput(p, reverse, start, *masks.layers[k][n], steps))
        return directions

    def _dropout_masks(self, inputs: Array, rng: np.random.Generator | None) -> DropoutMasks:
        """Draw all dropout masks of a pass; none without ``rng``."""
        embedded = isinstance(self.spec.source, EmbeddingSpec)
        dtype = self.params["embedding"].dtype if embedded else inputs.dtype
        to_device = None if self.backend.on_host else self.backend.asarray
        return draw_masks(self.spec, inputs.shape[:2], dtype, rng, to_device)

    def head(self, features: Array) -> Array:
        """Logits (..., K) of last states (..., F)."""
        hidden = self._hidden(features)
        return self._output(features if hidden is None else hidden)

    def _hidden(self, features: Array) -> Array | None:
        if not self.spec.head.hidden:
            return None
        return relu(features @ self.params["head.hidden.W"] + self.params["head.hidden.b"])

    def _output(self, features: Array) -> Array:
        return features @ self.params["head.W"] + self.params["head.b"]

    def _head_pass(
        self, inputs: Array, scans: Sequence[ScanOutput], mask: Array | None
    ) -> HeadPass:
        """See :meth:`head_pass`."""
        if scans and self.spec.head.reads == "end":
            features = np.concatenate([s.stack("h")[-1] for s in scans], axis=-1)
        elif scans:
            features = np.concatenate([s.last["h"] for s in scans], axis=-1)
        else:
            features = inputs.transpose(1, 0, 2).reshape(inputs.shape[1], -1)
        features = features if mask is None else features * mask
        hidden = self._hidden(features)
        logits = self._output(features if hidden is None else hidden)
        return HeadPass(features, mask, hidden, logits)

    def head_gradients(self, head: HeadPass, d_logits: Array) -> tuple[Values, Array]:
        """Gradients of the head's arrays, and of the last states (B, F)."""
        read = head.features if head.hidden is None else head.hidden
        grads: Values = {"head.W": read.T @ d_logits, "head.b": d_logits.sum(0)}
        d = d_logits @ self.params["head.W"].T
        if head.hidden is not None:
            d = d * (head.hidden > 0)
            grads |= {"head.hidden.W": head.features.T @ d, "head.hidden.b": d.sum(0)}
            if not self.spec.layers:
                return grads, d  # nothing below is trained
            d = d @ self.params["head.hidden.W"].T
        return grads, d if head.features_mask is None else d * head.features_mask
