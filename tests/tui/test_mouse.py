"""The mouse: boxes of the diagram, words, cells of the heat maps, the wheel."""

from __future__ import annotations

import pytest
from textual import events
from textual.pilot import Pilot

from rnnviz.cursor import part_of
from rnnviz.tui.panels.cell import CellView
from rnnviz.tui.panels.cell_diagram import label
from rnnviz.tui.panels.diagram_size import sized
from rnnviz.tui.panels.sentence import Sentence
from rnnviz.tui.panels.word_columns import window
from rnnviz.tui.step.app import RnnvizApp
from tests.tui.small_models import CELLS, app


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 50)])
@pytest.mark.parametrize("cell", CELLS)
async def test_a_box_of_the_diagram_is_the_part_that_computes_it(
    cell: str, size: tuple[int, int]
) -> None:
    it = app(cell=cell)
    async with it.run_test(size=size) as pilot:
        if size[0] < 100:
            await pilot.press("enter")
            await pilot.pause(0.1)
        view = it.screen.query_one(CellView)
        view_state = it.step_screen.view_state
        layer, found = view_state.layer, set()
        boxes = {
            name: label(view_state, name, len(text)).rstrip()
            for row in sized(layer, "en", view.size.width - 2, view.size.height - 1).runs
            for text, name, printed in row
            if printed
        }
        for name, text in boxes.items():
            shown = [strip.text for strip in view.strips()]
            y = next((y for y, line in enumerate(shown) if y and text in line), None)
            if y is None:  # below the end of the panel
                continue
            await pilot.press("end", "home")
            await pilot.click(CellView, offset=(shown[y].index(text), y))
            await pilot.pause()
            before = name == "x" or name.endswith("_prev")
            part = it.step_screen.view_state.cursor.part
            assert part == (0 if before else part_of(layer, name)), name
            found.add(part)
            await pilot.press("home", *["full_stop"] * (len(layer.parts) - 1 - part))
        assert len(found) >= min(3, len(layer.parts))


async def test_beside_the_diagram_a_click_does_nothing() -> None:
    it = app(t=2)
    async with it.run_test(size=(120, 36)) as pilot:
        before = it.step_screen.view_state.cursor
        await pilot.click(CellView, offset=(0, 0))
        await pilot.click(CellView, offset=(0, 3))
        await pilot.pause()
        assert it.step_screen.view_state.cursor == before


async def test_a_word_its_curve_and_its_bar_are_its_token() -> None:
    it = app()
    async with it.run_test(size=(120, 36)) as pilot:
        sentence = it.screen.query_one(Sentence)
        for y in range(1, sentence.size.height):
            for t in (3, 1):
                shown = window(it.step_screen.view_state, sentence.size.width).columns
                at = next(column for column in shown if column.t == t)
                await pilot.click(Sentence, offset=(at.x + 1, y))
                await pilot.pause()
                assert it.step_screen.view_state.cursor.t == t


async def turned(
    it: RnnvizApp, pilot: Pilot[int], view: str, kind: type[events.MouseEvent], **keys: bool
) -> None:
    await pilot.pause(0.1)
    widget = it.screen.query_one(view)
    region = widget.region
    assert region
    flags = {"shift": False, "meta": False, "ctrl": False, **keys}
    x, y = region.x + 2, region.y + 1
    event = kind(widget, x, y, 0, 0, 0, screen_x=x, screen_y=y, style=None, **flags)
    it.screen._forward_event(event)
    await pilot.pause()


@pytest.mark.parametrize("view", ["#sentence", "#heat-0", "#words-0"])
async def test_the_wheel_moves_the_token(view: str) -> None:
    it = app(t=1)
    async with it.run_test(size=(120, 36)) as pilot:
        await turned(it, pilot, view, events.MouseScrollDown)
        await turned(it, pilot, view, events.MouseScrollDown)
        assert it.step_screen.view_state.cursor.t == 3
        await turned(it, pilot, view, events.MouseScrollUp)
        assert it.step_screen.view_state.cursor.t == 2


@pytest.mark.parametrize("key", ["shift", "ctrl"])
async def test_with_a_key_and_sideways_it_moves_the_unit(key: str) -> None:
    it = app(t=1, unit=2)
    async with it.run_test(size=(120, 36)) as pilot:
        await turned(it, pilot, "#heat-0", events.MouseScrollDown, **{key: True})
        assert it.step_screen.view_state.cursor.unit == 3
        await turned(it, pilot, "#heat-0", events.MouseScrollRight)
        assert it.step_screen.view_state.cursor.unit == 4
        await turned(it, pilot, "#heat-0", events.MouseScrollLeft)
        await turned(it, pilot, "#heat-0", events.MouseScrollUp, **{key: True})
        assert it.step_screen.view_state.cursor.unit == 2
        assert it.step_screen.view_state.cursor.t == 1


async def test_over_the_diagram_it_moves_the_part() -> None:
    it = app(t=1)
    async with it.run_test(size=(120, 36)) as pilot:
        before = it.step_screen.view_state.cursor.part
        await turned(it, pilot, "#cell", events.MouseScrollUp)
        assert it.step_screen.view_state.cursor.part == before - 1


async def test_over_a_page_it_moves_the_token() -> None:
    it = app(t=1, page="weights")
    async with it.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await turned(it, pilot, "#page-weights", events.MouseScrollDown)
        assert it.step_screen.view_state.cursor.t == 2
