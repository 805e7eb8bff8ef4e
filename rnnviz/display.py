"""User text as something that is safe to print.

Text from a user or a file is data: a control character in it must not reach the terminal.
"""

from __future__ import annotations

import unicodedata

#: Cc control, Cf invisible formatting (also the bidirectional overrides), Cs lone surrogates,
#: Zl and Zp line breaks of their own, Co and Cn without a defined glyph.
HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp", "Co", "Cn"}

#: Zero-width joiner and variation selectors belong to emoji and to some scripts.
KEPT = {"\u200c", "\u200d"}


def visible(text: str) -> str:
    """The text with every control or invisible character written as an escape: ``\\x1b``."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(c) for c in text)


def _escaped(character: str) -> str:
    if unicodedata.category(character) not in HIDDEN or character in KEPT:
        return character
    return character.encode("unicode_escape").decode()
