"""Checks the gradients of a net against finite differences of its loss, in float64."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from rnnviz.analysis.gradient_check import (
    EPSILON,
    CheckedEntry,
    CheckedGradients,
    GradientCheck,
)
from rnnviz.arrays import Array, Values
from rnnviz.cells.weights import weights_by_name
from rnnviz.data.series import Scaling
from rnnviz.data.vocabulary import PADDING_ID
from rnnviz.engine.model import Clampings, InitialStates, Model
from rnnviz.engine.pass_results import Recording
from rnnviz.engine.spec import EmbeddingSpec, ModelSpec
from rnnviz.model_files import StoredModel
from rnnviz.query import Query, Tracer
from rnnviz.toy_net import is_toy_net
from rnnviz.toy_net.default_nets import for_model
from rnnviz.trace import Trace
from rnnviz.tracer import toy_net
from rnnviz.tracer.clamping import clampings, resolve_clamps
from rnnviz.tracer.model_cache import cached_model
from rnnviz.tracer.model_input import PAD, ModelInput, encode
from rnnviz.tracer.objective import objective_of


def answer(question: GradientCheck, tracer: Tracer) -> CheckedGradients:
    """Check an entry of every trained array. Raises what the trace of the query raises."""
    query = question.query
    trace = tracer(query)
    stored, model_input = _net(query, trace)
    target = stored.labels.index(trace.head.target) if len(stored.labels) > 1 else 0
    run = _Run(stored, model_input, query, target)
    bug = stored.bug
    if bug is None:
        return _checked(run, run.gradients(stored.model.spec), None)
    original = cached_model(bug.original)
    if query.random is not None:
        original = original.untrained(query.random)
    right = _Run(original, encode(original, query.text), query, target)
    found = _checked(run, run.gradients(original.model.spec), right)
    return replace(found, bug=bug.name, original=original.name, original_loss=right.loss())


def _net(query: Query, trace: Trace) -> tuple[StoredModel, ModelInput]:
    """The net of a query, and what it reads."""
    if query.hand is not None or is_toy_net(query.model):
        hand = for_model(query.hand, query.model)
        stored = toy_net.stored(hand)
        if query.random is not None:
            stored = stored.untrained(query.random)
        return stored, toy_net.encode(hand, query.text)
    stored = cached_model(query.model)
    if query.random is not None:
        stored = stored.untrained(query.random)
    if not isinstance(stored.encoder, Scaling):
        return stored, encode(stored, query.text)
    series, truth = trace.series, None
    assert series is not None, "a net with a scaling reads a series"
    if series.truth is not None:
        truth = (series.truth - series.mean[series.target]) / series.std[series.target]
    x = trace.layers[0].values["x"][:, None]
    return stored, ModelInput(trace.tokens, trace.ids, measurements=x, truth=truth)


class _Run:
    """A net in float64 with what it reads, and its loss as a function of its arrays."""

    def __init__(
        self, stored: StoredModel, model_input: ModelInput, query: Query, target: int
    ) -> None:
        self.stored, self.model = stored, stored.model.astype(np.float64)
        self._input, self._target = model_input, target
        self.inputs = model_input.inputs
        if model_input.measurements is not None:
            self.inputs = self.inputs.astype(np.float64)
        self._initial: InitialStates | None = model_input.initial and [
            [{name: a.astype(np.float64) for name, a in states.items()} for states in layer]
            for layer in model_input.initial
        ]
        clamps = resolve_clamps(self.model, query.clamps, model_input.tokens)
        self._clampings: Clampings | None = clampings(self.model, clamps, len(self.inputs))

    def _record(self) -> Recording:
        return self.model.record(self.inputs, initial=self._initial, clampings=self._clampings)

    def loss(self) -> float:
        """The loss of the net that runs, with its arrays as they are now."""
        logits = self._record().logits
        return objective_of(self.stored, logits, self._input, self._target)[1]

    def gradients(self, spec: ModelSpec) -> Values:
        """The gradients of every trained array by the backward pass of a net of this ``spec``.

        Its equations are undone at the values that the net that runs has computed; what its mask
        skips gets no gradient. For the net's own spec this is the backward pass of its trace.
        """
        recording = self._record()
        by_spec = Model(spec, self.model.params)
        mask = by_spec.mask(self.inputs)
        scans = (tuple(replace(s, mask=mask) for s in layer) for layer in recording.scans)
        recording = replace(recording, scans=tuple(scans))
        d_logits = objective_of(self.stored, recording.logits, self._input, self._target)[2]
        back = by_spec.record_backward(recording, d_logits)
        found: Values = dict(back.head)
        for k, layer in enumerate(spec.layers):
            for direction, grads in zip(layer.directions, back.scans[k], strict=True):
                found |= {f"layers.{k}.{direction}.{n}": g for n, g in grads.params.items()}
                if layer.trained_initial:
                    used = 0.0 if self._initial else 1.0  # given states stand in their place
                    states = {f"{s}0": used * g.sum(0) for s, g in grads.initial.items()}
                    found |= {f"layers.{k}.{direction}.{n}": g for n, g in states.items()}
        if "embedding" in self.model.params:
            table = np.zeros_like(self.model.params["embedding"])
            np.add.at(table, self.inputs[:, 0], back.x[:, 0])
            found["embedding"] = table
        return found

    def word(self, row: int) -> str:
        """The word whose row of the embedding this is."""
        return self.stored.vocabulary.decode([row])[0] or PAD

    def difference(self, block: _Block, index: tuple[int, ...]) -> float:
        """(L(w + ε) − L(w − ε)) / 2ε of one entry, moved wherever the net that runs uses it."""
        bug, params, names = self.stored.bug, self.model.params, [block.array]
        if bug is not None:
            used = bug.shared_with(block.array)
            names = [name for name in params if bug.shared_with(name) == used]
        places = [_view(self.model, params, replace(block, array=name)) for name in names]
        before = float(places[0][index])
        losses = []
        for value in (before + EPSILON, before - EPSILON, before):
            for place in places:
                place[index] = value
            losses.append(0.0 if value == before else self.loss())
        return (losses[0] - losses[1]) / (2 * EPSILON)


@dataclass(frozen=True)
class _Block:
    """A part of the trained arrays that is checked by one of its entries."""

    array: str  # its name in the model's arrays
    name: str  # as formulas write it
    layer: int | None = None  # in the trace
    row: int | None = None  # of the embedding
    word: str | None = None


def _checked(run: _Run, backward: Values, right: _Run | None) -> CheckedGradients:
    """The entries of a net's arrays, each with the gradient that ``backward`` has."""
    own = run.gradients(run.model.spec)
    original = None if right is None else right.gradients(right.model.spec)
    entries = []
    for block in _blocks(run, own):
        expected = _view(run.model, backward, block)
        sizes = np.abs(expected) + np.abs(_view(run.model, own, block))
        if block.row is not None:
            sizes[np.arange(len(sizes)) != block.row] = -1
        index = tuple(map(int, np.unravel_index(int(sizes.argmax()), sizes.shape)))
        there = None if original is None else float(_view(run.model, original, block)[index])
        entries.append(
            CheckedEntry(
                name=block.name,
                index=index,
                layer=block.layer,
                word=block.word,
                backward=float(expected[index]),
                difference=run.difference(block, index),
                original=there,
            )
        )
    return CheckedGradients(tuple(entries), run.loss())


def _blocks(run: _Run, own: Values) -> Iterator[_Block]:
    """Of the embedding the row with the largest gradient and the padding's; every other array."""
    model, n = run.model, 0
    if "embedding" in own:
        row = int(np.abs(own["embedding"]).max(1).argmax())
        yield _Block("embedding", "E", row=row, word=run.word(row))
        source = model.spec.source
        read = PADDING_ID in run.inputs or (isinstance(source, EmbeddingSpec) and source.mask_zero)
        if row != PADDING_ID and read:
            yield _Block("embedding", "E", row=PADDING_ID, word=run.word(PADDING_ID))
    for k, layer in enumerate(model.spec.layers):
        for direction in layer.directions:
            for name, (key, _) in _named(model, model.params, k, direction).items():
                yield _Block(f"layers.{k}.{direction}.{key}", name, n)
            n += 1
    for name in model.params:
        if name.startswith("head."):
            yield _Block(name, name.removeprefix("head."))


def _view(model: Model, arrays: Mapping[str, Array], block: _Block) -> Array:
    """The block's numbers in arrays by name, as a view of them."""
    if not block.array.startswith("layers."):
        return arrays[block.array]
    _, k, direction, _ = block.array.split(".")
    return _named(model, arrays, int(k), direction)[block.name][1]


def _named(
    model: Model, arrays: Mapping[str, Array], k: int, direction: str
) -> dict[str, tuple[str, Array]]:
    """The arrays of a direction by the names of formulas, each with the array it is a part of."""
    prefix, found = f"layers.{k}.{direction}.", dict[str, tuple[str, Array]]()
    own = {n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)}
    for key in own:
        parts = weights_by_name(model.cell(k), {"W": own["W"], key: own[key]})
        found |= {n: (key, a) for n, a in parts.items() if key == "W" or not n.startswith("W")}
    return found
