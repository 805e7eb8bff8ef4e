"""The base classes of views: lines drawn from a state, repainted where they change."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar

from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import var
from textual.strip import Strip
from textual.widget import Widget

from rnnviz.tui.render.painted_line import PaintedLine, changed_columns
from rnnviz.tui.render.segments import Line
from rnnviz.tui.render.theme import ViewTheme
from rnnviz.tui.view.label_translation import localized
from rnnviz.tui.view.predict_first import without_answer
from rnnviz.tui.view.view_state import ViewState


class CellPicked(Message):
    """A token, a unit or a part of the cell was clicked."""

    def __init__(
        self, t: int | None = None, unit: int | None = None, part: int | None = None
    ) -> None:
        super().__init__()
        self.t, self.unit, self.part = t, unit, part


class WheelTurned(Message):
    """The wheel was turned over a view: so many tokens, units or parts on or back."""

    def __init__(self, moves: Literal["token", "unit", "part"], step: int) -> None:
        super().__init__()
        self.moves, self.step = moves, step


class KeyClicked(Message):
    """A key of the key bar with this action was clicked."""

    def __init__(self, action: str) -> None:
        super().__init__()
        self.action = action


class HasTheme(Protocol):
    """A state that a view draws; it has at least a theme."""

    @property
    def theme(self) -> ViewTheme:
        """The theme, and what the terminal can show."""


S = TypeVar("S", bound=HasTheme)
T = TypeVar("T")


class DrawnView(Widget, Generic[S]):
    """A widget that draws the lines of a state; repaints only the columns that change."""

    can_focus = False
    ALLOW_SELECT = False

    state: var[S | None] = var(None, init=False)

    def __init__(self, state: S, id: str | None = None) -> None:
        super().__init__(id=id)
        self.set_reactive(type(self).state, state)
        self._painted: list[PaintedLine] = []
        self._painted_size: tuple[int, int] | None = None  # None: paint when next shown
        self._painted_theme: ViewTheme | None = None

    def lines(self, state: S, width: int, height: int, /) -> list[Line]:
        """The lines from top to bottom; missing ones are empty, surplus ones are dropped."""
        raise NotImplementedError

    def picked(self, state: S, x: int, y: int, /) -> Message | None:
        """The message of a click at this position; None: the click does nothing."""
        return None

    def strips(self) -> list[Strip]:
        """The lines at the current size, painted at the first call."""
        width, height = self.size
        if self._painted_size != (width, height) and self.state is not None:
            self._painted = self._paint(self.state, width, height, [])
            self._painted_size, self._painted_theme = (width, height), self.state.theme
        return [painted.strip for painted in self._painted]

    def _paint(
        self, state: S, width: int, height: int, before: list[PaintedLine]
    ) -> list[PaintedLine]:
        """Paint the lines; unchanged ones are taken from ``before``."""
        if width <= 0 or height <= 0:
            return []
        lines = self.lines(state, width, height)[:height]
        lines += [[]] * (height - len(lines))
        if not before:
            return [PaintedLine(line, width, state.theme) for line in lines]
        return [
            old if line == old.line else PaintedLine(line, width, state.theme)
            for line, old in zip(lines, before, strict=True)
        ]

    def strips_at(self, state: S, width: int, height: int) -> list[Strip]:
        """The lines of any state at any size."""
        return [painted.strip for painted in self._paint(state, width, height, [])]

    def update_visible(self, state: S) -> bool:
        """Set the state and paint it; whether the screen has to write what differs.

        Faster than assigning, which looks for watchers, and than a request to the screen, which
        takes three messages of each view.
        """
        self.set_reactive(type(self).state, state)
        regions = self._changes()
        if regions:
            self._set_dirty(*regions)
        return bool(regions)

    def update_hidden(self, state: S) -> None:
        """Set the state of a view that is not visible; it is painted when next shown."""
        if self._painted_size is not None:
            self.refresh()  # drop the lines that Textual has cached
        self.set_reactive(type(self).state, state)
        self._painted_size = None

    def _size_updated(
        self, size: Size, virtual_size: Size, container_size: Size, layout: bool = True
    ) -> bool:
        """Keep the new size; ask neither for another layout nor for another repaint.

        A view has no scrollbars that could change the layout, and the layout that has given it
        another size also paints it. Textual has no public hook for this.
        """
        resized = super()._size_updated(size, virtual_size, container_size, layout=False)
        if resized:
            self._repaint_regions.clear()
        return resized

    def watch_state(self) -> None:
        """Repaint the columns that differ."""
        if regions := self._changes():
            self.refresh(*regions)

    def _changes(self) -> list[Region]:
        """Paint the state, if the view is visible; the regions that differ."""
        if self._painted_size is None or self.state is None:
            return []
        theme, before = self.state.theme, self._painted
        reusable = before if theme is self._painted_theme else []
        self._painted = self._paint(self.state, *self._painted_size, reusable)
        self._painted_theme = theme
        regions = []
        for y, (old, new) in enumerate(zip(before, self._painted, strict=True)):
            if old is not new:
                regions += [Region(x, y, end - x, 1) for x, end in changed_columns(old, new)]
        return regions

    def render_lines(self, crop: Region) -> list[Strip]:
        """All lines at once where the theme sets the background; faster than one by one."""
        theme = None if self.state is None else self.state.theme
        if theme is None or theme.background is None or crop != self.size.region:
            return super().render_lines(crop)
        return self.strips()

    def render_line(self, y: int) -> Strip:
        """A single line, for Textual's line API."""
        strips = self.strips()
        return strips[y] if y < len(strips) else Strip.blank(self.size.width)

    def on_click(self, event: events.Click) -> None:
        """Post the message of a click."""
        message = None if self.state is None else self.picked(self.state, event.x, event.y)
        if message is not None:
            self.post_message(message)


class View(DrawnView[ViewState]):
    """A view of the step screen, which draws a :class:`ViewState`.

    Methods of subclasses get a state without the hidden answer and with translated labels.
    """

    #: What the wheel moves; with shift or ctrl, and sideways, it moves the unit.
    wheel: ClassVar[Literal["token", "part"]] = "token"

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name in {"lines", "picked"} & set(vars(cls)):
            setattr(cls, name, _with_visible_state(vars(cls)[name]))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Go on."""
        self._turned(event, 1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Go back."""
        self._turned(event, -1)

    def on_mouse_scroll_right(self, event: events.MouseScrollRight) -> None:
        """The next unit."""
        self.post_message(WheelTurned("unit", 1))

    def on_mouse_scroll_left(self, event: events.MouseScrollLeft) -> None:
        """The unit before."""
        self.post_message(WheelTurned("unit", -1))

    def _turned(self, event: events.MouseEvent, step: int) -> None:
        self.post_message(WheelTurned("unit" if event.shift or event.ctrl else self.wheel, step))


def _with_visible_state(method: Callable[..., T]) -> Callable[..., T]:
    """The method, called with a state without the hidden answer and with translated labels."""

    @wraps(method)
    def wrapper(view: View, view_state: ViewState, *position: int) -> T:
        return method(view, localized(without_answer(view_state)), *position)

    return wrapper
