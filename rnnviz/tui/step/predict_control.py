"""Predict mode on the step screen: what its keys do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from rnnviz.display import visible
from rnnviz.lessons.predictions import WITHIN, Prediction, allowed
from rnnviz.tui.step.predict_prompts import (
    ask_option,
    next_token_prompt,
    number_prompt,
    reason_prompt,
)
from rnnviz.tui.view import predict_mode
from rnnviz.tui.view.page import Change, Prompt
from rnnviz.tui.view.predict_notice import (
    DIRECTIONS,
    SEEN,
    output_name,
    value_name,
    word_of,
)
from rnnviz.tui.view.predict_session import PredictQuestion
from rnnviz.tui.view.view_state import ViewState

#: The likeliest next tokens to choose from.
CHOICES = 5

if TYPE_CHECKING:
    from rnnviz.tui.step.screen import StepScreen


class PredictControl:
    """Predict mode of one step screen."""

    def __init__(self, screen: StepScreen) -> None:
        self.screen = screen

    @property
    def is_on(self) -> bool:
        """Whether predict mode is on."""
        return self.screen.view_state.predictions.on

    def toggle(self) -> None:
        """The mode on or off; what was predicted here is marked when it goes off."""
        screen = self.screen
        screen.playback.stop()
        session = screen.view_state.predictions
        screen.show(predictions=replace(session, on=not session.on), status="", failed=False)

    # -- the reveal -------------------------------------------------------------------------------

    def reveal_token(self) -> bool:
        """Reveal the whole token, and stay there if something was predicted about it.

        Whether the cursor stays: otherwise it goes on to the next token, which is hidden.
        """
        if self.is_on and self.screen.class_host.close_first():
            return True
        view_state = self.screen.view_state
        if not self.is_on or not view_state.part_hidden:
            return False
        session, cursor = view_state.predictions, view_state.cursor
        here = session.at(view_state.query, cursor.t)
        if not here.keys() & session.made.keys() and not self._at_end():
            return False
        self._reveal()
        return True

    def reveal_part(self) -> bool:
        """Reveal the prediction if the cursor is at the last part; whether it did."""
        if self.is_on and self.screen.class_host.close_first():
            return True
        view_state = self.screen.view_state
        if not self.is_on or not view_state.part_hidden:
            return False
        if view_state.cursor.part < len(view_state.layer.parts) - 1:
            return False
        self._reveal()
        return True

    def _at_end(self) -> bool:
        view_state = self.screen.view_state
        return view_state.cursor.t == len(view_state.trace.tokens) - 1

    def _reveal(self) -> None:
        shown = predict_mode.revealed(self.screen.view_state)
        self.screen.show(
            cursor=shown.cursor, predictions=shown.predictions, status="", failed=False
        )  # fmt: skip

    # -- what was seen ----------------------------------------------------------------------------

    def skip_seen(self) -> bool:
        """Skip the question what was seen, if it waits; whether it did."""
        view_state = self.screen.view_state
        if not predict_mode.asks_what_was_seen(view_state):
            return False
        self.screen.show(predictions=predict_mode.with_seen(view_state, 0))
        return True

    def _ask_what_was_seen(self) -> None:
        view_state = self.screen.view_state

        def then(n: int) -> None:
            self.screen.show(predictions=predict_mode.with_seen(self.screen.view_state, n))

        title = view_state.text("predict.title_seen", word=word_of(view_state, view_state.cursor.t))
        ask_option(self.screen, title, [view_state.text(f"predict.{name}") for name in SEEN], then)

    # -- the prediction ---------------------------------------------------------------------------

    def open(self) -> bool:
        """Ask for a prediction, or what was seen; False where the key is the page's."""
        view_state, page = self.screen.view_state, self.screen.page_host.page
        if not self.is_on:
            return False
        if predict_mode.asks_what_was_seen(view_state):
            self._ask_what_was_seen()
            return True
        if self.screen.class_host.choose():
            return True
        found = predict_mode.questions(view_state)
        of_page = page is not None and "type" in page.available(view_state)
        if not found and of_page:
            return False
        if not found:
            word = word_of(view_state, view_state.cursor.t)
            self.screen.say("predict.nothing", word=word)
            return True
        rows: list[tuple[str, str, Callable[[], object]]] = []
        for question in found:
            rows += self._rows(question)
        if of_page:
            press = self.screen.page_host.press
            rows.append((view_state.text("predict.page"), "", lambda: press("type")))

        def choose(n: int) -> None:
            rows[n - 1][2]()

        names, about = [row[0] for row in rows], [row[1] for row in rows]
        ask_option(self.screen, self._title(found), names, choose, about)
        return True

    def _title(self, found: list[PredictQuestion]) -> str:
        view_state, first = self.screen.view_state, found[0]
        t, name = view_state.cursor.t, output_name(view_state, found[0].label)
        values: dict[str, object] = {"word": word_of(view_state, t), "name": name}
        if first.topic == "next":
            return view_state.text("predict.title_next", **values)
        if first.topic == "direction":
            before = predict_mode.before_token(view_state, t, first.label)
            if before is not None:
                return view_state.text("predict.title_before", before=f"{before:.2f}", **values)
        return view_state.text("predict.title", **values)

    def _rows(self, question: PredictQuestion) -> list[tuple[str, str, Callable[[], object]]]:
        """The rows of a question in the list: name, second line, and what choosing it does."""
        view_state, screen = self.screen.view_state, self.screen
        say = view_state.text
        if question.topic == "direction":
            return [
                (say(f"predict.{name}"), self._about(name), partial(self._commit, question, n))
                for n, name in enumerate(DIRECTIONS, 1)
            ]
        if question.topic == "next":
            return self._next_rows(question)
        if question.topic == "word":
            return [(say("predict.word"), "", lambda: self._ask_word(question))]
        return [(self._number_row(question), "", lambda: screen.prompt.open(self._line(question)))]

    def _next_rows(self, question: PredictQuestion) -> list[tuple[str, str, Callable[[], object]]]:
        """The likeliest next tokens, in an order that says nothing, and a line for another one."""
        view_state = self.screen.view_state
        head = view_state.trace.head
        order = np.argsort(-head.readout[question.t], kind="stable")[:CHOICES].tolist()
        chosen = sorted((head.labels[k], k) for k in order if head.labels[k])
        rows: list[tuple[str, str, Callable[[], object]]] = [
            (visible(label), "", partial(self._commit, question, k + 1)) for label, k in chosen
        ]

        def then(now: ViewState, k: int) -> Change:
            made = now.predictions.committed(question, Prediction(k + 1))
            return Change(predictions=made, prompt=self._reason(question))

        prompt = next_token_prompt(view_state, word_of(view_state, question.t), then)
        return [
            *rows,
            (view_state.text("predict.other_next"), "", lambda: self.screen.prompt.open(prompt)),
        ]

    def _about(self, name: str) -> str:
        view_state = self.screen.view_state
        limit = allowed(predict_mode.stays(view_state))
        return view_state.text("predict.stays_about", stays=limit) if name == "stays" else ""

    def _number_row(self, question: PredictQuestion) -> str:
        view_state = self.screen.view_state
        if question.topic == "value":
            return view_state.text(
                "predict.value", symbol=value_name(view_state, question), unit=question.unit,
                name=view_state.word("name", question.name),
            )  # fmt: skip
        return view_state.text(
            "predict.number", name=output_name(view_state, question.label),
            word=word_of(view_state, question.t),
        )  # fmt: skip

    def _line(self, question: PredictQuestion) -> Prompt:
        view_state = self.screen.view_state
        of_unit = question.topic == "value"
        error = WITHIN if of_unit else predict_mode.within(view_state)
        label = view_state.text(
            "predict.ask_value" if of_unit else "predict.ask_number",
            word=word_of(view_state, question.t), within=allowed(error),
            symbol=value_name(view_state, question) if of_unit else "",
            name="" if of_unit else output_name(view_state, question.label),
        )  # fmt: skip

        def then(now: ViewState, value: float) -> Change:
            made = now.predictions.committed(question, Prediction(value))
            return Change(predictions=made, prompt=self._reason(question))

        return number_prompt(label, then, predict_mode.limits(view_state, question))

    def _ask_word(self, question: PredictQuestion) -> None:
        view_state, screen = self.screen.view_state, self.screen
        tokens = view_state.trace.tokens
        two = len(view_state.trace.head.labels) <= 2
        title = view_state.text(
            "predict.title_word" if two else "predict.title_word_most",
            name=output_name(view_state, question.label),
        )  # fmt: skip
        words = [f"{t + 1} {word_of(view_state, t)}" for t in range(question.t, len(tokens))]
        first = question.t
        ask_option(screen, title, words, lambda n: self._commit(question, first + n))

    def _commit(self, question: PredictQuestion, choice: int) -> None:
        screen = self.screen
        made = screen.view_state.predictions.committed(question, Prediction(choice))
        screen.show(predictions=made, status="", failed=False)
        screen.prompt.open(self._reason(question))

    def _reason(self, question: PredictQuestion) -> Prompt:
        def then(now: ViewState, why: str) -> Change:
            session = now.predictions
            made = session.made.get(question)
            if made is None or not why:
                return Change()
            return Change(predictions=session.committed(question, replace(made, why=why)))

        return reason_prompt(self.screen.view_state, then)
