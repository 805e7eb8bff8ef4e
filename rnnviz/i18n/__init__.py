"""Every sentence the screen says, in each language: one catalogue a language, the same keys.

The symbols of the field (f, h, ∂L/∂c) are not words and are the same everywhere.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

LANGUAGES = ("en", "tr")


@cache
def catalogue(lang: str) -> Mapping[str, str]:
    """All texts of a language by dotted key: ``part.forget``, ``help.sentence`` ..."""
    content = files(__name__).joinpath(f"{lang}.toml").read_text("utf-8")
    return {
        f"{section}.{key}": text
        for section, texts in tomllib.loads(content).items()
        for key, text in texts.items()
    }


@cache
def page_catalogue(page: str) -> Mapping[str, Mapping[str, str]]:
    """The texts of a page by language and key; a page has one file with all languages."""
    content = files(__name__).joinpath("pages", f"{page}.toml").read_text("utf-8")
    found: Mapping[str, Mapping[str, str]] = tomllib.loads(content)
    return found


def text(key: str, lang: str, **values: object) -> str:
    """The text of a key, with its placeholders filled; KeyError for a key that is not there.

    ``page.NAME.KEY`` is a text of a page, read when the page is first spoken of.
    """
    if key.startswith("page."):
        _, page, name = key.split(".")
        said = page_catalogue(page)[lang][name]
    else:
        said = catalogue(lang)[key]
    return said.format(**{name: Count(value) for name, value in values.items()}) if values else said


class Count:
    """A value in a template; ``{n:unit|units}`` is "1 unit", "32 units".

    A language without such plurals writes its word behind ``{n}``.
    """

    def __init__(self, value: object) -> None:
        self.value = value

    def __format__(self, form: str) -> str:
        if "|" not in form:
            return format(self.value, form)
        one, many = form.split("|")
        return f"{self.value} {one if str(self.value) == '1' else many}"


def units(n: int, lang: str) -> str:
    """So many units, in words."""
    return text("count.units", lang, n=n)


def label(name: str, lang: str) -> str:
    """A label as a screen shows it: those of shipped models in its language, others as they are."""
    return word("label", name, lang)


def trained_on(said: str, lang: str) -> str:
    """What a model was trained on, as a screen shows it."""
    pieces = re.split(r"( \+ |, (?!\d))", said)
    return "".join(_data(piece, lang) for piece in pieces)


def _data(piece: str, lang: str) -> str:
    """The name of a data set, how much of it, or how it was prepared."""
    if found := re.fullmatch(r"(.*, )?([\d,]+) of ([\d,]+) items", piece):
        items = text("trained_on.items", lang, part=found[2], whole=found[3])
        return (found[1] or "") + items
    return word("trained_on", piece, lang)


def known(key: str) -> bool:
    """Is there a text of this key? Cells bring names and parts the catalogue may not know."""
    return key in catalogue(LANGUAGES[0])


def word(section: str, name: str, lang: str) -> str:
    """The word for a name a trace brings along, or the name itself where there is none."""
    key = f"{section}.{name}"
    return text(key, lang) if known(key) else name
