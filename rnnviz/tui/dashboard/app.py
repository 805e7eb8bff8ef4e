"""The training dashboard: a training goes on beside it, and every key answers at once."""

from __future__ import annotations

import signal
from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from textual import events
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen

from rnnviz.progress import ProgressSource, RunFailed, RunFinished
from rnnviz.query import Tracer
from rnnviz.tui.app.themed_app import ThemedApp
from rnnviz.tui.dashboard.actions import ACTIONS, words
from rnnviz.tui.dashboard.board import Board
from rnnviz.tui.dashboard.screen import TrainScreen
from rnnviz.tui.dashboard.snapshot_screen import NowScreen
from rnnviz.tui.dashboard.state import Story
from rnnviz.tui.step import actions as step_actions

End = RunFinished | RunFailed


class TrainApp(ThemedApp[End]):
    """The dashboard of one training; ``run()`` gives how it ended, None if the app broke.

    ``name`` is the recipe's; ``read`` answers queries for the model as it is now.
    """

    CSS_PATH = "train.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "interrupt", "stop", show=False, priority=True, id="train_interrupt"),
    ]

    def __init__(
        self,
        source: ProgressSource,
        read: Tracer,
        name: str,
        *,
        lang: str = "en",
        theme: str = "dark",
        colour: bool = True,
        ascii_only: bool = False,
    ) -> None:
        super().__init__(theme, colour, ascii_only)
        self.train_screen = TrainScreen(source, read, Board(Story(), self.look, name, lang))

    @property
    def lang(self) -> str:
        """The language of the screen."""
        return self.train_screen.board.lang

    def get_default_screen(self) -> Screen[None]:
        """The dashboard is the first thing that is painted."""
        return self.train_screen

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Every action of the present screen by its words, in the chosen language."""
        lang = self.train_screen.board.lang
        if isinstance(screen, NowScreen):
            for action in step_actions.offered(()):
                if action.name != "palette":
                    said = step_actions.words(action, screen.view_state.lang)
                    yield SystemCommand(said, action.shown, partial(screen.run_action, action.run))
            return
        for action in ACTIONS:
            if action.name not in ("palette", "stop", "back", "interrupt"):
                run = partial(self.train_screen.run_action, action.run)
                yield SystemCommand(words(action, lang), action.shown, run)

    patient = (signal.SIGINT,)

    def end_by(self, number: int) -> None:
        """SIGINT is ctrl+c; any other signal ends the screen now, while the batch is saved."""
        if number == signal.SIGINT:
            self.action_interrupt()
        else:
            self.train_screen.source.stop()
            super().end_by(number)

    def on_key(self, event: events.Key) -> None:
        """A key that no view has taken."""
        if isinstance(self.screen, NowScreen) and self.screen.prompt.forward_key(event):
            event.prevent_default()

    def action_interrupt(self) -> None:
        """ctrl+c, wherever one is: finish the batch and save; a second time, end at once."""
        while self.screen is not self.train_screen:
            self.pop_screen()
        self.train_screen.interrupt()

    async def action_quit(self) -> None:
        """ctrl+q: the same question as q."""
        while self.screen is not self.train_screen:
            self.pop_screen()
        self.train_screen.action_leave()
