"""Pages that other nets share, on a net that writes: its tokens and the metric of its training."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from rnnviz.analysis.gradient_check import GradientCheck
from rnnviz.analysis.training_history import TrainingHistoryQuestion
from rnnviz.equations import number
from rnnviz.explore import explorer as explore
from rnnviz.query import Query
from rnnviz.tui.pages.clamp import ClampPage
from rnnviz.tui.pages.compare_sentences import CompareSentencesPage
from rnnviz.tui.pages.padding import PaddingPage
from rnnviz.tui.pages.scan import ScanPage
from rnnviz.tui.step.app import settled
from rnnviz.tui.view.view_state import ViewState
from tests.tui.pages.reading import ending, lines
from tests.tui.small_writer import NAMES, TEXT, app, explorer, moment, writer


def of_names(t: int, text: str = "anna") -> ViewState:
    return moment(t, text, stored=writer(NAMES))


@pytest.mark.parametrize(
    ("view_state", "text", "shown"),
    [
        (moment(1), TEXT[0] + TEXT[2:], "n o : ↵ a n ␣ e r a"),
        (moment(6), TEXT[:6] + TEXT[7:], "n o : ↵ a n ␣ e r a"),
        (of_names(2), "ana", "↵ a n n a"),
        (of_names(0), "anna", "↵ a n n a"),  # the mark is not typed
    ],
)
def test_a_text_without_a_character_is_a_text(view_state: ViewState, text: str, shown: str) -> None:
    change: Any = CompareSentencesPage(view_state).press(view_state, "drop_word")
    assert change.state.text == text
    assert f"a  {shown}" in "\n".join(lines(CompareSentencesPage, view_state, 80, 24))


def test_the_output_at_the_end_is_named() -> None:
    """The likeliest token after the last one; what is shown elsewhere is the next one's."""
    view_state = moment(3)
    questions = ClampPage(view_state).questions(view_state)
    view_state = replace(view_state, answers={each: explorer()(each) for each in questions})
    head = view_state.trace.head
    k = int(head.output.argmax())
    said = ending(ClampPage, view_state, 120)
    assert f"p({head.labels[k]})" in said.replace("↵", "\n").replace("␣", " ")
    assert number(float(head.output[k]), 2) in said


def test_a_key_for_min_gru_is_named_where_there_is_one() -> None:
    view_state = moment(3)
    assert "minGRU, key" not in " ".join(lines(ScanPage, view_state, 80, 24))
    others = ("a", "b", "c", "d", "e", "sentiment-mingru")
    said = " ".join(lines(ScanPage, replace(view_state, others=others), 80, 24))
    assert "minGRU, key 6" in " ".join(said.split())


def test_the_training_of_a_net_that_writes_is_judged_by_its_bits() -> None:
    history = explore()(TrainingHistoryQuestion("names-gru"))
    assert (history.metric, history.better, history.published) == ("bits", "low", None)
    for bits, loss in zip(
        history.values("valid", "bits"), history.values("valid", "loss"), strict=True
    ):
        assert bits == loss / math.log(2)


def test_a_net_that_read_one_long_text_has_no_padding() -> None:
    """Its entry 0 is a token: the gradient check names it, and no page pads with it."""
    view_state = moment(3)
    assert not PaddingPage.applies(view_state) and not PaddingPage(view_state).questions(view_state)
    assert "has no entry for padding" in " ".join(
        " ".join(lines(PaddingPage, view_state, 80, 24)).split()
    )
    assert PaddingPage.applies(of_names(2))


@pytest.mark.parametrize(
    ("model", "text", "first"), [("shakespeare-lstm", "EO\nI", "\n"), ("names-rnn", "ann", "[PAD]")]
)
def test_the_gradient_check_names_the_first_entry(model: str, text: str, first: str) -> None:
    query = Query(text, model)
    entries = explore()(GradientCheck(query)).entries
    rows = {entry.index[0]: entry.word for entry in entries if entry.word is not None}
    assert rows[0] == first and len(rows) == 2


async def test_without_another_model_the_key_for_reach_says_so() -> None:
    it = app()
    async with it.run_test(size=(80, 24)) as pilot:
        await settled(it, pilot)
        await pilot.press("r")
        assert "no other model" in it.step_screen.view_state.status
