"""The quiz: eight questions, and no answer before the course."""

from __future__ import annotations

from collections import Counter

import pytest

from rnnviz import i18n
from rnnviz.errors import UsageError
from rnnviz.lessons.catalogue import find
from rnnviz.lessons.lesson import Lesson
from rnnviz.lessons.quiz import in_phase
from rnnviz.lessons.reader import read


@pytest.fixture(params=i18n.LANGUAGES)
def quiz(request: pytest.FixtureRequest) -> Lesson:
    return read(find("quiz"), request.param)


def test_eight_questions_each_explained(quiz: Lesson) -> None:
    questions = [step.id for step in quiz.questions]
    assert len(questions) == 8
    explained = [step.id for step in quiz.steps if ".why-" in step.id]
    assert explained == [each.replace(".", ".why-") for each in questions]


def test_the_place_of_the_right_option_tells_nothing(quiz: Lesson) -> None:
    right = Counter(step.question.right for step in quiz.questions if step.question)
    assert set(right) == {1, 2, 3}
    longest = [
        max(range(3), key=lambda n: len(q.options[n])) + 1 == q.right
        for step in quiz.questions if (q := step.question)
    ]  # fmt: skip
    assert 1 <= sum(longest) <= 5


def test_before_the_course_nothing_is_told(quiz: Lesson) -> None:
    before = in_phase(quiz, "before")
    assert before.steps == quiz.questions
    assert not any(step.reveal for step in before.steps)
    assert in_phase(quiz, "after") == in_phase(quiz, "") == quiz


def test_a_lesson_has_no_phase() -> None:
    lesson = read(find("not"), "en")
    assert in_phase(lesson, "") == lesson
    with pytest.raises(UsageError, match="rnnviz lesson quiz --phase after"):
        in_phase(lesson, "after")
