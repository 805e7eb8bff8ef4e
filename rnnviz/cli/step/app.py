"""The stepper's app for a command line, and running it in a terminal."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from rnnviz.cli import options, stderr
from rnnviz.cli.browser_limits import defer
from rnnviz.cli.step.step_options import StepOptions
from rnnviz.cli.step.trace_source import TracedQuery
from rnnviz.errors import UsageError, nearest
from rnnviz.files import user_state_folder
from rnnviz.messages import _

if TYPE_CHECKING:
    from rnnviz.trace import Trace
    from rnnviz.tui.app.themed_app import ThemedApp
    from rnnviz.tui.step.app import RnnvizApp
    from rnnviz.tui.view.page_state import PageOptions

#: The name of the first screen among the views.
PANELS_VIEW = "panels"


def make_app(
    step: StepOptions, traced: TracedQuery, compared: tuple[str, ...], page: str = ""
) -> RnnvizApp:
    """The app, not running yet: in a terminal :func:`run_app`, elsewhere ``app.run_async()``.

    ``compared`` are the models of --compare; ``page`` is open at first, "" stands for the panels.
    """
    colour = options.use_colour(step.color)
    # Textual takes any NO_COLOR, even an empty one, as "greys"; the decision is made here.
    os.environ.pop("NO_COLOR", None)
    from rnnviz.tui.pages import initial_states
    from rnnviz.tui.step.app import RnnvizApp

    page_states = initial_states(_page_options(step, traced, compared))
    if traced.whole is not None:
        from rnnviz.tui.pages.writing.written_text import WritingState

        page_states["write"] = WritingState.of(traced.query.text, traced.whole.text)
    return RnnvizApp(
        traced.explorer, traced.query, traced.trace, switch=switch_models(traced),
        lang=options.language(step.lang), theme=options.theme_name(step.theme),
        t=first_token(step, traced.trace), unit=step.unit,
        colour=colour, ascii_only=not options.unicode(), page=page, presenter=step.presenter,
        chooses_model=step.chooses_model, keymap=step.keymap, notation=step.notation,
        page_states=page_states, whole=traced.whole,
    )  # fmt: skip


def first_token(step: StepOptions, trace: Trace) -> int:
    """The token, from 0, that is chosen at first: --at, else the first one.

    A series opens at its last reading: the forecast that counts is the one after the whole window.
    """
    if step.at is not None:
        return step.at - 1
    return len(trace.tokens) - 1 if trace.series is not None else 0


def run_app(app: ThemedApp[int]) -> int:
    """Run the app in the terminal; the exit code. In a browser the page will run it."""
    if defer(app):
        return 0
    if not options.stdin_is_terminal():
        # The sentence came through a pipe; the keys come from the terminal.
        terminal = os.open("/dev/tty", os.O_RDWR)
        os.dup2(terminal, 0)
    app.state_folder = user_state_folder()
    app.run()
    if app.fault is not None:
        _say_way_back(app)
        raise app.fault
    return app.return_code or 0


def _say_way_back(app: ThemedApp[int]) -> None:
    """Print the command that leads to where the app was when it failed."""
    from rnnviz.tui.step.app import RnnvizApp
    from rnnviz.tui.step.command_line import command_line

    with suppress(Exception):  # the view state may be what is at fault
        if isinstance(app, RnnvizApp):
            stderr.say(
                _("To come back here: {command}").format(
                    command=command_line(app.step_screen.view_state)
                )
            )


def switch_models(traced: TracedQuery) -> tuple[str, ...]:
    """The models behind the number keys: those that can read the same text."""
    from rnnviz.analysis import model_family

    return model_family.switch_models(model_family.input_kind(traced.query, traced.trace))


def _page_options(step: StepOptions, traced: TracedQuery, compared: tuple[str, ...]) -> PageOptions:
    from rnnviz.tui.view.page_state import PageOptions

    return PageOptions(compared, step.against, traced.query.hand is not None)


def first_page(
    step: StepOptions, traced: TracedQuery, compared: tuple[str, ...], more: tuple[str, ...] = ()
) -> str:
    """The page that is open at first, or one of ``more``; "" for the panels."""
    from rnnviz.tui import pages

    if step.view is not None:
        return page_name(step.view, more)
    return pages.first_page(_page_options(step, traced, compared))


def check_options(step: StepOptions, trace: Trace) -> None:
    """UsageError if --at, --unit or --view name what the trace does not have."""
    T, H = len(trace.tokens), trace.layers[0].units
    if step.at is not None and not 1 <= step.at <= T:
        raise UsageError(
            _("--at {at}: this text has tokens 1 to {last}.").format(at=step.at, last=T)
        )
    if step.unit is not None and step.unit >= H:
        raise UsageError(
            _("--unit {unit}: this layer has units 0 to {last}.").format(unit=step.unit, last=H - 1)
        )
    if step.view is not None:
        page_name(step.view, () if step.screenshot is None else drawable(trace))


def drawable(trace: Trace) -> tuple[str, ...]:
    """What a picture can show alone: panels, and the quantities with a heat map."""
    from rnnviz.tui.export.pictures import PANELS

    quantities = [line.name for line in trace.layers[0].lines if not line.name.startswith("a_")]
    return (*PANELS, *dict.fromkeys(quantities))


def page_name(view: str, more: tuple[str, ...] = ()) -> str:
    """The name of a page, or one of ``more``; UsageError with all names for any other.

    The panels have no page: "".
    """
    from rnnviz.tui.pages import PAGES

    names = [PANELS_VIEW, *(entry.name for entry in PAGES), *more]
    if view not in names:
        raise UsageError(
            _("There is no view {view!r}.{close} Views: {names}.").format(
                view=view, close=nearest(view, names), names=", ".join(names)
            )
        )
    return "" if view == PANELS_VIEW else view
