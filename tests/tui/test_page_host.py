"""Pages: opened and closed, asked for what they need, handed their own keys."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from rich.segment import Segment

from rnnviz import i18n
from rnnviz.errors import UsageError
from rnnviz.query import Query, Question
from rnnviz.tui.panels.heatmap import HeatmapWords
from rnnviz.tui.render.segments import Line
from rnnviz.tui.step.app import RnnvizApp
from rnnviz.tui.view.page import Change, Page, Prompt
from rnnviz.tui.view.page_state import PageState
from rnnviz.tui.view.view_state import ViewState
from tests.tui.small_models import TEXT, made, read

ASKED: list[Question] = []


@dataclass(frozen=True)
class ProbeState(PageState):
    page: ClassVar[str] = "probe"
    count: int = 0


class Probe(Page):
    """A page that asks two questions, counts a key, and asks for a line."""

    name = "probe"
    actions = ("next", "type")

    def questions(self, moment: ViewState) -> Sequence[Question]:
        return (Query(TEXT, "gru"), "refused")

    def lines(self, moment: ViewState, width: int, height: int) -> list[Line]:
        known = [str(q) for q in self.questions(moment) if q in moment.answers]
        told = [
            f"known {len(known)}",
            f"count {moment.page_state(ProbeState).count}",
            *moment.failures.values(),
        ]
        return [self.head(moment, width), *([Segment(t)] for t in told)]

    def press(self, moment: ViewState, key: str) -> Change | Prompt | None:
        if key == "next":
            count = moment.page_state(ProbeState).count + 1
            return Change(ProbeState(count), message="counted")
        return Prompt("a number", lambda m, typed: Change(ProbeState(int(typed))))


def explore(question: Question) -> Any:
    ASKED.append(question)
    if question == "refused":
        raise UsageError("not this one")
    assert isinstance(question, Query)
    return read(question)


@pytest.fixture(autouse=True)
def probe(monkeypatch: pytest.MonkeyPatch) -> None:
    ASKED.clear()
    said = {"title": "probe", "question": "does it work?", "key_next": "more", "key_type": "line"}
    said |= {"action": "open the probe", "help": "help"}
    monkeypatch.setattr(i18n, "page_catalogue", lambda page: {"en": said, "tr": said})
    monkeypatch.setattr("rnnviz.tui.step.page_host.load", lambda name: Probe)
    monkeypatch.setattr("rnnviz.tui.step.key_bar.load", lambda name: Probe)


def drive(*keys: str) -> tuple[RnnvizApp, list[str]]:
    """Open the probe, press keys, and read its text."""
    app = RnnvizApp(explore, Query(TEXT, "lstm"), made(), page="probe")

    async def run() -> list[str]:
        async with app.run_test(size=(100, 30)) as pilot:
            await pilot.pause()
            for key in keys:
                await pilot.press(key)
                await pilot.pause()
            while app.step_screen.page_host.pending:
                await pilot.pause(0.01)
            await pilot.pause()
            found = app.step_screen.query("#page-probe").first(Page)
            shown = app.step_screen.query_one("#page-probe").region.area > 0
            return [strip.text.strip() for strip in found.strips()] if shown else []

    return app, asyncio.run(run())


def test_an_open_page_shows_what_it_asked_for() -> None:
    _app, lines = drive()
    assert "does it work?" in lines[0]
    assert lines[1] == "known 1"
    assert lines[3] == "not this one"
    assert sorted(map(str, ASKED)) == sorted(map(str, [Query(TEXT, "gru"), "refused"]))


def test_its_questions_are_asked_once() -> None:
    drive("right", "right", "left", "up")
    assert len(ASKED) == 2


def test_its_keys_are_its_own_and_the_others_still_move_the_cursor() -> None:
    app, lines = drive("tab", "tab", "right")
    assert lines[2] == "count 2"
    assert app.step_screen.view_state.cursor.t == 1


def test_a_line_it_opens_comes_back_to_it() -> None:
    app, lines = drive("o", "4", "2", "enter")
    assert lines[2] == "count 42"
    assert app.step_screen.view_state.query.text == TEXT


def test_a_line_that_is_left_changes_nothing() -> None:
    app, lines = drive("o", "4", "escape")
    assert lines[2] == "count 0"
    assert app.step_screen.view_state.page == "probe"


def test_escape_closes_it() -> None:
    app, lines = drive("escape")
    assert app.step_screen.view_state.page == "" and lines == []


async def test_what_moved_behind_a_page_is_drawn_when_it_closes() -> None:
    app = RnnvizApp(explore, Query(TEXT, "lstm"), made(), page="probe")
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause(0.2)
        await pilot.press("escape")
        await pilot.pause(0.2)
        heat = app.step_screen.query_one("#words-0", HeatmapWords)
        assert chosen(heat) == "this"
        app.step_screen.action_page("probe")
        await pilot.pause(0.2)
        await pilot.press("right", "right")
        await pilot.pause(0.2)
        await pilot.press("escape")
        await pilot.pause(0.2)
        assert chosen(heat) == "was"


def chosen(words: HeatmapWords) -> str:
    """The word that is pointed at, as it was drawn."""
    (line, *_) = [strip.text for strip in words.strips() if "▸" in strip.text]
    return line.strip(" ▸")
