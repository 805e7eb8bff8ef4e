"""Pictures of the screen at the three sizes, in the themes: a change of looks is a decision."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot
from tui.small_models import app, made

from rnnviz.tui.step.app import settled
from tests.tui import small_writer

Compare = Any


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 50)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_sentence(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(app(t=3), terminal_size=size)


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("page", ["", "write", "backward", "units"])
def test_a_net_that_writes(snap_compare: Compare, page: str, size: tuple[int, int]) -> None:
    async def settle(pilot: Pilot[int]) -> None:
        await settled(it, pilot)

    keys = ["asterisk"] if page == "write" else []
    it = small_writer.app(t=5, page=page, lang="tr" if size[0] == 80 else "en")
    assert snap_compare(it, terminal_size=size, press=keys, run_before=settle)


@pytest.mark.parametrize("theme", ["light", "contrast", "ansi"])
def test_themes(snap_compare: Compare, theme: str) -> None:
    assert snap_compare(app(t=3, theme=theme), terminal_size=(120, 36), press=["comma", "comma"])


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm-slide"])
def test_cells(snap_compare: Compare, cell: str) -> None:
    assert snap_compare(app(cell=cell, t=2), terminal_size=(120, 36), press=["comma"])


@pytest.mark.parametrize("keys", [["enter"], ["enter", "enter", "comma"]], ids=["cell", "equation"])
def test_narrow_zooms_in_turkish(snap_compare: Compare, keys: list[str]) -> None:
    assert snap_compare(app(t=2, lang="tr"), terminal_size=(80, 24), press=keys)


def test_thirty_two_units_without_colour(snap_compare: Compare) -> None:
    it = app(trace=made(units=32), t=3, colour=False)
    assert snap_compare(it, terminal_size=(120, 36), press=["comma", "b"])


@pytest.mark.parametrize("thing", ["belief", "cell", "units", "equation"])
def test_presenter_mode(snap_compare: Compare, thing: str) -> None:
    keys = ["f5", *["v"] * ["belief", "cell", "units", "equation"].index(thing), "comma"]
    it = app(trace=made(units=32), t=3, theme="light" if thing == "units" else "dark")
    assert snap_compare(it, terminal_size=(120, 36), press=keys)


def test_presenter_mode_in_a_narrow_terminal_in_turkish(snap_compare: Compare) -> None:
    assert snap_compare(app(t=3, lang="tr"), terminal_size=(80, 24), press=["f5"])


@pytest.mark.parametrize("keys", [["J"], ["f5", "b", "J"]], ids=["forward", "backward"])
def test_numbers_on_their_way(snap_compare: Compare, keys: list[str]) -> None:
    it = app(t=2)

    async def stop(pilot: Pilot[int]) -> None:
        await pilot.press(*keys)
        await pilot.pause()
        it.step_screen.travel._stop()
        it.step_screen.show(travel=0.5)
        await pilot.pause()

    assert snap_compare(it, terminal_size=(120, 36), run_before=stop)
