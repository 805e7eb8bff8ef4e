"""Go on from here: the next sentence begins in the states after the current token."""

from __future__ import annotations

from dataclasses import replace

from rnnviz.trace.states import last_states
from rnnviz.tui.view.page import Change, Prompt
from rnnviz.tui.view.view_state import ViewState


def prompt(view_state: ViewState) -> Prompt:
    """The line to type the next sentence into."""
    word = view_state.trace.tokens[view_state.cursor.t]
    return Prompt(view_state.text("continue.type", word=word), change)


def change(view_state: ViewState, typed: str) -> Change:
    """The query of the next sentence; a message for a net that goes through a text at once."""
    query, trace = view_state.latest_query, view_state.trace
    if trace.series is not None or query.hand is not None:
        return Change(message=view_state.text("continue.not_here"), failed=True)
    if not typed.strip():
        return Change(message=view_state.text("status.empty"), failed=True)
    states = last_states(trace, view_state.cursor.t)
    if not states:
        return Change(message=view_state.text("continue.backward"), failed=True)
    return Change(query=replace(query, text=typed, initial=states))
