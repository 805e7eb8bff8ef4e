"""The registry of pages: each is a module or package here, imported when it is first opened.

The names are read without Textual: a shell completes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rnnviz.tui.view.page import Page
    from rnnviz.tui.view.page_state import PageOptions, PageState


@dataclass(frozen=True)
class PageEntry:
    """A page: its name (also of its texts and in the keymap), its module and class."""

    name: str
    module: str
    view: str  # the class
    option: str = ""  # the field of PageOptions that opens the page


PAGES: tuple[PageEntry, ...] = (
    PageEntry("hand", "toy_net", "ToyNetPage", "toy_net"),
    PageEntry("backward", "backward", "BackwardPage"),
    PageEntry("weights", "weights", "WeightsPage"),
    PageEntry("series", "series", "SeriesPage"),
    PageEntry("padding", "padding", "PaddingPage"),
    PageEntry("net", "net", "NetPage"),
    PageEntry("clamp", "clamp", "ClampPage"),
    PageEntry("against", "compare_sentences", "CompareSentencesPage", "against"),
    PageEntry("units", "units", "UnitsPage"),
    PageEntry("reach", "reach", "ReachPage"),
    PageEntry("training", "training", "TrainingPage"),
    PageEntry("learning", "learning", "LearningPage"),
    PageEntry("lockstep", "compare_cells", "CompareCellsPage", "compare"),
    PageEntry("check", "check", "CheckPage"),
    PageEntry("scan", "scan", "ScanPage"),
    PageEntry("write", "writing", "WritingPage"),
)


def entry(name: str) -> PageEntry:
    """The entry of a page; raises KeyError for an unknown name."""
    return {e.name: e for e in PAGES}[name]


def load(name: str) -> type[Page]:
    """Import a page and return its class."""
    page = entry(name)
    view: type[Page] = getattr(import_module(f"{__name__}.{page.module}"), page.view)
    return view


def first_page(options: PageOptions) -> str:
    """The page that command-line options open; "" for the panels."""
    pages = {page.option: page.name for page in PAGES}
    return next((pages[option] for option in options.given), "")


def initial_states(options: PageOptions) -> dict[str, PageState]:
    """The states of pages that command-line options ask for, by page."""
    states = {}
    for page in PAGES:
        if page.option in options.given:
            state = load(page.name).initial_state(options)
            if state is not None:
                states[page.name] = state
    return states
