"""A moment whose traces have their labels in the language of the screen."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from rnnviz.trace import Trace
from rnnviz.tui.view.view_state import ViewState


def localized(view_state: ViewState) -> ViewState:
    """The moment itself in English, which the labels of shipped models are written in."""
    return view_state if view_state.lang == "en" else _localized(view_state)


@lru_cache(maxsize=4)
def _localized(view_state: ViewState) -> ViewState:
    answers = {
        question: _trace(answer, view_state.lang) if isinstance(answer, Trace) else answer
        for question, answer in view_state.answers.items()
    }
    return replace(view_state, trace=_trace(view_state.trace, view_state.lang), answers=answers)


@lru_cache(maxsize=128)
def _trace(trace: Trace, lang: str) -> Trace:
    # One object for each trace: what is worked out for a trace is remembered by it.
    return trace.localized(lang)
