"""Events as JSON lines: written, and parsed with every field checked."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import MISSING, fields
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from rnnviz.errors import InvalidFileError
from rnnviz.events.kinds import KINDS, Event
from rnnviz.files import parse_json, reason
from rnnviz.messages import _

SCHEMA = "rnnviz.events/1"
#: Bytes of the longest line: a long text, or a net by hand of many units.
LONGEST_LINE = 1 << 18
#: Largest integer of a field.
_LARGEST = 2**53

T = TypeVar("T")


class EventError(InvalidFileError):
    """A line that is not an event, or an event that cannot be applied."""


def line_of(event: Event, timestamp: float) -> bytes:
    """An event as one JSON line; ``timestamp``: seconds since the start of the stream."""
    record = record_of(event, timestamp)
    return json.dumps(record, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def record_of(event: Event, timestamp: float) -> dict[str, Any]:
    """An event as the JSON object of its line."""
    record = {"schema": SCHEMA, "timestamp": round(timestamp, 3), "event": event.kind}
    return record | {name.name: getattr(event, name.name) for name in fields(event)}


def parse_line(line: bytes) -> tuple[float, Event] | None:
    """The timestamp and the event of a line; None for a kind of event that is not known here.

    Further fields are ignored, so that later versions may add some. Raises EventError for anything
    else: another schema, a field that is missing or has a wrong type, a line of more than
    :data:`LONGEST_LINE` bytes.
    """
    if len(line) > LONGEST_LINE:
        raise EventError(
            _("The line is longer than {most:,} bytes, the limit of an event.").format(
                most=LONGEST_LINE
            )
        )
    try:
        record = parse_json(line.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise EventError(
            _("The line is not JSON: {reason}.").format(reason=reason(error))
        ) from error
    if not isinstance(record, dict):
        raise EventError(_("The line is not a JSON object."))
    return parse_record(record)


def parse_record(record: Mapping[str, Any]) -> tuple[float, Event] | None:
    """The timestamp and the event of a JSON object, as :func:`parse_line` gives them."""
    if record.get("schema") != SCHEMA:
        found = _short(record.get("schema"))
        raise EventError(
            _("The schema is {found}; this version of rnnviz reads {schema!r}.").format(
                found=found, schema=SCHEMA
            )
        )
    timestamp = _timestamp(record.get("timestamp"))
    name = record.get("event")
    if not isinstance(name, str):
        raise EventError(
            _("'event' is {found}, not the name of an event.").format(found=_short(name))
        )
    if name not in KINDS:
        return None
    return timestamp, from_record(KINDS[name], record, name)


def _timestamp(value: Any) -> float:
    try:
        seconds: float = _decoded(value, float)
    except TypeError:
        seconds = -1.0
    if seconds < 0:
        raise EventError(
            _("'timestamp' is {found}, not the seconds since the start.").format(
                found=_short(value)
            )
        )
    return seconds


def from_record(cls: type[T], record: Mapping[str, Any], name: str) -> T:
    """A dataclass of simple fields from a JSON object; ``name`` says what it is.

    Raises EventError for a field that is missing or has a wrong type.
    """
    values: dict[str, Any] = {}
    hints = get_type_hints(cls)
    for each in fields(cls):  # type: ignore[arg-type]
        if each.name not in record:
            if each.default is MISSING and each.default_factory is MISSING:
                raise EventError(
                    _("{name}: {field!r} is missing.").format(name=name, field=each.name)
                )
            continue
        value = record[each.name]
        try:
            values[each.name] = _decoded(value, hints[each.name])
        except TypeError:
            raise EventError(
                _("{name}: {field!r} cannot be {found}.").format(
                    name=name, field=each.name, found=_short(value)
                )
            ) from None
    return cls(**values)


def _decoded(value: Any, hint: Any) -> Any:
    """A JSON value as the type of a field; TypeError if it is of another type."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _of_any(value, arguments)
    if origin is tuple and arguments[1:] == (...,) and isinstance(value, list):
        return tuple(_decoded(each, arguments[0]) for each in value)
    if isinstance(hint, type) and issubclass(hint, tuple) and isinstance(value, list):
        return _named_tuple(value, hint)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value) if abs(value) <= _LARGEST else value
    simple = isinstance(value, hint) if hint in (str, bool, float, NoneType) else False
    if hint is int:
        simple = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST
    elif origin is Literal:
        simple = isinstance(value, str) and value in arguments
    elif isinstance(origin, type) and issubclass(origin, Mapping):
        simple = isinstance(value, dict)
    if not simple or (isinstance(value, float) and not math.isfinite(value)):
        raise TypeError
    return value


def _of_any(value: Any, hints: tuple[Any, ...]) -> Any:
    for hint in hints:
        try:
            return _decoded(value, hint)
        except TypeError:
            continue
    raise TypeError


def _named_tuple(value: list[Any], cls: Any) -> Any:
    hints = list(get_type_hints(cls).values())
    if len(value) != len(hints):
        raise TypeError
    return cls(*(_decoded(each, hint) for each, hint in zip(value, hints, strict=True)))


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
