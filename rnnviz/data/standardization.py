"""Standardizing a text that was typed, pasted or read from a file.

Typographic and full-width punctuation becomes ASCII, a letter and its accents become one character
(Unicode NFC), invisible characters are removed, and letters become lower case. With ``tags``, HTML
entities are replaced and each HTML tag becomes a space. Every ``str`` is accepted, standardizing
twice changes nothing, and the time is linear in the length.
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache
from html.entities import html5
from typing import Final, Literal

Language = Literal["en", "tr"]

#: Punctuation whose ASCII form Unicode does not define. A dash separates words, a hyphen does not.
_PUNCTUATION: Final[dict[str, str]] = {
    **dict.fromkeys("‘’‚‛‹›′‵ʹʻʼʽˈ´", "'"),
    **dict.fromkeys("“”„‟«»″‶〝〞〟「」『』", '"'),
    **dict.fromkeys("‐‑‒−⁃", "-"),
    "–": " - ",
    **dict.fromkeys("—―⸺⸻", " -- "),
    # Full width: the space that follows is part of the character.
    **{wide: f"{plain} " for wide, plain in zip("，！？；：、。", ",!?;:,.", strict=True)},
    **dict.fromkeys("\u2800\ufffc", " "),  # Braille blank, object replacement character
    # Invisible fillers that Unicode classifies as letters or marks.
    **dict.fromkeys("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0", ""),
}

#: Kinds of compatibility characters that are replaced by the letter they are a form of; not
#: fractions, superscripts and circled characters (½, ², ™).
_LETTER_FORMS: Final = ("<wide>", "<narrow>", "<small>", "<noBreak>", "<font>")

#: Terminal escape sequences for colours and links.
_ESCAPES: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\))")

#: Attributes must have values, so "a <b and c> d" contains no tag. A tag contains no "<", so a
#: match attempt never scans beyond the next one.
_TAG: Final = re.compile(
    r"<(?:[!?][^<>]*"
    r"|/?[a-z][a-z0-9:-]*+"
    r"""(?:\s++[^\s<>=]++\s*+=\s*+(?:"[^"<]*+"|'[^'<]*+'|[^\s<>"']++))*+\s*/?)>"""
)

_ENTITY: Final = re.compile(r"&(#[0-9]{1,8}|#x[0-9a-f]{1,7}|[a-z][a-z0-9]*)\Z")
#: Characters of the longest entity.
_LONGEST_ENTITY: Final = max(map(len, html5))

#: Accents kept on one letter; NFC sorts them in quadratic time.
_MAX_ACCENTS: Final = 30


def standardize(text: str, *, language: Language = "en", tags: bool = True) -> str:
    """Convert a text to lower-case letters and ASCII punctuation, as the module describes.

    ``language`` determines the lower case of I and İ: i and i in English, ı and i in Turkish.
    ``tags``: remove HTML tags and replace entities.
    """
    text = _characters(text, language)
    if tags:
        if "&" in text and ";" in text:
            text = composed(_without_entities(text, language))
        if "<" in text and ">" in text:
            text = _without_tags(text)
    return _separate_symbols(text)


def composed(text: str) -> str:
    """A lower-case text in Unicode NFC: each letter and its accents as one character."""
    if text.isascii():
        return text
    accents = {char for char in set(text) if unicodedata.combining(char)}
    if accents:
        run = f"[{''.join(accents)}]"
        text = re.sub(f"({run}{{{_MAX_ACCENTS}}}){run}+", r"\1", text)
    text = unicodedata.normalize("NFC", text)
    if "i\u0307" in text:  # what lower() makes of İ
        text = unicodedata.normalize("NFC", re.sub("i\u0307+", "i", text))
    return text


def _characters(text: str, language: Language) -> str:
    """The text in lower case with every character in its plain form."""
    if text.isascii() and text.isprintable():
        return _lower(text, language)
    if "\x1b" in text:
        text = _ESCAPES.sub("", text)
    text = _lower(text, language)
    forms = {ord(char): form for char in set(text) if (form := _character(char, language)) != char}
    return composed(text.translate(forms))


def _lower(text: str, language: Language) -> str:
    if language == "tr":
        text = text.replace("I\u0307", "i").replace("İ", "i").replace("I", "ı")
    return text.lower()


@lru_cache(maxsize=4096)
def _character(char: str, language: Language) -> str:
    """The plain form of a character: a string that may be longer or empty."""
    if char == "ı" and language == "en":
        return "i"
    if char in _PUNCTUATION:
        return _PUNCTUATION[char]
    if char.isascii() and char.isprintable():
        return char
    if "\x80" <= char <= "\x9f":  # Windows-1252 that was decoded as Latin-1
        mark = char.encode("latin-1").decode("cp1252", errors="ignore")
        return _character(mark.lower(), language) if mark else ""
    if char.isspace():
        return " "
    category = unicodedata.category(char)
    if category in ("Cc", "Cf") or unicodedata.name(char, "").startswith("VARIATION SELECTOR"):
        return ""
    form = _compatible(char, category)
    if form != char:
        return "".join(_character(part, language) for part in form)
    return " " if category.startswith("P") else char


def _compatible(char: str, category: str) -> str:
    """The letters that a character is a form of: ﬁ becomes fi, Ａ a, 𝐛 b."""
    kind = unicodedata.decomposition(char).partition(" ")[0]
    if kind in _LETTER_FORMS or (kind == "<compat>" and category[0] in "LNP"):
        return unicodedata.normalize("NFKC", char).lower()
    return unicodedata.normalize("NFC", char)


def _separate_symbols(text: str) -> str:
    """Insert a space between a word and an adjacent symbol: "good😀" is two words."""
    if text.isascii():
        return text
    symbols = "".join(char for char in set(text) if not char.isascii() and _is_symbol(char))
    if not symbols:
        return text
    return re.sub(f"(?<=[^\\s{symbols}])(?=[{symbols}])|(?<=[{symbols}])(?=[^\\s{symbols}])",
                  " ", text)  # fmt: skip


@lru_cache(maxsize=4096)
def _is_symbol(char: str) -> bool:
    return unicodedata.category(char) in ("Sk", "Sm", "So") and char != "\ufffd"


def _without_tags(text: str) -> str:
    """Replace each HTML tag by a space; "a < b and c > d" and "<3" contain none."""
    text = _TAG.sub(" ", text)
    # Removing a nested tag may complete another one.
    return text.replace("<", " ") if _TAG.search(text) else text


def _without_entities(text: str, language: Language) -> str:
    """Replace HTML entities by their characters, also nested ones (&amp;quot;)."""
    first, *parts = text.split(";")
    out = list(first)
    for part in parts:
        ends = [";"]
        while ends:
            char = ends.pop()
            entity = _entity(out, language) if char == ";" else None
            if entity is None:
                out.append(char)
            else:
                start, replacement = entity
                del out[start:]
                ends += reversed(replacement)
        out += part
    return "".join(out)


def _entity(out: list[str], language: Language) -> tuple[int, str] | None:
    """The start index and replacement of an entity at the end of ``out``; None without one."""
    tail = "".join(out[-_LONGEST_ENTITY:])
    match = _ENTITY.search(tail, max(0, tail.rfind("&")))
    if match is None:
        return None
    name = match[1]
    char = html.unescape(f"&{name};") if name[0] == "#" else html5.get(f"{name};")
    if char is None:
        return None
    forms = "".join(_character(part, language) for part in _lower(char, language))
    return len(out) - len(match[0]), forms
