"""Fields of a table: checked conversions, and shortened for error messages."""

from __future__ import annotations

from typing import Final

from rnnviz.messages import _

#: Maximal length of a quoted field or list of names in a message.
_MAX_QUOTED: Final = 150


def parse_int(field: str, limits: tuple[int, int], name: str, source: object, line: int) -> int:
    """Parse a whole number between two limits (inclusive); ValueError otherwise."""
    low, high = limits
    # int() would also accept "1_0", " 1" and digits of other scripts.
    if not (field.isascii() and field.isdigit() and len(field) < 20 and low <= int(field) <= high):
        raise ValueError(
            _(
                "{source}, line {line}: {name} must be a whole number from {low} to {high}, "
                "not {field!r}"
            ).format(source=source, line=line, name=name, low=low, high=high, field=field[:40])
        )
    return int(field)


def require_text(field: str, name: str, source: object, line: int) -> str:
    """Return the field; ValueError if it is empty or only white space."""
    if not field.strip():
        raise ValueError(
            _("{source}, line {line}: the {name} is empty").format(
                source=source, line=line, name=name
            )
        )
    return field


def shorten(text: str) -> str:
    """Text of a file for a message: on one line, at most 150 characters and "…"."""
    line = " ".join(text.split())
    return line if len(line) <= _MAX_QUOTED else f"{line[:_MAX_QUOTED].rstrip()} …"
