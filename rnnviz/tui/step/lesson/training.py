"""A training in a lesson: a change that trains a net and then reads with it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.worker import get_current_worker

from rnnviz.display import visible
from rnnviz.lessons.lesson import LessonChange, Step
from rnnviz.lessons.predictions import spoken
from rnnviz.progress import Event, Note, SentenceReading, TrainingStep
from rnnviz.tui.step.attempt import attempt
from rnnviz.tui.step.lesson.session import LessonSession

if TYPE_CHECKING:
    from rnnviz.tui.step.lesson.host import LessonHost


#: Columns at both ends of a line of the pane.
MARGIN = 3


class LessonTraining:
    """The training of one step screen's lesson; at most one runs."""

    def __init__(self, host: LessonHost) -> None:
        self.host, self.screen = host, host.screen
        #: Each word of the run's sentence and the prediction after it, as they were sent last.
        self._predictions: tuple[str, ...] = ()

    def begin(self, step: Step, change: LessonChange) -> None:
        session = self.host.session
        if session is None or session.train is None or step.id in self.host.pending:
            return
        if self.host.state is None or not self.host.state.player.waits:
            return
        self.host.pending.add(step.id)
        self._predictions = ()
        self._show_training(step.id, self.screen.view_state.text("lesson.trains"))
        self.screen.run_worker(
            partial(self._run_training, session, step.id, change), thread=True, exclusive=True,
            group="train", exit_on_error=False,
        )  # fmt: skip

    def _run_training(self, session: LessonSession, step: str, change: LessonChange) -> None:
        worker, screen = get_current_worker(), self.screen
        assert session.train is not None

        def watch(event: Event) -> None:
            if not worker.is_cancelled:
                screen.call_later(self._show_event, step, event)

        def stop() -> bool:
            return worker.is_cancelled or not screen.app.is_running

        model, why = attempt(partial(session.train, change.train, watch, stop))
        if not worker.is_cancelled:
            screen.call_later(self._end_training, step, model, why)

    def _show_event(self, step_id: str, event: Event) -> None:
        say = self.screen.view_state.text
        match event:
            case TrainingStep():
                share = say("words.percent", n=100 * event.batch // max(1, event.batches))
                text = say(
                    "lesson.training", epoch=event.epoch, epochs=event.epochs, share=share,
                    loss=f"{event.loss:.2f}",
                )  # fmt: skip
                self._show_training(step_id, self._with_predictions(text))
            case SentenceReading():
                rows = zip(event.tokens, event.outputs, strict=True)
                self._predictions = tuple(
                    f"{visible(token)} {spoken(row[event.label])}" for token, row in rows
                )
            case Note(text=text):
                self._show_training(step_id, text)
            case _:
                pass

    def _with_predictions(self, text: str) -> str:
        """How far a training is, with as many of the last predictions as the line has room for."""
        room = self.screen.app.size.width - MARGIN - cell_len(text)
        count = len(self._predictions)
        for first in range(count):
            shown = ("…",) * (first > 0) + self._predictions[first:]
            longer = f" · {' '.join(shown)}"
            if cell_len(longer) <= room:
                return text + longer
        return text

    def _show_training(self, step_id: str, text: str) -> None:
        """Show how far a training is."""
        state = self.host.state
        if state is not None and state.player.step.id == step_id:
            self.screen.show(lesson=replace(state, training=text))

    def _end_training(self, step_id: str, model: str | None, why: str) -> None:
        """Open the net that was trained; or say why there is none."""
        self.host.pending.discard(step_id)
        state, screen = self.host.state, self.screen
        if state is None:
            return
        if state.player.step.id != step_id:
            if model is not None:
                self.host.set_player(state.player.with_trained(step_id, model))
            return
        if model is None:
            screen.show(lesson=replace(state, training=""))
            screen.fail("status.failed", reason=why.rstrip("."))
            return
        player = state.player.with_trained(step_id, model)
        screen.show(lesson=replace(state, player=player, training=""))
        screen.ask(player.scene.query, quiet=True)
