"""Translation of messages: errors, command-line help, tables and notes.

A message is written in English where it is used and is the key of its translation, as with
gettext::

    raise UsageError(_("Unknown model {name!r}.").format(name=name))

``rnnviz/i18n/messages`` holds one TOML file for each package, with the English text as key. The
texts of screens have keys of their own and are in ``rnnviz.i18n``: they differ more between
languages, and a screen can change its language while it is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

#: The language in which messages are written in the source.
SOURCE_LANGUAGE = "en"

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
    return (
        message if _language == SOURCE_LANGUAGE else translations(_language).get(message, message)
    )


def N_(message: str, /) -> str:
    """The message itself, marked as one that has a translation.

    For a constant, which is made before the language is set; ``translated`` is called where it is
    used.
    """
    return message


def translated(message: str, /) -> str:
    """The translation of a text that ``N_`` marks elsewhere; other texts are unchanged."""
    return _(message)


@cache
def translations(language: str) -> Mapping[str, str]:
    """The translation of each message into a language; empty for the language of the source."""
    if language == SOURCE_LANGUAGE:
        return {}
    import tomllib

    found: dict[str, str] = {}
    folder = files("rnnviz.i18n").joinpath("messages", language)
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        found |= tomllib.loads(file.read_text("utf-8"))
    return found
