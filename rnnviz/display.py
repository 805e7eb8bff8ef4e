"""Text from a user or a file as something that is safe to print.

Such text is data: nothing in it may reach a terminal as a command, move the cursor, change how wide
the rest of a line is, or end the element of a document that it stands in.
"""

from __future__ import annotations

import html
import json
import math
import re
import unicodedata
from typing import Any

#: Printable, but terminals disagree on their width: variation selectors, flag letters, skin tones.
_UNSTEADY = re.compile("[\ufe00-\ufe0f\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff]")
_BEYOND_ASCII = re.compile(r"[^\n\x20-\x7e]")


def visible(text: str) -> str:
    """The text as it may be printed anywhere: control and format characters as ``\\x1b``.

    These are the categories Cc, Cf, Cs, Co, Cn, Zl, Zp and Zs without the space. Skin tones and
    flag letters are escaped too, because terminals disagree on their width. A combining mark
    without a base gets a dotted circle. Text that is visible already stays as it is.
    """
    if text.isprintable() and (text.isascii() or _is_steady(text)):
        return text
    out: list[str] = []
    for char in text:
        code = ord(char)
        if 0xFE00 <= code <= 0xFE0F:  # variation selectors: invisible, and counted differently
            continue
        if not char.isprintable() or 0x1F1E6 <= code <= 0x1F1FF or 0x1F3FB <= code <= 0x1F3FF:
            out.append(_escaped(char))
        elif unicodedata.combining(char) and not out:
            out.append("◌" + char)
        else:
            out.append(char)
    return "".join(out)


def _is_steady(text: str) -> bool:
    return not unicodedata.combining(text[0]) and _UNSTEADY.search(text) is None


def _escaped(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def controls_escaped(text: str) -> str:
    """The text with control and format characters escaped, and no other character changed."""
    if text.isprintable():
        return text
    unsafe = ("Cc", "Cf", "Cs", "Zl", "Zp")
    return "".join(_escaped(c) if unicodedata.category(c) in unsafe else c for c in text)


def markup(text: str) -> str:
    """The text as it may stand in HTML or SVG, between tags or in an attribute."""
    return html.escape(visible(text))


def json_text(value: Any, *, indent: int | None = None) -> str:
    r"""The value as JSON that is safe on a terminal and that every parser reads.

    Characters that cannot be seen are written as ``\u001b``, which decodes to the same string. What
    is not finite becomes null: JSON has no word for it.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)
    except ValueError:
        text = json.dumps(finite(value), ensure_ascii=False, allow_nan=False, indent=indent)
    return _BEYOND_ASCII.sub(_in_json, text)


def _in_json(found: re.Match[str]) -> str:
    char = found[0]
    if char.isprintable():
        return char
    code = ord(char)
    if code < 0x10000:
        return f"\\u{code:04x}"
    high, low = divmod(code - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"


def finite(value: Any) -> Any:
    """The value with null for every number that is not finite, in mappings and lists too."""
    if isinstance(value, dict):
        return {key: finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
