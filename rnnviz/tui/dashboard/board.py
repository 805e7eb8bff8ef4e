"""What every panel of the dashboard is given, and what a panel is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from rnnviz import texts
from rnnviz.tui.dashboard.story import Story
from rnnviz.tui.draw import Line
from rnnviz.tui.look import ASCII, Look
from rnnviz.tui.moment import Moment
from rnnviz.tui.view import View

#: What a narrow screen shows one of at a time.
VIEWS = ("loss", "metric", "epochs")


@dataclass(frozen=True, eq=False)
class Board:
    """One picture of the training; a new one is set down for every change."""

    story: Story
    look: Look
    name: str  # of the recipe
    lang: str = "en"
    view: str = VIEWS[0]
    narrow: bool = False
    asking: bool = False  # whether to stop
    status: str = ""
    failed: bool = False  # the status says what did not work

    def text(self, key: str, **values: object) -> str:
        """The text of a key in the chosen language."""
        said = texts.text(key, self.lang, **values)
        # Before a chart sees it, which would have no better letter than "?" for ş.
        return said.translate(ASCII) if self.look.ascii else said

    def score(self, value: float) -> str:
        """A metric as it is written everywhere: errors are smaller numbers than accuracies."""
        return f"{value:.4f}" if self.story.metric == "mae" else f"{value:.3f}"

    def duration(self, seconds: float) -> str:
        """Seconds in words, to two units."""
        whole = max(0, round(seconds))
        if whole < 60:
            return self.text("dashboard.seconds", s=whole)
        if whole < 3600:
            return self.text("dashboard.minutes", m=whole // 60, s=f"{whole % 60:02}")
        return self.text("dashboard.hours", h=whole // 3600, m=f"{whole % 3600 // 60:02}")


class Panel(View):
    """A view of the training; a subclass draws :meth:`drawn` and nothing else."""

    def __init__(self, board: Board, id: str) -> None:
        super().__init__(as_moment(board), id)

    def drawn(self, board: Board, width: int, height: int) -> list[Line]:
        """The panel's lines from top to bottom; missing ones are empty, too many are cut."""
        raise NotImplementedError

    def lines(self, moment: Moment, width: int, height: int) -> list[Line]:
        """A panel is set down a board where a view of the stepper is set down a moment."""
        return self.drawn(cast(Board, moment), width, height)


def as_moment(board: Board) -> Moment:
    """A board where a moment is asked for: the painting of views reads only ``look``."""
    return cast(Moment, board)
