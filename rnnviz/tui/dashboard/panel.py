"""The state that every panel of the dashboard draws, and the base class of panels."""

from __future__ import annotations

from dataclasses import dataclass

from rnnviz.display import visible
from rnnviz.tui.dashboard.training_progress import TrainingProgress
from rnnviz.tui.keymap import DEFAULT_KEYMAP, Keymap
from rnnviz.tui.render.theme import ASCII, ViewTheme
from rnnviz.tui.view.widget import DrawnView

#: The panels of which a narrow screen shows one at a time.
VIEWS = ("loss", "metric", "epochs")


@dataclass(frozen=True, eq=False)
class DashboardState:
    """Everything the panels draw; immutable, replaced at every change."""

    progress: TrainingProgress
    theme: ViewTheme
    name: str  # of the recipe
    lang: str = "en"
    view: str = VIEWS[0]
    narrow: bool = False
    asking: bool = False  # the question whether to stop is on the screen
    status: str = ""
    failed: bool = False  # the status is an error message
    keymap: Keymap = DEFAULT_KEYMAP

    def text(self, key: str, **values: object) -> str:
        """The text of a key in the chosen language."""
        text = self.keymap.text(key, self.lang, **values)
        # Translated here because charts replace characters such as ş by "?".
        return text.translate(ASCII) if self.theme.ascii else text

    def score(self, value: float) -> str:
        """A metric as text: four decimals for errors, three for accuracies."""
        return f"{value:.4f}" if self.progress.metric == "mae" else f"{value:.3f}"

    def own_score(self, value: float) -> str:
        """A score of this training, an error also in the unit of its series.

        The published score has no such form: the scale it was measured on is not known.
        """
        return self.score(value) + self.in_series_unit(value)

    def in_series_unit(self, value: float) -> str:
        """An error in the unit of its series: " (2.34 °C)"; "" for other metrics."""
        started = self.progress.started
        if started is None or started.scale is None or not started.unit:
            return ""
        return f" ({value * started.scale:.2f} {self.unit})"

    @property
    def unit(self) -> str:
        """The unit of the series; "" without one."""
        unit = visible(self.progress.started.unit) if self.progress.started else ""
        return unit.replace("°", "deg") if self.theme.ascii else unit

    def duration(self, seconds: float) -> str:
        """A duration as text, in two units."""
        whole = max(0, round(seconds))
        if whole < 60:
            return self.text("dashboard.seconds", s=whole)
        if whole < 3600:
            return self.text("dashboard.minutes", m=whole // 60, s=f"{whole % 60:02}")
        return self.text("dashboard.hours", h=whole // 3600, m=f"{whole % 3600 // 60:02}")


class DashboardPanel(DrawnView[DashboardState]):
    """A view that draws a :class:`DashboardState`."""
