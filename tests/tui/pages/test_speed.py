"""A key to a redrawn screen, in CPU time: `pytest -m speed -s tests/tui/pages/test_speed.py`."""

from __future__ import annotations

import io
import statistics
import time
from collections.abc import Callable

import pytest
from rich.console import Console

from rnnviz.cursor import Cursor, to_part, to_token, to_unit
from rnnviz.explore import explorer
from rnnviz.query import Query
from rnnviz.trace import Trace
from rnnviz.tui.app import RnnvizApp, settled
from rnnviz.tui.pages import PAGES, load
from rnnviz.tui.view import Drawn

WORDS = "the film that was shown to us last night was not as good as the book had been but "
TEXT = " ".join((WORDS * 5).split()[:60])
#: CPU milliseconds that a class does not notice, by size.
ALLOWED = {(120, 36): 16.0, (200, 50): 30.0}
#: The model a page is about, where it is not the default one.
MODELS = {"padding": "imdb-lstm", "net": "agnews-bilstm", "series": "jena-gru"}
NAMES = ["", *(entry.name for entry in PAGES)]


def drawn(app: RnnvizApp, console: Console) -> str:
    """What is written for everything that asked to be painted again."""
    screen = app.step_screen
    asked = {view for view in screen.query(Drawn) if view._repaint_required}
    screen._compositor.update_widgets(asked)
    for view in asked:
        view._repaint_required = False
    update = screen._compositor.render_update()
    return "" if update is None else update.render_segments(console)


def redrawn(app: RnnvizApp, cursor: Cursor) -> float:
    """CPU milliseconds from the key to the codes that go to the terminal."""
    screen = app.step_screen
    console = Console(
        file=io.StringIO(), force_terminal=True, color_system="truecolor", width=app.size.width
    )
    began = time.process_time()
    screen.move(cursor)
    drawn(app, console)
    return (time.process_time() - began) * 1000


@pytest.mark.speed
@pytest.mark.parametrize("size", ALLOWED, ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("step", [to_token, to_part, to_unit], ids=["token", "part", "unit"])
async def test_a_key_is_drawn_before_anyone_waits(
    step: Callable[[Cursor, Trace, int], Cursor], name: str, size: tuple[int, int]
) -> None:
    read = explorer()
    query = Query("" if name == "series" else TEXT, MODELS.get(name, "sentiment-lstm"))
    kept = {}
    if name == "against":
        from rnnviz.tui.pages.against import Second

        kept = {"against": Second(TEXT.replace("not ", ""))}
    switch = ("sentiment-rnn", "sentiment-lstm", "sentiment-gru")
    app = RnnvizApp(read, query, read(query), switch=switch, explore=read, page=name, kept=kept)  # type: ignore[arg-type]
    if name and not load(name).applies(app.step_screen.moment) and name != "clamp":
        pytest.skip("nothing to say about this text")
    async with app.run_test(size=size) as pilot:
        await settled(app, pilot)
        took = []
        for n in range(40):
            moment = app.step_screen.moment
            took.append(
                redrawn(app, step(moment.cursor, moment.trace, n if step is to_token else 1))
            )
    median = statistics.median(took)
    said = f"{name or 'panels':10} {step.__name__:8} {size[0]}x{size[1]}"
    print(f"\n{said}: {median:5.1f} ms, worst {max(took):5.1f}")
    assert median <= ALLOWED[size]
