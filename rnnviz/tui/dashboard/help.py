"""The help text of the dashboard."""

from __future__ import annotations

from rich.text import Text

from rnnviz.tui.dashboard.panel import DashboardState
from rnnviz.tui.keymap import DASHBOARD
from rnnviz.tui.render.theme import ASCII

PANELS = ("loss", "metric", "norms", "epochs")


def page(state: DashboardState) -> Text:
    """All keys, and how to read each panel, in the language of the state."""
    theme, say = state.theme, state.text
    pieces = [
        (say("dashboard_help.title") + "\n", theme.bold),
        (say("help.leave") + "\n\n", theme.dim),
        (say("dashboard_help.idea") + "\n\n", theme.ink),
        (say("help.keys") + "\n", theme.bold),
    ]
    for action in map(state.keymap.__getitem__, DASHBOARD):
        pieces.append((f"  {action.shown:<9}", theme.key))
        words = state.keymap.words(action, state.lang, context="dashboard")
        pieces.append((words + "\n", theme.ink))
    pieces.append(("\n" + say("help.panels") + "\n", theme.bold))
    for name in PANELS:
        pieces.append((f"\n{say(f'dashboard.panel_{name}')}\n", theme.source))
        pieces.append((_about(state, name) + "\n", theme.ink))
    text = Text()
    for piece, style in pieces:
        text.append(piece.translate(ASCII) if theme.ascii else piece, style)
    return text


def _about(state: DashboardState, panel: str) -> str:
    """How to read a panel; for the metric also which weights are saved, once that is known."""
    text, started = state.text(f"dashboard_help.{panel}"), state.progress.started
    if panel == "metric" and started is not None:
        text += " " + state.text(f"dashboard_help.keep_{started.keep}")
    return text
