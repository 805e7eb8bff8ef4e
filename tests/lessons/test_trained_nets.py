"""The nets that the steps of a lesson train, for whatever is asked about them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from rnnviz.analysis.learning import LearningQuestion
from rnnviz.analysis.writing import NextTokensQuestion
from rnnviz.errors import UsageError
from rnnviz.lessons.lesson import Lesson, LessonChange, Step
from rnnviz.lessons.trained_nets import TrainedNets
from rnnviz.query import Query

QUERY = Query("good", "sentiment-lstm")
STEPS = (
    Step("a.say", "Look.", QUERY),
    Step("a.train", "Wait.", QUERY, changes=(LessonChange(train={"recipe": "r", "units": 8}),)),
    Step("a.again", "Wait.", QUERY, changes=(LessonChange(train={"recipe": "r", "units": 2}),)),
)
LESSON = Lesson("a", Path("a.toml"), "en", "A", "Why?", 5, 1, STEPS)


def train(wanted: Mapping[str, object]) -> str:
    return f"/runs/{wanted['units']}"


def asked(question: Any) -> Any:
    return question


def test_a_question_about_a_trained_net_is_about_the_run() -> None:
    nets = TrainedNets(asked, LESSON, train)
    assert nets(Query("good", "trained:a.train")) == Query("good", "/runs/8")
    assert nets(LearningQuestion("trained:a.again", "x")) == LearningQuestion("/runs/2", "x")
    assert nets(Query("good", "trained:a.train@182")) == Query("good", "/runs/8@182")
    next_tokens = NextTokensQuestion(Query("emm", "trained:a.train@4"))
    assert nets(next_tokens) == NextTokensQuestion(Query("emm", "/runs/8@4"))
    assert nets(QUERY) == QUERY
    assert nets("no question of a model") == "no question of a model"


def test_each_net_is_trained_once_for_all_languages_and_only_if_it_is_needed() -> None:
    trained: list[object] = []
    known: dict[str, str] = {}

    def once(wanted: Mapping[str, object]) -> str:
        trained.append(wanted["units"])
        return train(wanted)

    for _ in range(2):
        nets = TrainedNets(asked, LESSON, once, known)
        nets(Query("good", "trained:a.train"))
        nets(Query("bad", "trained:a.train@4"))
    assert trained == [8]


@pytest.mark.parametrize("name", ["trained:a.say", "trained:a.gone", "trained:"])
def test_a_step_that_trains_nothing_has_no_net(name: str) -> None:
    with pytest.raises(UsageError, match="trains a net"):
        TrainedNets(asked, LESSON, train)(Query("good", name))


def test_without_a_trainer_there_is_no_net() -> None:
    with pytest.raises(UsageError, match="not trained here"):
        TrainedNets(asked, LESSON, None)(Query("good", "trained:a.train"))
