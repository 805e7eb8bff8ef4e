"""The sections of the dashboard's help."""

from __future__ import annotations

from rnnviz.tui.app.help_screen import HelpSection
from rnnviz.tui.dashboard.panel import DashboardState
from rnnviz.tui.keymap import DASHBOARD

PANELS = ("loss", "metric", "sentence", "norms", "epochs")


def sections(state: DashboardState) -> list[HelpSection]:
    """What a training is, all keys, and how to read each panel, in the language of the state."""
    say, keymap = state.text, state.keymap
    panels = [
        HelpSection(say(f"dashboard.panel_{name}"), (("", _about(state, name)),)) for name in PANELS
    ]
    idea = HelpSection(say("dashboard_help.title"), (("", say("dashboard_help.idea")),))
    actions = map(keymap.__getitem__, DASHBOARD)
    keys = tuple((a.shown, keymap.words(a, state.lang, context="dashboard")) for a in actions)
    return [idea, HelpSection(say("help.keys"), keys), *panels]


def _about(state: DashboardState, panel: str) -> str:
    """How to read a panel; for the metric also which weights are saved, once that is known."""
    text, started = state.text(f"dashboard_help.{panel}"), state.progress.started
    if panel == "metric" and started is not None:
        text += " " + state.text(f"dashboard_help.keep_{started.keep}")
    return text
