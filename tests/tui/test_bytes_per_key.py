"""Every key of every model and page as the app itself paints it: few bytes, and all at once."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from rnnviz.explore import explorer
from rnnviz.query import Query
from rnnviz.tui.pages import PAGES, load
from rnnviz.tui.step.app import RnnvizApp, settled
from tests.tui.pages.stepping import wired
from tests.tui.small_models import TEXT, app
from tests.tui.terminal_cost import MOST_BYTES, REVIEW

KEYS = ("right", "right", "left", "full_stop", "comma", "down", "up")
MODELS = {
    "sentiment-lstm": TEXT, "agnews-bilstm": "Cup final goes to extra time", "jena-gru": "",
    "imdb-lstm": REVIEW,
}  # fmt: skip


class PaintedApp(RnnvizApp):
    """The app with a terminal that keeps how long each thing is that is written."""

    def on_mount(self) -> None:
        self.console_of_test = wired(self)
        self.updates: list[int] = []

    def _display(self, screen: object, renderable: object) -> None:
        if renderable is not None and not self._batch_count and hasattr(self, "updates"):
            data = renderable.render_segments(self.console_of_test)  # type: ignore[attr-defined]
            self.updates.append(len(data.encode()))


async def pressed(it: PaintedApp, pilot: Pilot[int], key: str) -> list[int]:
    """How many bytes each update after this key has."""
    it.updates.clear()
    await pilot.press(key)
    await settled(it, pilot)
    await pilot.pause(0.05)
    return list(it.updates)


@pytest.mark.parametrize("model", MODELS)
async def test_no_step_on_any_page_is_more_than_ten_kilobytes(model: str) -> None:
    read, query = explorer(), Query(MODELS[model], model)
    it = PaintedApp(read, query, read(query), switch=("sentiment-rnn", "sentiment-lstm"))
    found = {}
    async with it.run_test(size=(120, 36)) as pilot:
        await settled(it, pilot)
        for page in ("", *(entry.name for entry in PAGES)):
            if page:
                if page != "clamp" and not load(page).applies(it.step_screen.view_state):
                    continue
                it.step_screen.action_page(page)
                await settled(it, pilot)
            for key in KEYS:
                found[page, key] = sum(await pressed(it, pilot, key))
            if page:
                it.step_screen.action_page(page)
                await settled(it, pilot)
    assert max(found.values()) > 100
    assert {place: size for place, size in found.items() if size > MOST_BYTES} == {}


#: Bytes of a line that is completed.
LATE_SENTENCE = 400


@pytest.mark.parametrize("theme", ["dark", "ansi"])
async def test_what_changes_the_layout_is_painted_once(theme: str) -> None:
    it = app(kind=PaintedApp, theme=theme, t=1)
    async with it.run_test(size=(120, 36)) as pilot:
        await settled(it, pilot)
        for key in ("enter", "enter", "escape", "escape", "w", "escape", "w", "n", "escape"):
            updates = await pressed(it, pilot, key)
            # The sentence at the end is completed when the cursor has rested.
            assert len([size for size in updates if size > LATE_SENTENCE]) == 1, (key, updates)
            assert "".join(strip.text for strip in it.screen._compositor.render_strips()).strip()
