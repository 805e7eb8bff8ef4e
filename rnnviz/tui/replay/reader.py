"""Reads a recording: its header, its moments, and what it holds for its questions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from rich.errors import StyleSyntaxError
from rich.style import Style

from rnnviz.cursor import start
from rnnviz.display import controls_escaped
from rnnviz.errors import InvalidFileError, RnnvizError
from rnnviz.events import Event, LineEvent, ScreenEvent, SizeEvent, WindowEvent
from rnnviz.events.recording import SCHEMA, RecordedLines
from rnnviz.events.records import parse_record
from rnnviz.files import reason
from rnnviz.messages import _
from rnnviz.query import Query
from rnnviz.trace import Trace
from rnnviz.tui.keymap import DEFAULT_KEYMAP, Keymap
from rnnviz.tui.render.theme import THEMES, ViewTheme
from rnnviz.tui.replay import moments
from rnnviz.tui.replay.contents import ContentReader
from rnnviz.tui.replay.moments import Moment, Pieces
from rnnviz.tui.replay.values import misfit
from rnnviz.tui.view.view_state import ViewState

#: Columns and rows of a screen.
_SIZES = range(1, 1001), range(1, 501)
#: Characters of a row, and rows of a window.
_LONGEST_ROW, _MOST_ROWS = 4000, 500
#: The fields of the header and their types.
_HEADER: Mapping[str, Any] = {
    "version": str, "model": str, "weights": str, "lesson": str, "started": str,
    "clock": (int, float), "timestamp": (int, float),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class RecordedSession:
    """A recording that was read; there is at least one moment.

    ``cut``: the file ends within a line or within a moment, as after a crash.
    """

    path: Path
    header: Mapping[str, Any]
    moments: tuple[Moment, ...]
    traces: tuple[Trace, ...]
    keymap: Keymap
    cut: bool

    @property
    def seconds(self) -> float:
        """The time of the last moment."""
        return self.moments[-1].seconds

    @property
    def longest(self) -> Moment:
        """The first moment of the query that is on the screen for the longest time."""
        first: dict[Query, Moment] = {}
        seconds: dict[Query, float] = {}
        for moment, after in zip(self.moments, (*self.moments[1:], self.moments[-1]), strict=True):
            query = moment.view_state.query
            first.setdefault(query, moment)
            seconds[query] = seconds.get(query, 0.0) + after.seconds - moment.seconds
        return first[max(seconds, key=seconds.__getitem__)]

    @property
    def clock(self) -> float:
        """Seconds on the clock of presenter mode when the recording began."""
        return float(self.header["clock"])

    def time_of_day(self, seconds: float) -> str:
        """The time of day, "14:05", so many seconds after the recording began."""
        then = datetime.fromisoformat(self.header["started"]) + timedelta(seconds=seconds)
        return then.strftime("%H:%M")

    def at(self, seconds: float) -> int:
        """The index of the moment that was on the screen at a time."""
        found = [n for n, moment in enumerate(self.moments) if moment.seconds <= seconds]
        return found[-1] if found else 0

    def answers(self) -> dict[Any, Any]:
        """Every answer that was given to a question while it was recorded; also the traces."""
        found: dict[Any, Any] = {}
        for moment in self.moments:
            found |= moment.view_state.answers
            found[moment.view_state.query] = moment.view_state.trace
        return found


def read(path: Path) -> RecordedSession:
    """Read a recording; InvalidFileError, with the number of the line, if it is none."""
    return _Reader(path).read()


class _Reader:
    """The state between two lines of a recording."""

    def __init__(self, path: Path) -> None:
        self.path, self.lines, self.contents = path, RecordedLines(path), ContentReader()
        self.header: dict[str, Any] = {}
        self.keymap = DEFAULT_KEYMAP
        self.moments: list[Moment] = []
        self._events: list[Event] = []
        self._view_state: ViewState | None = None
        self._size, self._theme, self._seconds = (80, 24), "dark", 0.0
        self._line: Pieces | None = None
        self._window: dict[int, Pieces] | None = None

    def read(self) -> RecordedSession:
        for record in self.lines:
            try:
                self._read(record)
            except InvalidFileError as error:
                raise self.lines.error(str(error).rstrip(".")) from error
            except RnnvizError as error:
                raise self.lines.error(reason(error)) from error
            except Exception as error:
                # Damaged values make the checks raise nearly anything.
                what = _("it does not fit: {reason}").format(reason=reason(error))
                raise self.lines.error(what) from error
        if not self.moments:
            raise self.lines.error(_("it ends before anything was shown"))
        cut = self.lines.cut or bool(self._events)
        return RecordedSession(
            self.path, self.header, tuple(self.moments), self.contents.traces, self.keymap, cut
        )

    def _read(self, record: Any) -> None:
        if not isinstance(record, dict):
            raise misfit("line", record)
        if not self.header:
            self._read_header(record)
        elif record.get("schema") == SCHEMA:
            self.contents.read(record)
        else:
            parsed = parse_record(record)
            if parsed is not None:
                self._take(*parsed)
            if "moment" in record:
                self._close_moment(record)

    def _read_header(self, record: dict[str, Any]) -> None:
        if record.get("schema") != SCHEMA:
            raise self.lines.foreign()
        keys = record.get("keys", {})
        self.keymap = DEFAULT_KEYMAP.with_keys(dict(keys))
        for name, kind in _HEADER.items():
            if not isinstance(record.get(name), kind) or isinstance(record[name], bool):
                raise misfit(name, record.get(name))
        datetime.fromisoformat(record["started"])
        if not 0 <= record["clock"] < 10**8:  # also of NaN
            raise misfit("clock", record["clock"])
        self.header = record

    def _take(self, seconds: float, event: Event) -> None:
        self._seconds = max(self._seconds, seconds)
        self._events.append(event)
        match event:
            case ScreenEvent(changes=changes):
                self._view_state = self._changed(dict(changes))
            case SizeEvent(width=width, height=height):
                if width not in _SIZES[0] or height not in _SIZES[1]:
                    raise misfit("size", (width, height))
                self._size = (width, height)
            case LineEvent(pieces=pieces):
                self._line = _pieces(pieces) if pieces else None
            case WindowEvent(open=is_open, rows=rows):
                new = {_row(y): _pieces(row) for y, row in rows.items()}
                self._window = {**(self._window or {}), **new} if is_open else None
            case _:
                if self._view_state is not None:
                    self._view_state = moments.fold(self._view_state, event)

    def _changed(self, changes: dict[str, Any]) -> ViewState:
        theme = changes.pop("theme", self._theme)
        if theme not in THEMES:
            raise misfit("theme", theme)
        self._theme = theme
        view_state = self._view_state
        if view_state is None:
            reference = changes["trace"]
            trace = self.contents.trace(reference["trace"], reference["notation"])
            view_state = ViewState(
                trace, start(trace), ViewTheme(theme), query=Query("", ""), keymap=self.keymap
            )
        return moments.changed(view_state, changes, self.contents)

    def _close_moment(self, record: Mapping[str, Any]) -> None:
        if self._view_state is None or record["moment"] != len(self.moments):
            raise misfit("moment", record["moment"])
        self.moments.append(
            Moment(
                self._seconds, self._view_state, self._size, self._theme, tuple(self._events),
                self._line, self._window, self.lines.number,
            )
        )  # fmt: skip
        self._events = []


def _row(y: str) -> int:
    if not (y.isdecimal() and len(y) < 4 and int(y) < _MOST_ROWS):
        raise misfit("rows", y)
    return int(y)


def _pieces(row: Any) -> Pieces:
    """The pieces of a row, their texts printable and their styles readable."""
    found = []
    for piece in row:
        text, style = piece
        if not isinstance(text, str) or not isinstance(style, str) or len(text) > _LONGEST_ROW:
            raise misfit("pieces", piece)
        try:
            Style.parse(style)
        except StyleSyntaxError as error:
            raise misfit("style", style) from error
        printable = controls_escaped(text)
        found.append((printable, style))
    return tuple(found)
