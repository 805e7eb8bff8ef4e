"""The keys of a lesson on one step screen: on, back, and the answer to its question."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from rnnviz.errors import RnnvizError, one_line
from rnnviz.files import reason
from rnnviz.lessons.predictions import Prediction
from rnnviz.tui.step.trace_requests import TraceRequest
from rnnviz.tui.view import second_sentence
from rnnviz.tui.view.lesson_state import LessonState, place_cursor

if TYPE_CHECKING:
    from rnnviz.lessons.player import LessonPlayer
    from rnnviz.tui.step.lesson.answers import LessonAnswers
    from rnnviz.tui.step.lesson.own_change import OwnChange
    from rnnviz.tui.step.lesson.session import LessonSession
    from rnnviz.tui.step.lesson.training import LessonTraining
    from rnnviz.tui.step.screen import StepScreen


class LessonHost:
    """The lesson of one step screen; without one it does nothing."""

    def __init__(self, screen: StepScreen, session: LessonSession | None) -> None:
        self.screen, self.session = screen, session
        #: Answers being marked and goals being checked; a test waits for them.
        self.pending: set[object] = set()

    # Most screens play no lesson: the modules of one are imported when it begins.

    @cached_property
    def answers(self) -> LessonAnswers:
        """Asks the questions."""
        from rnnviz.tui.step.lesson.answers import LessonAnswers

        return LessonAnswers(self)

    @cached_property
    def own_change(self) -> OwnChange:
        """The learner's own changes."""
        from rnnviz.tui.step.lesson.own_change import OwnChange

        return OwnChange(self)

    @cached_property
    def training(self) -> LessonTraining:
        """The trainings."""
        from rnnviz.tui.step.lesson.training import LessonTraining

        return LessonTraining(self)

    @property
    def state(self) -> LessonState | None:
        """The lesson as the view state has it; None without one."""
        return self.screen.view_state.lesson

    def begin(self) -> None:
        """Show the first step, or the one where the learner was."""
        if self.session is not None:
            state = LessonState(self.session.player, next=self.session.next)
            self.screen.show(lesson=state)
            # What is shown while the first layout waits would not be painted.
            self.screen.call_after_refresh(self._show_first, self.session)

    def _show_first(self, session: LessonSession) -> None:
        self._show(session.player)
        if session.restored:
            self.screen.say("lesson.restored")

    # -- going on and back ------------------------------------------------------------------------

    def move(self, step: int) -> None:
        """Go on (1) or back (−1); the screen returns to the lesson's place."""
        state = self.state
        if state is None:
            self.screen.say("lesson.none")
            return
        player = state.player
        if (line := self.screen.input) is not None:
            if step > 0 and player.phase in ("ask", "committed"):
                self.screen.prompt.submit(line.value)  # an answer, or the reason for one
            return
        if step > 0 and self.screen.class_host.close_first():
            return
        if step > 0 and player.phase == "ask":
            self._show(player)  # the question is about the lesson's place
            self.answers.open(player)
            return
        if step > 0 and player.waits and player.step.id in self.pending:
            self.screen.say("lesson.training_on")
            return
        self._show(player.next() if step > 0 else player.back())

    def go_to(self, lesson: str, step: str, stage: int) -> None:
        """Go to a phase of a step, as an event from outside says; not in another lesson."""
        state = self.state
        if state is None or state.player.lesson.id != lesson:
            return
        player = state.player.at_phase(step, stage)
        if player is not state.player:
            self._show(player)

    def answer(self, step_id: str, answer: float | None) -> None:
        """Take an answer from outside, such as the class's; no reason is asked for."""
        state = self.state
        if state is not None and state.player.step.id == step_id:
            self.answers.commit(None if answer is None else Prediction(answer))

    def open(self) -> bool:
        """Open the answer, or the line for the learner's own change; whether there is one."""
        state = self.state
        if state is None:
            return False
        if state.player.can_answer:
            self.answers.open(state.player)
            return True
        if state.player.phase == "own" and state.player.change is not None:
            self.own_change.open(state.player.change)
            return True
        return False

    def choose(self, option: int) -> bool:
        """Answer a question with options by the number of one; whether there is such a question."""
        state = self.state
        question = None if state is None else state.player.step.question
        if state is None or question is None or not state.player.can_answer:
            return False
        if option <= len(question.options):
            self.answers.choose(state.player.step.id, option)
        return bool(question.options)

    def switch_language(self, lang: str) -> None:
        """Stay at the same step of the lesson as it is in another language."""
        state, session = self.state, self.session
        if state is None or session is None:
            return
        try:
            lesson = session.read(lang)
        except (OSError, RnnvizError) as error:
            said = one_line(error) if isinstance(error, RnnvizError) else reason(error)
            self.screen.fail("status.failed", reason=said.rstrip("."))
            return
        self._show(state.player.in_language(lesson))

    def _show(self, player: LessonPlayer) -> None:
        """Show the scene of a player: its place, and another query if it reads one."""
        state, screen = self.state, self.screen
        assert state is not None
        screen.playback.stop()
        scene, view_state = player.scene, screen.view_state
        before = state.before
        if player.change is not None and state.player.change is None:
            before = view_state.trace
        elif player.change is None or player.step.query != state.player.step.query:
            before = None  # a step may read something else in another language
        self._open_page(scene.place.view)
        view_state = screen.view_state
        second = replace(second_sentence.state(view_state), text=scene.against)
        changes: dict[str, Any] = {
            "lesson": replace(state, player=player, before=before, training=""),
            "page_states": {**view_state.page_states, second.page: second},
            "status": "",
            "failed": False,
        }
        if scene.query == view_state.query == view_state.latest_query:
            cursor = place_cursor(scene.place, view_state.trace, view_state)
            screen.show(**changes, cursor=cursor, first=screen.page_host.first_row(cursor.t))
        else:
            screen.show(**changes)
            to = partial(place_cursor, scene.place)
            screen.requests.ask(TraceRequest(scene.query, True, to=to))
        if player.phase == "ask":
            self.answers.asked(player.step)
        if player.phase == "change" and player.change is not None and player.change.train:
            self.training.begin(player.step, player.change)
        self._remember(player)

    def _open_page(self, view: str) -> None:
        page = "" if view == "panels" else view
        if (opened := self.screen.view_state.page) != page:
            self.screen.page_host.toggle(page or opened)

    def trace_shown(self) -> None:
        """A new trace is on the screen."""
        if self.state is not None:
            self.own_change.trace_shown()

    def _remember(self, player: LessonPlayer) -> None:
        from rnnviz.lessons.progress import LessonProgress

        session = self.session
        if session is None:
            return
        known = session.progress.read().get(player.lesson.id)
        done = player.at_end or (known is not None and known.done)
        score = player.score
        progress = LessonProgress(player.step.id, score.right, score.asked, done)
        if progress != known:
            session.progress.write(player.lesson.id, progress)

    def set_player(self, player: LessonPlayer) -> None:
        """Show a player whose scene is on the screen already."""
        if self.state is not None:
            self.screen.show(lesson=replace(self.state, player=player))
