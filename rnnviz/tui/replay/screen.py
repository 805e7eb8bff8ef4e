"""The step screen with a recording on it: played back, scrubbed, and steered by the viewer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.app import ComposeResult
from textual.geometry import Region
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from rnnviz.events import PageEvent, QueryEvent, QuestionEvent
from rnnviz.messages import set_language
from rnnviz.tui.app.themed_app import ThemedApp
from rnnviz.tui.panels.arrangement import SMALLEST, Places
from rnnviz.tui.replay.moments import Moment, Pieces
from rnnviz.tui.replay.timeline import ReplayPosition, TimeLine
from rnnviz.tui.step.screen import StepScreen
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import CellPicked, WheelTurned

if TYPE_CHECKING:
    from rnnviz.query import Explorer
    from rnnviz.tui.replay.reader import RecordedSession

#: How many times as fast as it was recorded.
SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
#: Seconds that a timer of the event loop takes at least.
_LEAST = 0.001
#: What keys do to a recording; all others wait until the viewer steers.
PLAYS = frozenset({
    "token", "edge", "play", "speed", "steer", "seek", "help", "quit", "screenshot",
})  # fmt: skip
#: The actions of pages that go to the next and the last page, question or sentence.
JUMPS = {"next": 1, "previous": -1}


class RecordedRows(Widget):
    """Rows as they were drawn while they were recorded."""

    can_focus = False
    rows: Sequence[Pieces] = ()

    def render_lines(self, crop: Region) -> list[Strip]:
        """The rows, cut or filled to the width; Textual's styles would change their colours."""
        width, rows = self.size.width, self.rows
        strips = [self._strip(rows[y] if y < len(rows) else (), width) for y in crop.line_range]
        return [strip.crop(crop.x, crop.right) for strip in strips]

    def _strip(self, row: Pieces, width: int) -> Strip:
        line = [Segment(text, Style.parse(style) if style else None) for text, style in row]
        return Strip(line).adjust_cell_length(width)


class ReplayScreen(StepScreen):
    """A step screen that shows the moments of a recording, until the viewer steers it.

    ``bar``: the time line takes the place of the key bar.
    """

    def __init__(
        self,
        explorer: Explorer,
        view_state: ViewState,
        recording: RecordedSession,
        bar: bool,
        speed: float = 1.0,
    ) -> None:
        super().__init__(explorer, view_state)
        self.recording, self.bar = recording, bar
        self.at = 0  # the moment
        self.steering = False
        self.speed = speed
        self.playing = False
        self._timer: Timer | None = None  # until the next moment
        self._live_keymap = view_state.keymap
        self._marks = tuple(
            moment.seconds for n, moment in enumerate(recording.moments) if self.is_mark(n)
        )

    @property
    def moment(self) -> Moment:
        """What is shown, or was when the viewer began to steer."""
        return self.recording.moments[self.at]

    # -- drawing ----------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """The views of the step screen, what was typed, a window, and the time line."""
        yield from super().compose()
        yield RecordedRows(id="recorded-line")
        yield RecordedRows(id="recorded-window")
        yield TimeLine(self.view_state, id="timeline")

    @property
    def is_typing(self) -> bool:
        """Whether an input line is open, or was."""
        return super().is_typing if self.steering else self.moment.line is not None

    def places(self, width: int, height: int) -> Places:
        """As on the step screen, with the time line in place of the key bar."""
        places = dict(super().places(width, height))
        if self.steering:
            return places
        if "typing" in places:
            places["recorded-line"] = places.pop("typing")
        if self.moment.window is not None:
            places = {"recorded-window": Region(0, 0, width, height)}
            if self.bar:
                places = {"recorded-window": Region(0, 0, width, height - 1)}
                places["timeline"] = Region(0, height - 1, width, 1)
        elif self.bar and "keys" in places:
            places["timeline"] = places.pop("keys")
        return places

    def followed(self, view_state: ViewState) -> ViewState:
        """A recorded state is shown as it is."""
        return super().followed(view_state) if self.steering else view_state

    def state_shown(self) -> None:
        """A recording asks nothing: it has its answers."""
        if self.steering:
            super().state_shown()
        else:
            self.event_stream.state_shown()

    def show_moment(self, n: int) -> None:
        """Show the moment of an index, the nearest one if there is none; play on from there."""
        before = self.moment
        self.at = min(max(n, 0), len(self.recording.moments) - 1)
        moment, app = self.moment, self.app
        assert isinstance(app, ThemedApp)
        if app.view_theme.name != moment.theme:
            app.use_theme(moment.theme)
        set_language(moment.view_state.lang)  # of errors, once the viewer steers
        self._wait()
        self._place_rows(moment)
        if moment.view_state.page:
            self.page_host.prepared(moment.view_state.page)
        if moment.view_state.presenter:
            self._prepare_presenter()
        shown = replace(moment.view_state, theme=app.view_theme)
        of_before, of_now = ((m.line is None, m.window is None) for m in (before, moment))
        self.show_state(shown, moves=of_before != of_now or moment.window is not None)

    def _prepare_presenter(self) -> None:
        """Make the views of presenter mode; their clock shows the time that was."""
        from rnnviz.tui.panels.presenter import Clock

        self.presenter.prepare()
        clock = self.query_one("#clock", Clock)
        if clock.began is not None:
            clock.began = -self.recording.clock
            clock.monotonic = lambda: self.moment.seconds
            clock.time_of_day = lambda: self.recording.time_of_day(self.moment.seconds)

    def _place_rows(self, moment: Moment) -> None:
        position = ReplayPosition(
            self.at, len(self.recording.moments), moment.seconds, self.recording.seconds,
            self.playing, self.speed, self.recording.cut, self._marks,
        )  # fmt: skip
        self.query_one("#timeline", TimeLine).position = position
        line, window = (
            self.query_one(f"#{name}", RecordedRows)
            for name in ("recorded-line", "recorded-window")
        )
        line.rows = () if moment.line is None else (moment.line,)
        rows = moment.window or {}
        window.rows = [rows.get(y, ()) for y in range(max(rows, default=-1) + 1)]
        line.refresh()
        window.refresh()

    # -- playing ----------------------------------------------------------------------------------

    def begin(self, at: int, play: bool) -> None:
        """Show the first picture, and play on."""
        self.playing = play
        self.show_moment(at)

    def _wait(self) -> None:
        """If it plays, show the next moment when its time has come; stop at the end."""
        if self._timer is not None:
            self._timer.stop()
        self._timer = None
        moments = self.recording.moments
        self.playing = self.playing and self.at + 1 < len(moments)
        if self.playing:
            wait = (moments[self.at + 1].seconds - self.moment.seconds) / self.speed
            self._timer = self.set_timer(max(wait, _LEAST), self._next)

    def _next(self) -> None:
        self.show_moment(self.at + 1)

    def pause(self) -> None:
        """Stop at this moment."""
        self.playing = False
        self._wait()
        self._place_rows(self.moment)

    def is_mark(self, n: int) -> bool:
        """Whether a page, a question or another sentence comes at a moment."""
        return any(
            isinstance(event, QuestionEvent)
            or (isinstance(event, PageEvent) and event.page)
            or (isinstance(event, QueryEvent) and event.step != "start")
            for event in self.recording.moments[n].events
        )

    def _jump(self, step: int) -> None:
        last = len(self.recording.moments) - 1
        range_ = range(self.at + 1, last + 1) if step > 0 else range(self.at - 1, -1, -1)
        self.show_moment(next(filter(self.is_mark, range_), last if step > 0 else 0))

    # -- keys -------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While it plays only what steers the recording; a hint at any other key."""
        if self.steering:
            return super().check_action(action, parameters)
        small = self.size.width < SMALLEST[0] or self.size.height < SMALLEST[1]
        plays = action in PLAYS or (action == "on_page" and parameters[:1][0] in JUMPS)
        if not plays and not small:
            self._hint()
        return plays and (not small or action == "quit")

    def _hint(self) -> None:
        self.pause()
        self.say("replay.hint")

    def action_token(self, step: int) -> None:
        """One event on or back."""
        if self.steering:
            super().action_token(step)
        else:
            self.show_moment(self.at + step)

    def action_edge(self, end: int) -> None:
        """The start (0) or the end (1)."""
        if self.steering:
            super().action_edge(end)
        else:
            self.show_moment((len(self.recording.moments) - 1) * end)

    def action_play(self) -> None:
        """Play on, from the start where the end is reached; or pause."""
        if self.steering:
            super().action_play()
            return
        self.playing = not self.playing
        at_end = self.at == len(self.recording.moments) - 1
        self.show_moment(0 if self.playing and at_end else self.at)

    def action_speed(self, step: int) -> None:
        """Faster or slower."""
        if self.steering:
            super().action_speed(step)
            return
        faster = [speed for speed in SPEEDS if speed > self.speed] or [self.speed]
        slower = [speed for speed in SPEEDS if speed < self.speed] or [self.speed]
        self.speed = faster[0] if step > 0 else slower[-1]
        self.show_moment(self.at)

    def action_on_page(self, action: str) -> None:
        """The next or the last page, question or sentence."""
        if self.steering:
            super().action_on_page(action)
        else:
            self._jump(JUMPS[action])

    def action_seek(self, share: float) -> None:
        """Go to a share of the time, 0 to 1."""
        if not self.steering:
            self.show_moment(self.recording.at(float(share) * self.recording.seconds))

    def action_steer(self) -> None:
        """Steer from here, or return to the recording where it was left."""
        if self.steering:
            self._return()
            return
        self.pause()
        self.steering = True
        self.requests.forget()
        # The keys are those of this terminal, and its texts name them.
        view_state = replace(self.view_state, keymap=self._live_keymap, seconds=None, travel=None)
        self.show_state(view_state, moves=True)
        self.say("replay.steering")

    def _return(self) -> None:
        self.playback.stop()
        self.travel.end()
        if self.input is not None:
            self.prompt.close()
        self.steering = False
        self.show_moment(self.at)
        self.show_state(self.view_state, moves=True)

    def action_help(self) -> None:
        """The keys of the recording; once the viewer steers, those of the step screen."""
        if self.steering:
            super().action_help()
            return
        from rnnviz.tui.app.help_screen import HelpScreen
        from rnnviz.tui.replay.help import sections

        self.pause()
        self.app.push_screen(HelpScreen(sections(self.view_state, self._live_keymap)))

    def action_quit(self) -> None:
        """Quit; while the viewer steers, as on the step screen."""
        if self.steering:
            super().action_quit()
        else:
            self.leave()

    # -- the mouse --------------------------------------------------------------------------------

    def on_cell_picked(self, message: CellPicked) -> None:
        """A click moves the cursor only while the viewer steers."""
        if self.steering:
            super().on_cell_picked(message)
        else:
            self._hint()

    def on_wheel_turned(self, message: WheelTurned) -> None:
        """The wheel goes on and back in the recording."""
        if self.steering:
            super().on_wheel_turned(message)
        else:
            self.show_moment(self.at + message.step)

    def on_paste(self, event: events.Paste) -> None:
        """A text is read only while the viewer steers."""
        if self.steering:
            super().on_paste(event)
        else:
            self._hint()
