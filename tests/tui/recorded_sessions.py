"""Sessions that are recorded while they run, and what was on the screen after each event."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from textual.pilot import Pilot

from rnnviz.events.recording import RecordingWriter
from rnnviz.tui.replay.app import ReplayApp
from rnnviz.tui.replay.moments import Pieces
from rnnviz.tui.replay.reader import RecordedSession
from rnnviz.tui.replay.recorder import Recorder, pieces
from rnnviz.tui.step.app import RnnvizApp, settled
from tests.tui.small_models import app as small_app

#: The rows of a screen, as texts and styles.
Rows = list[Pieces]


def rows(app: RnnvizApp) -> Rows:
    return [pieces(strip) for strip in app.screen._compositor.render_strips()]


class Filmed:
    """An app that is recorded; ``screens`` has what was on the screen at each moment.

    Pictures on which an open page is missing, as it is being mounted, belong to no moment.
    """

    def __init__(self, app: RnnvizApp, path: Path, clock: Callable[[], float] | None = None):
        self.app, self.path = app, path
        options = {} if clock is None else {"clock": clock}
        self.recorder = Recorder(app, RecordingWriter(path), **options)
        self.screens: list[Rows] = []
        app.painted.append(self._painted)

    def _painted(self) -> None:
        if self.recorder.count and self.recorder.page_is_drawn():
            del self.screens[self.recorder.count - 1 :]
            self.screens.append(rows(self.app))


async def press(
    app: RnnvizApp, pilot: Pilot[int], keys: Sequence[str | tuple[int, int]], pause: int = 1
) -> None:
    """Press keys; after each ``pause`` of them wait for every answer. A pair is another size."""
    for n, key in enumerate(keys, 1):
        if isinstance(key, tuple):
            await pilot.resize_terminal(*key)
        else:
            await pilot.press(key)
        while app.step_screen.requests.is_reading:
            await pilot.pause(0.01)
        if n % pause == 0 or n == len(keys):
            await settled(app, pilot)


async def record(
    app: RnnvizApp,
    path: Path,
    size: tuple[int, int],
    play: Callable[[RnnvizApp, Pilot[int]], Awaitable[None]],
    clock: Callable[[], float] | None = None,
) -> Filmed:
    """Play a session and record it."""
    filmed = Filmed(app, path, clock)
    async with app.run_test(size=size) as pilot:
        await settled(app, pilot)
        await play(app, pilot)
        await settled(app, pilot)
    filmed.recorder.close()
    assert filmed.recorder.ended == ""
    return filmed


def no_model(question: object) -> object:
    raise AssertionError(f"asked while it was played back: {question}")


async def replayed(recording: RecordedSession, order: Sequence[int] | None = None) -> list[Rows]:
    """The screens of a recording, played back without a model, moment by moment."""
    app = ReplayApp(recording, no_model, play=False, bar=False)
    found = []
    async with app.run_test(size=recording.moments[0].size) as pilot:
        await pilot.pause()
        for n in range(len(recording.moments)) if order is None else order:
            if recording.moments[n].size != tuple(app.size):
                await pilot.resize_terminal(*recording.moments[n].size)
            app.replay_screen.show_moment(n)
            await pilot.pause()
            while app.replay_screen._layout_required:
                await pilot.pause(0.01)
            found.append(rows(app))
    assert app.fault is None
    return found


def differences(filmed: Filmed, shown: list[Rows]) -> list[tuple[int, int]]:
    """(moment, row) where a screen is not as it was."""
    assert len(filmed.screens) == len(shown)
    return [
        (n, y)
        for n, (was, now) in enumerate(zip(filmed.screens, shown, strict=True))
        for y in range(max(len(was), len(now)))
        if was[y : y + 1] != now[y : y + 1]
    ]


async def small(
    path: Path,
    keys: Sequence[str] = ("right", "u", "escape", "b", "L"),
    clock: Callable[[], float] | None = None,
) -> Filmed:
    """A short session on a small net."""

    async def play(app: RnnvizApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, keys)

    return await record(small_app(), path, (80, 24), play, clock)
