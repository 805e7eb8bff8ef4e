"""What every panel of the dashboard is given, and what a panel is."""

from __future__ import annotations

from dataclasses import dataclass

from rnnviz import i18n
from rnnviz.display import visible
from rnnviz.tui.dashboard.state import Story
from rnnviz.tui.render.theme import ASCII, ViewTheme
from rnnviz.tui.view.widget import DrawnView

#: What a narrow screen shows one of at a time.
VIEWS = ("loss", "metric", "epochs")


@dataclass(frozen=True, eq=False)
class Board:
    """One picture of the training; a new one is set down for every change."""

    story: Story
    theme: ViewTheme
    name: str  # of the recipe
    lang: str = "en"
    view: str = VIEWS[0]
    narrow: bool = False
    asking: bool = False  # whether to stop
    status: str = ""
    failed: bool = False  # the status says what did not work

    def text(self, key: str, **values: object) -> str:
        """The text of a key in the chosen language."""
        said = i18n.text(key, self.lang, **values)
        # Before a chart sees it, which would have no better letter than "?" for ş.
        return said.translate(ASCII) if self.theme.ascii else said

    def score(self, value: float) -> str:
        """A metric as it is written everywhere: errors are smaller numbers than accuracies."""
        return f"{value:.4f}" if self.story.metric == "mae" else f"{value:.3f}"

    def real(self, value: float) -> str:
        """An error in the unit of its series, behind it: " (2.34 °C)"; "" where there is none."""
        begun = self.story.begun
        if begun is None or begun.scale is None or not begun.unit:
            return ""
        return f" ({value * begun.scale:.2f} {self.unit})"

    @property
    def unit(self) -> str:
        """The unit of the series; "" where there is none."""
        unit = visible(self.story.begun.unit) if self.story.begun else ""
        return unit.replace("°", "deg") if self.theme.ascii else unit

    def duration(self, seconds: float) -> str:
        """Seconds in words, to two units."""
        whole = max(0, round(seconds))
        if whole < 60:
            return self.text("dashboard.seconds", s=whole)
        if whole < 3600:
            return self.text("dashboard.minutes", m=whole // 60, s=f"{whole % 60:02}")
        return self.text("dashboard.hours", h=whole // 3600, m=f"{whole % 3600 // 60:02}")


class Panel(DrawnView[Board]):
    """A view of the training."""
