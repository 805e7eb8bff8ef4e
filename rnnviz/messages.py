"""Translation of messages: errors, command-line help, tables and notes.

A message is written in English where it is used and is the key of its translation, as with
gettext::

    raise UsageError(_("Unknown model {name!r}.").format(name=name))

``rnnviz/i18n/messages`` holds one TOML file for each package, with the English text as key. The
texts of screens have keys of their own and are in ``rnnviz.i18n``: they differ more between
languages, and a screen can change its language while it is shown.

What is stored in a file or printed as JSON stays English. Its messages with fields stand in the
table ``[stored]``: ``translated`` recognises them, with values in them, where they are shown.
A text of several lines is no key: it has a table ``[[paragraphs]]`` with both texts.
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

#: The language in which messages are written in the source.
SOURCE_LANGUAGE = "en"

#: Fields of a message that hold another message: ``translated`` translates them, too.
MESSAGE_FIELDS = frozenset({"reason", "remedy", "kind", "what", "value"})
#: Longer texts are not translated; messages are shorter.
_MAX_LENGTH = 4000
#: What stands between two messages, and in no other value of a message.
_BETWEEN = ("; ", ": ", ". ")
#: The most messages that are looked for in each other, and beside each other.
_MAX_DEPTH = 8

_language = SOURCE_LANGUAGE


def set_language(language: str) -> None:
    """Set the language of all further messages of this process: "en" or "tr"."""
    global _language
    _language = language


def language() -> str:
    """The language of the messages of this process."""
    return _language


def _(message: str, /) -> str:
    """The message in the language of this process; itself if it has no translation.

    The message is a template of ``str.format``: its translation has the same fields. Pass a
    literal, not an f-string: the values are formatted afterwards.
    """
    return _exactly(message, _language) or message


def N_(message: str, /) -> str:
    """The message itself, marked as one that has a translation.

    For constants, which are made before the language is set, and for texts that are stored in
    English; ``translated`` is called where they are shown.
    """
    return message


def translated(text: str, language: str | None = None) -> str:
    """The translation of a text that ``N_`` marks elsewhere; other texts are unchanged.

    The text is a message, or one that was formatted: then its template is the one whose literal
    parts it has, of several the one with the most letters. Values stand in the translation as
    they stand in the text; those of ``MESSAGE_FIELDS`` are translated as well. Of other texts the
    messages in "message; message", "place: message" and "name (message)" are translated.
    ``language``: None is that of the messages.
    """
    language = language or _language
    if language == SOURCE_LANGUAGE or len(text) > _MAX_LENGTH:
        return text
    return _exactly(text, language) or _translated(text, language, 0)


def _exactly(message: str, language: str) -> str | None:
    """The translation of a message; a file is read when it is not in those before it."""
    if language == SOURCE_LANGUAGE:
        return None
    found = (_texts(language, name).get(message) for name in _names(language))
    return next((text for text in found if text is not None), None)


def _translated(text: str, language: str, depth: int) -> str:
    known = translations(language)
    if depth > _MAX_DEPTH:
        return text
    if text in known:
        return known[text]
    for template in _templates(language):
        values = template.values(text)
        if values is None or any(
            mark in value
            for name, value in values.items()
            for mark in _BETWEEN
            if name not in MESSAGE_FIELDS
        ):
            continue
        for name in MESSAGE_FIELDS & values.keys():
            values[name] = _translated(values[name], language, depth + 1)
        return "".join(
            literal + (values[name] if name else "")
            for literal, name in _pieces(known[template.english])
        )
    if "; " in text:
        parts = text.split("; ", _MAX_DEPTH)
        return "; ".join(_translated(part, language, depth + 1) for part in parts)
    for mark, end in ((": ", ""), (" (", ")")):
        before, found, after = text.removesuffix(end).partition(mark)
        if found and text.endswith(end):
            return f"{before}{mark}{_translated(after, language, depth + 1)}{end}"
    return text


@dataclass(frozen=True)
class _Template:
    """A message with fields: ``literals`` stand before, between and after the ``names``."""

    english: str
    literals: tuple[str, ...]
    names: tuple[str, ...]

    def values(self, text: str) -> dict[str, str] | None:
        """The values of the fields in a formatted text; None where it is another message.

        A value ends where the literal after it is found first.
        """
        first, *between, last = self.literals
        end = len(text) - len(last)
        if not (text.startswith(first) and text.endswith(last) and len(first) <= end):
            return None
        found, at = [], len(first)
        for literal in between:
            if (next_at := text.find(literal, at, end)) < 0:
                return None
            found.append(text[at:next_at])
            at = next_at + len(literal)
        found.append(text[at:end])
        values: dict[str, str] = {}
        for name, value in zip(self.names, found, strict=True):
            if values.setdefault(name, value) != value:
                return None
        return values


@cache
def _templates(language: str) -> Sequence[_Template]:
    """The stored messages by the literal parts between their fields, most letters first."""
    found = []
    for english in _stored(language):
        pieces = _pieces(english)
        names = tuple(name for _, name in pieces if name)
        literals = [literal for literal, _ in pieces]
        if pieces and pieces[-1][1]:
            literals.append("")
        found.append(_Template(english, tuple(literals), names))
    return sorted(found, key=lambda each: -sum(map(len, each.literals)))


def _pieces(message: str) -> list[tuple[str, str]]:
    """The literal parts of a template, each with the name of the field after it, or ""."""
    return [(literal, name or "") for literal, name, _, _ in string.Formatter().parse(message)]


@cache
def translations(language: str) -> Mapping[str, str]:
    """The translation of each message into a language; empty for the language of the source."""
    found: dict[str, str] = {}
    for name in _names(language):
        found |= _texts(language, name)
    return found


def _stored(language: str) -> Sequence[str]:
    """The messages with fields that are stored in English and recognised where they are shown."""
    contents = (_file(language, name) for name in _names(language))
    return [english for content in contents for english in content.get("stored", {})]


@cache
def _names(language: str) -> Sequence[str]:
    """The files of a language; those of the command line first, so that its help is quick."""
    if language == SOURCE_LANGUAGE:
        return ()
    names = (file.name for file in _folder(language).iterdir())
    return sorted(names, key=lambda name: (not name.startswith("cli_"), name))


@cache
def _texts(language: str, name: str) -> Mapping[str, str]:
    """The translation of each message in a file."""
    content = _file(language, name)
    found = {english: text for english, text in content.items() if isinstance(text, str)}
    found |= content.get("stored", {})
    return found | {each["en"]: each[language] for each in content.get("paragraphs", ())}


@cache
def _file(language: str, name: str) -> Mapping[str, Any]:
    import tomllib

    return tomllib.loads(_folder(language).joinpath(name).read_text("utf-8"))


def _folder(language: str) -> Traversable:
    from importlib.resources import files  # its import takes as long as that of all of this

    return files("rnnviz.i18n").joinpath("messages", language)
