"""Tokens as drawings with little room write them."""

from __future__ import annotations

from collections.abc import Sequence

from rnnviz.display import visible
from rnnviz.trace import Trace
from rnnviz.tui.view.view_state import ViewState


def token_text(view_state: ViewState, t: int, room: int) -> str:
    """The token; a time without room for its date is shortened to the hour."""
    word = visible(view_state.trace.tokens[t])
    short = view_state.trace.series is not None and len(word) > room
    return word[-room:].split()[-1] if short else word


def typed_text(typed: str) -> str:
    """What was typed for a net that writes: nothing is a space, ``↵`` or ``\\n`` a new line."""
    return typed.replace("↵", "\n").replace("\\n", "\n").replace("␣", " ") or " "


def begins_with_mark(trace: Trace) -> bool:
    """Whether a net that writes read a mark before the text: a new line that is not typed."""
    return trace.head.writes and trace.tokens[0] == "\n" and not trace.text.startswith("\n")


def joined(trace: Trace, tokens: Sequence[str]) -> str:
    """Tokens like those of the trace as a text for its net: characters side by side."""
    characters = trace.head.writes and all(len(token) == 1 for token in trace.tokens)
    return ("" if characters else " ").join(tokens)
