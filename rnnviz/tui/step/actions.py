"""Every action once: its name, its keys, what it runs. Keys, help and palette are made from it.

Keys are plain on a Turkish Q keyboard: arrows, space, enter, digits, letters, comma, full stop.
"""

from __future__ import annotations

from dataclasses import dataclass

from textual.binding import Binding

from rnnviz import i18n
from rnnviz.tui.pages import PAGES


@dataclass(frozen=True)
class Action:
    """One thing a user can do; its words are the text ``action.NAME``."""

    name: str
    keys: tuple[str, ...]
    run: str  # of the screen, or of the app with ``app.``
    shown: str  # how its keys are written


ACTIONS = (
    Action("token_on", ("right",), "token(1)", "→"),
    Action("token_back", ("left",), "token(-1)", "←"),
    Action("part_on", ("full_stop",), "part(1)", "."),
    Action("part_back", ("comma",), "part(-1)", ","),
    Action("unit_up", ("up",), "unit(-1)", "↑"),
    Action("unit_down", ("down",), "unit(1)", "↓"),
    Action("first", ("home",), "edge(0)", "home"),
    Action("last", ("end",), "edge(1)", "end"),
    Action("play", ("space",), "play", "space"),
    Action("faster", ("f", "plus"), "speed(1)", "f +"),
    Action("slower", ("d", "minus"), "speed(-1)", "d -"),
    Action("zoom_in", ("enter",), "zoom(1)", "enter"),
    Action("zoom_out", ("escape",), "zoom(-1)", "esc"),
    Action("view", ("v",), "view", "v"),
    *(Action(f"cell_{n}", (str(n),), f"cell({n - 1})", str(n)) for n in range(1, 10)),
    Action("sentence", ("t",), "sentence", "t"),
    Action("backward", ("b",), "backward", "b"),
    Action("reach", ("r",), "reach", "r"),
    Action("predict", ("p",), "predict", "p"),
    Action("layer", ("l",), "layer", "l"),
    Action("language", ("L",), "language", "shift+l"),
    Action("theme", ("T",), "theme", "shift+t"),
    Action("screenshot", ("s",), "screenshot('svg')", "s"),
    Action("textshot", ("S",), "screenshot('txt')", "shift+s"),
    *(Action(f"page_{e.name}", (e.key,), f"page('{e.name}')", e.shown) for e in PAGES),
    Action("beside", ("A",), "beside", "shift+a"),
    Action("help", ("question_mark", "f1"), "help", "? F1"),
    Action("palette", ("ctrl+p",), "app.command_palette", "ctrl+p"),
    Action("quit", ("q",), "quit", "q"),
)


def words(action: Action, lang: str, models: tuple[str, ...] = ()) -> str:
    """What an action does, in words."""
    key = f"action.{action.name}"
    if action.name.startswith("page_"):
        return i18n.text(f"page.{action.name.removeprefix('page_')}.action", lang)
    if action.name.startswith("cell_"):
        at = int(action.name[-1]) - 1
        return i18n.text("action.cell", lang, model=models[at] if at < len(models) else "–")
    return i18n.text(key, lang)


def offered(models: tuple[str, ...]) -> tuple[Action, ...]:
    """The actions that can do something: a cell key needs a model behind it."""
    return tuple(
        a for a in ACTIONS if not a.name.startswith("cell_") or int(a.name[-1]) <= len(models)
    )


def bindings() -> list[Binding]:
    """The screen's bindings; the palette's own key is bound by the app."""
    return [
        Binding(",".join(a.keys), a.run, a.name, show=False, id=a.name)
        for a in ACTIONS
        if a.name != "palette"
    ]
