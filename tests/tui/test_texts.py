"""The catalogues: the same keys, the same placeholders, and every key the code asks for."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

import rnnviz.tui
from rnnviz import texts
from rnnviz.tui.actions import ACTIONS, words

SOURCE = Path(rnnviz.tui.__file__).parent


def placeholders(said: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(said) if name}


@pytest.mark.parametrize("lang", texts.LANGUAGES)
def test_every_language_has_the_same_keys_and_placeholders(lang: str) -> None:
    english, other = texts.catalogue("en"), texts.catalogue(lang)
    assert set(english) == set(other)
    for key in english:
        assert placeholders(english[key]) == placeholders(other[key]), key
        assert other[key].strip(), key


def test_every_key_the_code_names_exists() -> None:
    asked = set()
    for path in SOURCE.rglob("*.py"):
        for call in re.findall(r'(?:text|say|fail)\(\s*"([a-z_]+\.[a-z_0-9]+)"', path.read_text()):
            asked.add(call)
    assert len(asked) > 30
    assert asked <= set(texts.catalogue("en"))


def test_every_action_has_words() -> None:
    for action in ACTIONS:
        for lang in texts.LANGUAGES:
            assert words(action, lang)


def test_placeholders_are_filled() -> None:
    assert texts.text("panel.unit", "tr", n=3) == "birim 3"
    with pytest.raises(KeyError):
        texts.text("no.such", "en")


def test_names_without_a_word_stay_as_they_are() -> None:
    assert texts.word("name", "f", "tr") == "unutma kapısı"
    assert texts.word("name", "s7", "en") == "s7"


def test_the_two_languages_differ() -> None:
    english, turkish = texts.catalogue("en"), texts.catalogue("tr")
    same = [key for key in english if english[key] == turkish[key]]
    assert len(same) < 12, same
