"""The shipped lessons: every claim holds for the shipped models, in both languages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from lesson_runs import trained_once

from rnnviz import explore, i18n
from rnnviz.lessons.catalogue import lesson_files, lessons
from rnnviz.lessons.check import check
from rnnviz.lessons.lesson import Lesson
from rnnviz.lessons.reader import read
from rnnviz.tui.keymap import ACTIONS
from rnnviz.tui.pages import PAGES

FILES = lesson_files()


@pytest.fixture(scope="module")
def explorer() -> Iterator[explore.Explorer]:
    yield explore.explorer("sample")


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_wrong_with_a_lesson(name: str, explorer: explore.Explorer) -> None:
    pages = tuple(entry.name for entry in PAGES)
    actions = tuple(action.name for action in ACTIONS)
    problems = check(FILES[name], explorer, pages, actions=actions, train=trained_once)
    assert [str(each) for each in problems] == []


@pytest.mark.parametrize("name", FILES)
def test_both_languages_have_the_same_steps(name: str) -> None:
    """A class may change the language at any step; only what is read may be another."""

    def shape(lesson: Lesson) -> list[object]:
        return [
            (
                step.id, step.view, step.reveal_view, step.hide, step.cursor is None,
                step.question and (step.question.kind, step.question.why, step.question.seen),
                step.question and (len(step.question.options), step.question.right),
                [(change.own, bool(change.train)) for change in step.changes],
                bool(step.reveal), bool(step.notes), bool(step.against),
            )
            for step in lesson.steps
        ]  # fmt: skip

    first, *others = (read(FILES[name], lang) for lang in i18n.LANGUAGES)
    for other in others:
        assert shape(other) == shape(first)
        for one, two in zip(first.steps, other.steps, strict=True):
            assert one.query != two.query or one.cursor == two.cursor


def test_the_list_has_each_number_once() -> None:
    found, errors = lessons("en")
    numbers = [lesson.number for lesson in found if lesson.number is not None]
    assert errors == []
    assert numbers == sorted(set(numbers))
