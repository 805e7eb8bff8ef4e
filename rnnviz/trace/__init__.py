"""A trace: every value and gradient of one text through one model, as frozen data.

The screen, the JSON, the plain text and the tests all read these. Arrays are read-only. Index t is
the token, counted from 0, also where a layer reads from the right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np

from rnnviz import i18n
from rnnviz.arrays import Array
from rnnviz.clamps import Clamp
from rnnviz.equations import (
    DEFAULT_NOTATION,
    Line,
    Span,
    SymbolTable,
    TokenNumber,
    matrix_entry,
    product,
    symbol,
    symbol_table,
    symbols,
)
from rnnviz.initial_states import InitialState
from rnnviz.toy_net import ToyNet

SCHEMA = "rnnviz.trace/1"


@dataclass(frozen=True, eq=False)
class LayerTrace:
    """One direction of one recurrent layer."""

    name: str  # "lstm", or "lstm.1.backward" in a deeper net
    cell: str  # key of the cell's diagram and texts
    title: str  # the cell's name on screen: "LSTM"
    units: int  # H; of a projection those that every value has: h or c has more
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
    clamps: tuple[Clamp, ...] = ()  # the last one of a value counts
    notation: str = DEFAULT_NOTATION  # whose symbols stand for the names
    merge: str = "concat"  # how the outputs of two directions become one: or sum, mul, ave

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

    @cached_property
    def table(self) -> SymbolTable:
        """The symbols of the names in the layer's lines."""
        split = any(len(name) > 3 and name.startswith("b_r") for name in self.weights)
        return symbol_table(self.notation, self.cell, split)

    def symbol(self, name: str, t: int | None = None) -> str:
        """How a name is written in the layer's notation: see :func:`rnnviz.equations.symbol`."""
        return symbol(name, t, self.table)

    def symbols(self, formula: str, t: int | None = None) -> list[Span]:
        """A formula in the layer's notation."""
        return symbols(formula, t, self.table)

    def entry(self, weight: str, row: object, column: object) -> str:
        """One entry of a trained matrix: ``W_f[3,17]``, or ``W_if[17,3]`` in PyTorch."""
        return matrix_entry(weight, row, column, self.table)

    def shape_text(self, weight: str) -> str:
        """The shape of a trained array as the notation stores it: "32, 16"."""
        shape = self.weights[weight].shape
        return ", ".join(map(str, shape if self.table.product == "row" else shape[::-1]))

    def product(self, value: str, weight: str) -> str:
        """A matrix product of a symbol and a weight: ``x₄·W_f``, or ``W_if·x₄`` in PyTorch."""
        return product(value, weight, self.table)

    def state_before(self, t: int, state: str) -> Array:
        """A state before token t: (H)."""
        earlier = self.before(t)
        return self.initial[state] if earlier is None else self.values[state][earlier]

    def at(self, t: int) -> dict[str, Array]:
        """Every name a formula may use at token t: values, states before, weights, gradients.

        ``f`` (H), ``h_prev`` (H), ``W_f`` (D, H), ``d_c`` (H) ... The gradients are propagated
        ones: those of a clamped value are zero.
        """
        arrays: dict[str, Array] = dict(self.weights)
        arrays |= {name: array[t] for name, array in self.values.items()}
        arrays |= {f"{s}_prev": self.state_before(t, s) for s in self.states}
        arrays |= {f"d_{name}": self.propagated_grad(name)[t] for name in self.grads}
        return arrays

    def clamped_value(self, name: str, t: int, unit: int) -> float | None:
        """The number a value is clamped to; None where it is computed."""
        values = [clamp.value for clamp in self.clamps if clamp.holds(name, t, unit)]
        return values[-1] if values else None

    def propagated_grad(self, name: str) -> Array:
        """A gradient (T, ·) as it is passed to the operands of the value: zero where clamped."""
        array = self.grads[name]
        for clamp in self.clamps:
            if clamp.name == name:
                array = array.copy()
                array[clamp.where] = 0
        return array


@dataclass(frozen=True, eq=False)
class HeadTrace:
    """The dense layer that turns the last state into a prediction, evaluated after every token."""

    kind: str  # "sigmoid" or "softmax"; of numbers "linear", "tanh", "relu" or "state"
    labels: tuple[str, ...]  # (K); two for a sigmoid of one logit: the classes of outputs 0 and 1
    output: Array  # (K) after the last token: probabilities, or numbers
    readout: Array  # (T, K) the output after each token
    logits: Array  # (T, K') before the squashing; K' = 1 for a sigmoid of two classes
    objective: str  # what the gradients are of: "log-loss of 'negative'"
    loss: float
    target: str
    W: Array  # (F, K'); the identity for kind "state", whose outputs are the states
    b: Array  # (K')
    unclamped: Array | None = None  # (K) the output without clamps; None where there are none
    #: The states it reads: the last ones, those at the last token, or those of each step.
    reads: Literal["last", "end", "steps"] = "last"
    below: int = 0  # dense layers between the states and this one
    #: (T) −log of the probability of each next token, of a net that writes; after the last token
    #: that of ``target``. The objective is their sum.
    step_losses: Array | None = None

    @property
    def writes(self) -> bool:
        """Whether its outputs are the probabilities of each next token."""
        return self.step_losses is not None

    @property
    def is_number(self) -> bool:
        """Whether its outputs are numbers, not probabilities."""
        return self.kind not in ("sigmoid", "softmax")

    @property
    def is_binary(self) -> bool:
        """Whether one logit decides between two classes."""
        return self.kind == "sigmoid" and self.logits.shape[1] == 1

    def other_class(self, label: int) -> int | None:
        """The other one of two classes of which one is right; None where there are not two."""
        two = len(self.labels) == 2 and (self.is_binary or self.kind == "softmax")
        return 1 - label if two else None


@dataclass(frozen=True)
class SpanErrors:
    """Mean absolute errors of the forecasts of a span of time, in the target column's unit."""

    first: str  # time: "2014-09-15 09:50"
    last: str
    forecast: float  # of the net
    as_today: float  # of the naive forecast

    @property
    def months(self) -> str:
        """The span as "09.2014–12.2016"."""
        return "–".join(f"{time[5:7]}.{time[:4]}" for time in (self.first, self.last))


#: What stands before the number of a row, in series without times.
ROW = "row "


def row_text(number: int) -> str:
    """The "time" of a row, from 1, in a series without times."""
    return f"{ROW}{number}"


def in_time(text: str) -> tuple[int, str]:
    """The sort key of times of one series, and of its rows."""
    return len(text), text


@dataclass(frozen=True)
class SeriesTrace:
    """The series a trace was read from: what its numbers measure, and when.

    The net's inputs and outputs are deviations: (value − mean) / std of the column.
    """

    columns: tuple[str, ...]  # (D), each with its unit: "T (degC)"
    mean: tuple[float, ...]  # (D)
    std: tuple[float, ...]  # (D)
    target: int  # the column that is forecast
    times: tuple[str, ...]  # (T) of the readings: "2015-07-05 17:40", or "row 17" without times
    moment: str  # when the forecast is made
    foreseen: str  # the time it is for
    ahead: int  # steps from the last reading to that time
    after: tuple[float, ...]  # the target column from the moment on, a number a step
    truth: float | None  # the target column at that time; None where the table has ended
    source: str  # the table
    test: SpanErrors | None = None  # of the test part of the table the net was trained on

    def measured(self, x: Array) -> Array:
        """Readings (T, D) in the units of their columns."""
        return np.asarray(x * np.array(self.std) + np.array(self.mean))

    def restored(self, output: Array | float) -> Array:
        """The net's output in the unit of the target column; any shape."""
        return np.asarray(output * np.float64(self.std[self.target]) + self.mean[self.target])

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
    hand: ToyNet | None = None  # the net by hand, where it is one
    given_states: tuple[InitialState, ...] = ()  # before the first token, set by the user
    reads: str = "words"  # of other nets what their text is: "words", "ids", "vectors"
    assumptions: tuple[str, ...] = ()  # what the file of the model does not say
    source: Trace | None = None  # as it was computed, where this is the same in a notation

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
        if self.head.step_losses is not None:
            found["head"]["step_losses"] = self.head.step_losses.tolist()
        if self.series is not None:
            bottom = self.layers[0]
            last = float(bottom.values["x"][self.latest, self.series.target])
            found["series"] = self.series.to_json(self.head, last)
        if self.head.unclamped is not None:
            found["head"]["unclamped"] = self.head.unclamped.tolist()
            found["clamps"] = [asdict(clamp) for clamp in self.clamps]
        if self.given_states:
            found["states"] = [asdict(state) for state in self.given_states]
        if self.hand is not None:
            found["net"] = net_json(self)
        return found

    def to_pandas(self) -> Any:
        """A pandas DataFrame with a row per token × name × unit; needs pandas.

        The columns are those of ``rnnviz step --csv``: t, token, layer, name, unit, value, grad.
        """
        from rnnviz.trace.table import to_pandas

        return to_pandas(self)

    @property
    def clamps(self) -> tuple[Clamp, ...]:
        """The clamps of all layers."""
        return tuple(clamp for layer in self.layers for clamp in layer.clamps)

    @property
    def latest(self) -> int:
        """The token that is latest in time: of a series read backwards the first one."""
        times = () if self.series is None else self.series.times
        backwards = bool(times) and in_time(times[0]) > in_time(times[-1])
        return 0 if backwards else len(self.tokens) - 1

    def leading_unit(self) -> int:
        """The unit of the top layer that moves the last prediction most: largest |h·W|."""
        top = self.layers[-1]
        last = top.order[-1]
        size = np.abs(top.values["h"][last]).astype(np.float64)
        if self.head.below == 0:
            size *= np.abs(self.head.W).max(1)[-len(size) :]
        return int(np.argmax(size))

    def localized(self, lang: str) -> Trace:
        """The trace in a language: its labels, titles of cells, and what the net was trained on."""
        head = self.head
        labels = tuple(i18n.label(name, lang) for name in head.labels)
        target = i18n.label(head.target, lang)
        about = i18n.trained_on(self.about, lang)
        titles = [i18n.cell_title(layer.title, lang) for layer in self.layers]
        found = self
        if (labels, target, about) != (head.labels, head.target, self.about):
            found = replace(self, about=about, head=replace(head, labels=labels, target=target))
        if titles != [layer.title for layer in self.layers]:
            pairs = zip(self.layers, titles, strict=True)
            found = replace(found, layers=tuple(replace(each, title=t) for each, t in pairs))
        return found


def net_json(trace: Trace) -> dict[str, Any]:
    """The definition of a net by hand, with its input, as in a file of it."""
    from rnnviz.toy_net import net_record
    from rnnviz.toy_net.number_text import inputs

    assert trace.hand is not None
    x = inputs(" ".join(trace.tokens), trace.hand.inputs)
    return net_record.to_record(net_record.NetFile(trace.hand, x, trace.clamps))


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
