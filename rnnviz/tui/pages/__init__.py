"""The pages there are: each is one module here, loaded when it is first opened."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from rnnviz.tui.view.page import Page


@dataclass(frozen=True)
class PageEntry:
    """A page: its name (also of its module and its texts), its class, the key that opens it."""

    name: str
    view: str
    key: str  # as Textual names it
    shown: str


PAGES: tuple[PageEntry, ...] = (
    PageEntry("hand", "ToyNetPage", "e", "e"),
    PageEntry("backward", "BackwardPage", "B", "shift+b"),
    PageEntry("weights", "WeightsPage", "w", "w"),
    PageEntry("series", "SeriesPage", "h", "h"),
    PageEntry("padding", "PaddingPage", "i", "i"),
    PageEntry("net", "NetPage", "n", "n"),
    PageEntry("clamp", "ClampPage", "c", "c"),
    PageEntry("against", "AgainstPage", "a", "a"),
    PageEntry("units", "UnitsPage", "u", "u"),
    PageEntry("reach", "ReachPage", "R", "shift+r"),
    PageEntry("lockstep", "LockstepPage", "k", "k"),
)


def entry(name: str) -> PageEntry:
    """The page of a name; KeyError if there is none."""
    return {e.name: e for e in PAGES}[name]


def load(name: str) -> type[Page]:
    """The class of a page."""
    module = import_module(f"{__name__}.{name}")
    found: type[Page] = getattr(module, entry(name).view)
    return found
