"""Opening pages, answering their questions in threads, and sending them their keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.message import Message
from textual.timer import Timer
from textual.worker import get_current_worker

from rnnviz.query import Explorer, Query, Question
from rnnviz.trace import Trace
from rnnviz.trace.notation import in_notation
from rnnviz.tui.pages import load
from rnnviz.tui.panels import conclusion
from rnnviz.tui.panels.heatmap import rows
from rnnviz.tui.step.attempt import attempt
from rnnviz.tui.step.trace_requests import TraceRequest
from rnnviz.tui.step.waiting_keys import WaitingKeys
from rnnviz.tui.view import second_sentence
from rnnviz.tui.view.page import Change, Page, Prompt

if TYPE_CHECKING:
    from rnnviz.tui.step.screen import StepScreen

#: Seconds that the cursor rests before the interventions of the sentence are asked for.
REST = 0.15
#: Seconds without a key before the text that was written is read.
READ_REST = 0.4
#: How many answers are cached; the oldest is dropped first.
CACHED_ANSWERS = 64


class QuestionAnswered(Message):
    """The answer to a question; or None and the reason."""

    def __init__(self, question: Question, answer: Any, reason: str = "") -> None:
        super().__init__()
        self.question, self.answer, self.reason = question, answer, reason


class PageHost:
    """The pages of one step screen; at most one is open."""

    def __init__(self, screen: StepScreen, explorer: Explorer) -> None:
        self.screen, self.explorer = screen, explorer
        self.pending: set[Question] = set()
        self.waiting_keys = WaitingKeys()
        self._pages: dict[str, Page] = {}  # by name, those that have been opened
        self._rest: Timer | None = None  # until the interventions of the sentence are asked for
        self._wanted: list[Question] = []  # those that are asked for then
        self._later: Query | None = None  # to be read when no key is pressed
        self._until_read: Timer | None = None

    @property
    def page(self) -> Page | None:
        """The open page."""
        return self._pages.get(self.screen.view_state.page)

    def first_row(self, t: int) -> int:
        """The token of the first row when the cursor goes to token t.

        A step past the last row scrolls so that t becomes the first row: the tokens after it are
        still unknown and drawn as dots, so that only one row of numbers has to be sent.
        """
        page, view_state = self.page, self.screen.view_state
        heat_height = self.screen.query_one("#heat-0").size.height
        visible_rows = page.visible_tokens if page else rows(view_state, heat_height)[1]
        if visible_rows is None:
            return view_state.first
        if t in visible_rows:
            return visible_rows.start
        step = abs(t - view_state.cursor.t) == 1 and view_state.layer.order[0] == 0
        return t if step else max(0, t - len(visible_rows) + 1)

    def toggle(self, name: str) -> None:
        """Open a page, or close it if it is open; after the keys that wait."""
        if self.waiting_keys and self.pending:
            self.press_later(partial(self._toggle, name))
        else:
            self.waiting_keys.clear()
            self._toggle(name)

    def _toggle(self, name: str) -> None:
        view_state = self.screen.view_state
        if self.page is not None:
            if self.reads_later:
                self.read_waiting()
            view_state = self.screen.view_state
            view_state = replace(view_state, cursor=self.page.cursor_on_close(view_state))
        if view_state.page == name:
            self.screen.show(page="", cursor=view_state.cursor, first=0, status="", failed=False)
            return
        cursor = self.prepared(name).cursor_on_open(view_state)
        self.screen.show(page=name, cursor=cursor, first=0, status="", failed=False)

    def prepared(self, name: str) -> Page:
        """The page of this name, so that the screen can show it."""
        if name not in self._pages:
            page = load(name)(self.screen.view_state, id=f"page-{name}")
            self._pages[name] = page
            self.screen.mount(page, before="#status")
        return self._pages[name]

    def ask_questions(self) -> None:
        """Ask what the open page and the second sentence need to know; each question once."""
        page, view_state = self.page, self.screen.view_state
        questions = [] if page is None else list(page.questions(view_state))
        second = second_sentence.sentence_query(view_state)
        if second is not None and second_sentence.state(view_state).highlighted:
            questions.append(second)
        for question in self._unanswered(questions):
            self._ask(question)
        self._ask_later()

    def _unanswered(self, questions: Sequence[Question]) -> list[Question]:
        """The questions that are not answered and not being answered."""
        view_state = self.screen.view_state
        known = (*view_state.answers, *view_state.failures, *self.pending)
        return [question for question in dict.fromkeys(questions) if question not in known]

    def _ask(self, question: Question) -> None:
        self.pending.add(question)
        self.screen.run_worker(
            partial(self._answer, question), thread=True, group="explore", exit_on_error=False
        )

    # -- the sentence at the end --------------------------------------------------------------

    def _conclusion_questions(self) -> list[Question]:
        """The interventions that the sentence needs and that are not known yet."""
        page, view_state = self.page, self.screen.view_state
        if view_state.hidden:
            return []
        found = list(() if page is None else page.conclusion_questions(view_state))
        if page is None or conclusion.leaves_out(view_state):
            found += conclusion.questions(view_state)
        return self._unanswered(found)

    @property
    def waiting(self) -> bool:
        """Whether the interventions of the sentence are still to be asked."""
        return self._rest is not None

    def _ask_later(self) -> None:
        """Ask for the interventions when the cursor has rested; a key held down asks nothing."""
        wanted = self._conclusion_questions()
        if wanted == self._wanted and self._rest is not None:
            return
        if self._rest is not None:
            self._rest.stop()
        self._wanted = wanted
        self._rest = self.screen.set_timer(REST, self.ask_conclusion) if wanted else None

    def ask_conclusion(self) -> None:
        """Ask for the interventions of the sentence at once."""
        if self._rest is not None:
            self._rest.stop()
            self._rest = None
        for question in self._conclusion_questions():
            self._ask(question)

    def _answer(self, question: Question) -> None:
        answer, reason = attempt(partial(self.explorer, question))
        if not get_current_worker().is_cancelled:
            self.screen.post_message(QuestionAnswered(question, answer, reason))

    def receive_answer(self, message: QuestionAnswered) -> None:
        """Add an answer, or the reason why there is none, to the view state."""
        self.pending.discard(message.question)
        view_state = self.screen.view_state
        if message.reason:
            self.waiting_keys.clear()
            self.screen.show(failures={**view_state.failures, message.question: message.reason})
        else:
            answer = message.answer
            if isinstance(answer, Trace):
                answer = in_notation(answer, view_state.notation)
            answers = {**view_state.answers, message.question: answer}
            while len(answers) > CACHED_ANSWERS:
                del answers[next(iter(answers))]
            self.screen.show(answers=answers)
        self.screen.prompt.receive_answer(message.question, message.reason)
        self.waiting_keys.run()
        if left_out := self.waiting_keys.take_left_out():
            self.screen.fail("status.left_out", n=left_out)

    def _has(self, action: str) -> bool:
        """Whether the open page has an action."""
        page, view_state = self.page, self.screen.view_state
        return page is not None and (
            action in page.available(view_state) or action in page.overridden(view_state)
        )

    def press(self, action: str) -> bool:
        """Run an action of the open page; whether the page has it.

        It waits for the answer that it needs, and after other actions that wait.
        """
        if not self._has(action):
            return False
        waits = bool(self.waiting_keys) and action != "type"  # opens a line, which waits itself
        if waits or self._waits(action):
            self.press_later(partial(self._waits, action))
        return True

    def _waits(self, action: str) -> bool:
        """Run an action; whether it waits for an answer."""
        change = self.run(action) if self._has(action) else None
        return isinstance(change, Change) and change.waits

    def press_later(self, key: Callable[[], object]) -> None:
        """Run a key after the others that wait; it waits on as long as it returns True.

        Where no answer is to come there is nothing to wait for.
        """
        if self.pending:
            self.waiting_keys.add(lambda: key() is True)

    def run(self, action: str) -> Change | Prompt | None:
        """Run an action that the open page has; what it came to."""
        page = self.page
        assert page is not None
        result = page.press(self.screen.view_state, action)
        if isinstance(result, Prompt):
            self.screen.prompt.open(result)
        elif result is not None:
            self.apply(result)
        return result

    def apply(self, change: Change) -> None:
        """Apply a change that a page returned."""
        screen = self.screen
        if change.page is not None and change.page != screen.view_state.page:
            self.toggle(change.page or screen.view_state.page)
        screen.show(**change.updates(screen.view_state))
        if change.query is not None and change.query != screen.view_state.latest_query:
            if change.later:
                self.read_later(change.query)
            else:
                screen.ask(change.query, quiet=True, edit=change.edit)

    # -- queries that are read later ----------------------------------------------------------

    @property
    def reads_later(self) -> bool:
        """Whether a query waits until no key is pressed."""
        return self._later is not None

    def drop_waiting(self) -> None:
        """Drop the keys and the query that wait: another query is asked."""
        self.waiting_keys.clear()
        self._later = None

    def read_later(self, query: Query) -> None:
        """Read a query when no key has been pressed for a moment."""
        self._later = query
        self._wait()

    def _wait(self) -> None:
        if self._until_read is not None:
            self._until_read.stop()
        self._until_read = self.screen.set_timer(READ_REST, self._read_if_resting)

    def _read_if_resting(self) -> None:
        """Read the query unless the page goes on writing, or a trace is being computed.

        A trace that nobody waits for any more is computed to its end all the same.
        """
        playing = self.screen.view_state.seconds is not None
        if playing or self.waiting_keys or self.screen.requests.is_reading:
            self._wait()
        else:
            self.read_waiting()

    def read_waiting(self) -> None:
        """Read the query that waits, now."""
        query, self._later = self._later, None
        if self._until_read is not None:
            self._until_read.stop()
            self._until_read = None
        page, screen = self.page, self.screen
        if query is None or query == screen.view_state.latest_query:
            return
        to = None if page is None else page.cursor_in
        screen.requests.ask(TraceRequest(query, quiet=True, to=to), edit=True)
