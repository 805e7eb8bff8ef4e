"""Another notation for a view state: its trace and its answers are re-expressed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rnnviz.equations import NOTATIONS, notation_title
from rnnviz.lessons.predictions import Prediction
from rnnviz.trace import Trace
from rnnviz.trace.notation import in_notation, is_turned
from rnnviz.tui.view.predict_session import PredictQuestion
from rnnviz.tui.view.view_state import ViewState


def with_next_notation(view_state: ViewState) -> dict[str, Any]:
    """The changes of the view state, with a message; only a message for a net by hand."""
    if view_state.trace.hand is not None:
        return {"status": view_state.text("status.own_symbols"), "failed": True}
    at = (NOTATIONS.index(view_state.notation) + 1) % len(NOTATIONS)
    return with_notation(view_state, NOTATIONS[at])


def with_notation(view_state: ViewState, name: str) -> dict[str, Any]:
    """The changes of the view state to a notation, with a message."""
    trace = in_notation(view_state.trace, name)
    answers = {
        question: in_notation(answer, name) if isinstance(answer, Trace) else answer
        for question, answer in view_state.answers.items()
    }
    predictions = view_state.predictions
    made = {
        question: _turned_prediction(view_state.trace, trace, question, prediction)
        for question, prediction in predictions.made.items()
    }
    key = "turned" if is_turned(trace.layers[view_state.cursor.layer]) else "notation"
    status = view_state.text(f"status.{key}", name=notation_title(name))
    return {
        "notation": name, "trace": trace, "answers": answers, "status": status, "failed": False,
        "predictions": replace(predictions, made=made),
    }  # fmt: skip


def _turned_prediction(
    before: Trace, after: Trace, question: PredictQuestion, prediction: Prediction
) -> Prediction:
    """A predicted z in the other notation, so that it is compared with the number it was made for.

    One that has been marked stays as it is, with its mark.
    """
    if question.name != "z" or question.layer >= len(after.layers):
        return prediction
    if is_turned(before.layers[question.layer]) == is_turned(after.layers[question.layer]):
        return prediction
    return replace(prediction, answer=1 - float(prediction.answer))
