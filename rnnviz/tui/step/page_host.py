"""Opening pages, asking for what they need off the screen's thread, and handing them their keys."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.message import Message
from textual.worker import get_current_worker

from rnnviz.errors import RnnvizError, one_line
from rnnviz.query import Explorer, Question
from rnnviz.tui.pages import load
from rnnviz.tui.view import second_sentence
from rnnviz.tui.view.page import Change, Page, Prompt

if TYPE_CHECKING:
    from rnnviz.tui.step.screen import StepScreen

#: Answers that are remembered; the oldest are forgotten first.
REMEMBERED = 64


class QuestionAnswered(Message):
    """An answer to a question, or why there is none."""

    def __init__(self, question: Question, answer: Any, reason: str = "") -> None:
        super().__init__()
        self.question, self.answer, self.reason = question, answer, reason


class Paging:
    """The pages of one screen."""

    def __init__(self, screen: StepScreen, explore: Explorer) -> None:
        self.screen, self.explore = screen, explore
        self.pending: set[Question] = set()
        self._opened: dict[str, Page] = {}

    @property
    def page(self) -> Page | None:
        """The page that is open."""
        return self._opened.get(self.screen.moment.page)

    @property
    def alone(self) -> bool:
        """Whether the open page takes the sentence's place too."""
        return self.page is not None and self.page.full_screen

    def toggle(self, name: str) -> None:
        """Open a page, or close it if it is the one that is open."""
        moment = self.screen.moment
        if self.page is not None:
            moment = replace(moment, cursor=self.page.cursor_on_close(moment))
        if moment.page == name:
            self.screen.show(page="", cursor=moment.cursor, first=0, status="", failed=False)
            return
        if name not in self._opened:
            page = load(name)(moment, id=f"page-{name}")
            self._opened[name] = page
            self.screen.mount(page, before="#status")
        cursor = self._opened[name].cursor_on_open(moment)
        self.screen.show(page=name, cursor=cursor, first=0, status="", failed=False)

    def inquire(self) -> None:
        """Ask for what the open page lacks, and for the second sentence; each question once."""
        page, moment = self.page, self.screen.moment
        wanted = [] if page is None else list(page.questions(moment))
        beside = second_sentence.sentence_query(moment)
        if beside is not None and second_sentence.state(moment).highlighted:
            wanted.append(beside)
        for question in dict.fromkeys(wanted):
            known = question in moment.answers or question in moment.failures
            if not known and question not in self.pending:
                self.pending.add(question)
                self.screen.run_worker(
                    partial(self._answer, question), thread=True, group="explore",
                    exit_on_error=False,
                )  # fmt: skip

    def _answer(self, question: Question) -> None:
        answer, reason = None, ""
        try:
            answer = self.explore(question)
        except RnnvizError as error:
            reason = one_line(error)
        except Exception as error:
            # What breaks here must not take the lecture with it.
            reason = f"{type(error).__name__}: {error}"
        if not get_current_worker().is_cancelled:
            self.screen.post_message(QuestionAnswered(question, answer, reason))

    def answered(self, message: QuestionAnswered) -> None:
        """Set the answer down; the page draws it."""
        self.pending.discard(message.question)
        moment = self.screen.moment
        if message.reason:
            self.screen.show(failures={**moment.failures, message.question: message.reason})
            self.screen.line_answered(message.question, message.reason)
            return
        answers = {**moment.answers, message.question: message.answer}
        while len(answers) > REMEMBERED:
            del answers[next(iter(answers))]
        self.screen.show(answers=answers)
        self.screen.line_answered(message.question, "")

    def knows(self, pressed: str) -> bool:
        """Whether a key means something on the open page."""
        return self.page is not None and any(pressed in key.keys for key in self.page.keys)

    def press(self, pressed: str) -> bool:
        """A key; whether the open page knows it."""
        page = self.page
        if page is None:
            return False
        for key in page.keys:
            if pressed in key.keys:
                done = page.press(self.screen.moment, key.name)
                if isinstance(done, Prompt):
                    self.screen.open_line(done.label, done.initial, done.selected, done.on_submit)
                elif done is not None:
                    self.apply(done)
                return True
        return False

    def apply(self, change: Change) -> None:
        """Do what a key of a page did."""
        screen = self.screen
        screen.show(**change.updates(screen.moment))
        if change.query is not None and change.query != screen.moment.query:
            screen.ask(change.query, quiet=True)
