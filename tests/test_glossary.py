"""The glossary: every value has a term, every name finds one, both languages, and the document."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from rnnviz import i18n
from rnnviz.cells import CELLS
from rnnviz.cli import run
from rnnviz.errors import UsageError
from rnnviz.glossary import Term, find, glossary, on_screen
from rnnviz.glossary.notation_table import notation_rows, word
from rnnviz.tui.pages import PAGES
from rnnviz.tui.step.explanation import sections
from tests.tui.small_models import DRAWN, app, made, moment, screen_text

ROOT = Path(__file__).parents[1]
TERMS = tuple(glossary().values())
#: Function words of English, which no Turkish text has.
ENGLISH = re.compile(r"\b(the|and|of|is|with|for|that|which|by)\b")


def test_there_are_terms_enough_in_both_languages() -> None:
    assert len(TERMS) >= 40
    for term in TERMS:
        for lang in i18n.LANGUAGES:
            assert term.name[lang].strip()
            assert 12 <= len(term.about[lang].split()) <= 75, (term.key, lang)
        assert not ENGLISH.search(term.about["tr"].lower()), term.key
        assert term.about["en"] != term.about["tr"]


def test_what_a_term_refers_to_exists() -> None:
    pages = {entry.name for entry in PAGES}
    parts = {part for cell in DRAWN for part in made(cell=cell).layers[0].parts} | {"*"}
    lessons = {path.stem for path in (ROOT / "assets/lessons").glob("*.toml")}
    for term in TERMS:
        assert set(term.see) <= set(glossary()) - {term.key}, term.key
        assert set(term.pages) <= pages and set(term.parts) <= parts, term.key
        assert term.lesson in lessons | {""}, term.key
        for cell, name in term.symbols:
            lines = {line.name for line in CELLS[cell].lines} | {"x", "W", "U", "b", "order"}
            assert name in lines, term.key


@pytest.mark.parametrize("cell", DRAWN)
def test_every_recorded_value_and_array_has_a_term(cell: str) -> None:
    layer = made(cell=cell).layers[0]
    names = {"a_f" if name.startswith("a") else name for name in layer.values} - {"m"}
    for name in names | {"W", "U", "b"}:
        assert find(name)


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.key)
def test_every_name_finds_its_term(term: Term, capsys: pytest.CaptureFixture[str]) -> None:
    for name in term.names:
        assert find(name) is term, name
    assert run(["explain", term.key, "--lang", "en"]) == 0
    said = capsys.readouterr().out
    assert said.startswith(term.name["en"])
    assert " ".join(term.about["en"].split()) in " ".join(said.split())


def test_a_word_that_only_one_term_has_finds_it() -> None:
    assert find("vanishing") is find("vanishing gradient")
    assert find("kaybolan") is find("vanishing gradient")
    with pytest.raises(UsageError):
        find("hidden or not")


def test_case_hyphens_and_underscores_make_no_difference() -> None:
    for name in ("Forget Gate", "FORGET_GATE", "unutma KAPISI", "forget-gate"):
        assert find(name).key == "forget-gate"
    assert find("R").key == "recurrent-kernel"
    assert find("r").key == "reset-gate"


@pytest.mark.parametrize(
    ("typed", "meant"), [("vanishng", "vanishing"), ("forgett", "forget"), ("kernl", "kernel")]
)
def test_the_nearest_name_is_suggested(
    typed: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UsageError):
        find(typed)
    assert run(["explain", typed]) == 2
    assert f"Did you mean '{meant}" in capsys.readouterr().err


def test_the_list_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "--lang", "tr"]) == 0
    listed = capsys.readouterr().out
    assert all(term.name["tr"] in listed and term.key in listed for term in TERMS)
    assert run(["explain", "--json"]) == 0
    assert [row["term"] for row in json.loads(capsys.readouterr().out)] == [t.key for t in TERMS]
    assert run(["explain", "z", "--json", "--notation", "paper"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["equations"][-1] == "h = (1 − z) ⊙ h₋ + z ⊙ h̃"
    assert record["notation"]["onnx"] == "z"


def test_symbols_come_from_the_table_of_notations() -> None:
    assert [word(find("g"), column) for column in ("keras", "pytorch", "paper", "onnx")] == [
        "c̃ / hh", "g / n", "c̃ / h̃", "c / h",
    ]  # fmt: skip
    assert dict(notation_rows(find("gate order"), "en"))["ONNX"] == "i o f c / z r h"
    senses = dict(notation_rows(find("z"), "en"))
    assert "renews" in senses["Chung et al. 2014"] and "keeps" in senses["PyTorch"]


@pytest.mark.parametrize("cell", DRAWN)
def test_each_part_and_page_has_terms_of_its_own(cell: str) -> None:
    layer = made(cell=cell).layers[0]
    for part in layer.parts:
        found = on_screen(part, "", cell)
        assert len(found) >= 2, part
        other = {"lstm": "gru", "gru": "lstm"}.get(cell)
        assert all(term.cell != other or term.value in "hxg" for term in found[:2]), part
    for page in ("backward", "weights", "reach", "clamp", "padding", "net", "units", "series"):
        assert on_screen("read", page, cell), page


@pytest.mark.parametrize("lang", i18n.LANGUAGES)
async def test_the_key_explains_what_is_on_the_screen(lang: str) -> None:
    it = app(cell="lstm", lang=lang)
    async with it.run_test(size=(100, 30)) as pilot:
        await pilot.press("full_stop", "g")
        await pilot.pause()
        shown = "\n".join(screen_text(it))
        name = find("forget-gate").name[lang]
        assert name in shown and shown.index(name) < len(shown) / 2
        await pilot.press(*"weight_hh")
        await pilot.pause()
        shown = "\n".join(screen_text(it))
        assert find("recurrent-kernel").name[lang] in shown and name not in shown
        await pilot.press("escape", "escape")
        await pilot.pause()
        assert it.screen is it.step_screen


def test_in_a_section_the_equation_is_that_of_the_cell_on_the_screen() -> None:
    view_state = moment(made(cell="gru"))
    candidate = next(s for s in sections(view_state) if s.title.startswith("candidate"))
    assert any("r ⊙ q" in row for _, row in candidate.rows)


# -- the document -----------------------------------------------------------------------------


def document() -> str:
    """``assets/docs/glossary.md``, made from the same data."""
    lines = [
        "# Glossary", "",
        "`rnnviz explain TERM` prints these texts, and `g` in the stepper shows those of what is on"
        " the screen. This page is made from `rnnviz/glossary/terms.toml`.",
    ]  # fmt: skip
    for term in TERMS:
        english, turkish = (term.name[lang] for lang in ("en", "tr"))
        title = english if english == turkish else f"{english} · {turkish}"
        lines += ["", f"## {title}", "", term.about["en"], "", term.about["tr"]]
        rows = notation_rows(term, "en")
        if rows:
            lines += ["", "; ".join(f"{column}: `{text}`" for column, text in rows)]
    return "\n".join(lines) + "\n"


def test_the_document_has_the_texts_of_the_glossary() -> None:
    """RNNVIZ_UPDATE_GLOSSARY=1 writes it anew."""
    path = ROOT / "assets/docs/glossary.md"
    if os.environ.get("RNNVIZ_UPDATE_GLOSSARY"):
        path.write_text(document(), "utf-8")
    assert path.read_text("utf-8") == document()
