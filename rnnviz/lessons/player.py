"""A lesson in progress: its step and phase, the answers, and what the screen shows then.

A :class:`LessonPlayer` is immutable; going on, back and answering give another one. Nothing here
draws, reads a model or looks at a clock.

A step goes through these phases, each left with the key that goes on:

- ``say``: what is said, at a step without a question.
- ``ask``: the question is open; ``next`` stays here until it is answered or passed over.
- ``committed``: it has an answer, and the right one is not shown yet.
- ``revealed``: the right answer is shown beside it, with the cursor where the reveal puts it. A
  question that the changes of the next step answer is revealed with the last of them; a quiz
  reveals nothing.
- ``change``: one of the prepared changes is applied.
- ``own``: the learner's own change; it may be tried any number of times.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from rnnviz.lessons.lesson import TRAINED, CursorPosition, Lesson, LessonChange, Step
from rnnviz.lessons.predictions import (
    AnswerKey,
    MarkedPrediction,
    Prediction,
    PredictionScore,
)
from rnnviz.query import Query

Phase = Literal["say", "ask", "committed", "revealed", "change", "own"]

#: A token past the end of every text: the last one.
LAST_TOKEN = 10**6


@dataclass(frozen=True)
class LessonAnswer:
    """The answer to a question; ``key`` is None until what is right is known.

    Without a prediction the class went on without an answer.
    """

    prediction: Prediction | None
    seconds: float = 0.0  # from the question to the answer
    key: AnswerKey | None = None

    @property
    def marked(self) -> MarkedPrediction | None:
        """The answer beside what is right; None without either."""
        if self.prediction is None or self.key is None:
            return None
        return MarkedPrediction(self.prediction, self.key)

    @property
    def correct(self) -> bool | None:
        """Whether it is right; None if there is no answer, or nothing to mark it with yet."""
        return None if self.marked is None else self.marked.is_right


@dataclass(frozen=True)
class Place:
    """Where a lesson has the cursor, and which view is open; nothing left out."""

    token: int = 1
    part: str | None = None  # None: the last part
    unit: int | None = None  # None: the unit that the screen chooses
    layer: int = 1
    zoom: str = "sentence"
    view: str = "panels"

    def moved(self, cursor: CursorPosition | None, view: str | None) -> Place:
        """The place after a step's cursor and view; what they leave out stays."""
        place = self if view is None else replace(self, view=view)
        if cursor is None:
            return place
        given = {
            name: value
            for name in ("token", "part", "unit", "layer", "zoom")
            if (value := getattr(cursor, name)) is not None
        }
        if "token" in given and "part" not in given:
            given["part"] = None
        changes: Any = given
        return replace(place, **changes)


@dataclass(frozen=True)
class Scene:
    """What the screen shows at one moment of a lesson."""

    query: Query
    against: str  # the second sentence; "" for none
    place: Place
    hidden: bool  # the current token is hidden, too, as in predict mode
    asks: bool  # a question is open or not revealed yet
    covered: bool  # what comes after the cursor is hidden


@dataclass(frozen=True)
class LessonPlayer:
    """A lesson, and how far it has come.

    ``stage`` counts the phases of the step. ``revealed`` has the ids of the questions whose answer
    has been shown: they are not answered again. ``trained`` has the model that a step has trained,
    by its id. ``own`` is what the learner reads at a change of their own, and ``reached`` whether
    that reaches the goal; both are None before the first try.
    """

    lesson: Lesson
    index: int = 0
    stage: int = 0
    answers: Mapping[str, LessonAnswer] = field(default_factory=dict)
    revealed: frozenset[str] = frozenset()
    trained: Mapping[str, str] = field(default_factory=dict)
    own: Query | None = None
    reached: bool | None = None

    # -- where it is ------------------------------------------------------------------------------

    @property
    def step(self) -> Step:
        """The current step."""
        return self.lesson.steps[self.index]

    @property
    def _stages(self) -> tuple[tuple[Phase, int | None], ...]:
        return stages(self.lesson, self.index)

    @property
    def answer(self) -> LessonAnswer | None:
        """The answer to the question of the step; None as long as there is none."""
        return self.answers.get(self.step.id)

    @property
    def phase(self) -> Phase:
        """The phase of the step."""
        kind = self._stages[self.stage][0]
        return "committed" if kind == "ask" and self.answer is not None else kind

    @property
    def change_index(self) -> int | None:
        """The index of the change that is applied or that the learner makes; None before it."""
        return self._stages[self.stage][1]

    @property
    def change(self) -> LessonChange | None:
        """The change of this phase."""
        at = self.change_index
        return None if at is None else self.step.changes[at]

    @property
    def at_start(self) -> bool:
        """Whether there is nothing before."""
        return self.index == 0 and self.stage == 0

    @property
    def at_end(self) -> bool:
        """Whether there is nothing after."""
        return (
            self.index == len(self.lesson.steps) - 1
            and self.stage == len(self._stages) - 1
            and self.phase != "ask"
        )

    @property
    def score(self) -> PredictionScore:
        """How many answers are right, of those that have been revealed.

        Before an answer is revealed the score would tell it. Questions without an answer do not
        count.
        """
        score = PredictionScore()
        for name in self.revealed:
            answer = self.answers.get(name)
            if answer is not None and answer.marked is not None:
                score = score.plus(answer.marked)
        return score

    # -- going on and back ------------------------------------------------------------------------

    def next(self) -> LessonPlayer:
        """The next phase, or the next step; itself at the end and at an open question."""
        if self.phase == "ask" or self.at_end:
            return self
        if self.stage + 1 < len(self._stages):
            player = self._at(self.index, self.stage + 1)
        else:
            player = self._at(self.index + 1, 0)
        revealed = {step.id for step in player._shown_now()}
        return replace(player, revealed=player.revealed | revealed)

    def _shown_now(self) -> list[Step]:
        """The steps whose questions are answered by what is shown now."""
        if self.phase == "revealed":
            return [self.step]
        late = self.late_question
        return [] if late is None else [late]

    @property
    def late_question(self) -> Step | None:
        """The step before, if the last change of this step, once trained, answers its question."""
        if not self.index or self.waits or not is_revealed_later(self.lesson, self.index - 1):
            return None
        prepared = [n for n, (phase, _) in enumerate(self._stages) if phase == "change"]
        return self.lesson.steps[self.index - 1] if self.stage >= max(prepared) else None

    def back(self) -> LessonPlayer:
        """The phase before, or the end of the step before; answers are kept."""
        if self.stage:
            return self._at(self.index, self.stage - 1)
        if not self.index:
            return self
        before = self._at(self.index - 1, 0)
        return before if before.phase == "ask" else before._at(self.index - 1, before._last_stage())

    def _last_stage(self) -> int:
        """The last phase of the step that has been shown."""
        shown = self.step.question is None or self.step.id in self.revealed
        return len(self._stages) - 1 if shown else 0

    def at_step(self, step: str | int) -> LessonPlayer:
        """The beginning of a step, by its id or its number from 1."""
        index = self.lesson.index(step) if isinstance(step, str) else step - 1
        return self._at(min(max(index, 0), len(self.lesson.steps) - 1), 0)

    def at_phase(self, step: str, stage: int) -> LessonPlayer:
        """A phase of a step, by the step's id; itself if it is there, or if there is no such step.

        One that is next is shown as :meth:`next` shows it.
        """
        ids = [each.id for each in self.lesson.steps]
        if step not in ids:
            return self
        index = ids.index(step)
        stage = min(max(stage, 0), len(stages(self.lesson, index)) - 1)
        if (index, stage) == (self.index, self.stage):
            return self
        following = self.next()
        if (index, stage) == (following.index, following.stage):
            return following
        return self._at(index, stage)

    def _at(self, index: int, stage: int) -> LessonPlayer:
        """A phase of a step; the step that trains the net which this one reads with comes first."""
        while (step := self._missing(self.lesson.steps[index])) is not None:
            index, stage = step, 0
        return replace(self, index=index, stage=stage, own=None, reached=None)

    def in_language(self, lesson: Lesson) -> LessonPlayer:
        """The same place in the lesson as read in another language.

        What the learner reads at a change of their own is left: it was in the other language.
        """
        index = lesson.index(self.step.id)
        same = lesson.steps[index].id == self.step.id
        stage = min(self.stage, len(stages(lesson, index)) - 1) if same else 0
        return replace(self, lesson=lesson)._at(index, stage)

    # -- answers ----------------------------------------------------------------------------------

    @property
    def can_answer(self) -> bool:
        """Whether the question of the step is open, or may be answered again."""
        question = self.phase in ("ask", "committed")
        return question and self.step.id not in self.revealed

    def commit(self, answer: LessonAnswer) -> LessonPlayer:
        """Answer the question of the step; itself if it may not be answered."""
        if not self.can_answer:
            return self
        return replace(self, answers={**self.answers, self.step.id: answer})

    def marked(self, step_id: str, key: AnswerKey) -> LessonPlayer:
        """The answer to the question of a step beside what is right; itself without an answer."""
        answer = self.answers.get(step_id)
        if answer is None:
            return self
        return replace(self, answers={**self.answers, step_id: replace(answer, key=key)})

    def tried(self, query: Query, reached: bool | None) -> LessonPlayer:
        """What the learner reads at a change of their own; ``reached`` None: not known yet."""
        return replace(self, own=query, reached=reached) if self.phase == "own" else self

    def with_trained(self, step_id: str, model: str) -> LessonPlayer:
        """The model that a step has trained, for its further changes and the steps that name it."""
        player = replace(self, trained={**self.trained, step_id: model})
        revealed = {step.id for step in player._shown_now()}
        return replace(player, revealed=player.revealed | revealed)

    # -- what is shown ----------------------------------------------------------------------------

    @property
    def base(self) -> Query:
        """What is read in this phase, before the learner changes it."""
        step, change, at = self.step, self.change, self.change_index
        query = step.query if change is None or change.query is None else change.query
        trains = at is not None and any(c.train for c in step.changes[: at + 1])
        if trains and (model := self.trained.get(step.id)):
            query = replace(query, model=model, random=None, hand=None)
        trained = self.trained.get(query.model.removeprefix(TRAINED))
        if query.model.startswith(TRAINED) and trained:
            query = replace(query, model=trained)
        return query

    def _missing(self, step: Step) -> int | None:
        """The index of an earlier step that has yet to train the net of this one; else None."""
        name = step.query.model.removeprefix(TRAINED)
        if name == step.query.model or name in self.trained:
            return None
        index = self.lesson.index(name)
        return index if index < self.lesson.index(step.id) else None

    @property
    def untrained(self) -> bool:
        """Whether what is read needs a net that is not trained, as in a lesson on paper."""
        return self.base.model.startswith(TRAINED)

    @property
    def waits(self) -> bool:
        """Whether a net has to be trained before the lesson can go on."""
        change = self.change
        return change is not None and bool(change.train) and self.step.id not in self.trained

    @property
    def scene(self) -> Scene:
        """What the screen shows now."""
        step = self.step
        query = self.base if self.own is None else self.own
        asks = self.phase in ("ask", "committed")
        place = self._place()
        if query.text != step.query.text:
            # What another text ends with is what it is read for.
            place = replace(place, token=LAST_TOKEN, part=None)
        covered = asks or (step.hide and self.phase == "say")
        return Scene(query, step.against, place, asks and step.hide, asks, covered)

    def _place(self) -> Place:
        """The place that all steps up to here lead to."""
        place = Place()
        for step in self.lesson.steps[: self.index]:
            place = place.moved(step.cursor, step.view)
            place = place.moved(step.reveal_cursor, step.reveal_view)
        place = place.moved(self.step.cursor, self.step.view)
        if self.phase in ("say", "ask", "committed"):
            return place
        return place.moved(self.step.reveal_cursor, self.step.reveal_view)

    @property
    def said(self) -> str:
        """What is said now: of the change, the reveal or the step, the latest that says anything.

        At a change of the learner's own it is the goal. A change says nothing while it trains.
        """
        step, change = self.step, self.change
        if change is not None and not self.waits and (text := change.goal or change.say):
            return text
        shown = self.phase in ("revealed", "change", "own")
        return step.reveal if shown and step.reveal else step.say


def stages(lesson: Lesson, index: int) -> tuple[tuple[Phase, int | None], ...]:
    """The phases of a step in order, each with the index of its change."""
    step = lesson.steps[index]
    found: list[tuple[Phase, int | None]] = []
    changes = list(enumerate(step.changes))
    if step.question is None:
        found.append(("say", None))
    else:
        found.append(("ask", None))
        if changes and reveals_change(step):
            found.append(("revealed", changes.pop(0)[0]))
        elif lesson.kind != "quiz" and not is_revealed_later(lesson, index):
            found.append(("revealed", None))
    found += [("own" if change.own else "change", n) for n, change in changes]
    return tuple(found)


def is_revealed_later(lesson: Lesson, index: int) -> bool:
    """Whether the changes of the next step answer the question of a step."""
    step = lesson.steps[index]
    after = lesson.steps[index + 1] if index + 1 < len(lesson.steps) else None
    if step.question is None or step.question.seen or step.reveal or step.changes:
        return False
    return after is not None and any(change.own is None for change in after.changes)


def reveals_change(step: Step) -> bool:
    """Whether the first change is the answer: the reveal applies it."""
    first = step.changes[0] if step.changes else None
    return (
        step.question is not None
        and first is not None
        and first.query is not None
        and (first.own is None)
    )
