"""Making text of users and files safe to print.

Such text is untrusted: it must not reach a terminal as an escape sequence, move the cursor, change
the width of the rest of a line, or end the element of a document that contains it.
"""

from __future__ import annotations

import html
import json
import math
import re
import unicodedata
from typing import Any

#: Printable characters of ambiguous width: variation selectors, flag letters, skin tones.
_AMBIGUOUS_WIDTH = re.compile("[\ufe00-\ufe0f\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff]")
_BEYOND_ASCII = re.compile(r"[^\n\x20-\x7e]")


#: The white space that a token of characters can be, and the signs that it is written with.
WHITE_SPACE = " \n\t"
_SIGNS = str.maketrans(WHITE_SPACE, "␣↵⇥")


def visible(text: str) -> str:
    """Escape control and format characters as ``\\x1b``, so that the text can be printed.

    These are the categories Cc, Cf, Cs, Co, Cn, Zl, Zp and Zs without the space. Skin tones and
    flag letters are escaped too, because terminals disagree on their width. A leading combining
    mark gets a dotted circle. Of a text of nothing but white space a space is ``␣``, a new line
    ``↵`` and a tab ``⇥``, so that a token or a label can be seen. The function is idempotent.
    """
    if text and not text.strip(WHITE_SPACE):
        return text.translate(_SIGNS)
    if text.isprintable() and (text.isascii() or _has_known_width(text)):
        return text
    out: list[str] = []
    for char in text:
        code = ord(char)
        if 0xFE00 <= code <= 0xFE0F:  # variation selectors: invisible, of ambiguous width
            continue
        if not char.isprintable() or 0x1F1E6 <= code <= 0x1F1FF or 0x1F3FB <= code <= 0x1F3FF:
            out.append(_escaped(char))
        elif unicodedata.combining(char) and not out:
            out.append("◌" + char)
        else:
            out.append(char)
    return "".join(out)


def in_one_line(text: str) -> str:
    """A text of several lines as one line that can be printed: ``↵`` for each new line."""
    return visible(text.replace("\n", "↵"))


def _has_known_width(text: str) -> bool:
    return not unicodedata.combining(text[0]) and _AMBIGUOUS_WIDTH.search(text) is None


def _escaped(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def controls_escaped(text: str) -> str:
    """Escape control and format characters only."""
    if text.isprintable():
        return text
    unsafe = ("Cc", "Cf", "Cs", "Zl", "Zp")
    return "".join(_escaped(c) if unicodedata.category(c) in unsafe else c for c in text)


def folded(text: str) -> str:
    """The text in lower case for searching, with i, ı, I and İ equal; its length does not change.

    Python's ``lower`` follows English: it would make i of I, and two characters of İ.
    """
    return "".join(
        small if len(small := char.lower()) == 1 else char for char in text.translate(_ONE_I)
    )


_ONE_I = str.maketrans("İIı", "iii")


def markup(text: str) -> str:
    """Escape the text for HTML or SVG, between tags or in an attribute."""
    return html.escape(visible(text))


def json_text(value: Any, *, indent: int | None = None) -> str:
    r"""Serialize a value as JSON that is safe to print on a terminal.

    Invisible characters are written as ``\u001b``, which decodes to the same string. Numbers that
    are not finite become null, because JSON cannot represent them.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)
    except ValueError:
        text = json.dumps(finite(value), ensure_ascii=False, allow_nan=False, indent=indent)
    return _BEYOND_ASCII.sub(_in_json, text)


def _in_json(match: re.Match[str]) -> str:
    char = match[0]
    if char.isprintable():
        return char
    code = ord(char)
    if code < 0x10000:
        return f"\\u{code:04x}"
    high, low = divmod(code - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"


def finite(value: Any) -> Any:
    """Replace numbers that are not finite by None, also inside mappings and lists."""
    if isinstance(value, dict):
        return {key: finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
