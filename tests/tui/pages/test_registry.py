"""The registry of pages: names, options of the command line, and states."""

from __future__ import annotations

from dataclasses import fields

import pytest

from rnnviz.tui.pages import PAGES, PageEntry, first_page, initial_states, load
from rnnviz.tui.pages.compare_cells import CompareCellsState
from rnnviz.tui.view.page_state import PageOptions, PageState
from rnnviz.tui.view.second_sentence import SecondSentence


@pytest.mark.parametrize("entry", PAGES, ids=lambda entry: entry.name)
def test_a_row_names_its_page(entry: PageEntry) -> None:
    assert load(entry.name).name == entry.name


def test_options_of_rows_are_fields() -> None:
    options = [entry.option for entry in PAGES if entry.option]
    assert sorted(options) == sorted(field.name for field in fields(PageOptions))


def test_a_state_belongs_to_a_page_and_has_defaults() -> None:
    names = {entry.name for entry in PAGES}
    for name in names:
        load(name)
    kinds = [kind for kind in PageState.__subclasses__() if kind.__module__.startswith("rnnviz.")]
    assert len(kinds) >= 10
    assert {kind.page for kind in kinds} <= names | {"without_word"}  # of the panels
    for kind in kinds:
        assert kind() == kind()


@pytest.mark.parametrize(
    ("options", "page", "states"),
    [
        (PageOptions(), "", {}),
        (PageOptions(toy_net=True), "hand", {}),
        (PageOptions(against="b"), "against", {"against": SecondSentence("b")}),
        (PageOptions(against="b", toy_net=True), "against", {"against": SecondSentence("b")}),
        (
            PageOptions(compare=("rnn", "gru"), toy_net=True),
            "lockstep",
            {"lockstep": CompareCellsState(("rnn", "gru"))},
        ),
    ],
)
def test_options_open_and_fill_pages(
    options: PageOptions, page: str, states: dict[str, PageState]
) -> None:
    assert first_page(options) == page
    assert initial_states(options) == states
