"""The events of a lesson: what differs between two of its states."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rnnviz.events import AnswerEvent, Event, LessonEvent, QuestionEvent, RevealEvent

if TYPE_CHECKING:
    from rnnviz.lessons.player import LessonAnswer, LessonPlayer
    from rnnviz.tui.view.view_state import ViewState


def lesson_events(before: ViewState | None, after: ViewState) -> Iterator[Event]:
    """The place of the lesson, its question, answers that were marked, and what was revealed.

    Without a state before: what leads to the state after, that is, the step with its answer.
    """
    if after.lesson is None:
        return
    now = after.lesson.player
    was = None if before is None or before.lesson is None else before.lesson.player
    if was is now:
        return
    moved = was is None or (was.step.id, was.stage, was.phase) != (
        now.step.id, now.stage, now.phase
    )  # fmt: skip
    if moved:
        yield lesson_event(now)
    asked = now.step.question
    if asked is not None and now.phase == "ask" and moved:
        yield QuestionEvent(now.step.id, asked.kind, asked.options)
    for step, answer in now.answers.items():
        old = () if was is None else _marked(was.answers.get(step))
        here = was is not None or step == now.step.id
        if here and _marked(answer) not in ((), old):
            yield _answer_event(after, now, step, answer)
    for step in sorted(now.revealed - (now.revealed if was is None else was.revealed)):
        yield RevealEvent(step)


def lesson_event(player: LessonPlayer) -> LessonEvent:
    """Where the lesson is."""
    number, of = player.index + 1, len(player.lesson.steps)
    return LessonEvent(
        player.lesson.id, player.step.id, player.phase, player.stage, number, of
    )  # fmt: skip


def _marked(answer: LessonAnswer | None) -> tuple[object, ...]:
    """What of an answer is published: without its reason, and only once it was marked."""
    if answer is None or answer.key is None:
        return ()
    given = None if answer.prediction is None else answer.prediction.answer
    return answer.key, given, answer.seconds


def _answer_event(
    view_state: ViewState, player: LessonPlayer, step: str, answer: LessonAnswer
) -> AnswerEvent:
    if answer.prediction is None:
        return AnswerEvent(step, None, None, answer.seconds)
    value, text = answer.prediction.answer, ""
    question = player.lesson.steps[player.lesson.index(step)].question
    if question is not None and question.kind != "number":
        names = question.options or view_state.trace.tokens
        text = names[int(value) - 1] if 1 <= value <= len(names) else ""
    return AnswerEvent(step, value, answer.correct, answer.seconds, text)
