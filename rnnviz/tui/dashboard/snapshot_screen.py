"""The step screen on a model that is still learning: leaving it leads back to the training."""

from __future__ import annotations

from rnnviz.cursor import ZOOMS
from rnnviz.tui.app.dismiss_once import DismissOnce
from rnnviz.tui.step.screen import StepScreen


class NowScreen(DismissOnce, StepScreen):
    """One trace of the model as it was when it was asked for."""

    def action_quit(self) -> None:
        """Back to the training, which has gone on."""
        self.dismiss()

    def action_zoom(self, step: int) -> None:
        """In or out; from the outermost level esc leads back to the training."""
        outside = self.view_state.cursor.zoom == ZOOMS[0] and not self.view_state.page
        if step < 0 and self.input is None and outside:
            self.dismiss()
        else:
            super().action_zoom(step)
