"""The step screen on a snapshot of a model in training."""

from __future__ import annotations

from rnnviz.cursor import ZOOMS
from rnnviz.tui.app.dismiss_once import DismissOnce
from rnnviz.tui.step.screen import StepScreen


class SnapshotScreen(DismissOnce, StepScreen):
    """A step screen above the dashboard; closing it returns there."""

    def leave(self) -> None:
        """Return to the dashboard."""
        self.dismiss()

    def action_zoom(self, step: int) -> None:
        """Zoom in or out; escape at the outermost level returns to the dashboard."""
        outside = self.view_state.cursor.zoom == ZOOMS[0] and not self.view_state.page
        if step < 0 and self.input is None and outside:
            self.dismiss()
        else:
            super().action_zoom(step)
