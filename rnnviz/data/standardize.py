"""A text as it was typed, pasted or read from a file, in the characters that the nets know.

Typographic and full-width marks become their ASCII forms, accents one character with their letter
(Unicode NFC), invisible characters go, capitals become small. Where tags are to go (the sentiment
nets), HTML entities become what they stand for and each tag becomes a space. Every ``str`` is
accepted, standardizing twice changes nothing, and the time is linear in the length.
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache
from html.entities import html5
from typing import Final, Literal

Language = Literal["en", "tr"]

#: Marks whose ASCII form Unicode does not give. A dash keeps its words apart, as a hyphen does not.
_MARKS: Final[dict[str, str]] = {
    **dict.fromkeys("‘’‚‛‹›′‵ʹʻʼʽˈ´", "'"),
    **dict.fromkeys("“”„‟«»″‶〝〞〟「」『』", '"'),
    **dict.fromkeys("‐‑‒−⁃", "-"),
    "–": " - ",
    **dict.fromkeys("—―⸺⸻", " -- "),
    # Full width: the space that follows the mark is part of the character.
    **{mark: f"{plain} " for mark, plain in zip("，！？；：、。", ",!?;:,.", strict=True)},
    **dict.fromkeys("\u2800\ufffc", " "),  # a blank pattern, the place of a picture
    # Fillers that show nothing, though Unicode counts them as letters or marks.
    **dict.fromkeys("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0", ""),
}

#: The kinds of compatibility forms that are the same letter in another shape. Not among them are
#: fractions, raised and circled characters: ½, ² and ™ are no other words.
_SHAPES: Final = ("<wide>", "<narrow>", "<small>", "<noBreak>", "<font>")

#: Colours and links of a terminal.
_ESCAPES: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\))")

#: A tag's attributes have values: in "a <b and c> d" is none. No tag has "<" inside, so that a
#: search never reads further than to the next one.
_TAG: Final = re.compile(
    r"<(?:[!?][^<>]*"
    r"|/?[a-z][a-z0-9:-]*+"
    r"""(?:\s++[^\s<>=]++\s*+=\s*+(?:"[^"<]*+"|'[^'<]*+'|[^\s<>"']++))*+\s*/?)>"""
)

_ENTITY: Final = re.compile(r"&(#[0-9]{1,8}|#x[0-9a-f]{1,7}|[a-z][a-z0-9]*)\Z")
#: Characters of the longest entity.
_LONGEST_ENTITY: Final = max(map(len, html5))

#: More accents than this on one letter are no writing, and NFC sorts them in quadratic time.
_ACCENTS: Final = 30


def standardize(text: str, *, language: Language = "en", tags: bool = True) -> str:
    """Bring a text to lower-case letters and ASCII marks; see the module's text.

    ``language`` says what the small letters of I and İ are: i and i in English, ı and i in
    Turkish. ``tags``: take HTML tags and entities out.
    """
    text = _characters(text, language)
    if tags:
        if "&" in text and ";" in text:
            text = composed(_without_entities(text, language))
        if "<" in text and ">" in text:
            text = _without_tags(text)
    return _symbols_apart(text)


def composed(text: str) -> str:
    """A lower-case text with each accent and its letter as one character (NFC)."""
    if text.isascii():
        return text
    accents = {char for char in set(text) if unicodedata.combining(char)}
    if accents:
        run = f"[{''.join(accents)}]"
        text = re.sub(f"({run}{{{_ACCENTS}}}){run}+", r"\1", text)
    text = unicodedata.normalize("NFC", text)
    if "i\u0307" in text:  # what lower() makes of İ
        text = unicodedata.normalize("NFC", re.sub("i\u0307+", "i", text))
    return text


def _characters(text: str, language: Language) -> str:
    """Every character in its plain form, in lower case."""
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
    """The plain form of one character, which may be several or none."""
    if char == "ı" and language == "en":
        return "i"
    if char in _MARKS:
        return _MARKS[char]
    if char.isascii() and char.isprintable():
        return char
    if "\x80" <= char <= "\x9f":  # a mark of Windows-1252 that was taken for Latin-1
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
    """The letter that a character is a form of: ﬁ is fi, Ａ is a, 𝐛 is b."""
    shape = unicodedata.decomposition(char).partition(" ")[0]
    if shape in _SHAPES or (shape == "<compat>" and category[0] in "LNP"):
        return unicodedata.normalize("NFKC", char).lower()
    return unicodedata.normalize("NFC", char)


def _symbols_apart(text: str) -> str:
    """A space between a word and a symbol that touches it: "good😀" is two words."""
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
    """A space for each HTML tag; "a < b and c > d" and "<3" have none."""
    text = _TAG.sub(" ", text)
    # Where a tag stood inside a tag there may now be another one, and so on.
    return text.replace("<", " ") if _TAG.search(text) else text


def _without_entities(text: str, language: Language) -> str:
    """HTML entities as what they stand for, also where one is hidden in another (&amp;quot;)."""
    first, *parts = text.split(";")
    out = list(first)
    for part in parts:
        ends = [";"]
        while ends:
            char = ends.pop()
            found = _entity(out, language) if char == ";" else None
            if found is None:
                out.append(char)
            else:
                start, stands_for = found
                del out[start:]
                ends += reversed(stands_for)
        out += part
    return "".join(out)


def _entity(out: list[str], language: Language) -> tuple[int, str] | None:
    """Where in ``out`` an entity begins that ends with it, and what it stands for."""
    tail = "".join(out[-_LONGEST_ENTITY:])
    found = _ENTITY.search(tail, max(0, tail.rfind("&")))
    if found is None:
        return None
    name = found[1]
    char = html.unescape(f"&{name};") if name[0] == "#" else html5.get(f"{name};")
    if char is None:
        return None
    forms = "".join(_character(part, language) for part in _lower(char, language))
    return len(out) - len(found[0]), forms
