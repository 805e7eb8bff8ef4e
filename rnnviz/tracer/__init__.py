"""From a text and a model to a trace: the one place where engine and text meet."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from rnnviz.arrays import Array
from rnnviz.cells import CELLS
from rnnviz.clamps import Clamp
from rnnviz.engine import losses
from rnnviz.engine.backend import HOST, Backend
from rnnviz.engine.model import Model
from rnnviz.engine.pass_results import RecordedGradients, Recording
from rnnviz.errors import InvalidFileError, UsageError
from rnnviz.messages import _
from rnnviz.model_files import StoredModel
from rnnviz.query import Query, Tracer
from rnnviz.toy_net import is_toy_net
from rnnviz.trace import HeadTrace, LayerTrace, Trace, frozen
from rnnviz.trace.validation import out_of_range
from rnnviz.tracer.clamping import clampings, resolve_clamps
from rnnviz.tracer.initial_states import with_initial_states
from rnnviz.tracer.layers import layer_traces
from rnnviz.tracer.model_cache import cached_model
from rnnviz.tracer.model_input import ModelInput, encode
from rnnviz.tracer.objective import objective_of, step_losses, target_class
from rnnviz.tracer.on_device import DevicePasses
from rnnviz.tracer.prefix_logits import prefix_logits


def tracer(data: str | Path | None = None, backend: Backend = HOST) -> Tracer:
    """A function that answers queries; a model is loaded once, and again when its file changed.

    ``data`` is the folder of tables for nets that read a series; None takes the one in use.
    ``backend``: the device that computes.
    """

    def answer(query: Query) -> Trace:
        if query.hand is not None or is_toy_net(query.model):
            return _trace_toy_net(query, backend)
        stored = cached_model(query.model)
        net = stored if query.random is None else stored.untrained(query.random)
        return trace(net, query, data, backend=backend)

    return answer


def _trace_toy_net(query: Query, backend: Backend) -> Trace:
    """The trace of a net whose weights are in the query, or of the default one of its cell."""
    from rnnviz.toy_net.default_nets import for_model
    from rnnviz.tracer import toy_net

    hand = for_model(query.hand, query.model)
    stored = toy_net.stored(hand)
    if query.random is not None:
        stored = stored.untrained(query.random)
        hand = toy_net.with_weights(hand, stored.model)
    model_input = toy_net.encode(hand, query.text)
    query = replace(query, target=query.target or toy_net.target_label(hand))
    return replace(trace(stored, query, model_input=model_input, backend=backend), hand=hand)


def trace(
    stored: StoredModel,
    query: Query,
    data: str | Path | None = None,
    model_input: ModelInput | None = None,
    backend: Backend = HOST,
) -> Trace:
    """Read a text with a model: every value, gradient, reach, and the output after each token.

    ``model_input`` is the encoded text, where it is known already. With clamps everything is
    computed on the host, whatever the ``backend``. UsageError for a text without words, one of
    more than MAX_TOKENS, an unknown target, or a clamp of what is not there.
    """
    model_input = model_input or encode(stored, query.text, data)
    model_input = with_initial_states(stored.model, model_input, query.initial)
    # Overflow gives infinities and no warning; the finished trace is checked for them.
    made, name = None, _("the reach")
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        with suppress(np.linalg.LinAlgError):  # of a matrix that is not finite
            made = _trace(stored, query, model_input, backend)
            name = out_of_range(made)
    if made is None or name:
        given = query.hand is not None or query.clamps or query.random is not None
        if given:
            raise UsageError(
                _(
                    "{model} cannot read this text: {name} leaves the range of its numbers, "
                    "since the numbers given are too large."
                ).format(model=stored.name, name=name)
            )
        raise InvalidFileError(
            _(
                "{model} cannot read this text: {name} leaves the range of its numbers, since "
                "the weights are too large."
            ).format(model=stored.name, name=name)
        )
    return made


def _trace(stored: StoredModel, query: Query, model_input: ModelInput, backend: Backend) -> Trace:
    model = stored.model
    inputs, initial = model_input.inputs, model_input.initial
    clamps = resolve_clamps(model, query.clamps, model_input.tokens)
    passes = None if clamps or backend is HOST else DevicePasses(model, model_input, backend)
    if passes is None:
        clamped = clampings(model, clamps, len(inputs))
        recording = model.record(inputs, initial=initial, clampings=clamped)
    else:
        recording = passes.recording
    logits = prefix_logits(model, recording, model_input, clamps)
    readout = losses.label_outputs(model.spec.head.kind, logits)
    target = target_class(stored, readout[-1], query.target)
    objective, loss, d_logits = objective_of(stored, recording.logits, model_input, target)
    every_loss = step_losses(stored, recording.logits, model_input, target)
    if passes is None:
        back = model.record_backward(recording, d_logits, reach=True)
    else:
        back = passes.backward(d_logits)
    head = HeadTrace(
        kind=model.spec.head.kind,
        labels=stored.labels,
        output=frozen(readout[-1].copy()),
        readout=frozen(readout),
        logits=frozen(logits),
        objective=objective,
        loss=loss,
        target=stored.labels[target],
        **_output_layer(model),
        unclamped=_unclamped_output(stored, model_input) if clamps else None,
        reads=model.spec.head.reads,
        below=len(model.spec.head.below),
        step_losses=None if every_loss is None else frozen(every_loss),
    )
    forecast = model_input.series if head.is_number and len(head.labels) == 1 else None
    return Trace(
        model=stored.name,
        device=HOST.name if passes is None else backend.name,
        dtype=str(recording.logits.dtype),
        tokens=model_input.tokens,
        ids=model_input.ids,
        unknown=_unknown(stored, model_input),
        layers=_layers(stored, recording, back, clamps),
        head=head,
        about=stored.about + model_input.remark,
        text=query.text if model_input.series is None else model_input.series.moment,
        series=forecast,
        given_states=query.initial,
        reads=stored.text_form,
        assumptions=stored.assumptions,
    )


def _output_layer(model: Model) -> dict[str, Array]:
    """W and b of the output layer; of a net without one those that change nothing."""
    head, params = model.spec.head, model.params
    W = params["head.W"].view() if head.kind != "state" else np.eye(head.outputs, dtype=model.dtype)
    b = params["head.b"].view() if "head.b" in params else np.zeros(head.outputs, model.dtype)
    return {"W": frozen(W), "b": frozen(b)}


def _layers(
    stored: StoredModel, recording: Recording, back: RecordedGradients, clamps: tuple[Clamp, ...]
) -> tuple[LayerTrace, ...]:
    """The layers; those of a copy with a bug have the titles of cells that have none."""
    layers = layer_traces(stored.model, recording, back, clamps)
    if stored.bug is None:
        return layers
    return tuple(replace(layer, title=CELLS[layer.cell].title) for layer in layers)


def _unclamped_output(stored: StoredModel, model_input: ModelInput) -> Array:
    """The output without clamps, (K)."""
    recording = stored.model.record(model_input.inputs, initial=model_input.initial)
    last = recording.logits[-1] if recording.logits.ndim == 3 else recording.logits
    return frozen(losses.label_outputs(stored.model.spec.head.kind, last[0]))


def _unknown(stored: StoredModel, model_input: ModelInput) -> tuple[bool, ...]:
    if model_input.measurements is not None:
        return (False,) * len(model_input.tokens)
    return tuple(n == stored.vocabulary.encoding.unknown for n in model_input.ids)
