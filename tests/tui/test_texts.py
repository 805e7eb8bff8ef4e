"""The catalogues: the same keys, the same placeholders, and every key the code asks for."""

from __future__ import annotations

import re
import string
import tomllib
from pathlib import Path

import pytest

import rnnviz.tui
from rnnviz import i18n
from rnnviz.cli import run
from rnnviz.tui.keymap import ACTIONS, DEFAULT_KEYMAP
from rnnviz.tui.pages import PAGES

SOURCE = Path(rnnviz.tui.__file__).parent


def placeholders(said: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(said) if name}


@pytest.mark.parametrize("lang", i18n.LANGUAGES)
def test_every_language_has_the_same_keys_and_placeholders(lang: str) -> None:
    english, other = i18n.catalogue("en"), i18n.catalogue(lang)
    assert set(english) == set(other)
    for key in english:
        assert placeholders(english[key]) == placeholders(other[key]), key
        assert other[key].strip(), key


@pytest.mark.parametrize("lang", i18n.LANGUAGES)
def test_sections_are_parsed_as_in_the_whole_file(lang: str) -> None:
    file = Path(i18n.__file__).parent / f"{lang}.toml"
    whole = tomllib.loads(file.read_text(encoding="utf-8"))
    assert i18n.catalogue(lang) == {
        f"{section}.{key}": text for section, texts in whole.items() for key, text in texts.items()
    }


def test_only_the_section_of_a_key_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    i18n._texts.cache_clear()
    parsed = []
    monkeypatch.setattr(i18n.tomllib, "loads", lambda text: parsed.append(text) or {"wait": "…"})
    assert i18n.text("vote.wait", "en") == "…"
    i18n._texts.cache_clear()
    whole = (Path(i18n.__file__).parent / "en.toml").read_text(encoding="utf-8")
    assert len(parsed) == 1 and len(parsed[0]) < len(whole) / 10


def test_every_key_the_code_names_exists() -> None:
    asked = set()
    for path in SOURCE.rglob("*.py"):
        for call in re.findall(r'(?:text|say|fail)\(\s*"([a-z_]+\.[a-z_0-9]+)"', path.read_text()):
            asked.add(call)
    assert len(asked) > 30
    assert asked <= set(i18n.catalogue("en"))


def test_every_action_has_words() -> None:
    for action in ACTIONS:
        for lang in i18n.LANGUAGES:
            assert DEFAULT_KEYMAP.words(action, lang)


def test_placeholders_are_filled() -> None:
    assert i18n.text("panel.unit", "tr", n=3) == "birim 3"
    with pytest.raises(KeyError):
        i18n.text("no.such", "en")


def test_names_without_a_word_stay_as_they_are() -> None:
    assert i18n.word("name", "f", "tr") == "unutma kapısı"
    assert i18n.word("name", "s7", "en") == "s7"


def test_the_two_languages_differ() -> None:
    english, turkish = i18n.catalogue("en"), i18n.catalogue("tr")
    same = [key for key in english if english[key] == turkish[key]]
    assert len(same) < 12, same


def test_one_is_not_many() -> None:
    assert (i18n.units(1, "en"), i18n.units(32, "en")) == ("1 unit", "32 units")
    assert (i18n.units(1, "tr"), i18n.units(32, "tr")) == ("1 birim", "32 birim")
    assert i18n.text("page.backward.additions", "en", n=0, T=1) == "0 of 1 addition"
    assert i18n.text(
        "page.units.note", "en", n=1, H=2, keys="", source="a", places="1,000"
    ).endswith("1,000 places")


#: "1 units", "units units"; "0…1 units 3–5" is a range and a title.
NOUNS = "units|words|tokens|steps|others|paddings|numbers|places|texts|lines|directions|inputs"
WRONG = re.compile(rf"(?<![\d…–.−+±])\b1 ({NOUNS})\b|\b({NOUNS}) \2\b")


@pytest.mark.parametrize(
    "asked", [["--units", "1", "1"], ["-m", "sentiment-lstm", "good"]], ids=str
)
@pytest.mark.parametrize("view", ["panels", *(entry.name for entry in PAGES)])
def test_a_net_of_one_unit_and_a_text_of_one_word(
    view: str, asked: list[str], tmp_path: Path
) -> None:
    other = ["--against", asked[-1]] if view == "against" else []
    picture = tmp_path / "a.txt"
    args = ["step", *asked, *other, "--lang", "en", "--view", view, "--screenshot", str(picture)]
    if run(args) == 2:
        pytest.skip("not a view of this net")
    found = [line for line in picture.read_text("utf-8").splitlines() if WRONG.search(line)]
    assert found == []


def test_a_model_of_a_series_is_introduced_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["step", "-m", "jena-gru", "--plain", "--lang", "en"]) == 0
    assert ", GRU, 32 units, trained on" in capsys.readouterr().out
