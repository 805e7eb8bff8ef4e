"""Travelling numbers: where they go, that each is one of the trace, and what a frame costs."""

from __future__ import annotations

import io
import os
import re
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from textual.pilot import Pilot
from tui.small_models import DRAWN, app, made, moment
from tui.terminal_cost import MOST_BYTES, MeasuredTerminal

from rnnviz.equations import number
from rnnviz.tui.panels.cell_diagram import Diagram
from rnnviz.tui.panels.diagram_size import enlarged, sized
from rnnviz.tui.panels.travel import SHARE, Travel, TravelFrame, travel
from rnnviz.tui.panels.travel_picture import travel_picture
from rnnviz.tui.render.theme import ViewTheme
from rnnviz.tui.step.travel import FRAMES, LATE, SECONDS, TravelPlayer
from rnnviz.tui.terminal.line_speed import slow_line
from rnnviz.tui.view.predict_first import without_answer
from rnnviz.tui.view.view_state import ViewState
from rnnviz.window import TerminalStream

#: Instants of a travel, in the order of time.
TIMES = [k / 48 for k in range(49)]
PLANS = {
    "small": (sized, (58, 12)), "narrow": (sized, (78, 16)), "wide": (sized, (118, 24)),
    "large": (enlarged, (118, 28)), "largest": (enlarged, (198, 42)),
}  # fmt: skip
#: A number as the diagram writes it.
NUMBER = re.compile(r"[+−]?\d+\.\d+(?:e−\d+)?")


def drawn_in(view_state: ViewState, plan: str) -> Diagram:
    make, size = PLANS[plan]
    return make(view_state.layer, "en", *size)


def frames(view_state: ViewState, plan: str) -> Iterator[tuple[float, Travel, TravelFrame]]:
    ways = travel(view_state, drawn_in(view_state, plan))
    for at in TIMES:
        yield at, ways, ways.frame(view_state, at)


def texts(view_state: ViewState, name: str) -> set[str]:
    """How the value of a name may be written, or, backward, its gradient."""
    layer, t, unit = view_state.layer, view_state.cursor.t, view_state.cursor.unit
    if view_state.backward:
        if name in ("x", "p"):
            return {SHARE}
        value = float(layer.grads[name][t, unit])
    elif name == "x":
        return {f"“{view_state.trace.tokens[t]}”"}
    elif name == "p":
        return {number(float(view_state.readout[t, view_state.shown_class()]), 2)}
    elif name.endswith("_prev"):
        value = float(layer.state_before(t, name.removesuffix("_prev"))[unit])
    else:
        value = float(layer.values[name][t, unit])
    rooms = (None, 4, 5, 6, 7, 8)
    signs = (True, False)
    return {number(value, n, sign, room) for n in (2, 3) for sign in signs for room in rooms}


@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("cell", DRAWN)
def test_every_number_on_its_way_is_the_one_of_the_trace(
    cell: str, plan: str, backward: bool
) -> None:
    trace = made(cell=cell)
    for t in (0, len(trace.tokens) - 1):
        now = moment(trace, t, backward=backward)
        seen: set[str] = set()
        for _, _, frame in frames(now, plan):
            for flight in frame.flights:
                seen.add(flight.name)
                assert flight.text in texts(now, flight.name) | ({SHARE} if backward else set())
                if flight.text == SHARE:
                    assert flight.name in ("x", *now.layer.states) or flight.name.endswith("_prev")
        told = {line.name for line in now.layer.lines if not line.name.startswith("a_")}
        assert told <= seen, told - seen


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("cell", DRAWN)
def test_numbers_go_on_from_their_label_to_their_label(cell: str, plan: str) -> None:
    now = moment(made(cell=cell), 1)
    ways = travel(now, drawn_in(now, plan))
    graph, there = ways.graph, set(ways.stages[0].values)
    assert {"x", *(f"{state}_prev" for state in now.layer.states)} == there
    for stage in ways.stages[1:]:
        for leg in stage.meeting:
            assert leg.name in there, "it is computed before it travels"
            assert leg.path[0] in graph.labels[leg.name]
        for leg in stage.leaving:
            assert leg.path[-1] in graph.labels[leg.name]
            goes = [source for source in stage.meeting if source.path]
            assert goes
        for leg in (*stage.meeting, *stage.leaving):
            assert len(set(leg.path)) == len(leg.path), "no place twice"
            for (y, x), (below, right) in zip(leg.path, leg.path[1:], strict=False):
                assert abs(y - below) + abs(x - right) == 1, (leg, "a step to a neighbour")
        there |= set(stage.values)
    assert ways.stages[-1].values == ("p",)


@pytest.mark.parametrize("cell", DRAWN)
def test_numbers_never_go_back(cell: str) -> None:
    for backward in (False, True):
        now = moment(made(cell=cell), 1, backward=backward)
        reached: dict[object, int] = {}
        stage = -1
        for _, _, frame in frames(now, "wide"):
            assert frame.stage >= stage
            stage = frame.stage
            for flight in frame.flights:
                key = (stage, flight.name, flight.path)
                assert flight.at >= reached.get(key, 0)
                reached[key] = flight.at


def pictures(view_state: ViewState, plan: str, times: list[float] = TIMES) -> list[list[str]]:
    """The text of the diagram at each instant."""
    style = ViewTheme("dark").ink
    found = []
    for at in times:
        now = replace(view_state, travel=at)
        lines = travel_picture(now, lambda _: style, drawn_in(now, plan))
        found.append(["".join(piece.text for piece in line) for line in lines])
    return found


@pytest.mark.parametrize("plan", ["small", "narrow", "wide"])
@pytest.mark.parametrize("cell", DRAWN)
def test_no_number_is_drawn_before_it_is_computed_and_none_is_cut(cell: str, plan: str) -> None:
    for backward in (False, True):
        now = moment(made(cell=cell), 2, backward=backward)
        ways = travel(now, drawn_in(now, plan))
        for picture, at in zip(pictures(now, plan), TIMES, strict=True):
            stage, _ = ways.stage_at(at)
            order = ways.stages[::-1] if backward else ways.stages
            names = {name for each in order[: stage + 1] for name in each.values}
            if backward:
                names |= {leg.name for each in order[: stage + 1] for leg in each.meeting}
                names |= {"h_out", *(f"{state}_next" for state in now.layer.states)}
                names -= {"x", "p"}
            else:
                names |= {f"a_{name}" for name in names} & set(now.layer.values)
            allowed = set().union(*(texts(now, name) for name in names))
            shown = {number for row in picture for number in NUMBER.findall(row)}
            assert shown <= allowed, (at, shown - allowed, "\n".join(picture))


@pytest.mark.parametrize("cell", DRAWN)
def test_at_the_end_the_diagram_is_that_of_the_last_part(cell: str) -> None:
    now = moment(made(cell=cell), 1)
    for plan in ("small", "wide"):
        last = pictures(now, plan, [1.0])[0]
        for name in now.layer.states:
            assert any(text in row for text in texts(now, name) for row in last)


@pytest.mark.parametrize("backward", [False, True])
def test_a_travel_tells_nothing_of_the_hidden_answer(backward: bool) -> None:
    one, other = made(), made("this movie was not this")
    for part in (1, 3, 6):
        found = []
        for trace in (one, other):
            trace = replace(trace, tokens=one.tokens, ids=one.ids, unknown=one.unknown)
            now = moment(trace, 4, hidden=True, backward=backward)
            now = replace(now, cursor=replace(now.cursor, part=part))
            found.append(
                [pictures(without_answer(now), plan, TIMES[::6]) for plan in ("small", "large")]
            )
        if part == 1 or backward:
            assert found[0] == found[1]
        assert any("?" in row for picture in found[0][0] for row in picture)


# -- the screen -----------------------------------------------------------------------------------


async def pressed(pilot: Pilot[int], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await pilot.pause()


class Seconds:
    """A clock that goes on when it is told to."""

    def __init__(self, player: TravelPlayer) -> None:
        self.now, self.player = 0.0, player
        player.clock = lambda: self.now  # type: ignore[method-assign]

    def pass_by(self, seconds: float) -> None:
        self.now += seconds
        self.player.tick()


async def test_it_takes_three_seconds_and_ends_at_the_last_part(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    it = app(t=2)
    async with it.run_test(size=(80, 24)) as pilot:
        screen = it.step_screen
        clock = Seconds(screen.travel)
        await pressed(pilot, "comma", "J")
        assert screen.view_state.cursor.zoom == "cell"
        clock.pass_by(SECONDS / 2)
        assert screen.view_state.travel == pytest.approx(0.5)
        await pressed(pilot, "space")
        assert screen.travel._timer is None
        assert screen.view_state.travel == pytest.approx(0.5)
        count = screen.travel._stages
        await pressed(pilot, "full_stop")
        ahead = screen.view_state.travel
        assert ahead is not None and (ahead * count) == pytest.approx(int(count / 2) + 1)
        await pressed(pilot, "comma", "comma")
        assert screen.view_state.travel == pytest.approx(ahead - 2 / count)
        await pressed(pilot, "space")
        clock.pass_by(SECONDS)
        assert screen.view_state.travel is None
        assert screen.view_state.part == "predict"
        await pressed(pilot, "J", "escape")
        assert screen.view_state.travel is None
        assert screen.view_state.cursor.zoom == "cell"
        await pressed(pilot, "J", "right")
        assert screen.view_state.travel is None


async def test_presenter_mode_shows_its_large_diagram(monkeypatch: pytest.MonkeyPatch) -> None:
    it = app(t=2)
    async with it.run_test(size=(120, 36)) as pilot:
        await pressed(pilot, "f5", "J")
        assert it.step_screen.view_state.thing == "cell"
        assert it.step_screen.view_state.travel is not None


async def test_a_slow_line_gets_one_frame_a_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    it = app(t=2)
    async with it.run_test(size=(120, 36)) as pilot:
        screen = it.step_screen
        clock = Seconds(screen.travel)
        await pressed(pilot, "J")
        screen.travel._stop()
        screen.travel.by_stages = False
        it._driver.pending = 100  # type: ignore[union-attr]
        for _ in range(LATE):
            clock.pass_by(0.01)
        assert screen.view_state.travel == 0.0
        assert screen.travel.by_stages
        it._driver.pending = 0  # type: ignore[union-attr]
        count, seen = screen.travel._stages, set()
        for _ in range(FRAMES):
            clock.pass_by(SECONDS / 40)
            seen.add(screen.view_state.travel)
        assert all(at is not None and (at * count) % 1 == pytest.approx(0) for at in seen)
        assert len(seen) > 2


def test_ssh_and_terminals_on_serial_lines_are_slow() -> None:
    assert not slow_line({"TERM": "xterm-256color"})
    assert slow_line({"TERM": "xterm-256color", "SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"})
    assert slow_line({"TERM": "vt220"})
    assert slow_line({"TERM": "vt100-am"})


def test_characters_are_pending_until_the_terminal_has_taken_them() -> None:
    file = io.StringIO()
    stream = TerminalStream(file)
    stream.write("frame")
    assert stream.flushed == 0
    stream.flush()
    assert stream.flushed == len(file.getvalue()) == 5


# -- the terminal ---------------------------------------------------------------------------------

_UPDATE = re.compile(rb"\x1b\[\?2026h(.*?)\x1b\[\?2026l", re.DOTALL)


def sent(it: MeasuredTerminal, keys: bytes, seconds: float) -> bytes:
    """What is written in so many seconds after the keys."""
    begin, end = len(it.log), time.monotonic() + seconds
    os.write(it.fd, keys)
    while time.monotonic() < end:
        it.read(0.05, 0.2)
    return it.log[begin:]


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=["80x24", "120x36"])
def test_frames_are_few_and_small(size: tuple[int, int]) -> None:
    """The real driver in a pseudo-terminal that synchronizes its updates, which divides them."""
    ssh = dict.fromkeys(("SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"), "")
    command = ("-m", "rnnviz", "step", "this movie was not good", "--at", "4", "-q")
    it = MeasuredTerminal(*command, width=size[0], height=size[1], **ssh)
    try:
        it.start(b"sentiment-lstm")
        for keys in (b"J", b"\x1b[15~bJ"):
            updates = [len(piece) for piece in _UPDATE.findall(sent(it, keys, SECONDS + 1.5))]
            assert 10 < len(updates) <= 30 * SECONDS + 10, updates
            assert max(updates[2:]) <= MOST_BYTES, updates
    finally:
        it.kill()
