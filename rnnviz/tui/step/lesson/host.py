"""The keys of a lesson on one step screen: on, back, and the answer to its question."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.worker import get_current_worker

from rnnviz.cursor import Cursor, fitted
from rnnviz.errors import RnnvizError, one_line
from rnnviz.files import reason
from rnnviz.lessons.claims import Evaluator
from rnnviz.lessons.lesson import Step
from rnnviz.lessons.player import LessonAnswer, LessonPlayer, Place
from rnnviz.lessons.predictions import AnswerKey, Prediction, read_number
from rnnviz.lessons.progress import LessonProgress
from rnnviz.trace import Trace
from rnnviz.tui.step.lesson.own_change import OwnChange
from rnnviz.tui.step.lesson.session import LessonSession
from rnnviz.tui.step.lesson.told import told
from rnnviz.tui.step.lesson.training import LessonTraining
from rnnviz.tui.step.trace_requests import TraceRequest
from rnnviz.tui.view import second_sentence
from rnnviz.tui.view.lesson_state import LessonState
from rnnviz.tui.view.page import Change, Prompt
from rnnviz.tui.view.view_state import ViewState

if TYPE_CHECKING:
    from rnnviz.tui.step.screen import StepScreen


class LessonHost:
    """The lesson of one step screen; without one it does nothing."""

    def __init__(self, screen: StepScreen, session: LessonSession | None) -> None:
        self.screen, self.session = screen, session
        self._asked_at: dict[str, float] = {}  # when a question was first shown, by step
        self.own_change, self.training = OwnChange(self), LessonTraining(self)
        #: Answers being marked and goals being checked; a test waits for them.
        self.pending: set[object] = set()

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
            self.screen.call_after_refresh(self._show, self.session.player)
            if self.session.restored:
                self.screen.say("lesson.restored")

    # -- going on and back ------------------------------------------------------------------------

    def move(self, step: int) -> None:
        """Go on (1) or back (−1); the screen returns to the lesson's place."""
        state = self.state
        if state is None:
            self.screen.say("lesson.none")
            return
        if self.screen.is_typing:
            return
        player = state.player
        if step > 0 and player.phase == "ask":
            self._show(player)  # the question is about the lesson's place
            self.open_answer()
            return
        self._show(player.next() if step > 0 else player.back())

    def open(self) -> bool:
        """Open the answer, or the line for the learner's own change; whether there is one."""
        state = self.state
        if state is None:
            return False
        if state.player.can_answer:
            self.open_answer()
            return True
        if state.player.phase == "own" and state.player.change is not None:
            self.own_change.open(state.player.change)
            return True
        return False

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
        elif player.change is None:
            before = None
        self._open_page(scene.place.view)
        view_state = screen.view_state
        second = replace(second_sentence.state(view_state), text=scene.against)
        changes: dict[str, Any] = {
            "lesson": replace(state, player=player, before=before, training=""),
            "page_states": {**view_state.page_states, second.page: second},
            "hidden": scene.hidden,
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
            self._asked_at.setdefault(player.step.id, time.monotonic())
        if player.phase == "change" and player.change is not None and player.change.train:
            self.training.begin(player.step, player.change)
        self._remember(player)

    def _open_page(self, view: str) -> None:
        page = "" if view == "panels" else view
        if (opened := self.screen.view_state.page) != page:
            self.screen.page_host.toggle(page or opened)

    def _remember(self, player: LessonPlayer) -> None:
        session = self.session
        if session is None:
            return
        known = session.progress.read().get(player.lesson.id)
        done = player.at_end or (known is not None and known.done)
        score = player.score
        progress = LessonProgress(player.step.id, score.right, score.asked, done)
        if progress != known:
            session.progress.write(player.lesson.id, progress)

    # -- answers ----------------------------------------------------------------------------------

    def open_answer(self) -> None:
        """Open the list or the line of the question."""
        state = self.state
        if state is None or not state.player.can_answer:
            return
        step = state.player.step
        assert step.question is not None
        if step.question.kind == "choice":
            self._open_choice(step)
        else:
            key = "lesson.type_number" if step.question.kind == "number" else "lesson.type_word"
            words = self.screen.view_state.trace.tokens if step.question.kind == "word" else ()
            label = self.screen.view_state.text(key)
            self.screen.prompt.open(Prompt(label, self._typed_answer, words=words))

    def _open_choice(self, step: Step) -> None:
        from rnnviz.tui.app.choice_list import ChoiceList, ListRow

        assert step.question is not None
        view_state = self.screen.view_state
        rows = [ListRow(n, f"{n} {text}") for n, text in enumerate(step.question.options, 1)]
        rows.append(ListRow(0, view_state.text("lesson.pass")))
        keys = (*view_state.keymap["type"].keys, *view_state.keymap["lesson_on"].keys)
        chosen = ChoiceList(view_state.text("lesson.choose"), rows, opened_by=keys, numbered=True)
        self.screen.app.push_screen(chosen, partial(self._chose, step.id))

    def _chose(self, step_id: str, option: int | None) -> None:
        state = self.state
        if option is None or state is None or state.player.step.id != step_id:
            return
        self._commit(Prediction(float(option)) if option else None)

    def _typed_answer(self, view_state: ViewState, typed: str) -> Change:
        """Take a typed number or word; an empty line goes on without an answer."""
        lesson = view_state.lesson
        question = None if lesson is None else lesson.player.step.question
        if question is None:
            return Change()
        if not typed:
            answer = None
        elif question.kind == "number":
            answer = read_number(typed, view_state.lang)
            if answer is None:
                return Change(message=view_state.text("lesson.no_number"), failed=True)
        else:
            answer = word_number(typed, view_state.trace.tokens)
            if answer is None:
                return Change(message=view_state.text("lesson.no_word"), failed=True)
        # The line closes first.
        prediction = None if answer is None else Prediction(float(answer))
        self.screen.call_later(self._commit, prediction)
        return Change()

    def _commit(self, prediction: Prediction | None) -> None:
        """Take an answer; a reason in one line is asked for where the question wants one."""
        state = self.state
        if state is None or not state.player.can_answer:
            return
        player = state.player
        question = player.step.question
        assert question is not None
        asked_at = self._asked_at.get(player.step.id, time.monotonic())
        answer = LessonAnswer(prediction, max(0.0, time.monotonic() - asked_at))
        self.set_player(player.commit(answer))
        if prediction is not None and question.why and not prediction.why:
            label = self.screen.view_state.text("lesson.type_why")
            self._open_line(Prompt(label, self._typed_why))
        self._mark(player.step)

    def _open_line(self, prompt: Prompt) -> None:
        """Open a line, as soon as the one that has been closed is gone."""
        if self.screen.is_typing:
            self.screen.set_timer(0.02, partial(self._open_line, prompt))
        else:
            self.screen.prompt.open(prompt)

    def _typed_why(self, view_state: ViewState, typed: str) -> Change:
        lesson = view_state.lesson
        if lesson is None or (answer := lesson.player.answer) is None or answer.prediction is None:
            return Change()
        prediction = replace(answer.prediction, why=" ".join(typed.split()))
        self.screen.call_later(
            self._set_why, lesson.player.step.id, replace(answer, prediction=prediction)
        )
        return Change()

    def _set_why(self, step_id: str, answer: LessonAnswer) -> None:
        if self.state is not None and self.state.player.step.id == step_id:
            key = None if (known := self.state.player.answer) is None else known.key
            self.set_player(self.state.player.commit(replace(answer, key=key)))

    def set_player(self, player: LessonPlayer) -> None:
        """Show a player whose scene is on the screen already."""
        if self.state is not None:
            self.screen.show(lesson=replace(self.state, player=player))

    def _mark(self, step: Step) -> None:
        """Find out in a thread what is right; nobody is told before the reveal."""
        self.pending.add(step.id)
        self.screen.run_worker(
            partial(self._find_key, step), thread=True, group="lesson", exit_on_error=False
        )

    def _find_key(self, step: Step) -> None:
        key, why = told(partial(self._answer_key, step))
        if not get_current_worker().is_cancelled:
            self.screen.call_later(self._receive_key, step.id, key, why)

    def _answer_key(self, step: Step) -> AnswerKey:
        question = step.question
        assert question is not None
        right: Any = question.right
        if question.of:
            evaluator = Evaluator(self.screen.requests.explorer)
            right = evaluator.value(question.of, step.query, step.against)
        return AnswerKey(question.kind, float(right), question.within)

    def _receive_key(self, step_id: str, key: AnswerKey | None, why: str) -> None:
        """What is right at a question is known; or the reason why it is not."""
        self.pending.discard(step_id)
        state = self.state
        if state is None:
            return
        if key is None:
            self.screen.fail("status.failed", reason=why.rstrip("."))
            return
        self.set_player(state.player.marked(step_id, key))


def place_cursor(place: Place, trace: Trace, view_state: ViewState) -> Cursor:
    """The cursor of a trace at a lesson's place.

    Without a unit it stays where it is, or where it is most in another model. A part that this
    cell does not have is the last one.
    """
    before, layer = view_state.cursor, min(place.layer, len(trace.layers)) - 1
    parts = trace.layers[layer].parts
    part = parts.index(place.part) if place.part in parts else len(parts) - 1
    same = trace.model == view_state.trace.model
    unit = place.unit if place.unit is not None else before.unit if same else trace.leading_unit()
    zoom: Any = place.zoom
    return fitted(Cursor(layer, place.token - 1, part, unit, zoom), trace)


def word_number(typed: str, tokens: tuple[str, ...]) -> int | None:
    """The number, from 1, of a word that was typed, or its number; None if there is none."""
    from rnnviz.display import folded

    found = [n for n, token in enumerate(tokens, 1) if folded(token) == folded(typed)]
    if found:
        return found[0]
    return int(typed) if typed.isdecimal() and 1 <= int(typed[:9]) <= len(tokens) else None
