"""Help: every key of the dashboard, and how to read every panel."""

from __future__ import annotations

from rich.text import Text

from rnnviz.tui.dashboard.actions import ACTIONS, words
from rnnviz.tui.dashboard.board import Board
from rnnviz.tui.render.theme import ASCII

PANELS = ("loss", "metric", "norms", "epochs")


def page(board: Board) -> Text:
    """The help text in the chosen language."""
    look, say = board.theme, board.text
    pieces = [
        (say("dashboard_help.title") + "\n", look.bold),
        (say("help.leave") + "\n\n", look.dim),
        (say("dashboard_help.idea") + "\n\n", look.ink),
        (say("help.keys") + "\n", look.bold),
    ]
    for action in ACTIONS:
        pieces.append((f"  {action.shown:<9}", look.key))
        pieces.append((words(action, board.lang) + "\n", look.ink))
    pieces.append(("\n" + say("help.panels") + "\n", look.bold))
    for name in PANELS:
        pieces.append((f"\n{say(f'dashboard.panel_{name}')}\n", look.source))
        pieces.append((_about(board, name) + "\n", look.ink))
    text = Text()
    for piece, style in pieces:
        text.append(piece.translate(ASCII) if look.ascii else piece, style)
    return text


def _about(board: Board, panel: str) -> str:
    """How to read a panel; of the curves also which weights are kept, as soon as that is known."""
    said, begun = board.text(f"dashboard_help.{panel}"), board.story.begun
    if panel == "metric" and begun is not None:
        said += " " + board.text(f"dashboard_help.keep_{begun.keep}")
    return said
