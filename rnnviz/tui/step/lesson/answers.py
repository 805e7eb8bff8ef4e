"""The answers of a lesson: asked for, taken, and marked."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.worker import get_current_worker

from rnnviz.display import folded, visible
from rnnviz.lessons.claims import Evaluator
from rnnviz.lessons.lesson import Step
from rnnviz.lessons.player import LessonAnswer, LessonPlayer
from rnnviz.lessons.predictions import AnswerKey, Prediction, allowed
from rnnviz.tui.step.attempt import attempt
from rnnviz.tui.step.predict_prompts import ask_option, number_prompt, reason_prompt
from rnnviz.tui.view.page import Change, Prompt
from rnnviz.tui.view.view_state import ViewState

if TYPE_CHECKING:
    from rnnviz.tui.step.lesson.host import LessonHost


class LessonAnswers:
    """Asks the questions of one step screen's lesson."""

    def __init__(self, host: LessonHost) -> None:
        self.host, self.screen = host, host.screen
        self._asked_at: dict[str, float] = {}  # when a question was first shown, by step

    def asked(self, step: Step) -> None:
        """A question is on the screen: the time of its answer begins."""
        self._asked_at.setdefault(step.id, time.monotonic())

    def open(self, player: LessonPlayer) -> None:
        """Open the list or the line of the question."""
        question = player.step.question
        if question is None or not player.can_answer:
            return
        say = self.screen.view_state.text
        if question.kind == "choice":
            rows = [f"{n} {option}" for n, option in enumerate(question.options, 1)]
            rows.append(say("lesson.pass"))
            then = partial(self.choose, player.step.id)
            ask_option(self.screen, visible(player.said), rows, then, numbered=True)
        elif question.kind == "number":
            line = number_prompt(
                say("lesson.type_number", within=allowed(question.within)), self._typed_number
            )
            self.screen.prompt.open(self._or_nothing(line))
        else:
            words = self.screen.view_state.trace.tokens
            line = Prompt(say("lesson.type_word"), self._typed_word, words=words, label_above=True)
            self.screen.prompt.open(self._or_nothing(line))

    def choose(self, step_id: str, option: int) -> None:
        """Take an option of the question of a step, from 1; the one after the last is none."""
        state = self.host.state
        if state is None or state.player.step.id != step_id:
            return
        question = state.player.step.question
        assert question is not None
        chosen = Prediction(option) if option <= len(question.options) else None
        if (reason := self.commit(chosen)) is not None:
            self.screen.prompt.open(reason)

    def _or_nothing(self, prompt: Prompt) -> Prompt:
        """The line, in which nothing means going on without an answer."""

        def submit(view_state: ViewState, typed: str) -> Change:
            if typed:
                return prompt.on_submit(view_state, typed)
            self.commit(None)
            return Change()

        return replace(prompt, on_submit=submit)

    def _typed_number(self, view_state: ViewState, value: float) -> Change:
        return Change(prompt=self.commit(Prediction(value)))

    def _typed_word(self, view_state: ViewState, typed: str) -> Change:
        number = word_number(typed, view_state.trace.tokens)
        if number is None:
            return Change(message=view_state.text("lesson.no_word"), failed=True)
        return Change(prompt=self.commit(Prediction(number)))

    def commit(self, prediction: Prediction | None) -> Prompt | None:
        """Take an answer; the line for a reason where the question wants one."""
        state = self.host.state
        if state is None or not state.player.can_answer:
            return None
        player = state.player
        step, now = player.step, time.monotonic()
        assert step.question is not None
        answer = LessonAnswer(prediction, now - self._asked_at.get(step.id, now))
        self.host.set_player(player.commit(answer))
        self._mark(step)
        if prediction is None or not step.question.why:
            return None
        return reason_prompt(self.screen.view_state, partial(self._typed_why, step.id))

    def _typed_why(self, step_id: str, view_state: ViewState, why: str) -> Change:
        state = self.host.state
        answer = None if state is None else state.player.answer
        if state is not None and state.player.step.id == step_id and answer is not None:
            if answer.prediction is not None:
                prediction = replace(answer.prediction, why=why)
                self.host.set_player(state.player.commit(replace(answer, prediction=prediction)))
        return Change()

    def _mark(self, step: Step) -> None:
        """Find out in a thread what is right; nobody is told before the reveal."""
        self.host.pending.add(step.id)
        self.screen.run_worker(
            partial(self._find_key, step), thread=True, group="lesson", exit_on_error=False
        )

    def _find_key(self, step: Step) -> None:
        key, why = attempt(partial(self.answer_key, step))
        if not get_current_worker().is_cancelled:
            self.screen.call_later(self._receive_key, step.id, key, why)

    def answer_key(self, step: Step) -> AnswerKey:
        """What is right at the question of a step; it may take a reading of another text."""
        question = step.question
        assert question is not None
        right: Any = question.right
        if question.of:
            evaluator = Evaluator(self.screen.requests.explorer)
            right = evaluator.value(question.of, step.query, step.against)
        return AnswerKey(question.kind, float(right), question.within)

    def _receive_key(self, step_id: str, key: AnswerKey | None, why: str) -> None:
        """What is right at a question is known; or the reason why it is not."""
        self.host.pending.discard(step_id)
        state = self.host.state
        if state is None:
            return
        if key is None:
            self.screen.fail("status.failed", reason=why.rstrip("."))
            return
        self.host.set_player(state.player.marked(step_id, key))


def word_number(typed: str, tokens: Sequence[str]) -> int | None:
    """The number, from 1, of a word that was typed, or its number; None if there is none."""
    found = [n for n, token in enumerate(tokens, 1) if folded(token) == folded(typed)]
    if found:
        return found[0]
    return int(typed) if typed.isdecimal() and 1 <= int(typed[:9]) <= len(tokens) else None
