"""What is played back is what was on the screen; the viewer can steer and return."""

from __future__ import annotations

import asyncio
import errno
import random
from collections.abc import Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from rnnviz import cells, messages
from rnnviz.analysis.interventions import LeaveOutQuestion
from rnnviz.cli.lesson_run import make_app
from rnnviz.errors import UsageError
from rnnviz.events.recording import RecordingWriter
from rnnviz.explore import ANSWERED_IN, explorer
from rnnviz.lessons.catalogue import lesson_files
from rnnviz.lessons.player import LessonPlayer
from rnnviz.lessons.progress import ProgressFile
from rnnviz.lessons.reader import read as read_lesson
from rnnviz.query import Explorer, Query, Question
from rnnviz.toy_net.default_nets import default_net
from rnnviz.tracer import trace as trace_of
from rnnviz.tui.keymap import PAGE_KEYS
from rnnviz.tui.replay.app import ReplayApp, recorded_first
from rnnviz.tui.replay.reader import RecordedSession, read
from rnnviz.tui.replay.recorder import Recorder
from rnnviz.tui.step.app import RnnvizApp, settled
from tests.tui.pages.test_learning import explore as learning_explorer
from tests.tui.recorded_sessions import (
    Filmed,
    differences,
    no_model,
    press,
    record,
    replayed,
    rows,
)
from tests.tui.small_models import app as small_app
from tests.tui.small_models import made, screen_text, stored
from tests.tui.small_models import read as small_read
from tests.tui.test_random_keys import KEYS, SEED, SIZES, EndlessApp

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


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sessions switch the language of the messages, too."""
    monkeypatch.setattr(messages, "_language", "en")


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
    pause: int = 8,
) -> Filmed:
    async def play(app: RnnvizApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, keys, pause)

    return await record(app, path, size, play)


async def test_every_screen_of_a_session_is_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    third = len(SESSION) // 3
    keys = [*SESSION[:third], (80, 24), *SESSION[third : 2 * third], (200, 50),
            *SESSION[2 * third :]]  # fmt: skip
    session = await filmed(shipped(), tmp_path / "a.jsonl", keys)
    recording = read(session.path)
    assert len(recording.moments) > 80
    assert not recording.cut
    # Any order leads to the same screens: nothing is left over from the moment before. Other tests
    # play in order.
    order = list(range(len(recording.moments)))
    random.Random(1).shuffle(order)
    session.screens = [session.screens[n] for n in order]
    assert differences(session, await replayed(recording, order)) == []


@pytest.mark.parametrize("cell", cells.CELLS)
async def test_every_page_of_every_cell(cell: str, tmp_path: Path) -> None:
    """Each cell at one of three sizes; the cells of the lessons also with another token."""
    at = list(cells.CELLS).index(cell)
    size = ((120, 36), (80, 24), (200, 50))[at % 3]
    often = cell in ("rnn", "lstm", "gru")
    keys = [k for key in PAGE_KEYS.values() for k in (key, "right")[: 1 + often]]
    keys = [*keys, "escape", "enter", "."]
    session = await filmed(small_app(cell=cell), tmp_path / "a.jsonl", keys, size)
    recording = read(session.path)
    pages = {moment.view_state.page for moment in recording.moments}
    assert pages >= {*PAGE_KEYS} - {"hand", "series"}
    assert differences(session, await replayed(recording)) == []


def read_with_snapshots(question: Question) -> Any:
    """The explorer of a run's page; its traces have the names of the snapshots."""
    found = learning_explorer(question)
    return replace(found, model=question.model) if isinstance(question, Query) else found


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=str)
async def test_a_sentence_being_learned(size: tuple[int, int], tmp_path: Path) -> None:
    app = small_app(explorer=read_with_snapshots, page="learning")
    keys = [*"left left up shift+tab home right L l end tab enter right".split(),
            "f9", "left", (100, 30), "enter", "z", "f9"]  # fmt: skip
    session = await filmed(app, tmp_path / "a.jsonl", keys, size, pause=1)
    recording = read(session.path)
    models = {moment.view_state.query.model for moment in recording.moments}
    assert len(models) == 3  # the run and two of its snapshots
    assert differences(session, await replayed(recording)) == []


async def test_random_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``RNNVIZ_RANDOM_SEED=7`` presses other keys."""
    monkeypatch.chdir(tmp_path)  # where screenshots go
    chance = random.Random(SEED)
    app = small_app(cell=chance.choice(["rnn", "lstm", "gru"]), kind=EndlessApp)
    keys: list[str | tuple[int, int]] = []
    while len(keys) < 50:
        kind = chance.random()
        if kind < 0.06:
            keys.append(chance.choice(SIZES[:3]))
        elif kind < 0.12:
            keys += ["t", *chance.choice(["bad", "not good"]).replace(" ", "\0"), "enter"]
        elif kind < 0.4:
            keys.append(chance.choice([*PAGE_KEYS.values()]))
        else:
            keys.append(chance.choice(KEYS))
    keys = ["space" if key == "\0" else key for key in keys]
    session = await filmed(app, tmp_path / "a.jsonl", keys, (100, 30))
    assert differences(session, await replayed(read(session.path))) == []


async def test_a_net_by_hand(tmp_path: Path) -> None:
    query = Query("1 0 0 1", "lstm", hand=default_net("lstm", 2, 1))
    app = RnnvizApp(explore(), query, explore()(query), switch=("lstm",))
    keys = "e up plus plus O escape l h escape c X escape z z Z B tab".split()
    session = await filmed(app, tmp_path / "a.jsonl", keys)
    assert differences(session, await replayed(read(session.path))) == []


async def test_layers_and_directions(tmp_path: Path) -> None:
    shape: dict[str, Any] = {"layers": 2, "bidirectional": True, "labels": ("a", "b", "c")}
    app = small_app(trace=made(**shape), explorer=lambda query: trace_of(stored(**shape), query))
    keys = "right l l c X escape z B tab n escape l b r".split()
    session = await filmed(app, tmp_path / "a.jsonl", keys)
    recording = read(session.path)
    assert len({moment.view_state.cursor.layer for moment in recording.moments}) == 4  # two of each
    assert differences(session, await replayed(recording)) == []


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
            *["pagedown", "1", "pagedown"] * 2, *"pageup pageup u escape".split()]  # fmt: skip
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


async def test_errors_are_in_the_language_of_the_moment(tmp_path: Path) -> None:
    session = await filmed(small_app(), tmp_path / "a.jsonl", ["right", "L"])
    recording = read(session.path)
    app = ReplayApp(recording, no_model, play=False)
    found = []
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        for n in (0, len(recording.moments) - 1, 0):
            app.replay_screen.show_moment(n)
            found.append(messages.language())
    assert found == ["en", "tr", "en"]


async def test_a_value_that_cannot_be_recorded_ends_the_recording_only(tmp_path: Path) -> None:
    app = small_app()
    async with app.run_test(size=(80, 24)) as pilot:
        recorder = Recorder(app, RecordingWriter(tmp_path / "a.jsonl"))
        await press(app, pilot, ["right"])
        answers = {**app.step_screen.view_state.answers, object(): 1}
        app.step_screen.show(answers=answers)
        await press(app, pilot, ["right"])
        assert "object" in "\n".join(screen_text(app))
        assert recorder.ended
        await press(app, pilot, ["right"])
        assert app.step_screen.view_state.cursor.t == 3
    assert app.fault is None
    assert read(tmp_path / "a.jsonl").moments[-1].view_state.cursor.t == 1


async def test_the_session_goes_on_when_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, writer = small_app(), RecordingWriter(tmp_path / "a.jsonl")

    def full(data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    async with app.run_test(size=(80, 24)) as pilot:
        recorder = Recorder(app, writer)
        await press(app, pilot, ["right"])
        monkeypatch.setattr(writer._file, "write", full)
        await press(app, pilot, ["right"])
        assert "No space left" in "\n".join(screen_text(app))
        assert recorder.ended == "No space left on device"
        await press(app, pilot, ["right"])
        assert app.step_screen.view_state.cursor.t == 3
    assert app.fault is None
    assert read(tmp_path / "a.jsonl").moments[-1].view_state.cursor.t == 1


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


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> RecordedSession:
    keys = ["right", "right", "u", "escape", "t", "b", "a", "d", "enter", "down", "c", "X"]
    path = tmp_path_factory.mktemp("recorded") / "a.jsonl"
    return read(asyncio.run(filmed(shipped(), path, keys)).path)


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

    moments = tuple(replace(m, seconds=100.0 * n) for n, m in enumerate(recording.moments))
    app = ReplayApp(replace(recording, moments=moments), explore(), play=False, at=len(moments) - 1)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        await press(app, pilot, ["space"])  # from the start
        assert app.replay_screen.playing
        assert app.replay_screen.at == 0
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
        end = max(n for n, char in enumerate(text) if char in "━●─┻┴")
        await pilot.click("#timeline", offset=(end, 0))
        await pilot.pause()
        assert app.replay_screen.at == len(recording.moments) - 1
        await pilot.click("#timeline", offset=(text.index("F7"), 0))
        await pilot.pause()
        assert app.replay_screen.steering


async def test_steering_a_screen_that_is_no_recording() -> None:
    app = small_app(explorer=small_read)
    async with app.run_test(size=(120, 36)) as pilot:
        await press(app, pilot, ["f7"])
        assert "no recording" in "\n".join(screen_text(app))
