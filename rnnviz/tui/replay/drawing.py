"""A recording without a terminal: one screen as a picture, or all of them as a cast."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from rnnviz.files import write_output
from rnnviz.picture_files import encoded
from rnnviz.tui.replay.app import ReplayApp
from rnnviz.tui.terminal.cast import CastDriver, CastWriter

if TYPE_CHECKING:
    from textual.pilot import Pilot

#: Seconds that the first picture may take.
_PATIENCE = 10.0


async def screenshot(app: ReplayApp, path: Path, size: tuple[int, int]) -> None:
    """Save the first moment of the app as a picture; the ending says in which form."""
    from rnnviz.tui.export import pictures

    async with app.run_test(size=size) as pilot:
        await _first_picture(app, pilot)
        picture = pictures.of_screen(app, pictures.form(path))
    _raise_fault(app)
    write_output(path, encoded(picture, path))


async def write_cast(app: ReplayApp, cast: CastWriter, speed: float) -> None:
    """Write every moment from the first one of the app on as a cast, at the recorded times.

    ``speed``: how many times as fast. It takes as long as drawing takes.
    """
    moments, first = app.recording.moments, app.first_moment
    seconds = 0.0
    cast.clock = lambda: seconds
    app.cast, app.driver_class = cast, CastDriver

    async def draw(pilot: Pilot[int]) -> None:
        nonlocal seconds
        await _first_picture(app, pilot)
        for n in range(first, len(moments)):
            seconds = (moments[n].seconds - moments[first].seconds) / speed
            if moments[n].size != tuple(app.size) and isinstance(app._driver, CastDriver):
                app._driver.resize(*moments[n].size)
                await pilot.resize_terminal(*moments[n].size)
            app.replay_screen.show_moment(n)
            await pilot.pause()
            if not app.is_running or cast.error is not None:
                break
        app.exit(0)

    await app.run_async(size=moments[first].size, auto_pilot=draw)
    _raise_fault(app)
    if cast.error is not None:
        raise cast.error


async def _first_picture(app: ReplayApp, pilot: Pilot[int]) -> None:
    end = time.monotonic() + _PATIENCE
    while app.is_running and not app.step_screen.is_shown and time.monotonic() < end:
        await pilot.pause(0.01)
    await pilot.pause()


def _raise_fault(app: ReplayApp) -> None:
    if app.fault is not None:
        raise app.fault
