"""English words that no Turkish text has, to find what is not translated.

They come from the texts themselves: words that the English messages, screens and terms have, and
their translations have not.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from functools import cache

from rnnviz import i18n, messages
from rnnviz.glossary import glossary
from rnnviz.tui.pages import PAGES

WORD = re.compile(r"[^\W\d_]{3,}")
#: Commands, options with their values, calls, assignments, quotations, and names of files.
CODE = re.compile(
    r"rnnviz( [a-z]+)*|--?[a-z-]+( \w+)?|\w+\([^()]{0,60}|\w+=\w+|\"[^\"]*\"|“[^”]*”|'[^']*'|"
    r"[\w/]+[_.][\w/.]+"
)
#: Turkish words and suffixes among them.
TURKISH = {"not", "dir", "min", "set"}
FIELD = re.compile(r"\{[^}]*\}")


def words(text: str) -> set[str]:
    """The words of a text, or of a template without its fields."""
    return {word.lower() for word in WORD.findall(FIELD.sub(" ", text))}


def texts(lang: str) -> Iterator[str]:
    """The messages, the texts of the screens and the terms in a language."""
    translated = messages.translations("tr")
    yield from translated if lang == "en" else translated.values()
    yield from i18n.catalogue(lang).values()
    for page in PAGES:
        yield from i18n.page_catalogue(page.name)[lang].values()
    for term in glossary().values():
        yield from (term.name[lang], term.about[lang])


@cache
def english_only() -> frozenset[str]:
    """The words that are at least twice as frequent in the English texts as in the Turkish ones.

    Turkish texts have some of them in the names of options and in code.
    """
    english, turkish = (
        Counter(word for text in texts(lang) for word in words(text)) for lang in ("en", "tr")
    )
    return frozenset(w for w, n in english.items() if n >= 2 * turkish[w]) - TURKISH


def untranslated(text: str, besides: Collection[str] = ()) -> list[str]:
    """The English words of a Turkish text; ``besides``: those that belong there."""
    return sorted(words(CODE.sub(" ", text)) & english_only() - {word.lower() for word in besides})
