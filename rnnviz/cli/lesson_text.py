"""A lesson as lines of text, for a screen reader or a sheet of paper, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rnnviz import i18n
from rnnviz.lessons.predictions import allowed, spoken

if TYPE_CHECKING:
    from rnnviz.lessons.lesson import Lesson, LessonChange, Step
    from rnnviz.query import Explorer

#: The version of the JSON.
SCHEMA = "rnnviz.lesson/1"


def lesson_lines(lesson: Lesson, explorer: Explorer | None, first: int = 1) -> Iterator[str]:
    """The steps from number ``first`` on: what is read, said, asked and changed.

    With an explorer also what it answers, the reveals and the notes; without one nothing tells an
    answer.
    """
    lang, N = lesson.lang, len(lesson.steps)

    def phrase(key: str, **values: object) -> str:
        return i18n.text(f"lesson.{key}", lang, **values)

    yield lesson.title
    yield lesson.question
    before: Step | None = None
    for n, step in enumerate(lesson.steps, start=1):
        if n >= first:
            yield ""
            yield phrase("text_step", n=n, N=N, id=step.id)
            yield from _reads(step, before, lang)
            yield step.say
            yield from _asks(step, lang)
            if explorer is not None:
                yield from _answers(step, explorer, lang)
            elif step.reveal:
                yield phrase("text_hidden")
            for change in step.changes:
                yield from _changes(change, lang, answers=explorer is not None)
            if explorer is not None and step.notes:
                yield phrase("text_notes", notes=step.notes)
        before = step


def _reads(step: Step, before: Step | None, lang: str) -> Iterator[str]:
    """What is read, where it differs from the step before."""
    if before is None or step.query != before.query:
        query = step.query
        yield i18n.text(
            "lesson.text_reads", lang, model=i18n.model_name(query.model, lang), text=query.text
        )
        if query.clamps:
            clamps = ", ".join(map(str, query.clamps))
            yield i18n.text("lesson.text_clamps", lang, clamps=clamps)
    if step.against and (before is None or step.against != before.against):
        yield i18n.text("lesson.text_against", lang, text=step.against)


def _asks(step: Step, lang: str) -> Iterator[str]:
    question = step.question
    if question is None:
        return
    if question.options:
        yield from (f"  {n}) {option}" for n, option in enumerate(question.options, start=1))
    else:
        kind = "ask_number" if question.kind == "number" else "ask_word"
        yield "  " + i18n.text(f"lesson.{kind}", lang, within=allowed(question.within))
    if question.why:
        yield "  " + i18n.text("lesson.text_why", lang)


def _answers(step: Step, explorer: Explorer, lang: str) -> Iterator[str]:
    from rnnviz.lessons.claims import Evaluator

    question = step.question
    if question is not None:
        right: Any = question.right
        if question.of:
            right = Evaluator(explorer).value(question.of, step.query, step.against)
        if question.kind == "number":
            answer = f"{spoken(float(right))} (±{allowed(question.within)})"
        else:
            words = question.options or tuple(step.query.text.split())
            at = int(right) - 1
            answer = f"{at + 1}) {words[at]}" if 0 <= at < len(words) else str(right)
        yield i18n.text("lesson.text_right", lang, answer=answer)
    if step.reveal:
        yield step.reveal


def _changes(change: LessonChange, lang: str, *, answers: bool) -> Iterator[str]:
    if change.own is not None:
        yield i18n.text("lesson.text_own", lang, goal=change.goal)
        if answers:
            yield i18n.text("lesson.text_example", lang, example=change.example)
        return
    yield i18n.text("lesson.text_change", lang, what=change.title)
    if change.say and answers:
        yield change.say


def lesson_record(lesson: Lesson) -> dict[str, Any]:
    """The lesson as JSON values, with its answers as they are in the file."""
    record = asdict(lesson)
    record["path"] = str(lesson.path)
    for step, table in zip(lesson.steps, record["steps"], strict=True):
        table["query"] = _query_record(step)
        for change, changed in zip(step.changes, table["changes"], strict=True):
            changed["query"] = None if change.query is None else change.title
            changed["train"] = dict(change.train)
    return {"schema": SCHEMA, **record}


def _query_record(step: Step) -> dict[str, Any]:
    query = step.query
    return {
        "text": query.text, "model": query.model, "target": query.target, "random": query.random,
        "clamps": list(map(str, query.clamps)), "net": query.hand is not None,
    }  # fmt: skip
