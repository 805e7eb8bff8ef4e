"""Checks of a trace: ranges as computed; types, shapes and names where it was read from a file."""

from __future__ import annotations

import re

import numpy as np

from rnnviz.arrays import Array, in_range
from rnnviz.clamps import Clamp
from rnnviz.equations import evaluate, is_weight, matrices, names
from rnnviz.errors import UsageError
from rnnviz.messages import _
from rnnviz.toy_net import ToyNet
from rnnviz.toy_net.number_text import inputs
from rnnviz.trace import HeadTrace, LayerTrace, SeriesTrace, Trace

#: The values of h, and the gradients that meet there.
_OUTPUTS = ("h", "h_out", "h_next", "h_prev")
#: As cells and layers are named: lstm-slide, lstm.1.backward. A cell's name leads to its drawing.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def validate(trace: Trace) -> None:
    """ValueError unless every part has the type and shape that its place in the trace gives it."""
    T = len(trace.tokens)
    expect(T > 0 and len(trace.ids) == len(trace.unknown) == T, _("one id and flag for each token"))
    expect(all(isinstance(token, str) for token in trace.tokens), _("tokens that are texts"))
    expect(
        all(type(n) is int and abs(n) < 10**9 for n in trace.ids), _("ids that are whole numbers")
    )
    expect(all(type(u) is bool for u in trace.unknown), _("unknown: true or false"))
    for name in ("model", "device", "dtype", "about", "text"):
        expect(isinstance(getattr(trace, name), str), _("{name}: a text").format(name=name))
    expect(trace.reads in ("words", "ids", "vectors"), _("reads: words, ids or vectors"))
    expect(bool(trace.layers), _("a layer"))
    for layer in trace.layers:
        _check_layer(layer, T)
    if trace.hand is not None:
        _check_hand(trace.hand, trace)
    _check_head(trace.head, T)
    if trace.series is not None:
        _check_series(trace.series, trace)


def out_of_range(trace: Trace) -> str:
    """The first array with a number that is not finite or too large; "" if there is none.

    Such a trace can be neither drawn nor opened again; see :func:`rnnviz.arrays.in_range`.
    """
    head = trace.head
    for layer in trace.layers:
        for name, array in layer.values.items():
            if not in_range(array):
                return _("the {name} of {layer}").format(name=name, layer=layer.name)
        for name, array in layer.grads.items():
            if not in_range(array):
                return _("the gradient of {name} of {layer}").format(name=name, layer=layer.name)
        if not in_range(layer.reach):
            return _("the reach of {layer}").format(layer=layer.name)
    good = all(in_range(a) for a in (head.logits, head.readout, np.float64(head.loss)))
    return "" if good else _("the output")


def expect(holds: bool, what: str) -> None:
    """ValueError unless it holds."""
    if not holds:
        raise ValueError(_("expected {what}").format(what=what))


def _check_hand(hand: ToyNet, trace: Trace) -> None:
    layer, head = trace.layers[0], trace.head
    expect(len(trace.layers) == 1 and layer.cell == hand.cell, _("hand: a net of this one layer"))
    expect(head.labels == hand.labels, _("head.labels: {labels}").format(labels=hand.labels))
    found = {**layer.weights, "W_y": head.W, "b_y": head.b, **layer.initial}
    expect(
        found.keys() == set(hand.names),
        _("hand: the weights {names}").format(names=", ".join(hand.names)),
    )
    same = (np.array_equal(np.atleast_2d(found[n]), np.array(hand.array(n))) for n in hand.names)
    expect(all(same), _("hand: the numbers of the layer"))
    try:
        inputs(" ".join(trace.tokens), hand.inputs)
    except UsageError as error:
        raise ValueError(f"tokens: {error}") from None


def _check_head(head: HeadTrace, T: int) -> None:
    K = len(head.labels)
    expect(
        K > 0 and all(isinstance(label, str) for label in head.labels), _("labels that are texts")
    )
    kinds = ("sigmoid", "softmax", "linear", "tanh", "relu", "state")
    expect(head.kind in kinds, _("head.kind: one of {kinds}").format(kinds=", ".join(kinds)))
    expect(head.output.shape == (K,), _("head.output: a number for each label"))
    expect(head.readout.shape == (T, K), _("head.readout: a row for each token"))
    expect(head.logits.ndim == 2, _("head.logits: a row for each token"))
    logits = 1 if head.is_binary and K == 2 else K
    expect(head.logits.shape == (T, logits), _("head.logits: a row for each token"))
    expect(head.W.ndim == 2 and head.W.shape[1] == logits, _("head.W: a column for each logit"))
    expect(head.b.shape == (logits,), _("head.b: a number for each logit"))
    expect(type(head.below) is int and head.below >= 0, _("head.below: a number of layers"))
    expect(head.reads in ("last", "end", "steps"), _("head.reads: last, end or steps"))
    shares = head.is_number or all(((0 <= a) & (a <= 1)).all() for a in _outputs(head))
    expect(shares, _("head.output, head.readout: shares from 0 to 1"))
    expect(type(head.loss) is float and in_range(head.loss), _("head.loss: a finite number"))
    expect(isinstance(head.objective, str), _("head.objective: a text"))
    expect(head.target in head.labels, _("head.target: one of the labels"))
    free = head.unclamped
    expect(free is None or free.shape == (K,), _("head.unclamped: a number for each label"))
    each = head.step_losses
    if each is not None:
        expect(head.kind == "softmax", _("head.step_losses: of probabilities alone"))
        expect(each.shape == (T,), _("head.step_losses: a number for each token"))


def _outputs(head: HeadTrace) -> list[Array]:
    free = [] if head.unclamped is None else [head.unclamped]
    return [head.output, head.readout, *free]


def _check_series(series: SeriesTrace, trace: Trace) -> None:
    D = trace.layers[0].values["x"].shape[1]
    texts = (*series.columns, *series.times, series.moment, series.foreseen, series.source)
    expect(
        all(isinstance(text, str) for text in texts), _("series: names and times that are texts")
    )
    expect(len(series.columns) == len(series.mean) == len(series.std) == D, _("series: D columns"))
    expect(len(series.times) == len(trace.tokens), _("series.times: one for each token"))
    expect(type(series.target) is int and 0 <= series.target < D, _("series.target: a column"))
    expect(type(series.ahead) is int and series.ahead > 0, _("series.ahead: a number of steps"))
    truth = () if series.truth is None else (series.truth,)
    numbers = (*series.mean, *series.std, *series.after, *truth)
    if series.test is not None:
        times = (series.test.first, series.test.last)
        expect(all(isinstance(time, str) for time in times), _("series.test: times that are texts"))
        numbers += (series.test.forecast, series.test.as_today)
    expect(all(type(n) is float and np.isfinite(n) for n in numbers), _("series: finite numbers"))
    expect(trace.head.is_number and len(trace.head.labels) == 1, _("series: one forecast"))


def _check_layer(layer: LayerTrace, T: int) -> None:
    H, name = layer.units, layer.name
    expect(
        all(isinstance(t, str) for t in (name, layer.cell, layer.title)), _("names that are texts")
    )
    expect(type(H) is int and H > 0, _("{name}.units: a whole number").format(name=name))
    expect(_NAME.fullmatch(name) is not None, _("names of layers like lstm.1.backward"))
    expect(
        _NAME.fullmatch(layer.cell) is not None and len(layer.title) <= 80,
        _("{name}: a cell").format(name=name),
    )
    expect(
        layer.direction in ("forward", "backward"),
        _("{name}.direction: forward or backward").format(name=name),
    )
    expect(
        layer.merge in ("concat", "sum", "mul", "ave"),
        _("{name}.merge: concat or another").format(name=name),
    )
    expect(
        layer.mask.shape == (T,) and layer.mask.dtype == bool,
        _("{name}.mask: a flag a token").format(name=name),
    )
    expect(layer.reach.shape == (T,), _("{name}.reach: a number a token").format(name=name))
    expect(layer.states[:1] == ("h",), _("{name}.states: h first").format(name=name))
    expect(
        set(layer.states) <= set(layer.values),
        _("{name}: values of {states}").format(name=name, states=layer.states),
    )
    expect(
        set(layer.initial) == set(layer.states),
        _("{name}: initial {states}").format(name=name, states=layer.states),
    )
    P, *others = (layer.initial[s].size for s in layer.states)
    C = max([0, *others]) or P  # the units of a cell state, where h is a projection of it
    expect(H == min(P, C), _("{name}.initial: H numbers each").format(name=name))
    expect(
        all(layer.initial[s].shape == (P if s == "h" else C,) for s in layer.states),
        _("{name}.initial: H numbers each").format(name=name),
    )
    x = layer.values["x"]
    expect(x.ndim == 2 and x.shape[1] > 0, _("{name}.x: a row for each token").format(name=name))
    for group in (layer.values, layer.grads):
        expect(
            set(layer.recorded) <= set(group),
            _("{name}: values and gradients of every name").format(name=name),
        )
        for key, array in group.items():
            width = x.shape[1] if key == "x" else P if key in _OUTPUTS else C
            expect(
                array.shape == (T, width),
                _("{name}.{key}: shape {shape}").format(name=name, key=key, shape=(T, width)),
            )
    expect(all(isinstance(g, str) for g in layer.gates), _("{name}.gates: names").format(name=name))
    widths = (x.shape[1], P, C)
    for key, array in layer.weights.items():
        fits = array.shape == (C,) or (array.ndim == 2 and {*array.shape} <= {*widths})
        expect(
            is_weight(key) and fits,
            _("{name}.{key}: weights of its units").format(name=name, key=key),
        )
    for clamp in layer.clamps:
        _check_clamp(clamp, layer, T)
    expect(bool(layer.lines), _("{name}: a line that makes its values").format(name=name))
    _check_lines(layer)


def _check_lines(layer: LayerTrace) -> None:
    known, name = layer.at(0), layer.name
    for line in (*layer.lines, *layer.back):
        made = line.name in (known if line in layer.back else layer.values)
        expect(
            made and not is_weight(line.name),
            _("{name}: a value {value}").format(name=name, value=line.name[:40]),
        )
        expect(
            isinstance(line.part, str) and len(line.part) <= 80,
            _("{name}: parts that are texts").format(name=name),
        )
        flat = {n for n in names(line.formula) if np.ndim(known[n]) < 2}
        expect(
            flat.isdisjoint(matrices(line.formula)),
            _("{name}: a matrix behind each @").format(name=name),
        )
        expect(
            {*names(line.formula)} <= flat | matrices(line.formula),
            _("{name}: vectors before @").format(name=name),
        )
        shape = np.shape(evaluate(line.formula, known))
        expect(
            shape == known[line.name].shape,
            _("{name}: {formula} of the shape of {line}").format(
                name=name, formula=line.formula, line=line.name
            ),
        )


def _check_clamp(clamp: Clamp, layer: LayerTrace, T: int) -> None:
    name = f"{layer.name}.clamps"
    expect(
        clamp.layer == layer.name and clamp.name in layer.recorded,
        _("{name}: of its own values").format(name=name),
    )
    width = layer.values[clamp.name].shape[1]
    for index, end in ((clamp.t, T), (clamp.unit, width)):
        expect(
            index is None or (type(index) is int and 0 <= index < end),
            _("{name}: in range").format(name=name),
        )
    expect(
        type(clamp.value) is float and np.isfinite(clamp.value),
        _("{name}: finite numbers").format(name=name),
    )
