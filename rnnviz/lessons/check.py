"""Everything that is wrong with a lesson file, for its author."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rnnviz import i18n
from rnnviz.errors import RnnvizError, nearest, one_line
from rnnviz.lessons.claims import Evaluator
from rnnviz.lessons.expressions import constants
from rnnviz.lessons.lesson import TRAINED, Lesson, LessonChange, LessonQuestion, Step
from rnnviz.lessons.reader import read, with_change
from rnnviz.lessons.table_values import KEY_NAME
from rnnviz.lessons.trained_nets import TrainedNets, TrainingFunction
from rnnviz.messages import _
from rnnviz.query import Explorer

#: The most words that are said at once, and the minutes and levels of a lesson.
MOST_WORDS, MINUTES, LEVELS = 40, (4, 8), (1, 3)
#: A number with decimals in a text: ".18", "−1.05".
_DECIMAL = re.compile(r"(?<![\w.])(\d*\.\d+)(?![\w]*\.\d)")


@dataclass(frozen=True)
class LessonProblem:
    """What is wrong with a step, or with the lesson (``step`` "")."""

    lang: str
    step: str
    message: str

    def __str__(self) -> str:
        return f"[{self.lang}] {self.step + ': ' if self.step else ''}{self.message}"


def check(
    path: Path,
    explorer: Explorer,
    pages: Sequence[str] = (),
    langs: Sequence[str] = i18n.LANGUAGES,
    actions: Sequence[str] = (),
    train: TrainingFunction | None = None,
) -> tuple[LessonProblem, ...]:
    """What is wrong with the lesson of a file in each language; InvalidFileError if it has none.

    ``pages``: the names that ``view`` can have besides "panels"; ``actions``: those whose keys a
    text can name. With none, views or names of keys are not checked. ``train`` trains the nets
    with which steps after a training read.
    """
    trained: dict[str, str] = {}
    problems: list[LessonProblem] = []
    for lang in langs:
        lesson = read(path, lang)
        evaluator = Evaluator(TrainedNets(explorer, lesson, train, trained))
        problems += _LessonCheck(lesson, evaluator, pages, actions).problems()
    return tuple(problems)


@dataclass(frozen=True)
class _LessonCheck:
    lesson: Lesson
    evaluator: Evaluator
    pages: Sequence[str]
    actions: Sequence[str]

    def problems(self) -> Iterator[LessonProblem]:
        """The problems of the lesson, then those of each step."""
        for message in self._whole():
            yield LessonProblem(self.lesson.lang, "", message)
        following = (*self.lesson.steps[1:], None)
        for step, after in zip(self.lesson.steps, following, strict=True):
            for message in (*self._unrevealed(step, after), *self._step(step)):
                yield LessonProblem(self.lesson.lang, step.id, message)

    def _whole(self) -> Iterator[str]:
        lesson = self.lesson
        if lesson.path.stem != lesson.id:
            yield _("the file is not named {lesson}.toml.").format(lesson=lesson.id)
        for name, value, (least, most) in (
            ("minutes", lesson.minutes, MINUTES), ("level", lesson.level, LEVELS),
        ):  # fmt: skip
            if not least <= value <= most:
                yield _("{name} = {value} is not from {least} to {most}.").format(
                    name=name, value=value, least=least, most=most
                )
        if not lesson.questions:
            yield _("nothing is asked: a lesson has at least one prediction.")
        if lesson.kind == "quiz":
            return
        if not any(change.own for step in lesson.steps for change in step.changes):
            yield _("nothing is changed by the learner: a lesson has at least one change with own.")
        if lesson.steps[-1].question or lesson.steps[-1].changes:
            yield _("the last step is one sentence for the board: it asks and changes nothing.")

    def _unrevealed(self, step: Step, after: Step | None) -> Iterator[str]:
        """A question whose answer is neither revealed nor shown by the next step's changes."""
        question = step.question
        if question is None or question.seen or self.lesson.kind == "quiz":
            return
        if not step.reveal and not (after and after.changes):
            yield _("the answer is not revealed: reveal = …")

    def _step(self, step: Step) -> Iterator[str]:
        spoken = (("say", step.say), ("reveal", step.reveal), *_change_texts(step))
        for name, text in (*spoken, ("notes", step.notes)):
            if name != "notes" and (count := len(text.split())) > MOST_WORDS:
                yield _("{name} has {count} words; {most} are the most for one breath.").format(
                    name=name, count=count, most=MOST_WORDS
                )
            for action in KEY_NAME.findall(text):
                if self.actions and action not in self.actions:
                    close = nearest(action, self.actions)
                    yield _("{name}: there is no action {action!r} with a key.{close}").format(
                        name=name, action=action, close=close
                    )
        for view in (step.view, step.reveal_view):
            if view and self.pages and view not in ("panels", *self.pages):
                yield _("there is no view {view!r}. Views: panels, {pages}.").format(
                    view=view, pages=", ".join(self.pages)
                )
        yield from self._numbers(step)
        try:
            self.evaluator.value("p()", step.query)
        except RnnvizError as error:
            yield _("the text cannot be read: {reason}").format(reason=one_line(error))
            return
        yield from self._positions(step)
        for claim in step.claims:
            yield from self._claim(step, claim)
        if step.question is not None:
            yield from self._question(step, step.question)
        for change in step.changes:
            yield from self._change(step, change)

    def _numbers(self, step: Step) -> Iterator[str]:
        """Numbers in speech that no claim of the step has."""
        goals = [change.reached for change in step.changes if change.reached]
        claimed = [value for claim in (*step.claims, *goals) for value in _constants(claim)]
        for name, text in (("say", step.say), ("reveal", step.reveal), *_change_texts(step)):
            for number in _DECIMAL.findall(text):
                digits = len(number.partition(".")[2])
                if not any(round(abs(value), digits) == float(number) for value in claimed):
                    yield _("{name}: no claim of the step has the number {number}.").format(
                        name=name, number=number
                    )

    def _positions(self, step: Step) -> Iterator[str]:
        """Tokens and units that the text and the net do not have."""
        T = self.evaluator.value("T()", step.query)
        for cursor in (step.cursor, step.reveal_cursor):
            if cursor is None:
                continue
            if cursor.token is not None and cursor.token > T:
                yield _("cursor: token {token}: this text has tokens 1 to {T}.").format(
                    token=cursor.token, T=T
                )
            trace = self.evaluator.explorer(step.query)
            if cursor.layer is not None and cursor.layer > len(trace.layers):
                yield _("cursor: layer {layer}: this net has {count}.").format(
                    layer=cursor.layer, count=len(trace.layers)
                )
                continue
            layer = trace.layers[(cursor.layer or 1) - 1]
            if cursor.part is not None and cursor.part not in layer.parts:
                yield _("cursor: there is no part {part!r}: {parts}.").format(
                    part=cursor.part, parts=", ".join(layer.parts)
                )
            if cursor.unit is not None and cursor.unit >= layer.units:
                yield _("cursor: unit {unit}: units 0 to {last}.").format(
                    unit=cursor.unit, last=layer.units - 1
                )

    def _claim(self, step: Step, claim: str) -> Iterator[str]:
        try:
            if not self.evaluator.holds(claim, step.query, step.against):
                yield _("the claim does not hold: {claim}{found}").format(
                    claim=claim, found=self._found(step, claim)
                )
        except RnnvizError as error:
            yield _("the claim cannot be evaluated: {reason}").format(reason=one_line(error))

    def _found(self, step: Step, claim: str) -> str:
        """The value of the left side, for ``abs(p(3) - 0.39) < 0.005`` that of ``p(3)``."""
        match = re.fullmatch(r"abs\((.+) - [−\d.]+\) *<.*", claim) or re.match(
            r"(.+?) *(?:<|>|==)", claim
        )
        if match is None:
            return ""
        try:
            value = self.evaluator.value(match[1], step.query, step.against)
        except RnnvizError:
            return ""
        return (
            _(" ({expression} is {value:.4g})").format(expression=match[1], value=value)
            if isinstance(value, int | float)
            else ""
        )

    def _question(self, step: Step, question: LessonQuestion) -> Iterator[str]:
        if not question.of:
            return
        if step.query.model.startswith(TRAINED):
            yield _("ask: of a net that the lesson trains, ask a choice or a word with right = …")
            return
        try:
            value = self.evaluator.value(question.of, step.query, step.against)
        except RnnvizError as error:
            yield f"ask: {one_line(error)}"
            return
        if question.kind == "word" and type(value) is not int:
            yield _("ask: {expression} is {value}, not the number of a word.").format(
                expression=question.of, value=value
            )
        if question.kind == "number" and not isinstance(value, int | float | np.number):
            yield _("ask: {expression} is {value}, not a number.").format(
                expression=question.of, value=value
            )

    def _change(self, step: Step, change: LessonChange) -> Iterator[str]:
        if change.query is None:
            return
        query = change.query
        if change.own is not None:
            try:
                if self.evaluator.holds(change.reached, query, step.against):
                    yield _("the goal is reached before anything is changed: {reached}").format(
                        reached=change.reached
                    )
                query = with_change(query, change.own, change.example)
                if not self.evaluator.holds(change.reached, query, step.against):
                    yield _("the example {example!r} does not reach the goal.").format(
                        example=change.example
                    )
            except RnnvizError as error:
                yield f"change: {one_line(error)}"
            return
        try:
            self.evaluator.value("p()", query)
        except RnnvizError as error:
            yield f"change: {one_line(error)}"


def _change_texts(step: Step) -> list[tuple[str, str]]:
    return [("change", f"{change.say} {change.goal}") for change in step.changes]


def _constants(claim: str) -> tuple[float, ...]:
    try:
        return constants(claim)
    except RnnvizError:
        return ()
