"""The training screen: a thread receives events and adds them to the progress.

The screen gets the progress a few times a second, if it has changed.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, cast

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.screen import Screen
from textual.worker import get_current_worker

from rnnviz.cursor import start
from rnnviz.errors import RnnvizError, one_line, system_reason
from rnnviz.files import write_new
from rnnviz.progress import ProgressSource, RunFailed, SnapshotReady
from rnnviz.query import Explorer, Query, Tracer
from rnnviz.trace import Trace
from rnnviz.tui.app.key_bindings import key_bindings
from rnnviz.tui.app.themed_app import ThemedApp
from rnnviz.tui.dashboard.curves import LossChart, MetricChart
from rnnviz.tui.dashboard.epoch_table import EpochTable
from rnnviz.tui.dashboard.gradient_norms import GradientNorms
from rnnviz.tui.dashboard.key_bar import DashboardKeyBar
from rnnviz.tui.dashboard.panel import VIEWS, DashboardState
from rnnviz.tui.dashboard.progress_bars import ProgressBars
from rnnviz.tui.dashboard.sentence_reading import SentencePanel
from rnnviz.tui.dashboard.snapshot_screen import SnapshotScreen
from rnnviz.tui.dashboard.status import DashboardStatus, DashboardTitle
from rnnviz.tui.dashboard.training_progress import TrainingProgress
from rnnviz.tui.keymap import DASHBOARD, DEFAULT_KEYMAP
from rnnviz.tui.panels.arrangement import NARROW, SMALLEST
from rnnviz.tui.step.key_bar import Small, Status
from rnnviz.tui.terminal.compositor import DiffScreen
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import DrawnView, KeyClicked

#: Below this height the results at the end take the lines of the sentence.
SHORT = 22
#: From this height on the sentence has bars; from this one on they are higher.
TALL, TALLEST = 30, 44
#: The least seconds between two updates of the screen.
INTERVAL = 1 / 8


class ProgressChanged(Message):
    """There is new progress."""

    def __init__(self, progress: TrainingProgress) -> None:
        super().__init__()
        self.progress = progress


class SnapshotTraced(Message):
    """The trace of a text through a snapshot; or None and the reason."""

    def __init__(self, query: Query, trace: Trace | None, reason: str = "") -> None:
        super().__init__()
        self.query, self.trace, self.reason = query, trace, reason


class TrainScreen(DiffScreen, Screen[None]):
    """The panels of one training."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *key_bindings(map(DEFAULT_KEYMAP.__getitem__, DASHBOARD))
    ]

    def __init__(self, source: ProgressSource, read: Tracer, state: DashboardState) -> None:
        super().__init__()
        self.source, self.read_with, self.state = source, read, state
        self._opening = False  # a snapshot has been requested
        self._leaving = False  # the training was asked to stop
        self._abandoned = False  # the training was killed: ignore its events
        self._update_pending = False

    def compose(self) -> ComposeResult:
        """Every panel once; the style sheet decides which are visible."""
        state = self.state
        yield DashboardTitle(state, id="title")
        yield DashboardStatus(state, id="words")
        yield ProgressBars(state, id="bars")
        with Horizontal(id="charts"):
            yield LossChart(state, id="loss")
            yield MetricChart(state, id="metric")
        yield SentencePanel(state, id="sentence")
        with Horizontal(id="lower"):
            yield GradientNorms(state, id="norms")
            yield EpochTable(state, id="epochs")
        with Vertical(id="foot"):
            yield Status(state, id="status")
            yield DashboardKeyBar(state, id="keys")
        yield Small(state, id="small")

    def on_mount(self) -> None:
        """Start to receive events."""
        self.query("#textual-toastrack").set(display=False)  # toasts are not used here
        self._set_classes()
        self._follow()

    def on_screen_resume(self) -> None:
        """Use the theme that another screen may have chosen."""
        self._update_painted()
        if self.state.theme is not self._themed.view_theme:
            self.show(theme=self._themed.view_theme)

    @property
    def _themed(self) -> ThemedApp[Any]:
        app = self.app
        assert isinstance(app, ThemedApp)
        return app

    @work(thread=True, exit_on_error=False)
    def _follow(self) -> None:
        progress, sent_at, worker = self.state.progress, 0.0, get_current_worker()
        sent = progress
        while progress.end is None and not worker.is_cancelled:
            event = self.source.receive(INTERVAL)
            if event is not None:
                progress = progress.after(event)
            # On a busy machine, or a huge terminal, painting takes longer than the interval: more
            # updates would queue up before the keys.
            due = time.monotonic() - sent_at >= INTERVAL and not self._update_pending
            if progress is not sent and (due or progress.end is not None):
                self._update_pending = True
                self.post_message(ProgressChanged(progress))
                sent, sent_at = progress, time.monotonic()

    def on_progress_changed(self, message: ProgressChanged) -> None:
        """Show the progress; exit or open a snapshot if that was requested."""
        if self._abandoned:
            return
        before, progress = self.state.progress, message.progress
        self.show(progress=progress)
        # A screen is painted when no message is left: allow the next update after that.
        if self.is_current:
            self.call_after_refresh(self._update_painted)
        else:
            self._update_painted()
        if progress.end is not None and (self._leaving or progress.started is None):
            # A failure before the start is reported by the command line.
            self.app.exit(progress.end)
        elif progress.end is not None and self._opening:
            self._open_saved_model()
        elif progress.snapshot is not before.snapshot and progress.snapshot is not None:
            self._open(progress.snapshot)

    def _update_painted(self) -> None:
        self._update_pending = False

    def show(self, **changes: Any) -> None:
        """Change fields of the state and pass it to every panel."""
        self.state = replace(self.state, **changes)
        for view in self.query(DrawnView):
            view.state = self.state
        self._set_classes()

    def _set_classes(self) -> None:
        """Set the classes that the style sheet uses."""
        state, (width, height) = self.state, self.app.size
        small = width < SMALLEST[0] or height < SMALLEST[1]
        self.set_class(small, "-small")
        self.set_class(width < NARROW, "-narrow")
        self.set_class(state.progress.end is not None, "-ended")
        self.set_class(state.progress.reading is not None, "-reading")
        self.set_class(height < SHORT, "-short")
        self.set_class(height >= TALL, "-tall")
        self.set_class(height >= TALLEST, "-tallest")
        self.set_class(bool(state.status), "-status")
        for name in VIEWS:
            self.set_class(state.view == name, f"-{name}")

    def on_resize(self) -> None:
        """Set what depends on the size."""
        self.show(narrow=self.app.size.width < NARROW)

    # -- the keys -----------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether an action is available now."""
        if self.has_class("-small"):
            return action == "quit" or (action == "zoom" and parameters == (-1,))
        return True

    def action_view(self) -> None:
        """Show the next panel on a narrow screen."""
        at = (VIEWS.index(self.state.view) + 1) % len(VIEWS)
        self.show(view=VIEWS[at])

    def action_language(self) -> None:
        """Switch to the next language."""
        self.show(lang=self._themed.next_language(), status="")

    def action_theme(self) -> None:
        """Switch to the next theme."""
        name = self._themed.use_next_theme()
        self.show(theme=self._themed.view_theme)
        self.say(f"theme.{name}")

    def action_screenshot(self, form: str = "svg") -> None:
        """Save the screen as SVG in the working folder, as a new file."""
        from rnnviz.tui.export import pictures

        picture = pictures.of_screen(self.app, form)
        try:
            path = write_new(Path.cwd(), "rnnviz-train", form, picture)
        except OSError as error:
            where = error.filename or "."
            self.fail("status.not_saved", path=where, reason=system_reason(error))
        else:
            self.say("status.saved", path=path)

    def action_help(self) -> None:
        """Open the help."""
        from rnnviz.tui.app.help_screen import HelpScreen
        from rnnviz.tui.dashboard.help import sections

        self.app.push_screen(HelpScreen(sections(self.state)))

    def say(self, key: str, **values: object) -> None:
        """Show a message above the keys."""
        self.show(status=self.state.text(key, **values), failed=False)

    def fail(self, key: str, **values: object) -> None:
        """Show an error message."""
        self.show(status=self.state.text(key, **values), failed=True)

    # -- leaving ------------------------------------------------------------------------------

    def action_quit(self) -> None:
        """Ask whether to stop; stop the second time; exit if the training has ended."""
        end, started = self.state.progress.end, self.state.progress.started
        if end is not None:
            self.app.exit(end)
        elif self.state.asking:
            self.stop()
        elif not self._leaving:
            where = started.path if started else None
            key = "dashboard.ask_stop" if where else "dashboard.ask_leave"
            self.show(asking=True, failed=False, status=self.state.text(key, path=where))

    def action_zoom(self, step: int) -> None:
        """Step through the model as it is now (1); remove the question or the message (-1)."""
        if step > 0:
            self.step_through()
        elif not self._leaving:
            self.show(asking=False, status="", failed=False)

    def stop(self) -> None:
        """Ask the training to stop after this batch and save."""
        self._leaving = True
        self.source.stop()
        self.show(asking=False)
        self.say(
            "dashboard.stopping" if self.state.progress.started else "dashboard.stopping_early"
        )

    def interrupt(self) -> None:
        """ctrl+c: stop and save; the second time, exit at once."""
        if (end := self.state.progress.end) is not None:
            self.app.exit(end)
        elif self._leaving:
            self.abandon()
        else:
            self.stop()

    def abandon(self) -> None:
        """Kill the training and exit; what was saved before stays."""
        self._abandoned = True
        self.source.kill()
        started = self.state.progress.started
        key = "dashboard.abandoned" if started else "dashboard.abandoned_early"
        text = self.state.text(key, path=started.path if started else "")
        self.app.exit(RunFailed(text, 130))

    # -- the model as it is now ---------------------------------------------------------------

    def step_through(self) -> None:
        """Open the step screen on a snapshot of the model."""
        progress = self.state.progress
        if progress.started is None or (progress.step is None and not progress.epochs):
            self.fail("dashboard.not_yet")
        elif progress.end is not None:
            self._open_saved_model()
        elif not self._opening:
            self._opening = True
            self.say("dashboard.asking_model")
            self.source.snapshot()

    def _open_saved_model(self) -> None:
        """Open the saved model of a training that has ended."""
        assert self.state.progress.started is not None
        self._open(SnapshotReady(str(self.state.progress.started.path)))

    def _open(self, ready: SnapshotReady) -> None:
        assert self.state.progress.started is not None
        self._opening = True
        self._trace(Query(self.state.progress.started.example, ready.model))

    @work(thread=True, exclusive=True, group="trace", exit_on_error=False)
    def _trace(self, query: Query) -> None:
        try:
            self.post_message(SnapshotTraced(query, self.read_with(query)))
        except RnnvizError as error:
            self.post_message(SnapshotTraced(query, None, one_line(error)))
        except Exception as error:
            # An error in a tracer must not end the training.
            self.post_message(SnapshotTraced(query, None, f"{type(error).__name__}: {error}"))

    def on_snapshot_traced(self, message: SnapshotTraced) -> None:
        """Open the step screen, or show why there is no trace."""
        self._opening = False
        state, trace = self.state, message.trace
        if trace is None:
            self.fail("dashboard.no_model", reason=message.reason.rstrip("."))
            return
        self.show(status="", failed=False)
        view_state = ViewState(
            trace,
            start(trace, 0, trace.leading_unit()),
            state.theme,
            state.lang,
            keymap=state.keymap,
        )
        view_state = replace(view_state, query=message.query, status=_stepping(state))
        self.app.push_screen(SnapshotScreen(cast("Explorer", self.read_with), view_state))

    async def on_key_clicked(self, message: KeyClicked) -> None:
        """A key of the key bar was clicked."""
        await self.run_action(message.action)


def _stepping(state: DashboardState) -> str:
    step = state.progress.step
    if step is None or state.progress.end is not None:
        last = state.progress.started is not None and state.progress.started.keep == "last"
        return state.text("dashboard.stepping_last" if last else "dashboard.stepping_ended")
    return state.text("dashboard.stepping", n=step.epoch, batch=step.batch)
