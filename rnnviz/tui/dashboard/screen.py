"""The training screen: a thread reads what the training says and adds it to the story.

The screen gets a new story a few times a second, and only when there is one.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.screen import Screen
from textual.worker import get_current_worker

from rnnviz import i18n
from rnnviz.cursor import start
from rnnviz.errors import RnnvizError, one_line
from rnnviz.files import write_new
from rnnviz.progress import ProgressSource, RunFailed, SnapshotReady
from rnnviz.query import Query, Tracer
from rnnviz.trace import Trace
from rnnviz.tui.app.themed_app import ThemedApp
from rnnviz.tui.dashboard.actions import bindings
from rnnviz.tui.dashboard.bars import Bars
from rnnviz.tui.dashboard.board import VIEWS, Board
from rnnviz.tui.dashboard.curves import Loss, Metric
from rnnviz.tui.dashboard.epochs import Epochs
from rnnviz.tui.dashboard.keys import DashboardKeys
from rnnviz.tui.dashboard.norms import Norms
from rnnviz.tui.dashboard.snapshot_screen import NowScreen
from rnnviz.tui.dashboard.state import Story
from rnnviz.tui.dashboard.status import DashboardStatus, DashboardTitle
from rnnviz.tui.panels.arrangement import NARROW, SMALLEST
from rnnviz.tui.step.key_bar import Small, Status
from rnnviz.tui.terminal.compositor import DiffScreen
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import DrawnView, KeyClicked

#: Seconds between two pictures of a training that goes on.
PAUSE = 1 / 8


class StateChanged(Message):
    """The story has gone on."""

    def __init__(self, story: Story) -> None:
        super().__init__()
        self.story = story


class SnapshotTraced(Message):
    """A text was read with the model as it is now; or the reason why not."""

    def __init__(self, query: Query, trace: Trace | None, reason: str = "") -> None:
        super().__init__()
        self.query, self.trace, self.reason = query, trace, reason


class TrainScreen(DiffScreen, Screen[None]):
    """One training as it goes on."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings()]

    def __init__(self, source: ProgressSource, read: Tracer, board: Board) -> None:
        super().__init__()
        self.source, self.read_with, self.board = source, read, board
        self._opening = False  # a snapshot has been asked for
        self._leaving = False  # it was told to stop
        self._abandoned = False  # it was killed: what comes of that is no news
        self._picture_pending = False

    def compose(self) -> ComposeResult:
        """Every panel once; which ones are seen is the style sheet's business."""
        board = self.board
        yield DashboardTitle(board, id="title")
        yield DashboardStatus(board, id="words")
        yield Bars(board, id="bars")
        with Horizontal(id="charts"):
            yield Loss(board, id="loss")
            yield Metric(board, id="metric")
        with Horizontal(id="lower"):
            yield Norms(board, id="norms")
            yield Epochs(board, id="epochs")
        with Vertical(id="foot"):
            yield Status(board, id="status")
            yield DashboardKeys(board, id="keys")
        yield Small(board, id="small")

    def on_mount(self) -> None:
        """Begin to listen."""
        self.query("#textual-toastrack").set(display=False)  # toasts are not used here
        self._dress()
        self._follow()

    def on_screen_resume(self) -> None:
        """Another screen may have chosen another theme."""
        self._painted()
        if self.board.theme is not self._themed.look:
            self.show(theme=self._themed.look)

    @property
    def _themed(self) -> ThemedApp[Any]:
        app = self.app
        assert isinstance(app, ThemedApp)
        return app

    @work(thread=True, exit_on_error=False)
    def _follow(self) -> None:
        story, painted, worker = self.board.story, 0.0, get_current_worker()
        told = story
        while story.end is None and not worker.is_cancelled:
            event = self.source.receive(PAUSE)
            if event is not None:
                story = story.after(event)
            # On a busy machine, or a huge terminal, a picture takes longer than the pause: more of
            # them would only queue up before the keys.
            due = time.monotonic() - painted >= PAUSE and not self._picture_pending
            if story is not told and (due or story.end is not None):
                self._picture_pending = True
                self.post_message(StateChanged(story))
                told, painted = story, time.monotonic()

    def on_state_changed(self, message: StateChanged) -> None:
        """Another picture; or the end, where one was asked for."""
        if self._abandoned:
            return
        before, story = self.board.story, message.story
        self.show(story=story)
        # A screen is painted when no message is left: the next picture comes after that.
        if self.is_current:
            self.call_after_refresh(self._painted)
        else:
            self._painted()
        if story.end is not None and (self._leaving or story.begun is None):
            # What failed before it began is an error of the command line, said there.
            self.app.exit(story.end)
        elif story.end is not None and self._opening:
            self._open_model()
        elif story.snapshot is not before.snapshot and story.snapshot is not None:
            self._open(story.snapshot)

    def _painted(self) -> None:
        self._picture_pending = False

    def show(self, **changes: Any) -> None:
        """Another board, set down to every panel."""
        self.board = replace(self.board, **changes)
        for view in self.query(DrawnView):
            view.shown = self.board
        self._dress()

    def _dress(self) -> None:
        """The classes the style sheet looks at."""
        board, (width, height) = self.board, self.app.size
        small = width < SMALLEST[0] or height < SMALLEST[1]
        self.set_class(small, "-small")
        self.set_class(width < NARROW, "-narrow")
        self.set_class(board.story.end is not None, "-ended")
        self.set_class(bool(board.status), "-status")
        for name in VIEWS:
            self.set_class(board.view == name, f"-{name}")

    def on_resize(self) -> None:
        """The classes depend on the size."""
        self.show(narrow=self.app.size.width < NARROW)

    # -- the keys -----------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What only makes sense now and then is only then there."""
        if action == "stop":
            return self.board.asking
        if self.has_class("-small"):
            return action in ("leave", "back")
        return True

    def action_view(self) -> None:
        """The next panel of a narrow screen."""
        at = (VIEWS.index(self.board.view) + 1) % len(VIEWS)
        self.show(view=VIEWS[at])

    def action_language(self) -> None:
        """The next language, at once."""
        at = (i18n.LANGUAGES.index(self.board.lang) + 1) % len(i18n.LANGUAGES)
        self.show(lang=i18n.LANGUAGES[at], status="")

    def action_theme(self) -> None:
        """The next theme."""
        name = self._themed.wear_next()
        self.show(theme=self._themed.look)
        self.say(f"theme.{name}")

    def action_screenshot(self) -> None:
        """An SVG of the screen in the working folder; an older one is never overwritten."""
        from rnnviz.tui.export import pictures

        drawn = pictures.of_screen(self.app, "svg")
        try:
            path = write_new(Path.cwd(), "rnnviz-train", "svg", drawn)
        except OSError as error:
            where = error.filename or "."
            self.fail("status.not_saved", path=where, reason=error.strerror or "?")
        else:
            self.say("status.saved", path=path)

    def action_help(self) -> None:
        """All keys, and how to read each panel."""
        from rnnviz.tui.dashboard.help import page
        from rnnviz.tui.step.help import HelpScreen

        self.app.push_screen(HelpScreen(page(self.board)))

    def say(self, key: str, **values: object) -> None:
        """A message above the keys."""
        self.show(status=self.board.text(key, **values), failed=False)

    def fail(self, key: str, **values: object) -> None:
        """A message about what did not work."""
        self.show(status=self.board.text(key, **values), failed=True)

    # -- leaving ------------------------------------------------------------------------------

    def action_leave(self) -> None:
        """Ask once whether to stop; what has ended is left at once."""
        end, begun = self.board.story.end, self.board.story.begun
        if end is not None:
            self.app.exit(end)
        elif not self._leaving:
            where = begun.path if begun else None
            key = "dashboard.ask_stop" if where else "dashboard.ask_leave"
            self.show(asking=True, failed=False, status=self.board.text(key, path=where))

    def action_back(self) -> None:
        """Take the question, or a message, away."""
        if not self._leaving:
            self.show(asking=False, status="", failed=False)

    def action_stop(self) -> None:
        """Stop after this batch and save; before the first one there is nothing to save."""
        self._leaving = True
        self.source.stop()
        self.show(asking=False)
        self.say("dashboard.stopping" if self.board.story.begun else "dashboard.stopping_early")

    def interrupt(self) -> None:
        """ctrl+c: stop and save; a second time, leave at once."""
        if (end := self.board.story.end) is not None:
            self.app.exit(end)
        elif self._leaving:
            self.abandon()
        else:
            self.action_stop()

    def abandon(self) -> None:
        """Leave at once, with what was saved last."""
        self._abandoned = True
        self.source.kill()
        begun = self.board.story.begun
        key = "dashboard.abandoned" if begun else "dashboard.abandoned_early"
        said = self.board.text(key, path=begun.path if begun else "")
        self.app.exit(RunFailed(said, 130))

    # -- the model as it is now ---------------------------------------------------------------

    def action_step(self) -> None:
        """Read a sentence with the model as it is now."""
        story = self.board.story
        if story.begun is None or (story.step is None and not story.epochs):
            self.fail("dashboard.not_yet")
        elif story.end is not None:
            self._open_model()
        elif not self._opening:
            self._opening = True
            self.say("dashboard.asking_model")
            self.source.snapshot()

    def _open_model(self) -> None:
        """What has ended is stepped through with the weights that were kept."""
        assert self.board.story.begun is not None
        self._open(SnapshotReady(str(self.board.story.begun.path)))

    def _open(self, ready: SnapshotReady) -> None:
        assert self.board.story.begun is not None
        self._opening = True
        self._trace(Query(self.board.story.begun.example, ready.model))

    @work(thread=True, exclusive=True, group="trace", exit_on_error=False)
    def _trace(self, query: Query) -> None:
        try:
            self.post_message(SnapshotTraced(query, self.read_with(query)))
        except RnnvizError as error:
            self.post_message(SnapshotTraced(query, None, one_line(error)))
        except Exception as error:
            # A tracer that breaks must not take the training with it.
            self.post_message(SnapshotTraced(query, None, f"{type(error).__name__}: {error}"))

    def on_snapshot_traced(self, message: SnapshotTraced) -> None:
        """The stepper opens above the dashboard."""
        self._opening = False
        board, trace = self.board, message.trace
        if trace is None:
            self.fail("dashboard.no_model", reason=message.reason.rstrip("."))
            return
        self.show(status="", failed=False)
        view_state = ViewState(
            trace, start(trace, 0, trace.leading_unit()), board.theme, board.lang
        )
        view_state = replace(view_state, query=message.query, status=_stepping(board))
        self.app.push_screen(NowScreen(self.read_with, view_state))

    async def on_key_clicked(self, message: KeyClicked) -> None:
        """A key of the key bar was clicked."""
        await self.run_action(message.action)


def _stepping(board: Board) -> str:
    step = board.story.step
    if step is None or board.story.end is not None:
        last = board.story.begun is not None and board.story.begun.keep == "last"
        return board.text("dashboard.stepping_last" if last else "dashboard.stepping_ended")
    return board.text("dashboard.stepping", n=step.epoch, batch=step.batch)
