"""The line that a sentence, a clamp or a list of cells is typed into."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from textual import events
from textual.message import Message
from textual.widgets import Input

from rnnviz.query import Question
from rnnviz.tui.view.page import Change, Prompt
from rnnviz.tui.view.view_state import ViewState

if TYPE_CHECKING:
    from rnnviz.tui.step.screen import StepScreen


class LineInput(Input):
    """Textual's input, in which a character that cannot be printed is a space.

    A text that is pasted, or that comes from a saved trace, may hold codes for the terminal.
    """

    def validate_value(self, value: str) -> str:
        """The value with each unprintable character replaced; its length stays the same."""
        return "".join(char if char.isprintable() else " " for char in value)


class LinePrompt:
    """Opens and closes the input line of one step screen, and uses what was typed.

    The line stays open until what was typed has succeeded, so that it can be corrected.
    """

    def __init__(self, screen: StepScreen) -> None:
        self.screen = screen
        self._forget()

    def _forget(self) -> None:
        #: What to do with the text; None: it is a sentence to read.
        self._on_submit: Callable[[ViewState, str], Change] | None = None
        #: The question that has to be answered before the line closes.
        self._question: Question | None = None
        self._opened = 0.0  # when, on the clock of Textual's messages

    @property
    def input(self) -> Input | None:
        """The open line; None if there is none."""
        inputs = (child for child in self.screen.children if isinstance(child, LineInput))
        return next(inputs, None)

    def open(self, prompt: Prompt | None = None) -> None:
        """Open a line for a page's prompt; None: for a sentence to read."""
        if self.input is not None:
            return
        screen = self.screen
        if prompt is None:
            label, initial, selected = screen.view_state.text("status.type"), "", False
        else:
            label, initial, selected = prompt.label, prompt.initial, prompt.selected
        screen.playback.stop()
        self._forget()
        self._on_submit = None if prompt is None else prompt.on_submit
        self._opened = Message().time
        line = LineInput(initial, placeholder=label, id="typing", select_on_focus=selected)
        line.cursor_blink = False
        screen.show(status="", failed=False)
        screen.mount(line)
        screen.set_focus(line)

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
            self._submit_change(self._on_submit(screen.view_state, text))
        elif text:
            self._question = query = replace(screen.view_state.query, text=text, target=None)
            screen.ask(query)
        else:
            screen.fail("status.empty")

    def _submit_change(self, change: Change) -> None:
        screen = self.screen
        if change.failed:
            screen.show(status=change.message, failed=True)
            return
        view_state = screen.view_state
        query = None if change.query == view_state.query else change.query
        question = query or change.question
        if question is None or question in view_state.answers:
            self.close()
        else:
            self._question = question
        screen.page_host.apply(change)
        if question in view_state.failures:
            self.receive_answer(question, view_state.failures[question])

    def receive_answer(self, question: Question, reason: str) -> None:
        """Close the line if its question was answered; ``reason`` says why it was not."""
        if self.input is None or question != self._question:
            return
        if reason:
            self.screen.fail("status.failed", reason=reason.rstrip("."))
        else:
            self.close()
