"""Go to: what may be typed, where it leads, and what is said about what does not exist."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnviz import i18n
from rnnviz.cursor import fitted
from rnnviz.tui.step.go_to import change, prompt
from tests.tui.small_models import made, moment

TEXT = "not a good film but not bad"


@pytest.mark.parametrize(
    ("typed", "t", "unit"),
    [
        ("not", 5, 2),  # the next one after the cursor
        ("good", 2, 2),
        ("GOOD", 2, 2),
        ("  film ", 3, 2),
        ("fi", 3, 2),  # the beginning of a word
        ("a", 1, 2),  # a word is preferred to the beginning of one
        ("1", 0, 2),
        ("7", 6, 2),
        ("u 4", 0, 4),
        ("u4", 0, 4),
        ("unit 4", 0, 4),
        ("Birim 4", 0, 4),
        ("bad 3", 6, 3),
        ("bad u 3", 6, 3),
        ("bad birim 3", 6, 3),
        ("bad BİRİM 3", 6, 3),
        ("4 5", 3, 5),
        ("not 0", 5, 0),
    ],
)
def test_what_is_typed_leads_to_a_token_or_a_unit(typed: str, t: int, unit: int) -> None:
    view_state = moment(made(TEXT))
    view_state = replace(view_state, cursor=replace(view_state.cursor, unit=2))
    found = change(view_state, typed)
    assert not found.failed and found.cursor is not None
    assert (found.cursor.t, found.cursor.unit) == (t, unit)


def test_the_same_word_again_goes_round_the_end() -> None:
    view_state = moment(made(TEXT), t=5)
    found = change(view_state, "not")
    assert found.cursor is not None and found.cursor.t == 0


def test_a_layer_keeps_the_last_part_last() -> None:
    view_state = moment(made(TEXT, bidirectional=True))
    found = change(view_state, "layer 2")
    assert found.cursor is not None and found.cursor.layer == 1
    assert found.cursor.part == len(view_state.trace.layers[1].parts) - 1
    again = change(view_state, "KATMAN 2")
    assert again.cursor == found.cursor


@pytest.mark.parametrize(
    ("typed", "key", "values"),
    [
        ("", "empty", {}),
        ("0", "no_token", {"n": "0", "T": 7}),
        ("8", "no_token", {"n": "8", "T": 7}),
        ("u 6", "no_unit", {"n": 6, "last": 5}),
        ("bad 99", "no_unit", {"n": 99, "last": 5}),
        ("layer 2", "no_layer", {"n": 2, "N": 1}),
        ("zebra", "no_word", {"word": "zebra"}),
        ("goof", "no_word", {"word": "goof"}),
    ],
)
@pytest.mark.parametrize("lang", i18n.LANGUAGES)
def test_what_does_not_exist_is_said_with_the_nearest_word(
    typed: str, key: str, values: dict[str, object], lang: str
) -> None:
    found = change(moment(made(TEXT), lang=lang), typed)
    assert found.failed and found.cursor is None
    assert found.message.startswith(i18n.text(f"goto.{key}", lang, **values))
    guessed = typed == "goof"
    assert (i18n.text("goto.nearest", lang, word="good") in found.message) == guessed


@pytest.mark.parametrize("typed", ["ılık", "ILIK", "ilik", "İLİK"])
def test_the_four_turkish_i_are_one_letter(typed: str) -> None:
    view_state = moment(made("film not ılık bad"), lang="tr")
    found = change(view_state, typed)
    assert found.cursor is not None and found.cursor.t == 2


def test_the_line_completes_the_words_of_the_text() -> None:
    line = prompt(moment(made(TEXT)))
    assert line.words == ("not", "a", "good", "film", "but", "bad")


@given(st.text(max_size=20))
def test_any_line_leads_to_a_valid_cursor_or_to_a_message(typed: str) -> None:
    view_state = moment(made(TEXT))
    found = change(view_state, typed)
    assert (found.cursor is None) == found.failed == bool(found.message)
    if found.cursor is not None:
        assert fitted(found.cursor, view_state.trace) == found.cursor
