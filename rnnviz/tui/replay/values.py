"""What a view state holds as JSON and back: dataclasses by their type hints, arrays by number.

The types are known from the field that a value belongs to. Where a field can hold anything
(questions of pages and their answers), the value names its class: a dataclass of
``rnnviz.analysis`` or the query. Nothing else can be read from a file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Protocol, Union, get_args, get_origin, get_type_hints

import numpy as np

from rnnviz.arrays import Array
from rnnviz.lessons.lesson import Lesson
from rnnviz.messages import _
from rnnviz.query import Query
from rnnviz.toy_net import ToyNet, net_record
from rnnviz.trace import Trace

#: Values without a type of their own.
_ANYTHING = (Any, Hashable, object)
_NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
_TAG = re.compile(r"([a-z][a-z_]*)\.([A-Z][A-Za-z]*)")
#: Largest integer.
_LARGEST = 2**63


class UnrecordableError(TypeError):
    """A value that a recording cannot hold."""


class ContentSink(Protocol):
    """Where large values go; each gives the number by which the value is found again."""

    def array(self, value: Array) -> int:
        """The number of an array."""

    def trace(self, value: Trace) -> int:
        """The number of a trace as it was computed."""

    def lesson(self, value: Lesson) -> int:
        """The number of a lesson."""


class ContentSource(Protocol):
    """Large values by their number; KeyError for one that does not exist."""

    def array(self, number: int) -> Array:
        """An array, read-only."""

    def trace(self, number: int, notation: str) -> Trace:
        """A trace in a notation."""

    def lesson(self, number: int) -> Lesson:
        """A lesson."""


# -- to JSON --------------------------------------------------------------------------------------


def encode(value: Any, hint: Any, sink: ContentSink) -> Any:
    """A value of a type as JSON; UnrecordableError if it cannot be written."""
    if hint in _ANYTHING:
        return _encode_anything(value, sink)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return next(k for k, v in _NOT_FINITE.items() if v == value or math.isnan(value))
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Path):
        return str(value)
    large = _encode_large(value, sink)
    if large is not None:
        return large
    if get_origin(hint) in (Union, UnionType):
        hint = _member(value, get_args(hint))
    arguments = get_args(hint)
    if isinstance(value, Mapping):
        k, v = arguments
        return [[encode(a, k, sink), encode(b, v, sink)] for a, b in value.items()]
    if isinstance(value, frozenset):
        return [encode(each, arguments[0], sink) for each in sorted(value)]
    if isinstance(value, tuple | list):
        hints = _item_hints(hint, len(value))
        return [encode(each, h, sink) for each, h in zip(value, hints, strict=True)]
    if is_dataclass(value):
        return _encode_fields(value, sink)
    raise UnrecordableError(type(value).__name__)


def _encode_large(value: Any, sink: ContentSink) -> dict[str, Any] | None:
    """A value that is stored apart, or has a record of its own; None for any other."""
    if isinstance(value, np.ndarray):
        return {"array": sink.array(value)}
    if isinstance(value, Trace):
        number = sink.trace(value.source or value)
        return {"trace": number, "notation": value.layers[0].notation}
    if isinstance(value, Lesson):
        return {"lesson": sink.lesson(value)}
    if isinstance(value, ToyNet):
        return {"net": net_record.to_record(net_record.NetFile(value))}
    return None


def _encode_fields(value: Any, sink: ContentSink) -> dict[str, Any]:
    cls: Any = type(value)
    hints = _hints(cls)
    return {
        each.name: encode(getattr(value, each.name), hints[each.name], sink)
        for each in fields(value)
        if each.init and not _is_default(each, getattr(value, each.name))
    }


def _is_default(each: Any, value: Any) -> bool:
    simple = value is None or isinstance(value, bool | int | str)
    return simple and type(value) is type(each.default) and value == each.default


def _encode_anything(value: Any, sink: ContentSink) -> Any:
    large = _encode_large(value, sink)
    if large is not None:
        return large
    if is_dataclass(value) and not isinstance(value, type):
        return {"is": _tag(type(value)), "of": _encode_fields(value, sink)}
    if isinstance(value, tuple | list):
        return {"tuple": [_encode_anything(each, sink) for each in value]}
    if value is None or isinstance(value, str | int | float):
        return encode(value, float, sink)
    raise UnrecordableError(type(value).__name__)


def _tag(cls: type) -> str:
    if cls is Query:
        return "query.Query"
    package, _, module = cls.__module__.rpartition(".")
    if package != "rnnviz.analysis":
        raise UnrecordableError(cls.__name__)
    return f"{module}.{cls.__name__}"


def _member(value: Any, hints: tuple[Any, ...]) -> Any:
    """The type of a union that a value, which is no simple one, belongs to."""
    for hint in hints:
        cls = get_origin(hint) or hint
        if isinstance(cls, type) and isinstance(value, cls):
            return hint
    raise UnrecordableError(type(value).__name__)


def _item_hints(hint: Any, count: int) -> list[Any]:
    """The types of the items of a tuple or list type."""
    if isinstance(hint, type) and issubclass(hint, tuple) and hasattr(hint, "_fields"):
        return list(get_type_hints(hint).values())
    arguments = get_args(hint)
    if not arguments:
        return [Any] * count
    if get_origin(hint) is list or arguments[-1] is ...:
        return [arguments[0]] * count
    return list(arguments)


@cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)


# -- from JSON ------------------------------------------------------------------------------------


def decode(data: Any, hint: Any, source: ContentSource) -> Any:
    """The value of a type from JSON; ValueError if it is of another type."""
    if hint in _ANYTHING:
        return _decode_anything(data, source)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        for each in arguments:
            try:
                return decode(data, each, source)
            except ValueError:
                continue
        raise _unexpected(data, hint)
    if origin is Literal:
        if isinstance(data, str | int) and data in arguments:
            return data
        raise _unexpected(data, hint)
    if hint in (str, bool, int, float, NoneType):
        return _simple(data, hint)
    if hint is Path and isinstance(data, str):
        return Path(data.replace("\0", "?"))
    if isinstance(data, dict):
        return _decode_object(data, hint, source)
    if not isinstance(data, list):
        raise _unexpected(data, hint)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return dict(_pair(each, arguments, source) for each in data)
    if origin is frozenset:
        return frozenset(decode(each, arguments[0], source) for each in data)
    named = isinstance(hint, type) and issubclass(hint, tuple)
    if not (named or origin in (tuple, list)):
        raise _unexpected(data, hint)
    hints = _item_hints(hint, len(data))
    if len(hints) != len(data):
        raise _unexpected(data, hint)
    items = (decode(each, h, source) for each, h in zip(data, hints, strict=True))
    return hint(*items) if named else (list if origin is list else tuple)(items)


def _simple(data: Any, hint: Any) -> Any:
    if hint is float:
        if isinstance(data, str) and data in _NOT_FINITE:
            return _NOT_FINITE[data]
        if isinstance(data, int) and not isinstance(data, bool) and abs(data) < 2**53:
            return float(data)
    right = isinstance(data, hint) and (hint is bool or not isinstance(data, bool))
    limited = not isinstance(data, int) or abs(data) < _LARGEST
    if not right or not limited or (isinstance(data, float) and not math.isfinite(data)):
        raise _unexpected(data, hint)
    return data


def _pair(data: Any, hints: tuple[Any, ...], source: ContentSource) -> tuple[Any, Any]:
    if not isinstance(data, list) or len(data) != 2:
        raise _unexpected(data, "a pair")
    return decode(data[0], hints[0], source), decode(data[1], hints[1], source)


def _decode_object(data: dict[str, Any], hint: Any, source: ContentSource) -> Any:
    if hint is np.ndarray:
        return source.array(_number(data, "array"))
    if hint is Trace:
        notation = data.get("notation", "")
        return source.trace(_number(data, "trace"), _simple(notation, str))
    if hint is Lesson:
        return source.lesson(_number(data, "lesson"))
    if hint is ToyNet:
        if not isinstance(data.get("net"), dict):
            raise _unexpected(data, hint)
        return net_record.from_record(data["net"]).hand
    if isinstance(hint, type) and is_dataclass(hint):
        return decode_fields(data, hint, source)
    raise _unexpected(data, hint)


def decode_fields(data: Any, cls: Any, source: ContentSource) -> Any:
    """A dataclass from the JSON object of its fields."""
    if not isinstance(data, dict):
        raise _unexpected(data, cls)
    values, hints = {}, _hints(cls)
    for each in fields(cls):
        if each.name in data and each.init:
            values[each.name] = decode(data[each.name], hints[each.name], source)
        elif each.default is MISSING and each.default_factory is MISSING:
            raise misfit(f"{cls.__name__}.{each.name}", None)
    return cls(**values)


def _number(data: dict[str, Any], name: str) -> int:
    number: int = _simple(data.get(name), int)
    return number


def _decode_anything(data: Any, source: ContentSource) -> Any:
    if not isinstance(data, dict):
        if isinstance(data, list):
            raise _unexpected(data, "a value")
        return decode(data, str | bool | int | float | None, source)
    for name, hint in (("trace", Trace), ("array", np.ndarray), ("lesson", Lesson)):
        if name in data:
            return _decode_object(data, hint, source)
    if "net" in data:
        return _decode_object(data, ToyNet, source)
    if isinstance(data.get("tuple"), list):
        return tuple(_decode_anything(each, source) for each in data["tuple"])
    tag = _simple(data.get("is"), str)
    return decode_fields(data.get("of"), _tagged_class(tag), source)


@cache
def _tagged_class(tag: str) -> type:
    match = _TAG.fullmatch(tag)
    if match is None:
        raise _unexpected(tag, "the name of a class")
    if tag == "query.Query":
        return Query
    name = f"rnnviz.analysis.{match[1]}"
    try:
        cls = getattr(import_module(name), match[2])
    except (ImportError, AttributeError):
        raise _unexpected(tag, "the name of a class") from None
    if not (isinstance(cls, type) and is_dataclass(cls) and cls.__module__ == name):
        raise _unexpected(tag, "the name of a class")
    return cls


def misfit(name: str, value: object) -> ValueError:
    """The error of a value that its place cannot have."""
    return ValueError(_("{name} cannot be {value}").format(name=name, value=f"{value!r:.60}"))


def _unexpected(data: Any, hint: Any) -> ValueError:
    return misfit((getattr(hint, "__name__", None) or str(hint))[:60], data)
