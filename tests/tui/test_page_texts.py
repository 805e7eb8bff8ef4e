"""Every page says everything in every language."""

from __future__ import annotations

import pytest

from rnnviz import i18n
from rnnviz.tui.keymap import DEFAULT_KEYMAP
from rnnviz.tui.pages import PAGES, PageEntry, load


@pytest.mark.parametrize("entry", PAGES, ids=lambda e: e.name)
def test_every_page_has_its_texts_in_every_language(entry: PageEntry) -> None:
    keys = [f"key_{action}" for action in load(entry.name).actions]
    for lang in i18n.LANGUAGES:
        for key in ("title", "question", "help", "action", *keys):
            assert DEFAULT_KEYMAP.text(f"page.{entry.name}.{key}", lang)


@pytest.mark.parametrize("entry", PAGES, ids=lambda e: e.name)
def test_the_languages_of_a_page_have_the_same_keys_and_placeholders(entry: PageEntry) -> None:
    found = i18n.page_catalogue(entry.name)
    english = found["en"]
    for lang in i18n.LANGUAGES:
        assert found[lang].keys() == english.keys()
        for key, said in english.items():
            assert placeholders(found[lang][key]) == placeholders(said), (lang, key)


def placeholders(said: str) -> set[str]:
    """The names in braces."""
    from string import Formatter

    return {name for _, name, _, _ in Formatter().parse(said) if name is not None}
