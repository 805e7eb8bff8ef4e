"""A trace on the screen: the app in a terminal, or its picture in a file."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnviz.cli import options
from rnnviz.errors import UsageError, nearest
from rnnviz.tui.view.page_state import PageOptions

if TYPE_CHECKING:
    from rnnviz.query import Query
    from rnnviz.trace import Trace
    from rnnviz.tui.step.app import RnnvizApp


#: What an option writes that draws, and the endings of its file.
ENDINGS = {
    "--screenshot": ("SVG or text", (".svg", ".txt")),
    "--report": ("HTML", (".html", ".htm")),
}
#: The name of the first screen among the views.
SCREEN = "panels"


@dataclass(frozen=True)
class OutputOptions:
    """How a trace is to be looked at."""

    at: int | None  # token, from 1
    unit: int | None
    lang: str
    theme: str | None
    color: str
    view: str | None  # a page, or for a picture a panel
    size: str  # of a picture: "120x36"
    switch: tuple[str, ...] = ()  # the models behind the number keys
    pages: PageOptions = field(default_factory=PageOptions)


def show(explore: Any, query: Query, trace: Trace, wanted: OutputOptions) -> int:
    """Open the stepper; the exit code it ends with."""
    app = _app(explore, query, trace, wanted, _first_page(wanted))
    if not options.stdin_is_terminal():
        # The sentence came through a pipe; the keys come from the terminal.
        terminal = os.open("/dev/tty", os.O_RDWR)
        os.dup2(terminal, 0)
    app.run()
    if app.fault is not None:
        raise app.fault
    return app.return_code or 0


def picture(explore: Any, query: Query, trace: Trace, wanted: OutputOptions, path: Path) -> None:
    """Write the screen, or the panel named by ``wanted.view``, as SVG or text."""
    form, size, panels = path.suffix.lower(), sized(wanted.size), _panels(trace)
    import asyncio

    from rnnviz.files import write_output
    from rnnviz.tui.export import pictures
    from rnnviz.tui.step.app import screenshot

    page = _first_page(wanted, panels)
    app = _app(explore, query, trace, wanted, "" if page in panels else page)
    if page in panels:
        write_output(path, pictures.of_panel(app.step_screen.view_state, page, size, form[1:]))
    else:
        asyncio.run(screenshot(app, path, size))


def report(explore: Any, query: Query, trace: Trace, wanted: OutputOptions, path: Path) -> None:
    """Write every view of the sentence into one page of HTML."""
    import asyncio

    from rnnviz.files import write_output
    from rnnviz.tui.export.report import report as made

    app = _app(explore, query, trace, wanted, "")
    write_output(path, asyncio.run(made(app)))


def checked(view: str | None, trace: Trace, *, picture: bool) -> None:
    """UsageError, with all names, if there is no such view."""
    _page(view, _panels(trace) if picture else ())


def check_files(outputs: Mapping[str, Path | None], inputs: Iterable[Path]) -> None:
    """UsageError if a file to write, by its option, cannot be, or would replace another of them.

    Also if it would replace an input, or has not the ending of what its option writes.
    """
    from rnnviz.files import require_distinct

    named = {name: path for name, path in outputs.items() if path is not None}
    for name, (what, endings) in ENDINGS.items():
        if name in named and named[name].suffix.lower() not in endings:
            raise UsageError(
                f"{name} writes {what}; name a file that ends in {' or '.join(endings[:2])}: "
                f"{named[name]}"
            )
    require_distinct(named, inputs)


def _app(explore: Any, query: Query, trace: Trace, wanted: OutputOptions, page: str) -> RnnvizApp:
    colour = options.use_colour(wanted.color)
    # Textual takes any NO_COLOR, even an empty one, as "greys"; the decision is made here.
    os.environ.pop("NO_COLOR", None)
    from rnnviz.tui.pages import initial_states
    from rnnviz.tui.step.app import RnnvizApp

    return RnnvizApp(
        explore, query, trace, switch=wanted.switch, lang=wanted.lang,
        theme=wanted.theme or "dark", t=(wanted.at or 1) - 1, unit=wanted.unit, colour=colour,
        ascii_only=not options.unicode(), explore=explore, page=page,
        page_states=initial_states(wanted.pages),
    )  # fmt: skip


def _first_page(wanted: OutputOptions, more: tuple[str, ...] = ()) -> str:
    """The page that is open at first, or one of ``more``; "" for the panels."""
    from rnnviz.tui.pages import first_page

    return first_page(wanted.pages) if wanted.view is None else _page(wanted.view, more)


def _panels(trace: Trace) -> tuple[str, ...]:
    """What can be drawn by itself: panels, and the quantities with a heat map."""
    from rnnviz.tui.export.pictures import PANELS

    told = [line.name for line in trace.layers[0].lines if not line.name.startswith("a_")]
    return (*PANELS, *dict.fromkeys(told))


def _page(view: str | None, more: tuple[str, ...] = ()) -> str:
    """The name of a page, or one of ``more``; UsageError with all names for any other.

    The panels have no page: "".
    """
    from rnnviz.tui.pages import PAGES

    names = [SCREEN, *(entry.name for entry in PAGES), *more]
    if view is not None and view not in names:
        raise UsageError(
            f"There is no view {view!r}.{nearest(view, names)} Views: {', '.join(names)}."
        )
    return "" if view is None or view == SCREEN else view


#: Characters of a picture, the fewest and the most.
WIDTHS, HEIGHTS = (20, 500), (5, 300)


def sized(size: str) -> tuple[int, int]:
    """Width and height in characters; UsageError if they cannot be read or are out of range."""
    found = re.fullmatch(r"(\d{1,9})[xX×](\d{1,9})", size.strip(), re.ASCII)
    if found is None:
        raise UsageError(f"--size {size}: expected WIDTHxHEIGHT in characters, for example 120x36.")
    width, height = int(found[1]), int(found[2])
    for name, value, (least, most) in (("wide", width, WIDTHS), ("high", height, HEIGHTS)):
        if not least <= value <= most:
            raise UsageError(
                f"--size {size}: a picture is {least} to {most} characters {name}, not {value}. "
                "For example: --size 120x36"
            )
    return width, height
