"""The app of the step screen."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual import events
from textual.app import SystemCommand
from textual.screen import Screen

from rnnviz.cursor import start
from rnnviz.equations import DEFAULT_NOTATION
from rnnviz.files import write_output
from rnnviz.picture_files import encoded
from rnnviz.query import Explorer, Query
from rnnviz.trace import Trace
from rnnviz.trace.notation import in_notation
from rnnviz.tui.app.themed_app import ThemedApp
from rnnviz.tui.keymap import DEFAULT_KEYMAP, PAGE_ACTION_KEYS, Keymap, step_actions
from rnnviz.tui.pages import load
from rnnviz.tui.step.screen import StepScreen
from rnnviz.tui.view.page_state import PageState
from rnnviz.tui.view.view_state import ViewState

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from rnnviz.tui.step.class_vote.session import ClassSession
    from rnnviz.tui.step.lesson.session import LessonSession


class RnnvizApp(ThemedApp[int]):
    """A step screen on a trace; ``explorer`` answers other queries and the questions of pages.

    ``switch`` are the models of the digit keys; ``page`` is open at first, and ``page_states`` are
    the first states of pages, by page; ``presenter``: presenter mode is on at first;
    ``whole`` is the query of a text of which the trace has the beginning: it is read soon;
    ``class_session``: a class that answers from its phones;
    ``chooses_model``: no model was named, so a typed sentence chooses among the default ones.
    """

    def __init__(
        self,
        explorer: Explorer,
        query: Query,
        trace: Trace,
        *,
        switch: Sequence[str] = (),
        lang: str = "en",
        theme: str = "dark",
        t: int = 0,
        unit: int | None = None,
        colour: bool = True,
        ascii_only: bool = False,
        page: str = "",
        page_states: Mapping[str, PageState] | None = None,
        presenter: bool = False,
        chooses_model: bool = False,
        keymap: Keymap = DEFAULT_KEYMAP,
        lesson: LessonSession | None = None,
        class_session: ClassSession | None = None,
        notation: str = DEFAULT_NOTATION,
        whole: Query | None = None,
    ) -> None:
        super().__init__(theme, colour, ascii_only, keymap)
        # Textual paints three times while it starts: write nothing until all is in place.
        self._starting = ExitStack()
        self._starting.enter_context(self.batch_update())
        first = start(trace, t, trace.leading_unit() if unit is None else unit)
        trace = in_notation(trace, notation)
        view_state = ViewState(
            trace,
            first,
            self.view_theme,
            lang,
            others=tuple(switch),
            query=query,
            page_states=page_states or {},
            keymap=keymap,
            notation=notation,
        )
        self.step_screen = self.screen_on(explorer, view_state, lesson)
        self.step_screen.requests.chooses_model = chooses_model
        self.step_screen.class_host.session = class_session
        self.first_page, self.first_presenter, self._whole = page, presenter, whole

    def screen_on(
        self, explorer: Explorer, view_state: ViewState, lesson: LessonSession | None
    ) -> StepScreen:
        """The step screen of the app."""
        return StepScreen(explorer, view_state, lesson)

    @property
    def lang(self) -> str:
        """The language of the screen."""
        return self.step_screen.view_state.lang

    def begin(self) -> None:
        """Allow painting; called when every view is in place."""
        self._starting.close()
        # Exclude what exists now from garbage collection, which would take a tenth of a second
        # during a step.
        gc.freeze()
        if self.first_presenter:
            self.step_screen.action_presenter()
        if self.first_page:
            self.step_screen.action_page(self.first_page)
        if self._whole is not None:
            self.step_screen.page_host.read_later(self._whole)
        if self.state_folder is not None:
            self.step_screen.listen(self.state_folder)
        self.step_screen.lesson.begin()
        self.step_screen.class_host.begin()

    def get_default_screen(self) -> Screen[None]:
        """The step screen."""
        return self.step_screen

    def on_key(self, event: events.Key) -> None:
        """Handle a key that no widget has handled."""
        if self.screen is self.step_screen and self.step_screen.prompt.forward_key(event):
            event.prevent_default()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Every action, in the chosen language."""
        yield from step_commands(self.step_screen)


def step_commands(screen: StepScreen) -> Iterable[SystemCommand]:
    """The available actions of a step screen as commands of the palette."""
    view_state = screen.view_state
    own = load(view_state.page).available(view_state) if view_state.page else ()
    own += ("type",) if view_state.predictions.on else ()
    for action in step_actions(view_state.keymap, view_state.others):
        if action.name == "palette" or (action.name in PAGE_ACTION_KEYS and action.name not in own):
            continue
        text = view_state.keymap.words(action, view_state.lang, view_state.others)
        yield SystemCommand(text, action.shown, partial(screen.run_action, action.run))


async def settled(app: RnnvizApp, pilot: Pilot[int]) -> None:
    """Wait until every question of the screen is answered and painted."""
    await pilot.pause()
    screen = app.step_screen
    host = screen.page_host
    while app.is_running and not screen.is_shown:
        await pilot.pause(0.01)
    while app.is_running and (
        host.pending
        or host.waiting
        or host.waiting_keys
        or host.reads_later
        or screen.lesson.pending
    ):
        host.ask_conclusion()  # without the time that the cursor has to rest
        if host.reads_later and not (host.waiting_keys or screen.requests.is_reading):
            host.read_waiting()
        await pilot.pause(0.02)
    await pilot.pause()


async def screenshot(app: RnnvizApp, path: Path, size: tuple[int, int] = (120, 36)) -> None:
    """Save the first picture of the app without a terminal; the ending says in which form."""
    from rnnviz.tui.export import pictures

    async with app.run_test(size=size) as pilot:
        await settled(app, pilot)
        picture = pictures.of_screen(app, pictures.form(path))
    write_output(path, encoded(picture, path))
