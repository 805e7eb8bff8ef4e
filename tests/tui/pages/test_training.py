"""The page of the training draws the epochs of the model's record."""

from __future__ import annotations

import pytest

from rnnviz import explore
from rnnviz.analysis.training_history import TrainingHistory, TrainingHistoryQuestion
from rnnviz.errors import UsageError
from rnnviz.query import Query
from rnnviz.tui.pages.training import TrainingPage
from rnnviz.tui.view.view_state import ViewState
from tests.tui.pages.reading import SIZES, lines
from tests.tui.small_models import TEXT, made, moment

MODEL = "imdb-rnn"


@pytest.fixture(scope="module")
def history() -> TrainingHistory:
    found = explore.explorer()(TrainingHistoryQuestion(MODEL))
    assert isinstance(found, TrainingHistory)
    return found


def at(history: TrainingHistory | None, lang: str = "en", model: str = MODEL) -> ViewState:
    answers = {} if history is None else {TrainingHistoryQuestion(MODEL): history}
    return moment(made(TEXT), 0, query=Query(TEXT, model), answers=answers, lang=lang)


def test_the_history_is_that_of_the_record(history: TrainingHistory) -> None:
    assert [epoch.number for epoch in history.epochs] == list(range(1, 11))
    assert history.values("valid", "accuracy")[4] == pytest.approx(0.8666)
    assert (history.epoch, history.metric, history.better) == (5, "accuracy", "high")
    assert history.published == pytest.approx(0.846)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("lang", ["en", "tr"])
def test_best_and_last_epoch_are_said(
    history: TrainingHistory, size: tuple[int, int], lang: str
) -> None:
    said = " ".join(" ".join(lines(TrainingPage, at(history, lang), *size)).split())
    words = ("epoch 5: 0.867", "epoch 10 it is 0.777") if lang == "en" else ("5. dönem", "0.777")
    assert all(word in said for word in words)


@pytest.mark.parametrize("size", SIZES)
def test_the_curves_have_a_dot_for_each_epoch(
    history: TrainingHistory, size: tuple[int, int]
) -> None:
    said = "\n".join(lines(TrainingPage, at(history), *size))
    # Two charts with ten dots and a legend each; dots may be hidden behind a label or the line.
    assert said.count("●") >= 14
    assert "best 0.8666, epoch 5" in said


def test_a_net_without_a_record_says_so() -> None:
    said = " ".join(lines(TrainingPage, at(None, model="lstm by hand"), 80, 24))
    assert "lstm by hand" in said
    with pytest.raises(UsageError, match="by hand"):
        explore.explorer()(TrainingHistoryQuestion("lstm by hand"))
