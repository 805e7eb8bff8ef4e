"""A model: a spec and a dict of named arrays, run forward and backward.

There are two passes with the same results up to rounding. The training pass (``forward``,
``gradients``) computes what gradients of the trained arrays need, with the scans of the model's
backend. The recording pass (``record``, ``record_backward``) keeps every named value of every
layer, for a trace.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from rnnviz.arrays import Array, Values, contiguous, over_rows
from rnnviz.cells import Cell
from rnnviz.engine import losses
from rnnviz.engine.backend import HOST, Backend, LayerGradients, ScanOutput, concat_outputs
from rnnviz.engine.clamping import Clamping
from rnnviz.engine.directions import (
    DirectionInput,
    SharedPadding,
    direction_gradients,
    end_gradients,
    merge_gradients,
    merged,
)
from rnnviz.engine.dropout import DropoutMasks, draw_masks
from rnnviz.engine.embedding import Lookup, WordRows, sum_of_equal_words, table_of
from rnnviz.engine.head import HeadPass, head_gradients, head_pass
from rnnviz.engine.head_step import HeadFeatures, HeadStep, Targets, head_step
from rnnviz.engine.layer_cells import cell_of
from rnnviz.engine.pass_results import ForwardPass, LayersPass, RecordedGradients, Recording
from rnnviz.engine.reach import scan_backward_with_reach
from rnnviz.engine.scan import Scan, ScanGradients, scan_backward, scan_directions
from rnnviz.engine.spec import EmbeddingSpec, ModelSpec, SeriesSpec

#: By layer and direction: states before the first token, (B, H) by name.
InitialStates = Sequence[Sequence[Values]]
#: By layer and direction: the values that are set instead of computed.
Clampings = Sequence[Sequence[Clamping | None]]


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

    @property
    def dtype(self) -> np.dtype:
        """The precision of its arrays."""
        return next(iter(self.params.values())).dtype

    def layer_params(self, k: int, direction: str) -> Values:
        """One direction of one layer: W, U, b and whatever else its cell has."""
        return self._of_direction(self.params, k, direction)

    def _of_direction(self, arrays: Values, k: int, direction: str) -> Values:
        """Those of the arrays that are one direction's of layer k, without its initial states."""
        prefix = f"layers.{k}.{direction}."
        initial = {f"{prefix}{state}0" for state in self.cell(k).states}
        return {
            n.removeprefix(prefix): a
            for n, a in arrays.items()
            if n.startswith(prefix) and n not in initial
        }

    def initial_states(self, k: int, B: int) -> list[Values] | None:
        """The trained states before the first token, by direction, (B, H) by name."""
        layer = self.spec.layers[k]
        if not layer.trained_initial:
            return None
        states = []
        for direction in layer.directions:
            own = {s: self.params[f"layers.{k}.{direction}.{s}0"] for s in self.cell(k).states}
            states.append({s: np.broadcast_to(a, (B, len(a))) for s, a in own.items()})
        return states

    def cell(self, k: int) -> Cell:
        """The cell of layer k, with the layer's activations."""
        return cell_of(self.spec.layers[k])

    def predict(self, inputs: Array) -> Array:
        """The head's output after the last token: (B, K) probabilities or numbers."""
        logits = self.end_logits(inputs, self.logits(inputs))
        return losses.outputs(self.spec.head.kind, logits)

    def logits(self, inputs: Array) -> Array:
        """The logits of ids (T, B) or measurements (T, B, D): a training pass that keeps nothing.

        (B, K), or (T, B, K) where the head reads every step.
        """
        return self._forward(inputs, None, None, keep=False).logits

    def advance(self, inputs: Array, initial: InitialStates | None) -> tuple[Array, InitialStates]:
        """The logits of :meth:`logits`, beginning with these states, and the states at the end."""
        done = self._forward(inputs, None, initial, keep=False)
        return done.logits, done.layers.last_states

    def end_logits(self, inputs: Array, logits: Array) -> Array:
        """The logits (B, K) after the last token that is read, of those of :meth:`logits`."""
        if logits.ndim == 2:
            return logits
        read = self.mask(inputs)
        if read is None:
            return logits[-1]
        last = len(read) - 1 - read[::-1].argmax(0)
        return logits[last, np.arange(len(last))]

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
        layers = self.layers_pass(inputs, self.dropout_masks(inputs, rng), initial, keep=keep)
        return ForwardPass(layers, self.head_pass(layers))

    def layers_pass(
        self, inputs: Array, masks: DropoutMasks, initial: InitialStates | None = None,
        *, keep: bool = True,
    ) -> LayersPass:  # fmt: skip
        """:meth:`forward` without the head, with drawn masks; ``keep`` for the gradients.

        :meth:`head_step` and :meth:`layer_gradients` go on from there.
        """
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
            directions = self._direction_inputs(k, x.shape[1], masks, initial, lead)
            all_steps = keep or not top or self.spec.head.reads != "last"
            scans.append(self.backend.scan(self.cell(k), directions, x, mask, all_steps))
            lead.pass_layer(layer)
            if not top:
                x = merged(layer, self.backend.outputs(scans[-1]))
        return LayersPass(inputs, tuple(scans), masks.embedding, masks.features)

    def gradients(self, forward: ForwardPass, d_logits: Array) -> Values:
        """Gradients of every trained array, given those of the logits (B, K)."""
        grads, d_features = self.head_gradients(forward.head, d_logits)
        below, words = self.layer_gradients(forward.layers, d_features)
        if words is not None:
            below["embedding"] = table_of(words, self.params["embedding"].shape)
        return {**grads, **below}

    def head_step(self, done: LayersPass, y: Array, weight: Array) -> HeadStep:
        """The loss of a batch, and its gradients down to what the head reads.

        ``y`` are the targets, ``weight`` (B) the weights of the sequences.
        """
        targets, head = Targets(y, weight, self.mask(done.inputs)), self.spec.head
        if done.scans:
            features = partial(self._features, done.inputs, done.scans[-1])
            below = HeadFeatures(done.scans[-1], features, done.features_mask)
            found = self.backend.head_step(head, self.params, below, targets)
            if found is not None:
                return found
        return head_step(head, self.params, self.head_pass(done), targets, bool(done.scans))

    def layer_gradients(
        self, done: LayersPass, d_features: Array, out: Values | None = None
    ) -> tuple[Values, WordRows | None]:
        """Gradients of the arrays below the head, given those of what it reads.

        Of the embedding only the rows of words that occur, apart from the others; None where there
        is no embedding, or the backend gives the whole table.
        ``d_features`` (B, F), or (T, B, F) where it reads every step.
        ``out``: arrays by name that they may be written to, that of the embedding zero before; a
        backend returns these or others.
        """
        grads: Values = {}
        embedded = isinstance(self.spec.source, EmbeddingSpec)
        rows: list[tuple[Array, Array]] = []  # ids and gradients of table rows
        d_x: Array | None = None
        for k in reversed(range(len(self.spec.layers))):
            layer, scans = self.spec.layers[k], done.scans[k]
            if k + 1 == len(self.spec.layers):
                d_h, d_last = self._output_gradients(d_features, scans, len(done.inputs))
            else:
                assert d_x is not None
                d_h, d_last = (
                    merge_gradients(layer, d_x, partial(self.backend.outputs, scans)),
                    None,
                )
            params = [self.layer_params(k, direction) for direction in layer.directions]
            own = None if out is None else self._layer_targets(k, out)
            back = self.backend.scan_backward(
                self.cell(k), params, scans, d_h, d_last, k > 0 or embedded, own
            )
            for n, direction in enumerate(layer.directions):
                arrays = dict(back.params[n])
                if layer.trained_initial:
                    arrays |= {f"{s}0": over_rows(a) for s, a in back.initial[n].items()}
                grads |= {f"layers.{k}.{direction}.{key}": g for key, g in arrays.items()}
            rows += back.rows
            d_x = back.x
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
        directions = self.spec.layers[k].directions
        params = tuple(self._of_direction(out, k, direction) for direction in directions)
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
        mask, masks, x = self.mask(inputs), self.dropout_masks(inputs, rng), inputs
        if isinstance(self.spec.source, EmbeddingSpec):
            x = self.params["embedding"][inputs]
            x = x if masks.embedding is None else x * masks.embedding
        scans: list[tuple[Scan, ...]] = []
        for k in range(len(self.spec.layers)):
            if scans:
                outputs = concat_outputs(scans[-1])
                x = merged(self.spec.layers[k - 1], outputs)
            directions = self._direction_inputs(k, x.shape[1], masks, initial)
            clamped = None if clampings is None else clampings[k]
            scans.append(scan_directions(self.cell(k), directions, x, mask, clamped))
        features = self._features(inputs, scans[-1] if scans else ())
        head = head_pass(self.spec.head, self.params, features, masks.features)
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
        d_x: Array | None = None
        for k in reversed(range(len(self.spec.layers))):
            backs: list[ScanGradients] = []
            norms: list[Array] = []
            layer, scans = self.spec.layers[k], recording.scans[k]
            if k + 1 == len(self.spec.layers):
                d_every, d_last = self._output_gradients(d_features, scans, len(recording.inputs))
            else:
                assert d_x is not None
                d_every, d_last = merge_gradients(layer, d_x, partial(concat_outputs, scans)), None
            for n, (direction, scan) in enumerate(zip(layer.directions, scans, strict=True)):
                p = self.layer_params(k, direction)
                d_h, last = direction_gradients(d_every, d_last, len(scans), n)
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
        if isinstance(source, SeriesSpec):
            if source.mask_value is None:
                return None
            mask: Array = (inputs != source.mask_value).any(-1)
        elif source.mask_zero:
            mask = inputs != 0
        else:
            return None
        return None if self.backend.on_host and mask.all() else mask

    def _direction_inputs(
        self, k: int, B: int, masks: DropoutMasks, initial: InitialStates | None,
        lead: SharedPadding | None = None,
    ) -> list[DirectionInput]:  # fmt: skip
        """How each direction of layer k reads its input of B sequences."""
        directions = []
        given = self.initial_states(k, B) if initial is None else initial[k]
        for n, direction in enumerate(self.spec.layers[k].directions):
            reverse = direction == "backward"
            start = None if given is None else given[n]
            steps = None if lead is None else lead.steps(reverse=reverse)
            p = self.layer_params(k, direction)
            directions.append(DirectionInput(p, reverse, start, *masks.layers[k][n], steps))
        return directions

    def dropout_masks(self, inputs: Array, rng: np.random.Generator | None) -> DropoutMasks:
        """All dropout masks of a pass, drawn with ``rng``; none without it."""
        embedded = isinstance(self.spec.source, EmbeddingSpec)
        dtype = self.params["embedding"].dtype if embedded else inputs.dtype
        to_device = None if self.backend.on_host else self.backend.asarray
        return draw_masks(self.spec, inputs.shape[:2], dtype, rng, to_device)

    def head(self, features: Array) -> Array:
        """Logits (..., K) of the states that the head reads, (..., F)."""
        return head_pass(self.spec.head, self.params, features, None).logits

    def head_pass(self, done: LayersPass) -> HeadPass:
        """The head on what it reads."""
        features = self._features(done.inputs, done.scans[-1] if done.scans else ())
        return head_pass(self.spec.head, self.params, features, done.features_mask)

    def _features(self, inputs: Array, scans: Sequence[ScanOutput]) -> Array:
        """What the head reads: states of the top layer, or the flattened series without one."""
        if scans:
            return merged(self.spec.layers[-1], self._states_read(scans))
        return inputs.transpose(1, 0, 2).reshape(inputs.shape[1], -1)

    def _states_read(self, scans: Sequence[ScanOutput]) -> Array:
        """The outputs of the top layer's directions that the head reads, side by side."""
        match self.spec.head.reads:
            case "last":
                return np.concatenate([s.last["h"] for s in scans], axis=-1)
            case "end":
                return np.concatenate([s.stack("h")[-1] for s in scans], axis=-1)
            case "steps":
                return concat_outputs(scans)

    def head_gradients(self, head: HeadPass, d_logits: Array) -> tuple[Values, Array]:
        """Gradients of the head's arrays, and of what the head reads: (B, F), or (T, B, F)."""
        return head_gradients(
            self.spec.head, self.params, head, d_logits, need_x=bool(self.spec.layers)
        )

    def _output_gradients(
        self, d_features: Array, scans: Sequence[ScanOutput], T: int
    ) -> tuple[Array | None, Array | None]:
        """The gradients of the top layer's outputs, given those of what the head reads.

        At every step (T, B, n·H), or of the last h (B, n·H), the directions side by side.
        """
        d = merge_gradients(self.spec.layers[-1], d_features, lambda: self._states_read(scans))
        match self.spec.head.reads:
            case "last":
                return None, d
            case "end":
                return end_gradients(d, T), None
            case "steps":
                return d, None
