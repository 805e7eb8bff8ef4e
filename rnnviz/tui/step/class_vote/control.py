"""The votes of a class on one step screen: opened with a question, closed before the reveal."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.worker import get_current_worker

from rnnviz.classroom.votes import consensus
from rnnviz.events import BallotEvent, CloseVoteEvent, Event, RevealEvent, TallyEvent
from rnnviz.lessons.predictions import AnswerKey
from rnnviz.tui.step.attempt import attempt
from rnnviz.tui.step.class_vote import questions
from rnnviz.tui.step.class_vote.questions import ClassQuestion
from rnnviz.tui.step.class_vote.session import ClassSession
from rnnviz.tui.step.predict_prompts import ask_option
from rnnviz.tui.view import predict_mode
from rnnviz.tui.view.vote_state import VoteState

if TYPE_CHECKING:
    from rnnviz.tui.step.screen import StepScreen

#: Seconds that the server may take to write the answers of a vote.
PATIENCE = 5.0


class ClassControl:
    """Asks the class of one step screen; without a class it does nothing.

    A question of the lesson or of predict mode is opened on the phones as soon as it is on the
    screen. The key that would go on closes the vote first; the next one reveals.
    """

    def __init__(self, screen: StepScreen, session: ClassSession) -> None:
        self.screen, self.session = screen, session
        self.question: ClassQuestion | None = None  # the one that was asked last
        self._asked: set[str] = set()  # the questions that are not opened by themselves again
        self._key: AnswerKey | None = None
        self._key_pending = self._following = self._commits = False

    @property
    def vote(self) -> VoteState:
        """The vote as the view state has it."""
        return self.screen.view_state.vote or VoteState()

    def begin(self) -> None:
        """Show the pane, and the code that leads phones here."""
        self.session.link.received = self._from_thread
        self.screen.show(vote=VoteState(self.session.links))
        self.screen.call_after_refresh(self.open_window)

    def _from_thread(self, event: Event) -> None:
        self.screen.call_later(self.receive, event)

    def open_window(self) -> None:
        """Show the code and the links; what can be done with the vote is below them."""
        from rnnviz.tui.step.class_vote.window import ClassWindow

        self.screen.playback.stop()
        self.screen.app.push_screen(ClassWindow(self))

    # -- following the screen ---------------------------------------------------------------------

    def follow(self) -> None:
        """Open, close and reveal as the screen goes on; called after every change."""
        if self._following or self.screen.view_state.vote is None:
            return
        self._following = True
        try:
            self._follow()
        finally:
            self._following = False

    def _follow(self) -> None:
        question, view_state = self.question, self.screen.view_state
        if question is not None and self.vote.is_open and not self.vote.closing:
            if question.is_over(view_state):
                self._close(commits=False) if self.vote.answered else self._withdraw()
        if question is not None and self.vote.is_counted and not self.vote.is_revealed:
            if question.is_known(view_state):
                self._reveal(question)
        if self.vote.is_going:
            return
        new = self._next_question()
        if new is not None:
            self.ask(new)
        elif question is not None and self.vote.question and question.is_past(view_state):
            self._set(question="", counts=(), values=())

    def _next_question(self) -> ClassQuestion | None:
        """The question that is on the screen and was not asked yet."""
        screen, view_state = self.screen, self.screen.view_state
        found: ClassQuestion | None = None
        if view_state.lesson is not None and not view_state.predictions.on:
            player = view_state.lesson.player
            if player.step.id not in self._asked:
                found = questions.lesson_question(screen)
        elif view_state.predictions.on and not screen.requests.is_reading:
            if not self._is_predicted():
                asked = predict_mode.questions(view_state)
                found = questions.predict_question(screen, asked[0]) if asked else None
        return None if found is None or found.id in self._asked else found

    def _is_predicted(self) -> bool:
        """Whether something was predicted about the token of the cursor."""
        view_state = self.screen.view_state
        session = view_state.predictions
        return bool(session.at(view_state.query, view_state.cursor.t))

    # -- one vote ---------------------------------------------------------------------------------

    def ask(self, question: ClassQuestion) -> None:
        """Open a vote."""
        self._withdraw()
        self.question = question
        self._asked.add(question.id)
        self._key, self._key_pending = None, question.slow
        if question.slow:
            self.screen.run_worker(
                partial(self._find_key, question), thread=True, group="class", exit_on_error=False
            )
        self._send(question.ballot)
        ballot = question.ballot
        names = {
            lang: ballot.words if ballot.ask == "word" else tuple(each["options"])
            for lang, each in ballot.texts.items()
        }
        self._set(
            question=question.id, vote=1, ask=ballot.ask, names=names,
            bounded=(ballot.low, ballot.high) == (0, 1), query=self.screen.view_state.query,
            t=question.t, is_direction=question.is_direction, is_open=True, closing=False,
            answered=0, counts=(), values=(), reasons=(), first_counts=(), first_values=(),
            right=None, is_revealed=False,
        )  # fmt: skip

    @property
    def can_ask_again(self) -> bool:
        """Whether the class may vote a second time: what is right is not shown yet."""
        vote, question = self.vote, self.question
        if question is None or not vote.is_counted or vote.is_revealed or vote.vote > 1:
            return False
        return bool(vote.answered) and not question.is_over(self.screen.view_state)

    def ask_again(self) -> None:
        """Open the second vote; what was answered in the first one is hidden until it is closed."""
        if not self.can_ask_again or self.question is None:
            return
        vote = self.vote
        self._send(replace(self.question.ballot, vote=2))
        self._set(
            vote=2, is_open=True, answered=0, counts=(), values=(), reasons=(),
            first_counts=vote.counts, first_values=vote.values,
        )  # fmt: skip

    def close_first(self) -> bool:
        """Close an open vote, or after a reveal ask what was seen; whether it did."""
        if not self.vote.is_going:
            return self._ask_what_was_seen()
        if self.vote.closing:
            return True
        if not self.vote.answered:
            self._withdraw()
            return False
        self._close(commits=True)
        return True

    def _ask_what_was_seen(self) -> bool:
        """After a reveal in predict mode, ask what was seen, once; whether it is asked now."""
        if not self.vote.is_revealed or not self.vote.devices:
            return False
        if not predict_mode.asks_what_was_seen(self.screen.view_state):
            return False
        question = questions.seen_question(self.screen)
        if question.id in self._asked:
            return False
        self.ask(question)
        return True

    def choose(self) -> bool:
        """Choose what the class is asked in predict mode; whether there is a class."""
        screen = self.screen
        if screen.view_state.lesson is not None:
            return False
        found = [questions.predict_question(screen, q)
                 for q in predict_mode.questions(screen.view_state)]  # fmt: skip
        if not found:
            return False
        lang = screen.view_state.lang
        names = [str(each.ballot.texts[lang]["said"]) for each in found]
        ask_option(
            screen, screen.view_state.text("vote.choose"), names, lambda n: self.ask(found[n - 1])
        )
        return True

    def _withdraw(self) -> None:
        """End an open vote without counting it."""
        if self.vote.is_open and self.question is not None:
            closing = CloseVoteEvent(self.question.id, self.vote.vote, counts=False)
            self._send(closing)
            self._set(is_open=False, closing=False, question="")

    def _close(self, *, commits: bool) -> None:
        """Take no further answers; what they are comes once they are on the disk."""
        self._commits = commits
        self._set(closing=True)
        self.screen.set_timer(PATIENCE, partial(self._give_up, self.vote.question, self.vote.vote))
        self._close_with_key()

    def _close_with_key(self) -> None:
        question = self.question
        if question is None or self._key_pending or not self.vote.closing:
            return
        if self._key is None and not question.slow:
            self._key = question.find_key()
        key = self._key
        right, within = (None, 0.0) if key is None else (key.right, key.within)
        self._send(CloseVoteEvent(question.id, self.vote.vote, right, within))

    def _give_up(self, question: str, vote: int) -> None:
        """The server does not answer: the lesson goes on without its votes."""
        if self.vote.closing and (self.vote.question, self.vote.vote) == (question, vote):
            self._set(is_open=False, closing=False, question="")
            self.screen.fail("vote.lost")

    def _find_key(self, question: ClassQuestion) -> None:
        key, _ = attempt(question.find_key)
        if not get_current_worker().is_cancelled:
            self.screen.call_later(self._receive_key, question, key)

    def _receive_key(self, question: ClassQuestion, key: AnswerKey | None) -> None:
        if question is self.question:
            self._key, self._key_pending = key, False
            self._close_with_key()
            self.follow()

    def _reveal(self, question: ClassQuestion) -> None:
        if self._key_pending:
            return
        if self._key is None:
            self._key = question.find_key()
        self._send(RevealEvent(question.id))
        key = self._key
        right, within = (None, 0.0) if key is None else (key.right, key.within)
        self._set(is_revealed=True, right=right, within=within)

    # -- what the server says ---------------------------------------------------------------------

    def receive(self, event: Event) -> None:
        """How many phones there are, how many have answered, and what."""
        if not isinstance(event, TallyEvent):
            return
        vote = self.vote
        current = (event.question, event.vote) == (vote.question, vote.vote)
        if not event.is_open and event.question and current and vote.closing:
            self._count(event)
            return
        changes: dict[str, Any] = {"devices": event.devices}
        if event.is_open and current:
            changes["answered"] = event.answered
        now = replace(vote, **changes)
        if now != vote:
            self.screen.show_in(["vote"], vote=now)
            self.screen.event_stream.state_shown()
            self._show_in_window()

    def _count(self, event: TallyEvent) -> None:
        self._set(
            is_open=False, closing=False, answered=event.answered, devices=event.devices,
            counts=event.counts, values=event.values, reasons=event.reasons,
        )  # fmt: skip
        if event.failed:
            self.screen.fail("vote.failed", reason=event.failed)
        if self._commits and self.question is not None:
            self.question.commit(consensus(event))
        self.follow()

    def _show_in_window(self) -> None:
        from rnnviz.tui.step.class_vote.window import ClassWindow

        if isinstance(self.screen.app.screen, ClassWindow):
            self.screen.app.screen.show_vote()

    def _send(self, event: BallotEvent | CloseVoteEvent | RevealEvent) -> None:
        self.session.link.send(event)

    def _set(self, **changes: Any) -> None:
        self.screen.show(vote=replace(self.vote, **changes))
