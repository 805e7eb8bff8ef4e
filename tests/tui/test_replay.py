"""What is played back is what was on the screen; the viewer can steer and return."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import pytest
from textual.pilot import Pilot

from rnnviz import cells
from rnnviz.analysis.interventions import LeaveOutQuestion
from rnnviz.cli.lesson_run import make_app
from rnnviz.errors import UsageError
from rnnviz.explore import ANSWERED_IN, explorer
from rnnviz.lessons.catalogue import lesson_files
from rnnviz.lessons.player import LessonPlayer
from rnnviz.lessons.progress import ProgressFile
from rnnviz.lessons.reader import read as read_lesson
from rnnviz.query import Explorer, Query
from rnnviz.toy_net.default_nets import default_net
from rnnviz.tui.keymap import PAGE_KEYS
from rnnviz.tui.replay.app import ReplayApp, recorded_first
from rnnviz.tui.replay.reader import RecordedSession, read
from rnnviz.tui.step.app import RnnvizApp, settled
from tests.tui.recorded_sessions import Filmed, differences, press, record, replayed, rows
from tests.tui.small_models import app as small_app
from tests.tui.small_models import made, screen_text
from tests.tui.small_models import read as small_read

TEXT = "this movie was not good"
#: Cursor, pages and their states, clamps, typed lines, undo, predict mode, windows, notation,
#: language, theme, presenter mode, numbers that travel.
SESSION = (
    "right right . . , down enter enter right escape b b escape u H escape c X O tab escape "
    "p right right right p question_mark down escape L T 2 z Z Y Y r t h i space n o t enter "
    "R U escape k escape Q escape i M escape n V escape w escape B tab escape 0 escape "
    "a o b a d enter A escape f5 v v f5 I I j 3 enter g escape m escape y escape ctrl+p escape "
    "J space . escape l v end home"
).split()


@cache
def explore() -> Explorer:
    return explorer()


def shipped(model: str = "sentiment-lstm", text: str = TEXT, **options: object) -> RnnvizApp:
    query = Query(text, model)
    switch = ("sentiment-lstm", "sentiment-gru", "sentiment-rnn")
    return RnnvizApp(explore(), query, explore()(query), switch=switch, **options)  # type: ignore[arg-type]


async def filmed(
    app: RnnvizApp,
    path: Path,
    keys: Sequence[str | tuple[int, int]],
    size: tuple[int, int] = (120, 36),
) -> Filmed:
    async def play(app: RnnvizApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, keys, pause=8)

    return await record(app, path, size, play)


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 50)], ids=str)
async def test_every_screen_of_a_session_is_as_it_was(
    size: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    session = await filmed(shipped(), tmp_path / "a.jsonl", SESSION, size)
    recording = read(session.path)
    assert len(SESSION) > 90
    assert len(recording.moments) > 80
    assert not recording.cut
    assert differences(session, await replayed(recording)) == []
    # Any order leads to the same screens: nothing is left over from the moment before.
    order = list(range(len(recording.moments)))
    random.Random(size[0]).shuffle(order)
    session.screens = [session.screens[n] for n in order]
    assert differences(session, await replayed(recording, order)) == []


@pytest.mark.parametrize("cell", cells.CELLS)
async def test_every_page_of_every_cell(cell: str, tmp_path: Path) -> None:
    keys = [k for key in PAGE_KEYS.values() for k in (key, "right", "escape")]
    app = small_app(cell=cell)
    session = await filmed(app, tmp_path / "a.jsonl", [*keys, (80, 24), "enter", "."])
    recording = read(session.path)
    pages = {moment.view_state.page for moment in recording.moments}
    assert pages >= {*PAGE_KEYS} - {"hand", "series"}
    assert differences(session, await replayed(recording)) == []


@pytest.mark.parametrize(
    "query",
    [
        Query("1 0 0 1", "lstm", hand=default_net("lstm", 2, 1)),
        Query("Cup final goes to extra time", "agnews-bilstm"),
    ],
    ids=lambda query: query.model,
)
async def test_nets_by_hand_and_layers(query: Query, tmp_path: Path) -> None:
    app = RnnvizApp(explore(), query, explore()(query), switch=(query.model,))
    keys = "e up plus plus O escape l l h escape c X escape z z Z B tab".split()
    session = await filmed(app, tmp_path / "a.jsonl", keys)
    assert differences(session, await replayed(read(session.path))) == []


async def test_a_series(tmp_path: Path) -> None:
    query = Query("", "jena-gru")
    app = RnnvizApp(explore(), query, explore()(query))
    session = await filmed(app, tmp_path / "a.jsonl", ["h", "left", "tab", "escape", "down"])
    assert differences(session, await replayed(read(session.path))) == []


@pytest.mark.parametrize("name", ["not", "backward"])
async def test_a_lesson(name: str, tmp_path: Path) -> None:
    path = lesson_files()[name]
    app = make_app(
        LessonPlayer(read_lesson(path, "en")), explore(), ProgressFile(tmp_path),
        read=partial(read_lesson, path),
    )  # fmt: skip
    keys = [*"pagedown 2 pagedown pagedown 0 . 7 enter pagedown L".split(),
            *["pagedown", "1", "pagedown"] * 4, *"pageup pageup u escape".split()]  # fmt: skip
    session = await filmed(app, tmp_path / "a.jsonl", keys)
    recording = read(session.path)
    assert recording.header["lesson"] == name
    kinds = {event.kind for moment in recording.moments for event in moment.events}
    assert kinds >= {"lesson", "question", "answer", "screen", "cursor"}
    # Neither the file of the lesson nor its model is needed.
    assert differences(session, await replayed(recording)) == []


@pytest.mark.parametrize("how", ["no colour", "ascii"])
async def test_a_terminal_with_less(how: str, tmp_path: Path) -> None:
    options = {"colour": how != "no colour", "ascii_only": how == "ascii"}
    session = await filmed(shipped(**options), tmp_path / "a.jsonl", ["right", "u", "escape", "T"])
    recording = read(session.path)
    app = ReplayApp(recording, explore(), play=False, bar=False, **options)  # type: ignore[arg-type]
    async with app.run_test(size=(120, 36)) as pilot:
        for n, was in enumerate(session.screens):
            app.replay_screen.show_moment(n)
            await pilot.pause()
            assert rows(app) == was


def test_every_question_of_a_page_can_be_recorded() -> None:
    """Their classes are those of ``rnnviz.analysis``, which the codec names."""
    from importlib import import_module
    from pkgutil import iter_modules

    import rnnviz.analysis

    modules = [
        import_module(f"rnnviz.analysis.{module.name}")
        for module in iter_modules(rnnviz.analysis.__path__)
    ]
    for name in ANSWERED_IN:
        assert any(hasattr(module, name) for module in modules), name


# -- the viewer -----------------------------------------------------------------------------------


@pytest.fixture
async def recording(tmp_path: Path) -> RecordedSession:
    keys = ["right", "right", "u", "escape", "t", "b", "a", "d", "enter", "down", "c", "X"]
    return read((await filmed(shipped(), tmp_path / "a.jsonl", keys)).path)


async def shown(app: ReplayApp, pilot: Pilot[int], *keys: str) -> int:
    await press(app, pilot, keys)
    return app.replay_screen.at


async def test_the_keys_of_a_recording(recording: RecordedSession) -> None:
    app = ReplayApp(recording, explore(), play=False)
    last = len(recording.moments) - 1
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(app, pilot)
        assert await shown(app, pilot, "right") == 1
        assert await shown(app, pilot, "right", "right", "left") == 2
        assert await shown(app, pilot, "end") == last
        assert f"{last + 1}/{last + 1}" in screen_text(app)[-1]
        assert await shown(app, pilot, "right") == last
        marks = [n for n in range(1, last + 1) if app.replay_screen.is_mark(n)]
        pages = [recording.moments[n].view_state.page for n in marks]
        assert {"units", "clamp"} <= {*pages}
        found = [await shown(app, pilot, "home")]
        found += [await shown(app, pilot, "tab") for _ in marks]
        assert found == [0, *marks]
        assert await shown(app, pilot, "shift+tab") == marks[-2]
        await press(app, pilot, ["f", "f", "d"])
        assert "×2 " in screen_text(app)[-1]
        assert await shown(app, pilot, "w") == marks[-2]
        assert "F7" in "\n".join(screen_text(app)[-4:-1])
        await press(app, pilot, ["question_mark"])
        assert "A recording" in "\n".join(screen_text(app))


async def test_it_plays_at_its_pace_and_stops_at_the_end(recording: RecordedSession) -> None:
    moments = tuple(replace(m, seconds=0.02 * n) for n, m in enumerate(recording.moments))
    app = ReplayApp(replace(recording, moments=moments), explore())
    seen = []
    app.painted.append(lambda: seen.append(app.replay_screen.at))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        while app.replay_screen.playing:
            await pilot.pause(0.02)
        assert app.replay_screen.at == len(moments) - 1
        assert len({*seen}) > len(moments) // 2
        await press(app, pilot, ["space"])  # again from the start
        assert app.replay_screen.playing
        await press(app, pilot, ["space"])
        assert not app.replay_screen.playing


async def test_the_viewer_steers_and_returns(recording: RecordedSession) -> None:
    app = ReplayApp(recording, explore(), play=False)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(app, pilot)
        await shown(app, pilot, "right", "right", "right")
        was, at = screen_text(app), app.replay_screen.at
        await press(app, pilot, ["f7", "t", *"awful", "enter"])
        assert app.replay_screen.view_state.trace.tokens == ("awful",)
        await press(app, pilot, ["w", "escape", "n", "f5"])
        await press(app, pilot, ["f7"])
        assert app.replay_screen.at == at
        assert screen_text(app) == was
        await press(app, pilot, ["f7", "z"])
        assert app.replay_screen.view_state.query == recording.moments[at].view_state.query
        assert app.fault is None


async def test_steering_needs_the_model_that_was_recorded(recording: RecordedSession) -> None:
    def other(query: object) -> object:
        return made(TEXT, "lstm", units=8)

    def none(query: object) -> object:
        raise UsageError("There is no such model.")

    asked = Query("a new text", "sentiment-lstm")
    known = recording.moments[0].view_state
    for here, why in ((other, "other|others"), (none, "not here")):
        answer = recorded_first(recording, here)
        assert answer(known.query) is known.trace
        for question in (asked, LeaveOutQuestion(asked)):
            with pytest.raises(UsageError, match=why):
                answer(question)
    assert recorded_first(recording, explore())(asked).tokens == ("a", "new", "text")


async def test_a_click_on_the_time_line(recording: RecordedSession) -> None:
    app = ReplayApp(recording, explore(), play=False)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(app, pilot)
        text = screen_text(app)[-1]
        end = max(n for n, char in enumerate(text) if char in "━●─")
        await pilot.click("#timeline", offset=(end, 0))
        await pilot.pause()
        assert app.replay_screen.at == len(recording.moments) - 1
        await pilot.click("#timeline", offset=(text.index("F7"), 0))
        await pilot.pause()
        assert app.replay_screen.steering


async def test_f9_on_a_screen_that_is_no_recording() -> None:
    app = small_app(explorer=small_read)
    async with app.run_test(size=(120, 36)) as pilot:
        await press(app, pilot, ["f7"])
        assert "no recording" in "\n".join(screen_text(app))
