"""From a text and a model to a trace: the one place where engine and text meet."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from rnnviz.arrays import Array
from rnnviz.engine import losses
from rnnviz.engine.backend import HOST, Backend
from rnnviz.engine.model import Recording
from rnnviz.errors import InvalidFileError, UsageError, nearest
from rnnviz.model_files import StoredModel
from rnnviz.query import Query, Tracer
from rnnviz.toy_net import is_toy_net
from rnnviz.toy_net.default_nets import for_model
from rnnviz.toy_net.number_text import number_literal
from rnnviz.trace import HeadTrace, Trace, frozen, out_of_range
from rnnviz.tracer import toy_net
from rnnviz.tracer.clamping import clampings, resolve_clamps
from rnnviz.tracer.layers import layer_traces
from rnnviz.tracer.model_cache import cached_model
from rnnviz.tracer.model_input import ModelInput, encode
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
    # Overflow gives infinities and no warning; the finished trace is checked for them.
    made, name = None, "the reach"
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        with suppress(np.linalg.LinAlgError):  # of a matrix that is not finite
            made = _trace(stored, query, model_input, backend)
            name = out_of_range(made)
    if made is None or name:
        given = query.hand is not None or query.clamps or query.random is not None
        raise (UsageError if given else InvalidFileError)(
            f"{stored.name} cannot read this text: {name} leaves the range of its numbers, since "
            f"the {'numbers given' if given else 'weights'} are too large."
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
    target = _target(stored, readout[-1], query.target)
    objective, loss, d_logits = _objective(stored, recording, model_input, target)
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
        W=frozen(model.params["head.W"].view()),
        b=frozen(model.params["head.b"].view()),
        unclamped=_unclamped_output(stored, model_input) if clamps else None,
    )
    return Trace(
        model=stored.name,
        device=HOST.name if passes is None else backend.name,
        dtype=str(recording.logits.dtype),
        tokens=model_input.tokens,
        ids=model_input.ids,
        unknown=_unknown(stored, model_input),
        layers=layer_traces(stored.model, recording, back, clamps),
        head=head,
        about=stored.about + model_input.remark,
        text=query.text if model_input.series is None else model_input.series.moment,
        series=model_input.series,
    )


def _unclamped_output(stored: StoredModel, model_input: ModelInput) -> Array:
    """The output without clamps, (K)."""
    recording = stored.model.record(model_input.inputs, initial=model_input.initial)
    return frozen(losses.label_outputs(stored.model.spec.head.kind, recording.logits[0]))


def _unknown(stored: StoredModel, model_input: ModelInput) -> tuple[bool, ...]:
    if model_input.measurements is not None:
        return (False,) * len(model_input.tokens)
    return tuple(n == stored.vocabulary.encoding.unknown for n in model_input.ids)


def _objective(
    stored: StoredModel, recording: Recording, model_input: ModelInput, target: int
) -> tuple[str, float, Array]:
    """What the gradients are of: its name, its value, and its gradient at the logits (1, K).

    For a class its log-loss. For a forecast its absolute error in deviations, as the net was
    trained; where the true value is not known, the forecast itself. For a net by hand its squared
    error.
    """
    label, kind = stored.labels[target], stored.model.spec.head.kind
    logits, truth = recording.logits, model_input.truth
    if kind == "linear" and truth is None:
        name = label if model_input.squared is not None else f"forecast of {label}"
        return name, float(logits[0, target]), np.ones_like(logits)
    if truth is None:
        name, y = f"log-loss of '{label}'", np.array([target])
    else:
        name = f"absolute error of {label}, in deviations"
        y = np.array([truth], logits.dtype)
    if model_input.squared is not None and truth is not None:
        factor, (errors, d_logits) = model_input.squared, losses.squared(logits, y)
        name = f"{'' if factor == 1 else '½'}({label} − {number_literal(truth)})²"
        return name, factor * float(errors[0]), factor * d_logits
    loss = float(losses.losses(kind, logits, y)[0])
    return name, loss, losses.d_logits(kind, logits, y)


def _target(stored: StoredModel, output: Array, label: str | None) -> int:
    """The class number of a label; without one, of the predicted class."""
    if label is None and stored.model.spec.head.kind == "linear":
        return 0
    if label is None:
        return int(output.argmax())
    if label not in stored.labels:
        raise UsageError(
            f"Unknown target {label!r} for {stored.name}.{nearest(label, stored.labels)} "
            f"Use one of: {', '.join(stored.labels)}."
        )
    return stored.labels.index(label)
