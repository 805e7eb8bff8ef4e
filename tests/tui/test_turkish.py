"""Under ``--lang tr`` nothing that the program says itself is in English."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from textual.widgets import Input, OptionList
from turkish import untranslated, words

from rnnviz import i18n
from rnnviz.cli import run
from rnnviz.model_files import load
from rnnviz.toy_net import net_files
from rnnviz.tui.app.palette import Palette
from rnnviz.tui.pages import PAGES
from rnnviz.tui.step.app import RnnvizApp
from rnnviz.tui.step.help import sections as help_sections
from tests.tui.small_models import app, made, moment

#: Names that are the same in every language, and what stands in the texts and tables.
NAMES = {"rnnviz", "lstm", "sentiment", "agnews", "bilstm", "jena", "imdb", "tanh", "norm", "slide"}
NAMES |= {"enter", "shift", "degc", "start", "simplernn", "news", "keras", "pytorch", "relu"}

ASKED = {
    "words": ["-m", "sentiment-lstm", "it was not good"],
    "four classes": ["-m", "agnews-bilstm", "cup"],
    "series": ["-m", "jena-gru"],
    "by hand": ["--units", "2", "--inputs", "2", "--cell", "gru-2014", "1 .5; 0 1"],
}
#: Nets with more in their name or in the title of their cell.
VARIANTS = {
    "untrained": ["-m", "sentiment-lstm-8", "--random", "1", "not good"],
    "without biases": [
        "--units",
        "1",
        "--set",
        "bias=none",
        "--set",
        "output_activation=relu",
        "1",
    ],
    "z renews": ["--units", "1", "--cell", "gru", "--set", "z=renew", "1"],
    "of the slide": ["-m", "sentiment-lstm-slide", "not good"],
}


def leftovers(lines: list[str], text: str) -> list[str]:
    """The English words of a screen that are not in the text that is read."""
    return untranslated(" ".join(line.strip() for line in lines), NAMES | words(text))


#: The texts of the page of units are those of the data.
VIEWS = ["panels", *(e.name for e in PAGES if e.name != "units")]


@pytest.mark.parametrize(
    ("asked", "size"),
    [*product(ASKED, ["80x24", "120x36"]), *((asked, "120x36") for asked in VARIANTS)],
)
@pytest.mark.parametrize("view", VIEWS)
def test_a_screen_in_turkish(view: str, asked: str, size: str, tmp_path: Path) -> None:
    picture = tmp_path / "a.txt"
    given = (ASKED | VARIANTS)[asked]
    args = ["step", *given, "--lang", "tr", "--view", view, "--size", size]
    assert run([*args, "--screenshot", str(picture)]) == 0
    lines = picture.read_text("utf-8").splitlines()
    assert leftovers(lines, given[-1]) == []


def test_an_english_word_is_found() -> None:
    assert leftovers(["─ geri yayılım", "─ backward ∂L/∂h"], "") == ["backward"]


@pytest.mark.parametrize("asked", ["words", "four classes"])
def test_lines_of_text_in_turkish(asked: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["step", *ASKED[asked], "--lang", "tr", "--plain"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert leftovers(said, ASKED[asked][-1] + " lstm.0.backward") == []


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


@pytest.mark.parametrize(
    ("said", "english", "turkish"),
    [
        (i18n.model_name, "mine (untrained, seed 7)", "mine (eğitilmemiş, tohum 7)"),
        (i18n.model_name, "gru-2014 by hand", "elle yapılmış gru-2014"),
        (i18n.model_name, "Written by hand", "Written by hand"),  # a file of a user
        (i18n.cell_title, "GRU, relu, clip 3, no bias", "GRU, relu, kırpma 3, yanlılıksız"),
        (i18n.cell_title, "LSTM, tanh output", "LSTM, çıkışta tanh"),
        (i18n.trained_on, "nothing (seed 7)", "eğitilmedi (tohum 7)"),
        (i18n.trained_on, "IMDB sample (20 reviews)", "IMDB örneği (20 yorum)"),
        (i18n.trained_on, "t.csv (48 rows)", "t.csv (48 satır)"),
        (
            i18n.trained_on, "IMDB; reads the last 500 of 1,200 tokens, as in training",
            "IMDB; 1,200 sözcüğün son 500 tanesi okunuyor, eğitimdeki gibi",
        ),
        (i18n.trained_on, "x; begins in given states", "x; verilen durumlarla başlıyor"),
    ],
)  # fmt: skip
def test_names_and_records(said: Callable[[str, str], str], english: str, turkish: str) -> None:
    assert (said(english, "en"), said(english, "tr")) == (english, turkish)


@pytest.mark.parametrize("page", ["", "learning", "clamp"])
def test_the_help_in_turkish(page: str) -> None:
    found = help_sections(replace(moment(made("not bad"), 1), lang="tr", page=page))
    texts = [section.title for section in found]
    texts += [text for section in found for row in section.rows for text in row]
    keys = {"pagedown", "pageup", "backspace", "home", "end", "space", "english", "bug", "error"}
    assert [text for text in texts if untranslated(text, NAMES | keys)] == []


def test_titles_of_shipped_nets_by_hand_are_translated() -> None:
    titles = [net_files.open_net(name).hand.form.title for name in net_files.examples()]
    assert len(titles) > 4
    assert [t for t in titles if i18n.word("net_title", t, "tr") == t] == []


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
