"""The line that a sentence, a clamp or a list of cells is typed into."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from textual import events
from textual.message import Message
from textual.widgets import Input

from rnnviz.query import Query, Question
from rnnviz.tui.app.line_input import LineInput
from rnnviz.tui.app.themed_app import ThemedApp
from rnnviz.tui.step.sentence_history import SentenceHistory
from rnnviz.tui.view.page import Change, Prompt
from rnnviz.tui.view.view_state import ViewState

if TYPE_CHECKING:
    from rnnviz.tui.step.screen import StepScreen


class LinePrompt:
    """Opens and closes the input line of one step screen, and uses what was typed.

    The line stays open until what was typed has succeeded, so that it can be corrected.
    """

    def __init__(self, screen: StepScreen) -> None:
        self.screen = screen
        self._history: SentenceHistory | None = None
        self._forget()

    def _forget(self) -> None:
        #: What to do with the text; None: it is a sentence to read.
        self._on_submit: Callable[[ViewState, str], Change] | None = None
        #: The question that has to be answered before the line closes.
        self._question: Question | None = None
        self._opened = 0.0  # when, on the clock of Textual's messages

    @property
    def history(self) -> SentenceHistory:
        """The sentences that were typed."""
        if self._history is None:
            app = self.screen.app
            folder = app.state_folder if isinstance(app, ThemedApp) else None
            self._history = SentenceHistory(None if folder is None else folder / "sentences.txt")
        return self._history

    @property
    def input(self) -> Input | None:
        """The open line; None if there is none."""
        inputs = (child for child in self.screen.children if isinstance(child, LineInput))
        return next(inputs, None)

    def open(self, prompt: Prompt | None = None) -> None:
        """Open a line for a page's prompt; None: for a sentence to read."""
        if self.input is not None:
            return
        screen, view_state = self.screen, self.screen.view_state
        screen.playback.stop()
        self._forget()
        self._opened = Message().time
        if prompt is None:
            label, initial = view_state.text("status.type"), view_state.trace.text
            line = LineInput(
                initial,
                placeholder=label,
                selected=True,
                earlier=self.history.sentences,
                id="typing",
            )
        else:
            self._on_submit = prompt.on_submit
            label, initial = prompt.label, prompt.initial
            line = LineInput(
                initial, placeholder=_placeholder(prompt), selected=prompt.selected,
                words=prompt.words, id="typing",
            )  # fmt: skip
        # A text in the line hides the placeholder.
        above = initial or (prompt is not None and prompt.label_above)
        screen.show(status=label.rstrip(" :") if above else "", failed=False)
        screen.mount(line)
        screen.set_focus(line)

    def _go_on(self, prompt: Prompt) -> None:
        """Use the open line for another prompt."""
        line = self.input
        assert line is not None
        self._on_submit, self._question = prompt.on_submit, None
        line.suggester = None
        line.placeholder, line.value = _placeholder(prompt), prompt.initial

    def close(self) -> None:
        """Close the line."""
        if (line := self.input) is not None:
            line.remove()
        self._forget()
        self.screen.set_focus(None)

    def forward_key(self, event: events.Key) -> bool:
        """Send a key to the line if it was pressed before the line was opened.

        Keys that come all at once are on their way to the screen when the first opens the line.
        Returns whether the key was sent.
        """
        line = self.input
        if line is None or event.time >= self._opened:
            return False
        line.post_message(events.Key(event.key, event.character))
        return True

    def submit(self, value: str) -> None:
        """Use a typed line: hand it to the page, or read it as a sentence."""
        text, screen = value.strip(), self.screen
        if self._on_submit is not None:
            self._submit_change(self._on_submit(screen.view_state, text), text)
        elif text:
            self._question = screen.requests.ask_sentence(text)
        else:
            screen.fail("status.empty")

    def _submit_again(
        self, on_submit: Callable[[ViewState, str], Change] | None, text: str
    ) -> bool:
        """Submit a line that waited, if it is still open; whether it waits on."""
        if on_submit is None or self._on_submit is not on_submit:
            return False
        change = on_submit(self.screen.view_state, text)
        if not change.waits:
            self._submit_change(change, text)
        return change.waits

    def _submit_change(self, change: Change, text: str) -> None:
        screen = self.screen
        if change.failed:
            screen.show(status=change.message, failed=True)
            return
        if change.waits:
            screen.page_host.press_later(partial(self._submit_again, self._on_submit, text))
            return
        view_state = screen.view_state
        query = None if change.query == view_state.latest_query else change.query
        question = query or change.question
        if change.prompt is not None:
            self._go_on(change.prompt)
        elif question is None or change.later or question in view_state.answers:
            self.close()
        else:
            self._question = question
        screen.page_host.apply(change)
        if change.prompt is not None and change.prompt.label_above:
            screen.show(status=change.prompt.label.rstrip(" :"))
        if question in view_state.failures:
            self.receive_answer(question, view_state.failures[question])

    def receive_answer(self, question: Question, reason: str) -> None:
        """Close the line if its question was answered; ``reason`` says why it was not."""
        if self.input is None or question != self._question:
            return
        if reason:
            self.screen.fail("status.failed", reason=reason.rstrip("."))
            return
        if isinstance(question, Query) and self._on_submit is None:
            self.history.add(question.text)
        self.close()


def _placeholder(prompt: Prompt) -> str:
    """The label in the empty line, unless it stands above it."""
    return "" if prompt.label_above else prompt.label
