"""The app of the training dashboard."""

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
from rnnviz.tui.dashboard.panel import DashboardState
from rnnviz.tui.dashboard.screen import TrainScreen
from rnnviz.tui.dashboard.snapshot_screen import SnapshotScreen
from rnnviz.tui.dashboard.training_progress import TrainingProgress
from rnnviz.tui.keymap import DASHBOARD, DEFAULT_KEYMAP, Keymap
from rnnviz.tui.step.app import step_commands

End = RunFinished | RunFailed


class TrainApp(ThemedApp[End]):
    """The dashboard of one training, which runs in another process.

    ``run()`` returns how the training ended, or None after an error in the app. ``name`` is the
    name of the recipe; ``read`` answers queries about the model as it is now.
    """

    CSS_PATH = "train.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "interrupt", "stop", show=False, priority=True, id="interrupt"),
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
        keymap: Keymap = DEFAULT_KEYMAP,
    ) -> None:
        super().__init__(theme, colour, ascii_only, keymap)
        self.train_screen = TrainScreen(
            source,
            read,
            DashboardState(TrainingProgress(), self.view_theme, name, lang, keymap=keymap),
        )

    @property
    def lang(self) -> str:
        """The language of the screen."""
        return self.train_screen.state.lang

    def get_default_screen(self) -> Screen[None]:
        """The dashboard."""
        return self.train_screen

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Every action of the current screen, in the chosen language."""
        lang = self.train_screen.state.lang
        if isinstance(screen, SnapshotScreen):
            yield from step_commands(screen)
            return
        for action in map(self.keymap.__getitem__, DASHBOARD):
            if action.name not in ("palette", "zoom_out", "interrupt"):
                run = partial(self.train_screen.run_action, action.run)
                text = self.keymap.words(action, lang, context="dashboard")
                yield SystemCommand(text, action.shown, run)

    unhurried_signals = (signal.SIGINT,)

    def end_by_signal(self, number: int) -> None:
        """SIGINT acts as ctrl+c; other signals end the app now and ask the training to stop."""
        if number == signal.SIGINT:
            self.action_interrupt()
        else:
            self.train_screen.source.stop()
            super().end_by_signal(number)

    def on_key(self, event: events.Key) -> None:
        """Handle a key that no widget has handled."""
        if isinstance(self.screen, SnapshotScreen) and self.screen.prompt.forward_key(event):
            event.prevent_default()

    def action_interrupt(self) -> None:
        """ctrl+c on any screen: finish the batch and save; the second time, end at once."""
        while self.screen is not self.train_screen:
            self.pop_screen()
        self.train_screen.interrupt()

    async def action_quit(self) -> None:
        """ctrl+q: ask whether to stop, like q."""
        while self.screen is not self.train_screen:
            self.pop_screen()
        self.train_screen.action_quit()
