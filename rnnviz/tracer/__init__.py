"""From a text and a model to a trace: the one place where engine and text meet."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from rnnviz.arrays import Array
from rnnviz.cells.weights import weights_by_name
from rnnviz.clamps import Clamp
from rnnviz.data.batches import padded
from rnnviz.engine import losses
from rnnviz.engine.backend import HOST, Backend
from rnnviz.engine.model import BackwardPass, ForwardPass, directions
from rnnviz.engine.recurrent import Scan, ScanGradients
from rnnviz.engine.spec import HeadKind
from rnnviz.errors import InvalidFileError, UsageError, nearest
from rnnviz.hand import is_hand
from rnnviz.hand.friendly import for_model
from rnnviz.hand.typed import plain
from rnnviz.model_files import StoredModel, load, locate
from rnnviz.query import Query, Tracer
from rnnviz.trace import HeadTrace, LayerTrace, Trace, beyond, frozen
from rnnviz.tracer import hand as by_hand
from rnnviz.tracer import there
from rnnviz.tracer.held import holding, in_model, layer_name
from rnnviz.tracer.held import logits_of_beginnings as logits_of_held
from rnnviz.tracer.prefix_predictions import logits_of_beginnings
from rnnviz.tracer.reading import Reading, read


def tracer(data: str | Path | None = None, loops: Backend = HOST) -> Tracer:
    """A function that answers queries; a model is loaded once, and again when its file changed.

    ``data`` is the folder of tables for nets that read a series; None takes the one in use.
    ``loops``: the device that computes.
    """

    def answer(query: Query) -> Trace:
        if query.hand is not None or is_hand(query.model):
            return _by_hand(query, loops)
        stored = _loaded(query.model, _changed(query.model))
        net = stored if query.random is None else stored.untrained(query.random)
        return trace(net, query, data, loops=loops)

    return answer


def _by_hand(query: Query, loops: Backend) -> Trace:
    """The answer of a net whose weights are in the query, or of the one its name stands for."""
    hand = for_model(query.hand, query.model)
    stored = by_hand.stored(hand)
    if query.random is not None:
        stored = stored.untrained(query.random)
        hand = by_hand.weighed(hand, stored.model)
    reading = by_hand.read(hand, query.text)
    asked = replace(query, target=query.target or by_hand.label(hand))
    return replace(trace(stored, asked, reading=reading, loops=loops), hand=hand)


#: A model's JSON stays where it is; looking for it takes as long as a part of the trace.
_place = lru_cache(maxsize=16)(locate)


def _changed(name: str) -> tuple[tuple[Path, int], ...]:
    """The model's two files and when they were written: a run in training writes better weights."""
    files = locate(name) if name == "last" else _place(name)  # the newest run is soon another
    return tuple((file, file.stat().st_mtime_ns if file.is_file() else 0) for file in files)


@lru_cache(maxsize=16)
def _loaded(name: str, changed: tuple[tuple[Path, int], ...]) -> StoredModel:
    return load(name)


def trace(
    stored: StoredModel,
    query: Query,
    data: str | Path | None = None,
    reading: Reading | None = None,
    loops: Backend = HOST,
) -> Trace:
    """Read a text with a model and walk back: every value, gradient, reach and readout.

    ``reading`` is what the text was read as, where that is known already. With clamps everything
    is computed on the host, whatever ``loops`` are. UsageError for a text without words, one of
    more than MAX_TOKENS, an unknown target, or a clamp of what is not there.
    """
    reading = reading or read(stored, query.text, data)
    # What leaves the range of the numbers is infinite; whether it did is looked at in the end.
    found, name = None, "the reach"
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        with suppress(np.linalg.LinAlgError):  # of a matrix that is not finite
            found = _traced(stored, query, reading, loops)
            name = beyond(found)
    if found is None or name:
        given = query.hand is not None or query.clamps or query.random is not None
        raise (UsageError if given else InvalidFileError)(
            f"{stored.name} cannot read this text: {name} leaves the range of its numbers, since "
            f"the {'numbers given' if given else 'weights'} are too large."
        )
    return found


def _traced(stored: StoredModel, query: Query, reading: Reading, loops: Backend) -> Trace:
    model = stored.model
    clamps = in_model(model, query.clamps, len(reading.inputs))
    held = holding(model, clamps, len(reading.inputs))
    loops = HOST if clamps else loops
    if loops is HOST:
        done = model.forward(reading.inputs, initial=reading.initial, held=held)
    else:
        done, walked = there.forward(model, reading, loops)
    logits = _logits_after_each(stored, done, reading, clamps)
    readout = _said(model.spec.head.kind, logits)
    target = _target(stored, readout[-1], query.target)
    objective, loss, d_logits = _objective(stored, done, reading, target)
    back = model.backward(done, d_logits, reach=True) if loops is HOST else walked(d_logits)
    free = model.forward(reading.inputs, initial=reading.initial) if clamps else None
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
        unclamped=None if free is None else frozen(_said(model.spec.head.kind, free.logits[0])),
    )
    return Trace(
        model=stored.name,
        device=loops.name,
        dtype=str(done.logits.dtype),
        tokens=reading.tokens,
        ids=reading.ids,
        unknown=_unknown(stored, reading),
        layers=_layers(stored, done, back, clamps),
        head=head,
        about=stored.about + reading.remark,
        text=query.text if reading.series is None else reading.series.moment,
        series=reading.series,
    )


def _said(kind: HeadKind, logits: Array) -> Array:
    """Probabilities or numbers (..., K); a two-class head is one logit, but speaks of both."""
    found = losses.outputs(kind, logits)
    return np.concatenate([1 - found, found], axis=-1) if kind == "sigmoid" else found


def _unknown(stored: StoredModel, reading: Reading) -> tuple[bool, ...]:
    if reading.given is not None:
        return (False,) * len(reading.tokens)
    return tuple(n == stored.vocabulary.encoding.unknown for n in reading.ids)


def _objective(
    stored: StoredModel, done: ForwardPass, reading: Reading, target: int
) -> tuple[str, float, Array]:
    """What the gradients are of, what it comes to, and its gradient at the logits (1, K).

    A class: its log-loss. A forecast: its absolute error in deviations, as the net was trained;
    where nobody knows what came, the forecast itself. Of a net by hand its squared error.
    """
    label, kind = stored.labels[target], stored.model.spec.head.kind
    if kind == "linear" and reading.truth is None:
        said = label if reading.squared is not None else f"forecast of {label}"
        return said, float(done.logits[0, target]), np.ones_like(done.logits)
    if reading.truth is None:
        said, y = f"log-loss of '{label}'", np.array([target])
    else:
        said = f"absolute error of {label}, in deviations"
        y = np.array([reading.truth], done.logits.dtype)
    if reading.squared is not None and reading.truth is not None:
        factor, (errors, d_logits) = reading.squared, losses.squared(done.logits, y)
        said = f"{'' if factor == 1 else '½'}({label} − {plain(reading.truth)})²"
        return said, factor * float(errors[0]), factor * d_logits
    loss = float(losses.losses(kind, done.logits, y)[0])
    return said, loss, losses.d_logits(kind, done.logits, y)


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


def _logits_after_each(
    stored: StoredModel, done: ForwardPass, reading: Reading, clamps: Sequence[Clamp]
) -> Array:
    """The head asked after every token: (T, K).

    A net that only reads forward has these states already. A backward layer has not: what it
    would say after token t needs a reading of the first t tokens alone, padded as they would be.
    The last row is the prediction of the pass itself, to the bit: a matrix product with another
    number of rows may round differently.
    """
    model, T, pads = stored.model, len(done.inputs), reading.pads
    if not any(layer.bidirectional for layer in model.spec.layers):
        before = done.scans[-1][0].stack("h")[:-1, 0]
        return np.concatenate([model.head(before), done.logits])
    if clamps:
        return logits_of_held(model, done, reading, clamps)
    if pads:
        starts = [reading.ids[pads:t] for t in range(pads, T)]
        found = model.forward(padded(starts, T, "front"), quick=True, keep=False).logits
        # The net never says anything before it has read all its padding.
        return np.concatenate([np.repeat(found[:1], pads, 0), found[1:], done.logits])
    if reading.given is not None:
        beginnings = logits_of_beginnings(model, reading.given)
        return np.concatenate([beginnings[:-1], done.logits])
    rows = [model.forward(done.inputs[: t + 1]).logits[0] for t in range(T - 1)]
    return np.stack([*rows, done.logits[0]])


def _layers(
    stored: StoredModel, done: ForwardPass, back: BackwardPass, clamps: Sequence[Clamp]
) -> tuple[LayerTrace, ...]:
    found = []
    layers = stored.model.spec.layers
    for k, spec in enumerate(layers):
        both = zip(directions(spec), done.scans[k], back.unscans[k], back.reach[k], strict=True)
        for direction, s, u, far in both:
            assert isinstance(s, Scan), "a pass that is not quick records every value"
            name = layer_name(stored.model.spec, k, direction)
            own = tuple(clamp for clamp in clamps if clamp.layer == name)
            found.append(_layer(stored, k, name, direction, s, u, far, own))
    return tuple(found)


def _layer(
    stored: StoredModel, k: int, name: str, direction: str, s: Scan, u: ScanGradients, far: Array,
    clamps: tuple[Clamp, ...],
) -> LayerTrace:  # fmt: skip
    cell = stored.model.cell(k)
    p = stored.model.layer_params(k, direction)
    recorded = ("x", *_recorded(s, cell.gates))
    values = {n: frozen(s.stack(n)[:, 0]) for n in recorded if n != "x"}
    grads = {n: frozen(u.stack(n)[:, 0]) for n in u.names}
    values["x"], grads["x"] = frozen(s.x[:, 0].copy()), frozen(u.x[:, 0].copy())
    T = len(s.steps)
    return LayerTrace(
        name=name,
        cell=cell.name,
        title=cell.title,
        units=stored.model.spec.layers[k].units,
        direction=direction,
        gates=cell.gates,
        states=cell.states,
        recorded=recorded,
        lines=cell.lines,
        back=cell.back,
        weights={n: frozen(a.view()) for n, a in weights_by_name(cell, p).items()},
        values=values,
        grads=grads,
        mask=frozen(np.ones(T, bool) if s.mask is None else s.mask[:, 0].copy()),
        reach=frozen(far),
        initial={n: frozen(a[0].copy()) for n, a in s.initial.items()},
        clamps=clamps,
    )


def _recorded(s: Scan, gates: tuple[str, ...]) -> list[str]:
    """The recorded names: pre-activations in the order of the columns on disk, then the rest."""
    names = [n for n in s.steps[0] if n not in ("xw", "hu")]
    first = [f"a_{g}" for g in gates if f"a_{g}" in names]
    rest = [n for n in names if n not in first and n not in gates]
    return [*first, *(g for g in gates if g in names), *rest]
