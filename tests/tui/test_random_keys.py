"""Whatever is pressed, clicked or typed, on whatever model and page, at whatever size: it stands.

``RNNVIZ_RANDOM_SEED=7`` plays other events, ``RNNVIZ_RANDOM_EVENTS=3000`` more of them.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import deque
from functools import cache, partial
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot

from rnnviz.cli.lesson_run import make_app
from rnnviz.cursor import fitted
from rnnviz.explore import explorer
from rnnviz.lessons.catalogue import lesson_files
from rnnviz.lessons.player import LessonPlayer
from rnnviz.lessons.progress import ProgressFile
from rnnviz.lessons.reader import read as read_lesson
from rnnviz.query import Explorer, Query
from rnnviz.tui.keymap import ACTIONS, PAGE_ACTION_KEYS, PAGE_KEYS
from rnnviz.tui.step.app import RnnvizApp, settled
from tests.hostile import KINDS
from tests.tui.small_models import TEXT, made, read

SEED = int(os.environ.get("RNNVIZ_RANDOM_SEED", "0"))
EVENTS = int(os.environ.get("RNNVIZ_RANDOM_EVENTS", "300"))
KEYS = sorted(
    {key for action in ACTIONS for key in action.keys}
    | {"tab", "shift+tab", "pageup", "pagedown", "f5", "ctrl+l", "ctrl+q", "y", "Y", "m", "j"}
)
SIZES = ((80, 24), (120, 36), (200, 50), (60, 20), (100, 30), (40, 10), (20, 6), (250, 60))
SHIPPED = {
    "sentiment-rnn": TEXT, "sentiment-lstm": TEXT, "sentiment-gru": TEXT,
    "sentiment-lstm-8": TEXT, "sentiment-lstm-slide": TEXT, "sentiment-mingru": TEXT,
    "imdb-rnn": TEXT, "imdb-lstm": TEXT, "imdb-gru": TEXT,
    "agnews-bilstm": "Cup final goes to extra time", "jena-gru": "",
}  # fmt: skip
#: What is typed and pasted: valid answers of all prompts, and everything that could break a line.
TYPED = [
    *(text[:200] for text in KINDS.values()),
    "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627", "e\u0301\u0323" * 5, "İıŞğ iyi",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467 \U0001f3f3\ufe0f\u200d\U0001f308 🙂",
    "这部电影 不好看",
    "", " ", "not good", "f 3 = 0", "f[*]=1", "c[2,5] = nan", "i=1e999", "0.5", "-3", "1 2; 3 4",
    "rnn, gru", "lstm", "2015-07-05 19:00", "27", "good", "a " * 80,
]  # fmt: skip
#: Words that find commands of the palette.
COMMANDS = ("unit", "gate", "page", "theme", "layer", "zoom", "x" * 30)

#: A key, a size, a place of the screen, a text that is pasted.
Event = tuple[str, object]


def drawn(seed: int, count: int) -> list[Event]:
    """Random events: half of them keys, the rest whatever else a terminal sends."""
    chance = random.Random(seed)
    pages = list(PAGE_KEYS.values())
    sheets = ["question_mark", "f1", "ctrl+p", "m", "j"]
    found: list[Event] = []
    while len(found) < count:
        kind = chance.random()
        if kind < 0.08:
            found.append(("size", chance.choice(SIZES)))
        elif kind < 0.12:
            found.append(("size", (chance.randint(20, 250), chance.randint(6, 60))))
        elif kind < 0.24:
            found.append(("click", (chance.random(), chance.random())))
        elif kind < 0.30:
            found.append(("click", (chance.random(), 1.0)))  # the key bar
        elif kind < 0.36:
            found.append((chance.choice(["wheel up", "wheel down"]), (chance.random(),) * 2))
        elif kind < 0.40:
            found.append(("paste", chance.choice(TYPED)))
        elif kind < 0.44:  # a prompt, what is typed into it, and whether it is used
            opens = chance.choice(["t", "o", "j", "c"])
            ends = chance.choice(["enter", "escape"])
            found += [("key", opens), ("paste", chance.choice(TYPED)), ("key", ends)]
        elif kind < 0.47:
            found += [("key", chance.choice(sheets)), ("paste", chance.choice(COMMANDS))]
            found += [("key", chance.choice(["down", "up", "enter", "escape"]))]
        elif kind < 0.60:
            found.append(("key", chance.choice(pages)))
        elif kind < 0.65:
            found.append(("key", "escape"))
        else:
            found.append(("key", chance.choice(KEYS)))
    return found[:count]


@cache
def explore() -> Explorer:
    return explorer()


class EndlessApp(RnnvizApp):
    """The app, which goes on after every key that quits."""

    def exit(self, *args: object, **options: object) -> None:
        """Go on."""


@pytest.mark.parametrize("model", SHIPPED)
def test_random_events_on_every_model(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where screenshots go
    for name in ("CONFIG", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path))
    query = Query(SHIPPED[model], model)
    switch = tuple(SHIPPED)[:5]
    app = EndlessApp(explore(), query, explore()(query), switch=switch)
    seed = SEED * len(SHIPPED) + list(SHIPPED).index(model)
    asyncio.run(play(app, drawn(seed, EVENTS)))


@pytest.mark.parametrize("name", ["not", "backward"])
def test_random_events_in_a_lesson(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = lesson_files()[name]
    app = make_app(
        LessonPlayer(read_lesson(path, "en")), explore(), ProgressFile(tmp_path),
        read=partial(read_lesson, path),
    )  # fmt: skip
    monkeypatch.setattr(app, "exit", lambda *_, **__: None)
    happening = drawn(SEED + len(name), EVENTS)
    for at in range(len(happening), 0, -4):
        happening.insert(at, ("key", "pagedown"))
    asyncio.run(play(app, happening))
    lesson = app.step_screen.view_state.lesson
    assert lesson is not None
    assert ProgressFile(tmp_path).read()[name].step in {s.id for s in lesson.player.lesson.steps}


def test_a_net_by_hand_with_another_number_of_units_than_before() -> None:
    units = PAGE_ACTION_KEYS["unit_count"][0]
    keys = ["e", *[units] * 2, "escape", "down", "down", "e", "down", *[units] * 3, "escape", "v"]
    query = Query(TEXT, "imdb-rnn")
    app = EndlessApp(explore(), query, explore()(query), switch=tuple(SHIPPED)[:5])
    asyncio.run(play(app, [("key", key) for key in keys]))


async def play(app: RnnvizApp, happening: list[Event]) -> None:
    """Let it happen; what is on the screen is checked after each event."""
    last: deque[Event] = deque(maxlen=12)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        for event in happening:
            last.append(event)
            try:
                await send(app, pilot, event)
                check(app)
            except BaseException as error:
                error.add_note(f"after {list(last)} at {app.size}")
                raise
        await settled(app, pilot)
        for _ in range(6):
            await pilot.press("escape")
        await settled(app, pilot)
        check(app)


async def send(app: RnnvizApp, pilot: Pilot[int], event: Event) -> None:
    """One event on the way it takes from a terminal."""
    kind, what = event
    if kind == "size":
        await pilot.resize_terminal(*what)  # type: ignore[misc]
    elif kind == "key":
        app.simulate_key(str(what))
    elif kind == "paste":
        app.post_message(events.Paste(str(what)))
    else:
        across, down = what  # type: ignore[misc]
        x, y = int(across * (app.size.width - 1)), int(down * (app.size.height - 1))
        kinds = {"wheel up": [events.MouseScrollUp], "wheel down": [events.MouseScrollDown]}
        for mouse in kinds.get(kind, [events.MouseMove, events.MouseDown, events.MouseUp]):
            app.post_message(mouse(None, x, y, 0, 0, 1, False, False, False, x, y))
    await pilot._wait_for_screen()


def check(app: RnnvizApp) -> None:
    """It runs, its cursor is inside the trace, and every line is printable and fits."""
    assert app.fault is None
    assert app.is_running
    moment = app.step_screen.view_state
    assert fitted(moment.cursor, moment.trace) == moment.cursor
    width = app.screen._compositor.size.width
    for strip in app.screen._compositor.render_strips():
        assert strip.text.isprintable(), strip.text
        assert strip.cell_length == width, strip.text


def text_of(app: RnnvizApp) -> list[str]:
    """The lines of the open page, without the line for messages."""
    page = app.step_screen.page_host.page
    assert page is not None
    return [strip.text for strip in page.strips()]


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
async def test_undoing_what_is_held_brings_the_same_screen_back(cell: str) -> None:
    app = RnnvizApp(read, Query(TEXT, cell), made(cell=cell), page="clamp")
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("end")
        await settled(app, pilot)
        before, trace = text_of(app), app.step_screen.view_state.trace
        await pilot.press("x")
        await settled(app, pilot)
        await pilot.pause(0.2)
        assert app.step_screen.view_state.query.clamps
        assert text_of(app) != before
        await pilot.press("z")
        await settled(app, pilot)
        await pilot.pause(0.2)
        after = app.step_screen.view_state
        assert not after.query.clamps
        assert (after.trace.head.readout == trace.head.readout).all()
        # "redo" is offered now; every number and every cell is as it was.
        assert text_of(app)[:-2] == before[:-2]
