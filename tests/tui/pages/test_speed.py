"""A key to a redrawn screen, in CPU time: `pytest -m speed -s tests/tui/pages/test_speed.py`."""

from __future__ import annotations

import statistics
import time

import pytest
from rich.console import Console

from rnnviz.cursor import Cursor, to_part, to_token, to_unit
from rnnviz.tui.step.app import RnnvizApp, settled
from tests.tui.pages.stepping import NAMES, Step, drawn, opened, wired

#: CPU milliseconds that a class does not notice, by size.
ALLOWED = {(120, 36): 16.0, (200, 50): 30.0}
#: Other programs slow this one down, nothing makes it faster: the best of so many rounds counts.
ROUNDS = 3


def redrawn(app: RnnvizApp, console: Console, cursor: Cursor) -> float:
    """CPU milliseconds from the key to the bytes that go to the terminal."""
    began = time.process_time()
    app.step_screen.move(cursor)
    drawn(app, console)
    return (time.process_time() - began) * 1000


@pytest.mark.speed
@pytest.mark.parametrize("size", ALLOWED, ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("step", [to_token, to_part, to_unit], ids=["token", "part", "unit"])
async def test_a_key_is_drawn_before_anyone_waits(
    step: Step, name: str, size: tuple[int, int]
) -> None:
    app = opened(name)
    if app is None:
        pytest.skip("nothing to say about this text")
    async with app.run_test(size=size) as pilot:
        await settled(app, pilot)
        console, rounds = wired(app), []
        for _ in range(ROUNDS):
            took = []
            for n in range(30):
                moment = app.step_screen.view_state
                cursor = step(moment.cursor, moment.trace, n if step is to_token else 1)
                took.append(redrawn(app, console, cursor))
            rounds.append(took)
    best = min(map(statistics.median, rounds))
    worst = min(map(max, rounds))
    said = f"{name or 'panels':10} {step.__name__:8} {size[0]}x{size[1]}"
    print(f"\n{said}: {best:5.1f} ms, worst {worst:5.1f}")
    assert best <= ALLOWED[size]
