"""The actions of the step screen; key bindings, help and palette are made from this table.

All keys need no modifier other than shift on a Turkish Q keyboard: arrows, space, enter, digits,
letters, comma, full stop.
"""

from __future__ import annotations

from dataclasses import dataclass

from textual.binding import Binding

from rnnviz import i18n
from rnnviz.tui.pages import PAGES


@dataclass(frozen=True)
class Action:
    """An action; its description is the text ``action.NAME``."""

    name: str
    keys: tuple[str, ...]
    run: str  # Textual's action string
    shown: str  # the keys as text


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
    """The description of an action; ``models`` are those of the digit keys."""
    key = f"action.{action.name}"
    if action.name.startswith("page_"):
        return i18n.text(f"page.{action.name.removeprefix('page_')}.action", lang)
    if action.name.startswith("cell_"):
        at = int(action.name[-1]) - 1
        return i18n.text("action.cell", lang, model=models[at] if at < len(models) else "–")
    return i18n.text(key, lang)


def offered(models: tuple[str, ...]) -> tuple[Action, ...]:
    """The available actions: a digit key needs a model."""
    return tuple(
        a for a in ACTIONS if not a.name.startswith("cell_") or int(a.name[-1]) <= len(models)
    )


def bindings() -> list[Binding]:
    """The bindings of the screen; the app binds the key of the palette."""
    return [
        Binding(",".join(a.keys), a.run, a.name, show=False, id=a.name)
        for a in ACTIONS
        if a.name != "palette"
    ]
