"""The time line below a recording that is played back: where it is, and the keys."""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment

from rnnviz.tui.keymap import localized_key
from rnnviz.tui.render.segments import Line
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import KeyClicked, View

#: The keys below a recording, in the order in which they are left out: the last one first.
KEYS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("play",), ""),
    (("token_back", "token_on"), "replay.key_event"),
    (("steer",), "replay.key_steer"),
    (("quit",), "key.quit"),
    (("next",), "replay.key_next"),
    (("help",), "key.help"),
)
#: Columns of the shortest line.
_SHORTEST = 10


@dataclass(frozen=True)
class ReplayPosition:
    """Where a recording is: moment ``n`` of ``count``, from 0, and whether it plays on."""

    n: int
    count: int
    seconds: float
    total: float
    playing: bool
    speed: float
    cut: bool  # the file ends as after a crash
    marks: tuple[float, ...] = ()  # seconds at which a page, a question or a sentence comes


def clock(seconds: float) -> str:
    """Seconds as minutes and seconds: "1:05", or "1:02:05" from an hour on."""
    minutes, left = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{left:02d}" if hours else f"{minutes}:{left:02d}"


class TimeLine(View):
    """The time line; a click on it goes to that time."""

    position = ReplayPosition(0, 1, 0, 0, False, 1, False)

    def lines(self, view_state: ViewState, width: int, height: int) -> list[Line]:
        left, right = self._place(view_state), self._keys(view_state, width)
        room = width - _width(left) - _width(right) - 1
        return [[*left, *self._rule(view_state, max(0, room)), Segment(" "), *right]]

    def _place(self, view_state: ViewState) -> Line:
        at, theme = self.position, view_state.theme
        mark = "▶" if at.playing else "‖"
        text = f" {clock(at.seconds)}/{clock(at.total)} {at.n + 1}/{at.count} "
        if at.speed != 1:
            text += f"×{at.speed:g} "
        if at.cut and at.n == at.count - 1:
            text += view_state.text("replay.cut_short") + " "
        return [Segment(f" {mark}", theme.now), Segment(text, theme.source)]

    def _rule(self, view_state: ViewState, room: int) -> Line:
        theme = view_state.theme
        if room < 3:
            return [Segment(" " * room, theme.ink)]
        at = self._column(self.position.seconds, room)
        marks = {self._column(seconds, room) for seconds in self.position.marks}
        before = "".join("┻" if x in marks else "━" for x in range(at))
        after = "".join("┴" if x in marks else "─" for x in range(at + 1, room))
        return [
            Segment(before, theme.now), Segment("●", theme.now), Segment(after, theme.rule)
        ]  # fmt: skip

    def _column(self, seconds: float, room: int) -> int:
        """The column of a time on a rule of so many columns."""
        total = self.position.total
        share = seconds / total if total else 1.0
        return min(room - 1, int(share * (room - 1) + 0.5))

    def _keys(self, view_state: ViewState, width: int) -> Line:
        """As many keys as leave room for the line."""
        for count in range(len(KEYS), 0, -1):
            found = [piece for piece, _ in self._pieces(view_state, count)]
            if width - _width(self._place(view_state)) - _width(found) > _SHORTEST:
                return found
        return []

    def _pieces(self, view_state: ViewState, count: int) -> list[tuple[Segment, str | None]]:
        theme = view_state.theme
        found: list[tuple[Segment, str | None]] = []
        for names, label in KEYS[:count]:
            for name in names:
                action = view_state.keymap[name]
                key = localized_key(action.keys[0], view_state.lang)
                found.append((Segment(f" {key}", theme.key), action.run))
            playing = "key.pause" if self.position.playing else "key.play"
            text = view_state.text(label or playing)
            found.append((Segment(f" {text} ", theme.ink), action.run))
        return found

    def picked(self, view_state: ViewState, x: int, y: int) -> KeyClicked | None:
        width = self.size.width
        left, right = _width(self._place(view_state)), self._keys(view_state, width)
        room = width - left - _width(right) - 1
        if left <= x < left + room:
            return KeyClicked(f"seek({(x - left) / max(1, room - 1):.4f})")
        at = width - _width(right)
        for piece, action in self._pieces(view_state, len(KEYS)):
            at += cell_len(piece.text)
            if x < at:
                return None if action is None else KeyClicked(action)
        return None


def _width(line: Line) -> int:
    return sum(cell_len(segment.text) for segment in line)
