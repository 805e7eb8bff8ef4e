"""What one reading of one text recorded: frozen, complete, without an engine.

The screen, the JSON, the plain text and the tests all read these. Arrays are read-only. Index t is
the token, counted from 0, also where a layer reads from the right.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from rnnviz.arrays import Array
from rnnviz.equations import Line
from rnnviz.errors import InvalidFileError
from rnnviz.files import write_atomically

SCHEMA = "rnnviz.trace/1"


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

    @property
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

    def state_before(self, t: int, state: str) -> Array:
        """A state as token t found it: (H)."""
        earlier = self.before(t)
        return self.initial[state] if earlier is None else self.values[state][earlier]

    def at(self, t: int) -> dict[str, Array]:
        """Every name a formula may use at token t: values, states before, weights, gradients.

        ``f`` (H), ``h_prev`` (H), ``W_f`` (D, H), ``d_c`` (H) ...
        """
        found: dict[str, Array] = dict(self.weights)
        found |= {name: array[t] for name, array in self.values.items()}
        found |= {f"{s}_prev": self.state_before(t, s) for s in self.states}
        found |= {f"d_{name}": array[t] for name, array in self.grads.items()}
        return found


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
    notes: tuple[str, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """The document of schema ``rnnviz.trace/1``."""
        return {
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

    def leading_unit(self) -> int:
        """The unit of the top layer that moves the last prediction most: largest |h·W|."""
        top = self.layers[-1]
        last = top.order[-1]
        weights = np.abs(self.head.W).max(1)[-top.units :]
        return int(np.argmax(np.abs(top.values["h"][last]) * weights))

    def save(self, path: Path) -> None:
        """Write the whole trace to one file that :meth:`open` reads back, atomically."""
        arrays: dict[str, Array] = {}
        meta = _take_arrays(self, "", arrays)
        meta["schema"] = SCHEMA
        buffer = io.BytesIO()
        np.savez_compressed(buffer, meta=np.array(json.dumps(meta)), **arrays)  # type: ignore[arg-type]
        write_atomically(path, buffer.getvalue())

    @staticmethod
    def open(path: Path) -> Trace:
        """Read a saved trace; InvalidFileError if it is not one, damaged or inconsistent."""
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            meta = json.loads(str(arrays.pop("meta")))
            if meta.pop("schema", None) != SCHEMA:
                raise ValueError(f"not a trace of schema {SCHEMA}")
            trace = _trace(meta, arrays)
            _check(trace)
        except OSError as error:
            reason = error.strerror or "not a trace file"
            raise InvalidFileError(f"Cannot open trace {path}: {reason}.") from error
        except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise InvalidFileError(
                f"{path} is not a usable trace: {error}. Make one: rnnviz step TEXT --save FILE"
            ) from error
        return trace


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


def _array(item: Any, arrays: Mapping[str, Array]) -> Array:
    array = arrays[item["array"]]
    if array.dtype.kind not in "fb" or not np.isfinite(array).all():
        raise ValueError(f"{item['array']}: expected finite numbers")
    return frozen(array)


def _arrays(item: Any, arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {key: _array(value, arrays) for key, value in item.items()}


def _lines(item: Any) -> tuple[Line, ...]:
    from rnnviz.equations import parse

    lines = tuple(Line(**line) for line in item)
    for line in lines:
        parse(line.formula)
    return lines


def _trace(meta: dict[str, Any], arrays: Mapping[str, Array]) -> Trace:
    head = dict(meta.pop("head"))
    for name in ("output", "readout", "logits", "W", "b"):
        head[name] = _array(head[name], arrays)
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
        layers.append(LayerTrace(**layer))
    for name in ("tokens", "ids", "unknown", "notes"):
        meta[name] = tuple(meta[name])
    return Trace(layers=tuple(layers), head=HeadTrace(**head), **meta)


def _check(trace: Trace) -> None:
    """ValueError unless every array has the shape its place in the trace gives it."""
    T = len(trace.tokens)
    if T == 0 or len(trace.ids) != T or len(trace.unknown) != T or not trace.layers:
        raise ValueError("tokens, ids, unknown and layers do not fit together")
    if len(trace.head.readout) != T or len(trace.head.logits) != T:
        raise ValueError("the head's readout is not one row a token")
    for layer in trace.layers:
        if layer.mask.shape != (T,) or layer.reach.shape != (T,):
            raise ValueError(f"{layer.name}: mask and reach need one entry a token")
        width = len(layer.values["x"][0])
        for group in (layer.values, layer.grads):
            for name, array in group.items():
                if array.shape != (T, width if name == "x" else layer.units):
                    raise ValueError(f"{layer.name}.{name}: shape {array.shape} does not fit")
        if any(a.shape != (layer.units,) for a in layer.initial.values()):
            raise ValueError(f"{layer.name}: initial states do not fit")
        missing = [n for n in layer.recorded if n not in layer.values or n not in layer.grads]
        if missing:
            raise ValueError(f"{layer.name}: no values for {', '.join(missing)}")
