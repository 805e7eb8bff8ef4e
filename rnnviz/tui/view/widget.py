"""What every view is: something is set down, lines are drawn, only what changed is painted."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Generic, Protocol, TypeVar

from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.reactive import var
from textual.strip import Strip
from textual.widget import Widget

from rnnviz.tui.render.painted_line import PaintedLine, changed
from rnnviz.tui.render.segments import Line
from rnnviz.tui.render.theme import ViewTheme
from rnnviz.tui.view.label_translation import localized
from rnnviz.tui.view.predict_first import without_answer
from rnnviz.tui.view.view_state import ViewState


class CellPicked(Message):
    """A token, a unit or both were pointed at."""

    def __init__(self, t: int | None = None, unit: int | None = None) -> None:
        super().__init__()
        self.t, self.unit = t, unit


class KeyClicked(Message):
    """A key of the key bar was clicked: the action it stands for."""

    def __init__(self, action: str) -> None:
        super().__init__()
        self.action = action


class HasTheme(Protocol):
    """What a view is set down; it says at least how it is being looked at."""

    @property
    def theme(self) -> ViewTheme:
        """The theme, and what the terminal can show."""


S = TypeVar("S", bound=HasTheme)
T = TypeVar("T")


class DrawnView(Widget, Generic[S]):
    """One panel that answers one question; a subclass draws :meth:`lines` and nothing else."""

    can_focus = False
    ALLOW_SELECT = False

    shown: var[S | None] = var(None, init=False)

    def __init__(self, shown: S, id: str | None = None) -> None:
        super().__init__(id=id)
        self.set_reactive(type(self).shown, shown)
        self._painted: list[PaintedLine] = []
        self._for: tuple[int, int] | None = None
        self._look: ViewTheme | None = None  # what they were painted in

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
            self._painted = self._paint(self.shown, width, height, [])
            self._for, self._look = (width, height), self.shown.theme
        return [painted.strip for painted in self._painted]

    def _paint(
        self, shown: S, width: int, height: int, before: list[PaintedLine]
    ) -> list[PaintedLine]:
        """The lines; one that is as it was before stays that one."""
        if width <= 0 or height <= 0:
            return []
        drawn = self.lines(shown, width, height)[:height]
        drawn += [[]] * (height - len(drawn))
        if not before:
            return [PaintedLine(line, width, shown.theme) for line in drawn]
        return [
            old if line == old.line else PaintedLine(line, width, shown.theme)
            for line, old in zip(drawn, before, strict=True)
        ]

    def drawn(self, shown: S, width: int, height: int) -> list[Strip]:
        """The lines at another size; nothing is kept."""
        return [painted.strip for painted in self._paint(shown, width, height, [])]

    def set_down(self, shown: S) -> None:
        """The same as setting ``shown``, without asking who watches: a view does, nobody else."""
        self.set_reactive(type(self).shown, shown)
        self.watch_shown()

    def put_away(self, shown: S) -> None:
        """Set something down where nobody sees it: drawn when the view is next shown."""
        if self._for is not None:
            # Textual keeps the lines it painted last, and would paint them again.
            self.refresh()
        self.set_reactive(type(self).shown, shown)
        self._for = None

    def watch_shown(self) -> None:
        """Paint again the columns that differ."""
        if self._for is None or self.shown is None:
            return
        theme, before = self.shown.theme, self._painted
        alike = before if theme is self._look else []
        self._painted, self._look = self._paint(self.shown, *self._for, alike), theme
        regions = []
        for y, (old, new) in enumerate(zip(before, self._painted, strict=True)):
            if old is not new:
                regions += [Region(x, y, end - x, 1) for x, end in changed(old, new)]
        if regions:
            self.refresh(*regions)

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines as they are: on our own paper nothing of Textual's styles shows through."""
        theme = None if self.shown is None else self.shown.theme
        if theme is None or theme.paper is None or crop != self.size.region:
            return super().render_lines(crop)
        return self.strips()

    def render_line(self, y: int) -> Strip:
        """The Line API's hook."""
        drawn = self.strips()
        return drawn[y] if y < len(drawn) else Strip.blank(self.size.width)

    def on_click(self, event: events.Click) -> None:
        """A click means something only where the view says so."""
        message = None if self.shown is None else self.picked(self.shown, event.x, event.y)
        if message is not None:
            self.post_message(message)


class View(DrawnView[ViewState]):
    """A view of the stepper: it is set down a moment of a trace.

    Whatever a subclass draws, it draws without the answer while that is hidden, and with labels in
    the language of the screen.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name in {"lines", "picked"} & set(vars(cls)):
            setattr(cls, name, _of_what_is_known(vars(cls)[name]))


def _of_what_is_known(method: Callable[..., T]) -> Callable[..., T]:
    """A method of a view and a moment, called without the moment's answer while that is hidden."""

    @wraps(method)
    def called(view: View, view_state: ViewState, *place: int) -> T:
        return method(view, localized(without_answer(view_state)), *place)

    return called
