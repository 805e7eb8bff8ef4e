"""What every view is: something is set down, lines are drawn, only what changed is painted."""

from __future__ import annotations

from functools import lru_cache
from typing import Generic, Protocol, TypeVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.reactive import var
from textual.strip import Strip
from textual.widget import Widget

from rnnviz.tui.draw import Line, trimmed
from rnnviz.tui.look import ASCII, Look
from rnnviz.tui.moment import Moment


class Picked(Message):
    """A token, a unit or both were pointed at."""

    def __init__(self, t: int | None = None, unit: int | None = None) -> None:
        super().__init__()
        self.t, self.unit = t, unit


class Asked(Message):
    """A key of the key bar was clicked: the action it stands for."""

    def __init__(self, action: str) -> None:
        super().__init__()
        self.action = action


class Looked(Protocol):
    """What a view is set down; it says at least how it is being looked at."""

    @property
    def look(self) -> Look:
        """The theme, and what the terminal can show."""


S = TypeVar("S", bound=Looked)


class Drawn(Widget, Generic[S]):
    """One panel that answers one question; a subclass draws :meth:`lines` and nothing else."""

    can_focus = False
    ALLOW_SELECT = False

    shown: var[S | None] = var(None, init=False)

    def __init__(self, shown: S, id: str | None = None) -> None:
        super().__init__(id=id)
        self.set_reactive(type(self).shown, shown)
        self._drawn: list[Strip] = []
        self._for: tuple[int, int] | None = None

    def lines(self, shown: S, width: int, height: int, /) -> list[Line]:
        """The view's lines from top to bottom; missing ones are empty, too many are cut."""
        raise NotImplementedError

    def picked(self, shown: S, x: int, y: int, /) -> Message | None:
        """What a click at this place means."""
        return None

    def strips(self) -> list[Strip]:
        """The lines at the present size, drawn when first asked for."""
        width, height = self.size
        if self._for != (width, height) and self.shown is not None:
            self._drawn, self._for = self._draw(self.shown, width, height), (width, height)
        return self._drawn

    def _draw(self, shown: S, width: int, height: int) -> list[Strip]:
        if width <= 0 or height <= 0:
            return []
        look = shown.look
        drawn = self.lines(shown, width, height)[:height]
        drawn += [[]] * (height - len(drawn))
        fitted = [trimmed(line, width, look.ink) for line in drawn]
        if look.ascii:
            fitted = [[plain(segment) for segment in line] for line in fitted]
        if look.paper is not None:
            fitted = [
                [Segment(text, _over(look.paper, style)) for text, style, _ in line]
                for line in fitted
            ]
        return [Strip(line, width) for line in fitted]

    def put_away(self, shown: S) -> None:
        """Set something down where nobody sees it: drawn when the view is next shown."""
        if self._for is not None:
            # Textual keeps the lines it painted last, and would paint them again.
            self.refresh()
        self.set_reactive(type(self).shown, shown)
        self._for = None

    def watch_shown(self) -> None:
        """Paint again the lines that differ, from their first to their last change."""
        if self._for is None or self.shown is None:
            return
        before = self._drawn
        self._drawn = self._draw(self.shown, *self._for)
        regions = []
        for y, (old, new) in enumerate(zip(before, self._drawn, strict=True)):
            if old != new:
                start, end = changed(old, new)
                regions.append(Region(start, y, end - start, 1))
        if regions:
            self.refresh(*regions)

    def render_line(self, y: int) -> Strip:
        """The Line API's hook."""
        drawn = self.strips()
        return drawn[y] if y < len(drawn) else Strip.blank(self.size.width)

    def on_click(self, event: events.Click) -> None:
        """A click means something only where the view says so."""
        message = None if self.shown is None else self.picked(self.shown, event.x, event.y)
        if message is not None:
            self.post_message(message)


class View(Drawn[Moment]):
    """A view of the stepper: it is set down a moment of a trace."""


@lru_cache(maxsize=4096)
def _over(paper: Style, style: Style | None) -> Style:
    """A style on the background; adding two takes as long as drawing what they are for."""
    return paper if style is None else paper + style


def plain(segment: Segment) -> Segment:
    """The segment in ASCII, as wide as before."""
    text = segment.text.translate(ASCII)
    if not text.isascii():
        from rich.cells import cell_len

        text = "".join(c if c.isascii() else "?" * cell_len(c) for c in text)
    return Segment(text, segment.style)


def changed(old: Strip, new: Strip) -> tuple[int, int]:
    """The columns from the first to behind the last difference of two lines of the same width."""
    width = new.cell_length
    start = _common(list(old), list(new))
    tail = _common(list(reversed(list(old))), list(reversed(list(new))))
    return (start, width - tail) if start < width - tail else (0, width)


def _common(one: list[Segment], other: list[Segment]) -> int:
    columns = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        columns += a.cell_length
    return columns
