"""The actions of the dashboard; key bindings, help and palette are made from this table."""

from __future__ import annotations

from textual.binding import Binding

from rnnviz import i18n
from rnnviz.tui.step.actions import Action

#: The description of an action is the text ``dashboard_action.NAME``.
ACTIONS = (
    Action("step", ("s",), "step", "s"),
    Action("view", ("v",), "view", "v"),
    Action("language", ("L",), "language", "shift+l"),
    Action("theme", ("T",), "theme", "shift+t"),
    Action("screenshot", ("S",), "screenshot", "shift+s"),
    Action("stop", ("y",), "stop", "y"),
    Action("back", ("escape", "n"), "back", "esc"),
    Action("help", ("question_mark", "f1"), "help", "? F1"),
    Action("palette", ("ctrl+p",), "app.command_palette", "ctrl+p"),
    Action("leave", ("q",), "leave", "q"),
    Action("interrupt", ("ctrl+c",), "app.interrupt", "ctrl+c"),
)


def words(action: Action, lang: str) -> str:
    """The description of an action."""
    return i18n.text(f"dashboard_action.{action.name}", lang)


def bindings() -> list[Binding]:
    """The bindings of the screen; the app binds the key of the palette and ctrl+c."""
    return [
        Binding(",".join(a.keys), a.run, words(a, "en"), show=False, id=f"train_{a.name}")
        for a in ACTIONS
        if a.name not in ("palette", "interrupt")
    ]
