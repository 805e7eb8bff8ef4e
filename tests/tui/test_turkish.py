"""Under ``--lang tr`` nothing that the program says itself is in English."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path

import pytest
from textual.widgets import Input, OptionList

from rnnviz import i18n
from rnnviz.cli import run
from rnnviz.model_files import load
from rnnviz.tui.app.palette import Palette
from rnnviz.tui.pages import PAGES
from rnnviz.tui.step.app import RnnvizApp
from tests.tui.small_models import app

WORD = re.compile(r"[^\W\d_]{4,}")
#: Names that are the same in every language, and what stands in the texts and tables.
NAMES = {"rnnviz", "lstm", "sentiment", "agnews", "bilstm", "jena", "imdb", "hand", "tanh", "norm"}
NAMES |= {"enter", "shift", "degc", "start", "simplernn", "news", "keras", "pytorch"}

ASKED = {
    "words": ["-m", "sentiment-lstm", "it was not good"],
    "four classes": ["-m", "agnews-bilstm", "cup"],
    "series": ["-m", "jena-gru"],
    "by hand": ["--units", "2", "--inputs", "2", "--cell", "gru-2014", "1 .5; 0 1"],
}


@cache
def english() -> frozenset[str]:
    """The words of the English texts that no Turkish text has."""
    said = {lang: " ".join(i18n.catalogue(lang).values()) for lang in i18n.LANGUAGES}
    for entry in PAGES:
        pages = tomllib.loads(
            files("rnnviz.i18n").joinpath("pages", f"{entry.name}.toml").read_text("utf-8")
        )
        for lang, told in pages.items():
            said[lang] += " " + " ".join(told.values())
    found = {lang: set(WORD.findall(re.sub(r"{[^}]*}", "", s).lower())) for lang, s in said.items()}
    return frozenset(found["en"] - found["tr"] - NAMES)


#: The names of a Keras call: the layer before its arguments, and the arguments.
CALL = re.compile(r"\b[A-Z]\w*(?=\()|\b\w+=(True|False)\b")


def leftovers(lines: list[str], text: str) -> list[str]:
    given = set(WORD.findall(text.lower()))
    said = [set(WORD.findall(CALL.sub("", line).lower())) for line in lines]
    return [line for line, words in zip(lines, said, strict=True) if words & (english() - given)]


@pytest.mark.parametrize("size", ["80x24", "120x36"])
@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("view", ["panels", *(e.name for e in PAGES if e.name != "units")])
def test_a_screen_in_turkish(view: str, asked: str, size: str, tmp_path: Path) -> None:
    if (view, asked) == ("padding", "by hand"):
        pytest.skip("this net has no padding, which is said before the screen begins")
    picture = tmp_path / "a.txt"
    args = ["step", *ASKED[asked], "--lang", "tr", "--view", view, "--size", size]
    assert run([*args, "--screenshot", str(picture)]) == 0
    lines = picture.read_text("utf-8").splitlines()
    assert leftovers(lines, " ".join(ASKED[asked])) == []


def test_an_english_word_is_found() -> None:
    assert leftovers(["─ geri yayılım", "─ backward ∂L/∂h"], "") == ["─ backward ∂L/∂h"]


@pytest.mark.parametrize("asked", ["words", "four classes"])
def test_lines_of_text_in_turkish(asked: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["step", *ASKED[asked], "--lang", "tr", "--plain"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert leftovers(said, " ".join(ASKED[asked]) + " model lstm.0.backward") == []


def test_files_keep_the_labels_of_the_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["step", "good", "--lang", "tr", "--json", "--target", "positive"]) == 0
    assert '"labels": ["negative", "positive"]' in capsys.readouterr().out


def test_labels_of_ones_own_stay() -> None:
    assert i18n.label("harika", "tr") == "harika"
    for name in ("sentiment-lstm", "agnews-bilstm"):
        stored = load(name)
        assert not {i18n.label(label, "tr") for label in stored.labels} & set(stored.labels)
    assert i18n.trained_on("mine + spoken", "tr") == "mine + konuşma cümleleri"
    assert i18n.trained_on("AG News, 51,323 of 120,000 items, all-words", "tr") == (
        "AG News, 120,000 öğeden 51,323, bütün sözcükler"
    )


async def test_the_palette_and_the_way_out_in_turkish() -> None:
    one: RnnvizApp = app(lang="tr")
    async with one.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        await pilot.press("ctrl+p")
        await pilot.pause()
        palette = one.screen
        assert isinstance(palette, Palette)
        line = palette.query_one(Input)
        assert line.placeholder == i18n.text("palette.search", "tr")
        await pilot.press(*"qqqq")
        await pilot.pause(0.8)
        found = palette.query_one(OptionList)
        (only,) = (found.get_option_at_index(n) for n in range(found.option_count))
        assert i18n.text("palette.none", "tr") in str(only.prompt)
        await pilot.press("escape")
        one.action_help_quit()
        await pilot.pause()
        (toast,) = one._notifications
        assert toast.title == i18n.text("leave.title", "tr")
        assert leftovers([toast.message, str(toast.title)], "") == []


def test_the_name_of_the_dense_layer_has_one_colour_in_the_diagram(tmp_path: Path) -> None:
    picture = tmp_path / "a.svg"
    assert run(["step", "not good", "--lang", "tr", "--at", "2", "--screenshot", str(picture)]) == 0
    assert re.search(r">[^<]*çıktı[^<]*</text>", picture.read_text("utf-8"))
