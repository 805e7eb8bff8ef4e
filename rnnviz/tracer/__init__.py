"""From a text and a model to a trace: the one place where engine and text meet."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from rnnviz.arrays import Array
from rnnviz.cells import weights_by_name
from rnnviz.data.batches import padded
from rnnviz.engine import losses
from rnnviz.engine.model import Backward, Forward, directions
from rnnviz.engine.recurrent import Scan, Unscan
from rnnviz.errors import UsageError, nearest
from rnnviz.query import Query, Tracer
from rnnviz.store import Stored, load, locate
from rnnviz.trace import HeadTrace, LayerTrace, Trace, frozen
from rnnviz.tracer.reading import Reading, read


def tracer() -> Tracer:
    """A function that answers queries; a model is loaded once, and again when its file changed."""

    def answer(query: Query) -> Trace:
        stored = _loaded(query.model, _changed(query.model))
        return trace(stored if query.random is None else stored.untrained(query.random), query)

    return answer


#: A model's JSON stays where it is; looking for it takes as long as a part of the trace.
_place = lru_cache(maxsize=16)(locate)


def _changed(name: str) -> tuple[int, ...]:
    """When the model's two files were written: a run in training writes better weights."""
    files = _place(name)
    return tuple(file.stat().st_mtime_ns if file.is_file() else 0 for file in files)


@lru_cache(maxsize=16)
def _loaded(name: str, changed: tuple[int, ...]) -> Stored:
    return load(name)


def trace(stored: Stored, query: Query) -> Trace:
    """Read a text with a model and walk back: every value, gradient, reach and readout.

    UsageError for a text without words, one of more than MAX_TOKENS, or an unknown target.
    """
    reading = read(stored, query.text)
    model = stored.model
    done = model.forward(reading.inputs, initial=reading.initial)
    logits = _logits_after_each(stored, done, reading)
    readout = losses.outputs(model.spec.head.kind, logits)
    target = _target(stored, readout[-1], query.target)
    y = np.array([target])
    d_logits = losses.d_logits(model.spec.head.kind, done.logits, y)
    back = model.backward(done, d_logits, reach=True)
    if model.spec.head.kind == "sigmoid":
        # A two-class head is one logit; files and screens speak of both classes.
        readout = np.concatenate([1 - readout, readout], axis=-1)
    head = HeadTrace(
        kind=model.spec.head.kind,
        labels=stored.labels,
        output=frozen(readout[-1].copy()),
        readout=frozen(readout),
        logits=frozen(logits),
        objective=f"log-loss of '{stored.labels[target]}'",
        loss=float(losses.losses(model.spec.head.kind, done.logits, y)[0]),
        target=stored.labels[target],
        W=frozen(model.params["head.W"].view()),
        b=frozen(model.params["head.b"].view()),
    )
    return Trace(
        model=stored.name,
        device="cpu",
        dtype=str(done.logits.dtype),
        tokens=reading.tokens,
        ids=reading.ids,
        unknown=tuple(n == stored.vocabulary.encoding.unknown for n in reading.ids),
        layers=_layers(stored, done, back),
        head=head,
        about=stored.about + reading.remark,
        text=query.text,
    )


def _target(stored: Stored, output: Array, label: str | None) -> int:
    """The class number of a label; without one, of the predicted class."""
    if label is None:
        return int(output[0] > 0.5) if len(output) == 1 else int(output.argmax())
    if label not in stored.labels:
        raise UsageError(
            f"Unknown target {label!r} for {stored.name}.{nearest(label, stored.labels)} "
            f"Use one of: {', '.join(stored.labels)}."
        )
    return stored.labels.index(label)


def _logits_after_each(stored: Stored, done: Forward, reading: Reading) -> Array:
    """The head asked after every token: (T, K).

    A net that only reads forward has these states already. A backward layer has not: what it
    would say after token t needs a reading of the first t tokens alone, padded as they would be.
    """
    model, T, pads = stored.model, len(done.inputs), reading.pads
    if not any(layer.bidirectional for layer in model.spec.layers):
        return model.head(done.scans[-1][0].stack("h")[:, 0])
    if pads:
        starts = [reading.ids[pads:t] for t in range(pads, T)]
        found = model.forward(padded(starts, T, "front"), quick=True, keep=False).logits
        # The net never says anything before it has read all its padding.
        return np.concatenate([np.repeat(found[:1], pads, 0), found[1:], done.logits])
    rows = [model.forward(done.inputs[: t + 1]).logits[0] for t in range(T - 1)]
    return np.stack([*rows, done.logits[0]])


def _layers(stored: Stored, done: Forward, back: Backward) -> tuple[LayerTrace, ...]:
    found = []
    layers = stored.model.spec.layers
    for k, spec in enumerate(layers):
        both = zip(directions(spec), done.scans[k], back.unscans[k], back.reach[k], strict=True)
        for direction, s, u, far in both:
            assert isinstance(s, Scan), "a pass that is not quick records every value"
            name = spec.cell if len(layers) == 1 else f"{spec.cell}.{k}"
            name = name if direction == "forward" else f"{name}.backward"
            found.append(_layer(stored, k, name, direction, s, u, far))
    return tuple(found)


def _layer(
    stored: Stored, k: int, name: str, direction: str, s: Scan, u: Unscan, far: Array
) -> LayerTrace:
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
    )


def _recorded(s: Scan, gates: tuple[str, ...]) -> list[str]:
    """The recorded names: pre-activations in the order of the columns on disk, then the rest."""
    names = [n for n in s.steps[0] if n not in ("xw", "hu")]
    first = [f"a_{g}" for g in gates if f"a_{g}" in names]
    rest = [n for n in names if n not in first and n not in gates]
    return [*first, *(g for g in gates if g in names), *rest]
