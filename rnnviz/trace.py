"""What one reading of one text recorded: frozen, complete, without an engine.

The screen, the JSON, the plain text and the tests all read these. Arrays are read-only. Index t is
the token, counted from 0, also where a layer reads from the right.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from rnnviz import i18n
from rnnviz.arrays import MOST, Array, in_range, read_array
from rnnviz.clamps import Clamp
from rnnviz.equations import Line, TokenNumber, evaluate, is_weight, matrices, names, parse
from rnnviz.errors import UsageError
from rnnviz.files import (
    invalid_file_on_error,
    open_member,
    open_regular,
    open_zip,
    parse_json,
    write_output,
)
from rnnviz.hand import Hand, document
from rnnviz.hand.typed import inputs

SCHEMA = "rnnviz.trace/1"

#: The most bytes of a trace, packed and unpacked: ten thousand tokens through some 60 units.
LARGEST = 200_000_000


@dataclass(frozen=True, eq=False)
class LayerTrace:
    """One direction of one recurrent layer."""

    name: str  # "lstm", or "lstm.1.backward" in a deeper net
    cell: str  # key of the cell's diagram and texts
    title: str  # the cell's name on screen: "LSTM"
    units: int  # H
    direction: str  # "forward" or "backward"
    gates: tuple[str, ...]
    states: tuple[str, ...]  # "h" first
    recorded: tuple[str, ...]  # the names of ``values`` that files carry, in order
    lines: tuple[Line, ...]
    back: tuple[Line, ...]
    weights: Mapping[str, Array]  # by formula name: W_f (D, H), U_f (H, H), b_f (H) ...
    values: Mapping[str, Array]  # x (T, D), the others (T, H)
    grads: Mapping[str, Array]  # d objective / d value; also h_prev, h_next, h_out ... (T, H)
    mask: Array  # (T) bool
    reach: Array  # (T) spectral norm of ∂(all last states)/∂(all states at t)
    initial: Mapping[str, Array]  # (H) each state before the first token
    clamps: tuple[Clamp, ...] = ()  # what was held here instead of computed, the last one wins

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """What happens at one token, in order: read, the groups of lines, predict."""
        return ("read", *dict.fromkeys(line.part for line in self.lines), "predict")

    @property
    def order(self) -> range:
        """The tokens in the order this layer reads them."""
        T = len(self.mask)
        return range(T - 1, -1, -1) if self.direction == "backward" else range(T)

    def before(self, t: int) -> int | None:
        """The token read before t, or None at the first one read."""
        earlier = t + 1 if self.direction == "backward" else t - 1
        return earlier if 0 <= earlier < len(self.mask) else None

    def step(self, t: int) -> TokenNumber:
        """Token t (from 0) as formulas write it: from 1, with the one read before it."""
        return TokenNumber(t + 1, t + 2 if self.direction == "backward" else t)

    def state_before(self, t: int, state: str) -> Array:
        """A state as token t found it: (H)."""
        earlier = self.before(t)
        return self.initial[state] if earlier is None else self.values[state][earlier]

    def at(self, t: int) -> dict[str, Array]:
        """Every name a formula may use at token t: values, states before, weights, gradients.

        ``f`` (H), ``h_prev`` (H), ``W_f`` (D, H), ``d_c`` (H) ... Gradients as they go on: those of
        a held value are zero.
        """
        found: dict[str, Array] = dict(self.weights)
        found |= {name: array[t] for name, array in self.values.items()}
        found |= {f"{s}_prev": self.state_before(t, s) for s in self.states}
        found |= {f"d_{name}": self.passed(name)[t] for name in self.grads}
        return found

    def held(self, name: str, t: int, unit: int) -> float | None:
        """What a value is held at; None where it is computed."""
        found = [clamp.value for clamp in self.clamps if clamp.holds(name, t, unit)]
        return found[-1] if found else None

    def passed(self, name: str) -> Array:
        """A gradient (T, ·) as it goes on to what the value was made from: zero where held."""
        array = self.grads[name]
        for clamp in self.clamps:
            if clamp.name == name:
                array = array.copy()
                array[clamp.where] = 0
        return array


@dataclass(frozen=True, eq=False)
class HeadTrace:
    """The dense layer that turns the last state into a prediction, asked after every token."""

    kind: str  # "sigmoid", "softmax" or "linear"
    labels: tuple[str, ...]  # (K); two for a sigmoid head: the classes of outputs 0 and 1
    output: Array  # (K) what is said after the last token: probabilities, or the forecast
    readout: Array  # (T, K) the same head asked after each token
    logits: Array  # (T, K') before the squashing; K' = 1 for sigmoid
    objective: str  # what the gradients are of: "log-loss of 'negative'"
    loss: float
    target: str
    W: Array  # (F, K')
    b: Array  # (K')
    unclamped: Array | None = None  # (K) the output if nothing were held; None where nothing is


@dataclass(frozen=True)
class SeriesTrace:
    """The series a trace was read from: what its numbers measure, and when.

    What the net reads and says are deviations: (value − mean) / std of the column.
    """

    columns: tuple[str, ...]  # (D), each with its unit: "T (degC)"
    mean: tuple[float, ...]  # (D)
    std: tuple[float, ...]  # (D)
    target: int  # the column that is foreseen
    times: tuple[str, ...]  # (T) of the readings: "2020-07-01 18:00"
    moment: str  # when the forecast is made
    foreseen: str  # for when
    ahead: int  # steps from the last reading to what is foreseen
    after: tuple[float, ...]  # the target column from the moment on, a number a step
    truth: float | None  # the target column at the time foreseen; None where the table has ended
    source: str  # the table

    def measured(self, x: Array) -> Array:
        """Readings (T, D) in the units of their columns."""
        return np.asarray(x * np.array(self.std) + np.array(self.mean))

    def restored(self, said: Array | float) -> Array:
        """What the net says in the unit of the target column; any shape."""
        return np.asarray(said * np.float64(self.std[self.target]) + self.mean[self.target])

    def to_json(self, head: HeadTrace, last: float) -> dict[str, Any]:
        """The fields, and under "degrees" the forecasts in the target column's unit.

        ``last`` is the last reading of the target column as the net sees it: the naive forecast.
        """
        output = float(self.restored(head.output)[0])
        degrees = {
            "output": output,
            "readout": self.restored(head.readout[:, 0]).tolist(),
            "as_today": float(self.restored(last)),
            "truth": self.truth,
            "error": None if self.truth is None else abs(output - self.truth),
        }
        named = {"target": self.columns[self.target], "degrees": degrees}
        return {**asdict(self), **named}


@dataclass(frozen=True, eq=False)
class Trace:
    """One text through one model: every value, every gradient, the prediction after each token."""

    model: str
    device: str
    dtype: str
    tokens: tuple[str, ...]  # (T)
    ids: tuple[int, ...]  # (T)
    unknown: tuple[bool, ...]  # (T) true where the vocabulary has no such word
    layers: tuple[LayerTrace, ...]  # bottom to top, forward before backward
    head: HeadTrace
    about: str = ""  # what the model was trained on, for the title line
    text: str = ""  # as it was typed
    series: SeriesTrace | None = None  # where measurements are read instead of words
    hand: Hand | None = None  # where the net was given number by number

    def to_json(self) -> dict[str, Any]:
        """The document of schema ``rnnviz.trace/1``."""
        found: dict[str, Any] = {
            "schema": SCHEMA,
            "model": self.model,
            "device": self.device,
            "dtype": self.dtype,
            "tokens": list(self.tokens),
            "ids": list(self.ids),
            "unknown": list(self.unknown),
            "layers": [_layer_json(layer) for layer in self.layers],
            "head": {
                "labels": list(self.head.labels),
                "output": self.head.output.tolist(),
                "readout": self.head.readout.tolist(),
                "objective": self.head.objective,
                "loss": self.head.loss,
                "target": self.head.target,
            },
        }
        if self.series is not None:
            bottom = self.layers[0]
            last = float(bottom.values["x"][self.latest, self.series.target])
            found["series"] = self.series.to_json(self.head, last)
        if self.head.unclamped is not None:
            found["head"]["unclamped"] = self.head.unclamped.tolist()
            found["clamps"] = [asdict(clamp) for clamp in self.clamps]
        if self.hand is not None:
            found["net"] = _net(self)
        return found

    @property
    def clamps(self) -> tuple[Clamp, ...]:
        """What was held instead of computed, in all layers."""
        return tuple(clamp for layer in self.layers for clamp in layer.clamps)

    @property
    def latest(self) -> int:
        """The token that is latest in time: of a series read backwards the first one."""
        backwards = self.series is not None and self.series.times[0] > self.series.times[-1]
        return 0 if backwards else len(self.tokens) - 1

    def leading_unit(self) -> int:
        """The unit of the top layer that moves the last prediction most: largest |h·W|."""
        top = self.layers[-1]
        last = top.order[-1]
        weights = np.abs(self.head.W).max(1)[-top.units :].astype(np.float64)
        return int(np.argmax(np.abs(top.values["h"][last]) * weights))

    def localized(self, lang: str) -> Trace:
        """The trace as it is shown in a language: its labels, and what the net was trained on."""
        head = self.head
        labels = tuple(i18n.label(name, lang) for name in head.labels)
        target = i18n.label(head.target, lang)
        about = i18n.trained_on(self.about, lang)
        if (labels, target, about) == (head.labels, head.target, self.about):
            return self
        return replace(self, about=about, head=replace(head, labels=labels, target=target))

    def save(self, path: Path) -> None:
        """Write the whole trace to one file that :meth:`open` reads back, atomically.

        UsageError or RnnvizError if it cannot be written.
        """
        arrays: dict[str, Array] = {}
        meta = _take_arrays(self, "", arrays)
        meta["schema"] = SCHEMA
        meta["hand"] = None if self.hand is None else _net(self)
        buffer = io.BytesIO()
        np.savez_compressed(buffer, meta=np.array(json.dumps(meta)), **arrays)  # type: ignore[arg-type]
        write_output(path, buffer.getvalue())

    @staticmethod
    def open(path: Path) -> Trace:
        """Read a saved trace; InvalidFileError if it is not one, damaged or inconsistent."""
        with invalid_file_on_error(path, "trace", "Make one: rnnviz step TEXT --save FILE"):
            arrays = _stored(path)
            meta = parse_json(str(arrays.pop("meta")))
            if meta.pop("schema", None) != SCHEMA:
                raise ValueError(f"it is no trace of schema {SCHEMA}")
            trace = _trace(meta, arrays)
            _check(trace)
        return trace


def _net(trace: Trace) -> dict[str, Any]:
    """The definition of a net by hand, with what it read: what a file of it holds."""
    assert trace.hand is not None
    x = inputs(" ".join(trace.tokens), trace.hand.inputs)
    return document.written(document.NetFile(trace.hand, x, trace.clamps))


def beyond(trace: Trace) -> str:
    """The first array with a number that is not finite or larger than MOST; "" if there is none.

    Such a trace can neither be drawn nor be opened again.
    """
    head = trace.head
    for layer in trace.layers:
        for group, d in ((layer.values, ""), (layer.grads, "gradient of ")):
            for name, array in group.items():
                if not in_range(array):
                    return f"the {d}{name} of {layer.name}"
        if not in_range(layer.reach):
            return f"the reach of {layer.name}"
    good = all(in_range(a) for a in (head.logits, head.readout, np.float64(head.loss)))
    return "" if good else "the output"


def _layer_json(layer: LayerTrace) -> dict[str, Any]:
    return {
        "name": layer.name,
        "cell": layer.cell,
        "units": layer.units,
        "direction": layer.direction,
        "mask": layer.mask.tolist(),
        "values": {name: layer.values[name].tolist() for name in layer.recorded},
        "grads": {name: layer.grads[name].tolist() for name in layer.recorded},
        "reach": layer.reach.tolist(),
        "initial": {name: a.tolist() for name, a in layer.initial.items()},
    }


def frozen(array: Array) -> Array:
    """The array, read-only."""
    array.flags.writeable = False
    return array


# -- one file: arrays by path, everything else in one JSON --------------------------------------


def _take_arrays(item: Any, path: str, arrays: dict[str, Array]) -> Any:
    """The item as JSON, with every array moved out under its path."""
    if isinstance(item, np.ndarray):
        arrays[path] = item
        return {"array": path}
    if isinstance(item, Mapping):
        return {key: _take_arrays(value, f"{path}/{key}", arrays) for key, value in item.items()}
    if isinstance(item, tuple | list):
        return [_take_arrays(value, f"{path}/{n}", arrays) for n, value in enumerate(item)]
    if hasattr(item, "__dataclass_fields__"):
        return {
            name: _take_arrays(getattr(item, name), f"{path}/{name}", arrays)
            for name in item.__dataclass_fields__
        }
    return item


def _stored(path: Path) -> dict[str, Array]:
    """The arrays of an archive as numpy writes it, read-only; no header is believed."""
    found: dict[str, Array] = {}
    left = LARGEST
    with open_regular(path, LARGEST) as file:
        _need(zipfile.is_zipfile(file), "what --save wrote, a whole archive of arrays")
    with open_zip(path, LARGEST) as archive:
        for name in archive.namelist():
            with open_member(archive, name, left) as file:
                array = read_array(file, name[:60])
            _need(name.removesuffix(".npy") not in found, f"one array {name[:60]}")
            found[name.removesuffix(".npy")] = array
            left -= array.nbytes
    return found


def _array(item: Any, arrays: Mapping[str, Array]) -> Array:
    array = arrays[item["array"]]
    if array.dtype not in (np.float32, np.float64, bool) or not in_range(array):
        raise ValueError(f"{item['array']}: expected numbers of at most {MOST:g}")
    return frozen(array)


def _arrays(item: Any, arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {key: _array(value, arrays) for key, value in item.items()}


def _lines(item: Any) -> tuple[Line, ...]:
    lines = tuple(Line(**line) for line in item)
    for line in lines:
        parse(line.formula)
    return lines


def _trace(meta: dict[str, Any], arrays: Mapping[str, Array]) -> Trace:
    head = dict(meta.pop("head"))
    for name in ("output", "readout", "logits", "W", "b"):
        head[name] = _array(head[name], arrays)
    if head.get("unclamped") is not None:
        head["unclamped"] = _array(head["unclamped"], arrays)
    head["labels"] = tuple(head["labels"])
    layers = []
    for item in meta.pop("layers"):
        layer = dict(item)
        for name in ("mask", "reach"):
            layer[name] = _array(layer[name], arrays)
        for name in ("weights", "values", "grads", "initial"):
            layer[name] = _arrays(layer[name], arrays)
        for name in ("gates", "states", "recorded"):
            layer[name] = tuple(layer[name])
        layer["lines"], layer["back"] = _lines(layer["lines"]), _lines(layer["back"])
        layer["clamps"] = tuple(Clamp(**clamp) for clamp in layer.get("clamps", ()))
        layers.append(LayerTrace(**layer))
    for name in ("tokens", "ids", "unknown"):
        _need(isinstance(meta[name], list), f"{name}: a list")
        meta[name] = tuple(meta[name])
    series, net = _series(meta.pop("series", None)), meta.pop("hand", None)
    hand = None if net is None else document.read(net).hand
    return Trace(layers=tuple(layers), head=HeadTrace(**head), series=series, hand=hand, **meta)


def _series(item: Any) -> SeriesTrace | None:
    if item is None:
        return None
    lists = ("columns", "mean", "std", "times", "after")
    _need(all(isinstance(item[name], list) for name in lists), f"series: lists of {lists}")
    return SeriesTrace(**item | {name: tuple(item[name]) for name in lists})


def _check(trace: Trace) -> None:
    """ValueError unless every part has the type and shape that its place in the trace gives it."""
    T = len(trace.tokens)
    _need(T > 0 and len(trace.ids) == len(trace.unknown) == T, "one id and flag for each token")
    _need(all(isinstance(token, str) for token in trace.tokens), "tokens that are texts")
    _need(all(type(n) is int and abs(n) < 10**9 for n in trace.ids), "ids that are whole numbers")
    _need(all(type(u) is bool for u in trace.unknown), "unknown: true or false")
    for name in ("model", "device", "dtype", "about", "text"):
        _need(isinstance(getattr(trace, name), str), f"{name}: a text")
    _need(bool(trace.layers), "a layer")
    for layer in trace.layers:
        _check_layer(layer, T)
    if trace.hand is not None:
        _check_hand(trace.hand, trace)
    _check_head(trace.head, T)
    if trace.series is not None:
        _check_series(trace.series, trace)


def _need(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(f"expected {what}")


def _check_hand(hand: Hand, trace: Trace) -> None:
    layer, head = trace.layers[0], trace.head
    _need(len(trace.layers) == 1 and layer.cell == hand.cell, "hand: a net of this one layer")
    _need(head.labels == hand.labels, f"head.labels: {hand.labels}")
    found = {**layer.weights, "W_y": head.W, "b_y": head.b, **layer.initial}
    _need(found.keys() == set(hand.names), f"hand: the weights {', '.join(hand.names)}")
    same = (np.array_equal(np.atleast_2d(found[n]), np.array(hand.array(n))) for n in hand.names)
    _need(all(same), "hand: the numbers of the layer")
    try:
        inputs(" ".join(trace.tokens), hand.inputs)
    except UsageError as error:
        raise ValueError(f"tokens: {error}") from None


def _check_head(head: HeadTrace, T: int) -> None:
    K = len(head.labels)
    _need(K > 0 and all(isinstance(label, str) for label in head.labels), "labels that are texts")
    _need(head.kind in ("sigmoid", "softmax", "linear"), "head.kind: sigmoid, softmax or linear")
    _need(head.output.shape == (K,), "head.output: a number for each label")
    _need(head.readout.shape == (T, K), "head.readout: a row for each token")
    logits = 1 if head.kind == "sigmoid" else K
    _need(head.logits.shape == (T, logits), "head.logits: a row for each token")
    _need(head.W.ndim == 2 and head.W.shape[1] == logits, "head.W: a column for each logit")
    _need(head.b.shape == (logits,), "head.b: a number for each logit")
    shares = head.kind == "linear" or all(((0 <= a) & (a <= 1)).all() for a in _said_by(head))
    _need(shares, "head.output, head.readout: shares from 0 to 1")
    _need(type(head.loss) is float and in_range(head.loss), "head.loss: a finite number")
    _need(isinstance(head.objective, str), "head.objective: a text")
    _need(head.target in head.labels, "head.target: one of the labels")
    free = head.unclamped
    _need(free is None or free.shape == (K,), "head.unclamped: a number for each label")


def _said_by(head: HeadTrace) -> list[Array]:
    free = [] if head.unclamped is None else [head.unclamped]
    return [head.output, head.readout, *free]


def _check_series(series: SeriesTrace, trace: Trace) -> None:
    D = trace.layers[0].values["x"].shape[1]
    texts = (*series.columns, *series.times, series.moment, series.foreseen, series.source)
    _need(all(isinstance(text, str) for text in texts), "series: names and times that are texts")
    _need(len(series.columns) == len(series.mean) == len(series.std) == D, "series: D columns")
    _need(len(series.times) == len(trace.tokens), "series.times: one for each token")
    _need(type(series.target) is int and 0 <= series.target < D, "series.target: a column")
    _need(type(series.ahead) is int and series.ahead > 0, "series.ahead: a number of steps")
    told = () if series.truth is None else (series.truth,)
    numbers = (*series.mean, *series.std, *series.after, *told)
    _need(all(type(n) is float and np.isfinite(n) for n in numbers), "series: finite numbers")
    _need(trace.head.kind == "linear" and len(trace.head.labels) == 1, "series: one forecast")


def _check_layer(layer: LayerTrace, T: int) -> None:
    H, name = layer.units, layer.name
    _need(all(isinstance(t, str) for t in (name, layer.cell, layer.title)), "names that are texts")
    _need(type(H) is int and H > 0, f"{name}.units: a whole number")
    _need(_NAME.fullmatch(name) is not None, "names of layers like lstm.1.backward")
    _need(_NAME.fullmatch(layer.cell) is not None and len(layer.title) <= 80, f"{name}: a cell")
    _need(layer.direction in ("forward", "backward"), f"{name}.direction: forward or backward")
    _need(layer.mask.shape == (T,) and layer.mask.dtype == bool, f"{name}.mask: a flag a token")
    _need(layer.reach.shape == (T,), f"{name}.reach: a number a token")
    _need(layer.states[:1] == ("h",), f"{name}.states: h first")
    _need(set(layer.states) <= set(layer.values), f"{name}: values of {layer.states}")
    _need(set(layer.initial) == set(layer.states), f"{name}: initial {layer.states}")
    _need(all(a.shape == (H,) for a in layer.initial.values()), f"{name}.initial: H numbers each")
    x = layer.values["x"]
    _need(x.ndim == 2 and x.shape[1] > 0, f"{name}.x: a row for each token")
    for group in (layer.values, layer.grads):
        _need(set(layer.recorded) <= set(group), f"{name}: values and gradients of every name")
        for key, array in group.items():
            width = x.shape[1] if key == "x" else H
            _need(array.shape == (T, width), f"{name}.{key}: shape {(T, width)}")
    _need(all(isinstance(g, str) for g in layer.gates), f"{name}.gates: names")
    widths = (x.shape[1], H)
    for key, array in layer.weights.items():
        fits = array.shape == (H,) or (array.ndim == 2 and {*array.shape} <= {*widths})
        _need(is_weight(key) and fits, f"{name}.{key}: weights of its units")
    for clamp in layer.clamps:
        _check_clamp(clamp, layer, T)
    _need(bool(layer.lines), f"{name}: a line that makes its values")
    _check_lines(layer)


#: As cells and layers are named: lstm-slide, lstm.1.backward. A cell's name leads to its drawing.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def _check_lines(layer: LayerTrace) -> None:
    known, name = layer.at(0), layer.name
    for line in (*layer.lines, *layer.back):
        made = line.name in (known if line in layer.back else layer.values)
        _need(made and not is_weight(line.name), f"{name}: a value {line.name[:40]}")
        _need(isinstance(line.part, str) and len(line.part) <= 80, f"{name}: parts that are texts")
        flat = {n for n in names(line.formula) if np.ndim(known[n]) < 2}
        _need(flat.isdisjoint(matrices(line.formula)), f"{name}: a matrix behind each @")
        _need({*names(line.formula)} <= flat | matrices(line.formula), f"{name}: vectors before @")
        shape = np.shape(evaluate(line.formula, known))
        _need(
            shape == known[line.name].shape, f"{name}: {line.formula} of the shape of {line.name}"
        )


def _check_clamp(clamp: Clamp, layer: LayerTrace, T: int) -> None:
    name = f"{layer.name}.clamps"
    _need(clamp.layer == layer.name and clamp.name in layer.recorded, f"{name}: of its own values")
    width = layer.values[clamp.name].shape[1]
    for index, end in ((clamp.t, T), (clamp.unit, width)):
        _need(index is None or (type(index) is int and 0 <= index < end), f"{name}: in range")
    _need(type(clamp.value) is float and np.isfinite(clamp.value), f"{name}: finite numbers")
