"""A page's lines as text, without an app: drawn from a moment with its answers in place."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from rich.cells import cell_len

from rnnviz.query import Explorer, Query
from rnnviz.tui.panels.arrangement import conclusion_height
from rnnviz.tui.step.app import RnnvizApp
from rnnviz.tui.view.conclusion import fitted
from rnnviz.tui.view.label_translation import localized
from rnnviz.tui.view.page import Page
from rnnviz.tui.view.view_state import ViewState
from tests.tui.small_models import made

SIZES = ((80, 24), (120, 36), (200, 50))


def lines(page: type[Page], moment: ViewState, width: int, height: int) -> list[str]:
    """What a page draws at this size; every line must fit."""
    drawn = page(moment).lines(moment, width, height)
    said = ["".join(segment.text for segment in line) for line in drawn]
    assert len(said) <= height
    for line in said:
        assert cell_len(line) <= width, line
    return said


def ending(page: type[Page], moment: ViewState, width: int, height: int = 36) -> str:
    """The sentence below a page in a terminal of this size, in one line."""
    open_page, shown = page(moment), localized(moment)
    rows = open_page.conclusion_rows(width, height) or conclusion_height(width, height, page.name)
    return " ".join(fitted(open_page.conclusion(shown), width - 2, rows))


def drive(
    page: str,
    text: str,
    model: str,
    explore: Explorer,
    *keys: str,
    page_states: Mapping[str, Any] | None = None,
    size: tuple[int, int] = (120, 36),
    click: tuple[int, int] | None = None,
) -> tuple[RnnvizApp, list[str]]:
    """Open a page in the app, press keys, click on it, and read its text."""
    trace = made(text, model)
    app = RnnvizApp(explore, Query(text, model), trace, page=page, page_states=page_states)

    async def settle(pilot: Any) -> None:
        await pilot.pause()
        while app.step_screen.page_host.pending:
            await pilot.pause(0.01)
        await app.workers.wait_for_complete()
        await pilot.pause()

    async def run() -> list[str]:
        async with app.run_test(size=size) as pilot:
            await settle(pilot)
            for key in keys:
                await pilot.press(key)
                await settle(pilot)
            if click is not None:
                await pilot.click(f"#page-{page}", offset=click)
                await settle(pilot)
            found = app.step_screen.query(f"#page-{page}").first(Page)
            return [strip.text.rstrip() for strip in found.strips()]

    return app, asyncio.run(run())
