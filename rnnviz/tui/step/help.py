"""The sections of the step screen's help; what one is looking at comes first."""

from __future__ import annotations

from collections.abc import Iterator

from rnnviz.display import visible
from rnnviz.messages import translated
from rnnviz.tui.app.help_screen import HelpSection
from rnnviz.tui.keymap import PAGE_ACTION_KEYS, Action, localized_key, step_actions
from rnnviz.tui.pages import PAGES, PageEntry, load
from rnnviz.tui.view.page import Page
from rnnviz.tui.view.view_state import ViewState

#: The panels, and the zoom level at which each is what one looks at.
PANELS = {
    "sentence": "sentence", "heatmap": "sentence", "cell": "cell", "equation": "equation",
    "backward": "equation", "reach": "", "weights": "",
}  # fmt: skip


def sections(view_state: ViewState) -> list[HelpSection]:
    """The open page or the panels of the zoom level, the keys, then all others."""
    name, zoom = view_state.page, view_state.cursor.zoom
    pages = [_page(view_state, entry, own=entry.name == name) for entry in PAGES]
    panels = [_panel(view_state, panel) for panel in PANELS]
    first = [s for s, entry in zip(pages, PAGES, strict=True) if entry.name == name]
    if not name:
        first = [s for s, own in zip(panels, PANELS.values(), strict=True) if own == zoom]
    idea = HelpSection(view_state.text("help.title"), (("", view_state.text("help.idea")),))
    every = tuple(step_actions(view_state.keymap, view_state.others))
    keys = [action for action in every if action.name not in PAGE_ACTION_KEYS]
    of_pages = [action for action in every if action.name in PAGE_ACTION_KEYS]
    return [
        *first,
        *_assumptions(view_state),
        idea,
        HelpSection(view_state.text("help.keys"), tuple(_keys(view_state, keys))),
        HelpSection(view_state.text("help.page_keys"), tuple(_keys(view_state, of_pages))),
        *(section for section in (*panels, *pages) if section not in first),
    ]


def _assumptions(view_state: ViewState) -> Iterator[HelpSection]:
    """What was assumed about the file of the model; the texts are those of the import."""
    found = view_state.trace.assumptions
    if found:
        title = view_state.text("help.assumptions", count=len(found))
        yield HelpSection(
            title, tuple(("", visible(translated(each, view_state.lang))) for each in found)
        )


def _keys(view_state: ViewState, actions: list[Action]) -> Iterator[tuple[str, str]]:
    lang, keymap = view_state.lang, view_state.keymap
    for action in actions:
        shown = " ".join(localized_key(key, lang) for key in action.keys)
        yield shown, keymap.words(action, lang, view_state.others)


def _panel(view_state: ViewState, name: str) -> HelpSection:
    say = view_state.text
    title = say(f"panel.{name}") if name != "heatmap" else " ".join(view_state.quantities)
    return HelpSection(f"{title} · {say(f'question.{name}')}", (("", say(f"help.{name}")),))


def _page(view_state: ViewState, entry: PageEntry, *, own: bool) -> HelpSection:
    """How to read a page; with its keys if it is open."""

    def say(key: str) -> str:
        return view_state.text(f"page.{entry.name}.{key}")

    page = load(entry.name) if own else Page
    rows = [("", text) for key in page.help_texts(view_state) if (text := say(key))]
    if own:
        actions = [view_state.keymap[name] for name in page.available(view_state)]
        rows = [*_keys(view_state, actions), *rows]
    key = view_state.keymap.key(f"page_{entry.name}")
    return HelpSection(f"{say('title')} [{key}] · {say('question')}", tuple(rows))
