"""The pages there are: each is one module here, loaded when it is first opened."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from rnnviz.tui.page import Page


@dataclass(frozen=True)
class Entry:
    """A page: its name (also of its module and its texts), its class, the key that opens it."""

    name: str
    view: str
    key: str  # as Textual names it
    shown: str


PAGES: tuple[Entry, ...] = (
    Entry("hand", "ByHand", "e", "e"),
    Entry("backward", "Backward", "B", "shift+b"),
    Entry("weights", "Weights", "w", "w"),
    Entry("series", "Series", "h", "h"),
    Entry("padding", "Padding", "i", "i"),
    Entry("net", "Net", "n", "n"),
    Entry("clamp", "ClampPage", "c", "c"),
    Entry("against", "Against", "a", "a"),
    Entry("units", "Units", "u", "u"),
    Entry("reach", "ReachPage", "R", "shift+r"),
    Entry("lockstep", "Lockstep", "k", "k"),
)


def entry(name: str) -> Entry:
    """The page of a name; KeyError if there is none."""
    return {e.name: e for e in PAGES}[name]


def load(name: str) -> type[Page]:
    """The class of a page."""
    module = import_module(f"{__name__}.{name}")
    found: type[Page] = getattr(module, entry(name).view)
    return found
