"""The texts of the screens: one catalogue per language, all with the same keys.

Symbols (f, h, ∂L/∂c) are not translated.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

from rnnviz.messages import translated

LANGUAGES = ("en", "tr")


@cache
def catalogue(lang: str) -> Mapping[str, str]:
    """All texts of a language by dotted key: ``part.forget``, ``help.sentence`` ..."""
    return {
        f"{section}.{key}": text
        for section in _sections(lang)
        for key, text in _texts(section, lang).items()
    }


@cache
def _sections(lang: str) -> Mapping[str, str]:
    """The sections of a language's file, not parsed: a screen needs some of them."""
    content = files(__name__).joinpath(f"{lang}.toml").read_text("utf-8")
    _comment, *parts = re.split(r"^\[(\w+)\]$", content, flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


@cache
def _texts(section: str, lang: str) -> Mapping[str, str]:
    texts: Mapping[str, str] = tomllib.loads(_sections(lang)[section])
    return texts


@cache
def page_catalogue(page: str) -> Mapping[str, Mapping[str, str]]:
    """The texts of a page by language and key; a page has one file with all languages."""
    content = files(__name__).joinpath("pages", f"{page}.toml").read_text("utf-8")
    texts: Mapping[str, Mapping[str, str]] = tomllib.loads(content)
    return texts


def template_of(key: str, lang: str) -> str:
    """The text of a key with its placeholders; KeyError if there is none."""
    if key.startswith("page."):
        _, page, name = key.split(".")
        return page_catalogue(page)[lang][name]
    section, _, name = key.partition(".")
    return _texts(section, lang)[name]


def text(key: str, lang: str, /, **values: object) -> str:
    """The text of a key, formatted with ``values``; KeyError if there is none.

    ``page.NAME.KEY`` is a text of a page; its file is read on first use. ``{sym.h}`` in a text is
    the symbol of h: an attribute of the value ``sym``, or h.
    """
    template = template_of(key, lang)
    if "{" not in template:
        return template
    # Not wrapped: ``{key.NAME}`` and ``{sym.NAME}`` read an attribute.
    counts = {name: v if name in ("key", "sym") else Count(v) for name, v in values.items()}
    counts.setdefault("sym", NAMES)
    return template.format(**counts)


class SymbolsAsNamed:
    """Attributes are the names themselves: ``{sym.h}`` is h where no notation is chosen."""

    def __getattr__(self, name: str) -> str:
        return name


NAMES = SymbolsAsNamed()


class Count:
    """A value for a template: ``{n:unit|units}`` formats as "1 unit" or "32 units".

    Languages without such plurals write their word after ``{n}``.
    """

    def __init__(self, value: object) -> None:
        self.value = value

    def __format__(self, form: str) -> str:
        if "|" not in form:
            return format(self.value, form)
        one, many = form.split("|")
        return f"{self.value} {one if str(self.value) == '1' else many}"


def units(n: int, lang: str) -> str:
    """A number of units: "32 units"."""
    return text("count.units", lang, n=n)


def label(name: str, lang: str) -> str:
    """A label of a shipped model in the language; other labels are unchanged."""
    return word("label", name, lang)


def label_number(name: str, labels: Sequence[str]) -> int | None:
    """The number of a label by its own name or by its name in a language, or None."""
    if name in labels:
        return labels.index(name)
    for lang in LANGUAGES:
        if name in (shown := [label(each, lang) for each in labels]):
            return shown.index(name)
    return None


def model_name(name: str, lang: str) -> str:
    """A model's name as screens show it; of a net without a name of its own what it is."""
    if match := re.fullmatch(r"(.+) \(untrained, seed (\d+)\)", name):
        return text("model_name.untrained", lang, model=match[1], seed=match[2])
    if match := re.fullmatch(r"([a-z\d-]+) by hand", name):
        return text("model_name.by_hand", lang, cell=match[1])
    if match := re.fullmatch(r"trained:([\w.-]+)", name):
        return text("model_name.trained", lang, step=match[1])
    return name


def cell_title(title: str, lang: str) -> str:
    """Translate the title of a cell, part by part: "LSTM, no bias"."""
    return ", ".join(_cell_title_part(part, lang) for part in title.split(", "))


def _cell_title_part(part: str, lang: str) -> str:
    if match := re.fullmatch(r"clip (.+)", part):
        return text("cell_title.clip", lang, limit=match[1])
    if match := re.fullmatch(r"(\S+) output", part):
        return text("cell_title.output", lang, function=match[1])
    return word("cell_title", part, lang)


#: How the ``trained_on`` of a model begins that is from a file of another framework.
IMPORTED = "imported from "


def trained_on(record: str, lang: str) -> str:
    """Translate a model's ``trained_on`` and what a trace adds to it, part by part."""
    parts = re.split(r"( \+ |; |, (?!\d))", record)
    return "".join(_translate_part(part, lang) for part in parts)


def is_imported(record: str) -> bool:
    """Whether a model's ``trained_on`` says that it is from a file of another framework."""
    return record.startswith(IMPORTED)


def _translate_part(part: str, lang: str) -> str:
    """Translate the name of a data set, its share, or how it was prepared."""
    if match := re.fullmatch(f"{IMPORTED}(.*)", part):
        return text("trained_on.imported", lang, source=match[1])
    if match := re.fullmatch(r"nothing \(seed (\d+)\)", part):
        return text("trained_on.nothing", lang, seed=match[1])
    if match := re.fullmatch(r"with (\d+) (assumptions?)", part):
        return text(f"trained_on.{match[2]}", lang, count=match[1])
    if match := re.fullmatch(r"(.*, )?([\d,]+) of ([\d,]+) (items|reviews)", part):
        found = text(f"trained_on.part_of_{match[4]}", lang, part=match[2], whole=match[3])
        return (match[1] or "") + found
    if match := re.fullmatch(r"(.*) \(([\d,]+) (items|reviews|rows)\)", part):
        count = text(f"trained_on.{match[3]}", lang, count=match[2])
        return f"{_translate_part(match[1], lang)} ({count})"
    if match := re.fullmatch(r"first names \(([\d,]+)\)", part):
        return text("trained_on.names", lang, count=match[1])
    if match := re.fullmatch(r"(.*), ([\d,]+) reviews", part):
        return f"{match[1]}, {text('trained_on.reviews', lang, count=match[2])}"
    if match := re.fullmatch(r"reads the (first|last) (\d+) of ([\d,]+) tokens", part):
        return text(f"trained_on.reads_{match[1]}", lang, length=match[2], words=match[3])
    if match := re.fullmatch(r"([\d :-]+) in (.+)", part):
        return text("trained_on.moment", lang, moment=match[1], table=match[2])
    known = word("trained_on", part, lang)
    return translated(part, lang) if known == part else known


def known(key: str) -> bool:
    """Whether the catalogue has the key; names of new cells may be missing."""
    section, _, name = key.partition(".")
    return section in _sections(LANGUAGES[0]) and name in _texts(section, LANGUAGES[0])


def word(section: str, name: str, lang: str) -> str:
    """The translation of a name from a trace or record, or the name itself."""
    key = f"{section}.{name}"
    return text(key, lang) if known(key) else name
