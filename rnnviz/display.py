"""User text as something that is safe to print.

Text from a user or a file is data: nothing in it may reach the terminal as a command, move the
cursor, or change how wide the rest of a line is.
"""

from __future__ import annotations

import unicodedata

#: Cc control, Cf invisible formatting (also the bidirectional overrides), Cs lone surrogates,
#: Zl, Zp and Zs breaks and spaces of their own, Co and Cn without a defined glyph.
_UNSAFE = {"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp", "Zs"}


def visible(text: str) -> str:
    """The text as it may be printed anywhere: control and format characters as ``\\x1b``.

    Skin tones and flag letters are escaped too, because terminals disagree on their width. A
    combining mark without a base gets a dotted circle.
    """
    if text.isascii() and text.isprintable():
        return text
    out: list[str] = []
    for char in text:
        code = ord(char)
        if 0xFE00 <= code <= 0xFE0F:  # variation selectors: invisible, and counted differently
            continue
        unsafe = char != " " and unicodedata.category(char) in _UNSAFE
        if unsafe or 0x1F1E6 <= code <= 0x1F1FF or (0x1F3FB <= code <= 0x1F3FF):
            out.append(f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}")
        elif unicodedata.combining(char) and not out:
            out.append("◌" + char)
        else:
            out.append(char)
    return "".join(out)
