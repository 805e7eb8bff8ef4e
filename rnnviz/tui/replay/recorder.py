"""Records what a step screen shows, whenever something has been painted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.segment import Segment
from textual.geometry import Region

from rnnviz.cursor import start
from rnnviz.errors import RnnvizError, system_reason
from rnnviz.events import Event, LineEvent, ScreenEvent, SizeEvent, WindowEvent
from rnnviz.events.recording import SCHEMA, RecordingFull, RecordingWriter
from rnnviz.events.records import record_of
from rnnviz.trace.weights import weights_digest
from rnnviz.tui.app.line_input import LineInput
from rnnviz.tui.keymap import DEFAULT_KEYMAP
from rnnviz.tui.replay.contents import ContentWriter
from rnnviz.tui.replay.moments import (
    OWN,
    Pieces,
    changes_record,
    checked,
    differing,
    fold,
)
from rnnviz.tui.replay.values import UnrecordableError
from rnnviz.tui.step import view_differences
from rnnviz.tui.view.view_state import ViewState
from rnnviz.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rnnviz.tui.step.app import RnnvizApp

#: Seconds between two moments, at least: each has a time of its own.
_TICK = 0.001


class Recorder:
    """Writes what one app shows to a file: what has changed since the moment before.

    A full disk, or a recording of the largest size, is told on the screen, and the session goes
    on without recording; ``ended`` is the reason, "" as long as everything is recorded.
    """

    def __init__(
        self, app: RnnvizApp, writer: RecordingWriter, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.app, self.writer, self.clock = app, writer, clock
        self.contents = ContentWriter()
        self.count = 0  # moments that were written
        self.ended = ""
        self._began = self._last = 0.0
        self._shown: ViewState | None = None  # as the recording has it
        self._size: tuple[int, int] | None = None
        self._line: Pieces | None = None
        self._window: Mapping[int, Pieces] | None = None
        self._theme = ""
        self._on = True
        app.painted.append(self.painted)

    def painted(self) -> None:
        """Record what is on the screen, if it differs from what was recorded last."""
        app = self.app
        if not self._on or not app.step_screen.is_shown or not app._screen_stack:
            return
        if not self.page_is_drawn():
            return
        try:
            events = list(self._events())
        except UnrecordableError as error:
            self._end(self._text("replay.unknown", name=str(error)))
            return
        if not events:
            return
        now = self.clock()
        if not self.count:
            self._began = now
        seconds = max(round(now - self._began, 3), round(self._last + _TICK, 3) * bool(self.count))
        records = [record_of(event, seconds) for event in events]
        records[-1]["moment"] = self.count
        header = [] if self.count else [self._header()]
        stamped = [record | {"timestamp": seconds} for record in self.contents.taken()]
        self._last = seconds
        try:
            self.writer.write([*header, *stamped, *records])
        except RecordingFull:
            self._end(self._text("replay.full"))
        except OSError as error:
            self._end(system_reason(error))
        else:
            self.count += 1

    def _end(self, why: str) -> None:
        """End the recording before the session, and say why."""
        self.close()
        self.ended, screen = why, self.app.step_screen
        screen.call_later(screen.fail, "replay.ended", path=str(self.writer.path), reason=why)

    def close(self) -> None:
        """End the recording."""
        self._on = False
        self.writer.close()

    def _text(self, key: str, **values: object) -> str:
        return self.app.step_screen.view_state.text(key, **values)

    def _header(self) -> dict[str, Any]:
        app, view_state = self.app, self.app.step_screen.view_state
        lesson = view_state.lesson
        return {
            "schema": SCHEMA, "timestamp": 0.0, "version": VERSION,
            "model": view_state.trace.model, "weights": weights_digest(view_state.trace),
            "size": list(app.size), "lang": view_state.lang, "theme": app.view_theme.name,
            "lesson": "" if lesson is None else lesson.player.lesson.id,
            # With the zone, so that the clock of presenter mode shows the time of day that was.
            "started": datetime.now().astimezone().isoformat(timespec="seconds"),
            "clock": round(time.monotonic() - app.step_screen.presenter.began, 1),
            "keys": {
                action.name: list(action.keys) for action in app.keymap.actions
                if action.keys != DEFAULT_KEYMAP[action.name].keys
            },
        }  # fmt: skip

    def page_is_drawn(self) -> bool:
        """Whether the open page is on the screen; while it is mounted, an older picture is."""
        screen = self.app.step_screen
        if self.app.screen is not screen or not screen.view_state.page:
            return True
        name = f"page-{screen.view_state.page}"
        if name not in screen.places(*screen.size):
            return True  # the terminal is too small for it
        return any(widget.id == name for widget in screen._compositor.visible_widgets)

    # -- what has changed -------------------------------------------------------------------------

    def _events(self) -> Iterator[Event]:
        size = (self.app.size.width, self.app.size.height)
        if size != self._size:
            self._size = size
            yield SizeEvent(*size)
        yield from self._state_events(self.app.step_screen.view_state)
        line = self._line_shown()
        if line != self._line:
            self._line = line
            yield LineEvent(line or ())
        yield from self._window_events()

    def _state_events(self, now: ViewState) -> Iterator[Event]:
        """What leads from the recorded state to the one on the screen, exactly."""
        before = self._shown
        mirror = before or ViewState(now.trace, start(now.trace), now.theme)
        own = [name for name in differing(mirror, now) if name in OWN]
        if before is None:
            own = [*dict.fromkeys(["trace", *own])]
        theme = self.app.view_theme.name
        event = self._screen_event(mirror, now, tuple(own))
        if theme != self._theme:
            self._theme = theme
            event = replace(event, changes={**event.changes, "theme": theme})
        if event.changes:
            yield event
        mirror = checked(replace(mirror, **{name: getattr(now, name) for name in own}))
        happened = (
            view_differences.snapshot(now)
            if before is None
            else view_differences.differences(before, now)
        )
        for each in happened:
            yield each
            try:
                mirror = fold(mirror, each)
            except (RnnvizError, ValueError):
                continue  # what it leads to is written below
        rest = differing(mirror, now)
        if rest:
            yield self._screen_event(mirror, now, rest)
        self._shown = now

    def _screen_event(
        self, before: ViewState, now: ViewState, names: tuple[str, ...]
    ) -> ScreenEvent:
        return ScreenEvent(changes_record(before, now, names, self.contents))

    def _line_shown(self) -> Pieces | None:
        """The input line as it is drawn; where it was until the next layout once it is closed."""
        screen = self.app.step_screen
        drawn = screen._compositor.visible_widgets
        line = next((widget for widget in drawn if isinstance(widget, LineInput)), None)
        if line is None:
            place = screen.laid_out.get("typing")
            return None if place is None else pieces(screen._compositor.render_strips()[place.y])
        return pieces(line.render_lines(Region(0, 0, line.outer_size.width, 1))[0])

    def _window_events(self) -> Iterator[WindowEvent]:
        screen = self.app.screen
        if screen is self.app.step_screen:
            if self._window is not None:
                self._window = None
                yield WindowEvent(False)
            return
        rows = dict(enumerate(map(pieces, screen._compositor.render_strips())))
        before = self._window or {}
        changed = {str(y): row for y, row in rows.items() if before.get(y) != row}
        if changed or self._window is None:
            self._window = rows
            yield WindowEvent(True, changed)


def pieces(strip: Iterable[Segment]) -> Pieces:
    """The text of a row with its styles; what is not drawn is left out."""
    found: list[tuple[str, str]] = []
    for segment in strip:
        style = "" if segment.style is None else str(segment.style)
        if found and found[-1][1] == style:
            found[-1] = (found[-1][0] + segment.text, style)
        elif segment.text:
            found.append((segment.text, style))
    return tuple(found)
