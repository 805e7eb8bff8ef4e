"""A trace as one file: its arrays by path, and everything else in one JSON document."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rnnviz.arrays import MAX_VALUE, Array, in_range, read_array
from rnnviz.clamps import Clamp
from rnnviz.equations import Line, parse
from rnnviz.files import (
    invalid_file_on_error,
    open_member,
    open_regular,
    open_zip,
    parse_json,
    write_output,
)
from rnnviz.initial_states import InitialState
from rnnviz.messages import _
from rnnviz.toy_net import net_record
from rnnviz.trace import (
    SCHEMA,
    HeadTrace,
    LayerTrace,
    SeriesTrace,
    SpanErrors,
    Trace,
    frozen,
    net_json,
)
from rnnviz.trace.validation import expect, validate

#: The most bytes of a trace, packed and unpacked: ten thousand tokens through some 60 units.
LARGEST = 200_000_000


def save_trace(trace: Trace, path: Path) -> None:
    """Write the whole trace, as it was computed, to a file that :func:`open_trace` reads back.

    UsageError or RnnvizError if it cannot be written.
    """
    meta, arrays = to_parts(trace)
    meta["schema"] = SCHEMA
    buffer = io.BytesIO()
    np.savez_compressed(buffer, meta=np.array(json.dumps(meta)), **arrays)  # type: ignore[arg-type]
    write_output(path, buffer.getvalue())


def open_trace(path: Path) -> Trace:
    """Read a saved trace; InvalidFileError if it is not one, damaged or inconsistent."""
    with invalid_file_on_error(path, _("trace"), _("Make one: rnnviz step TEXT --save FILE")):
        arrays = _read_arrays(path)
        meta = parse_json(str(arrays.pop("meta")))
        if meta.pop("schema", None) != SCHEMA:
            raise ValueError(_("it is no trace of schema {schema}").format(schema=SCHEMA))
        return from_parts(meta, arrays)


def to_parts(trace: Trace) -> tuple[dict[str, Any], dict[str, Array]]:
    """The whole trace, as it was computed: a JSON object, and the arrays that it names by path."""
    arrays: dict[str, Array] = {}
    meta = _take_arrays(trace.source or trace, "", arrays)
    _leave_out_notation(meta)
    meta["hand"] = None if trace.hand is None else net_json(trace)
    return meta, arrays


def from_parts(meta: dict[str, Any], arrays: Mapping[str, Array]) -> Trace:
    """The trace of :func:`to_parts`; an exception of any kind if it is damaged or inconsistent."""
    trace = _trace(meta, arrays)
    validate(trace)
    return trace


def _leave_out_notation(meta: dict[str, Any]) -> None:
    """Remove how the trace is written: a file has the names of the lines."""
    meta.pop("source", None)
    for layer in meta["layers"]:
        layer.pop("notation", None)


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


def _read_arrays(path: Path) -> dict[str, Array]:
    """The arrays of an archive as NumPy writes it, read-only; headers are checked."""
    arrays: dict[str, Array] = {}
    left = LARGEST
    with open_regular(path, LARGEST) as file:
        expect(zipfile.is_zipfile(file), _("what --save wrote, a whole archive of arrays"))
    with open_zip(path, LARGEST) as archive:
        for name in archive.namelist():
            with open_member(archive, name, left) as file:
                array = read_array(file, name[:60])
            expect(
                name.removesuffix(".npy") not in arrays,
                _("one array {name}").format(name=name[:60]),
            )
            arrays[name.removesuffix(".npy")] = array
            left -= array.nbytes
    return arrays


def _array(item: Any, arrays: Mapping[str, Array]) -> Array:
    array = arrays[item["array"]]
    if array.dtype not in (np.float32, np.float64, bool) or not in_range(array):
        raise ValueError(
            _("{name}: expected numbers of at most {most:g}").format(
                name=item["array"], most=MAX_VALUE
            )
        )
    return frozen(array)


def _arrays(item: Any, arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {key: _array(value, arrays) for key, value in item.items()}


def _lines(item: Any) -> tuple[Line, ...]:
    lines = tuple(Line(**line) for line in item)
    for line in lines:
        parse(line.formula)
    return lines


def _trace(meta: dict[str, Any], arrays: Mapping[str, Array]) -> Trace:
    _leave_out_notation(meta)
    head = dict(meta.pop("head"))
    for name in ("output", "readout", "logits", "W", "b"):
        head[name] = _array(head[name], arrays)
    for name in ("unclamped", "step_losses"):
        if head.get(name) is not None:
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
        layer["clamps"] = tuple(Clamp(**clamp) for clamp in layer.get("clamps", ()))
        layers.append(LayerTrace(**layer))
    for name in ("tokens", "ids", "unknown"):
        expect(isinstance(meta[name], list), _("{name}: a list").format(name=name))
        meta[name] = tuple(meta[name])
    meta["assumptions"] = tuple(meta.pop("assumptions", ()))
    expect(all(isinstance(each, str) for each in meta["assumptions"]), _("assumptions: texts"))
    meta["given_states"] = tuple(map(_state, meta.pop("given_states", ())))
    series, net = _series(meta.pop("series", None)), meta.pop("hand", None)
    hand = None if net is None else net_record.from_record(net).hand
    return Trace(layers=tuple(layers), head=HeadTrace(**head), series=series, hand=hand, **meta)


def _state(item: Any) -> InitialState:
    """A state that was set; ValueError if it is none."""
    state = InitialState(item["name"], tuple(item["values"]), item["layer"])
    texts = isinstance(state.name, str) and isinstance(state.layer, str | None)
    expect(
        texts and all(type(v) is float for v in state.values), _("given states: numbers by name")
    )
    return state


def _series(item: Any) -> SeriesTrace | None:
    if item is None:
        return None
    lists = ("columns", "mean", "std", "times", "after")
    expect(
        all(isinstance(item[name], list) for name in lists),
        _("series: lists of {lists}").format(lists=lists),
    )
    lists_as_tuples = {name: tuple(item[name]) for name in lists}
    test = item.get("test")
    return SeriesTrace(
        **item | lists_as_tuples | {"test": None if test is None else SpanErrors(**test)}
    )
