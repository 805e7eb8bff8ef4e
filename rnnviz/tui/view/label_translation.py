"""View states with labels in the language of the screen."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from rnnviz import i18n
from rnnviz.trace import Trace
from rnnviz.tui.view.view_state import ViewState


def localized(view_state: ViewState) -> ViewState:
    """The view state with translated labels; itself in English, the language of the labels."""
    return view_state if view_state.lang == "en" else _localized(view_state)


@lru_cache(maxsize=4)
def _localized(view_state: ViewState) -> ViewState:
    answers = {
        question: _trace(answer, view_state.lang) if isinstance(answer, Trace) else answer
        for question, answer in view_state.answers.items()
    }
    reaches = {
        model: replace(reach, title=i18n.cell_title(reach.title, view_state.lang))
        for model, reach in view_state.reaches.items()
    }
    trace = _trace(view_state.trace, view_state.lang)
    return replace(view_state, trace=trace, answers=answers, reaches=reaches)


@lru_cache(maxsize=128)
def _trace(trace: Trace, lang: str) -> Trace:
    # Cached: other caches use the trace itself as their key.
    return trace.localized(lang)
