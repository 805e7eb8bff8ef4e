"""Predict mode: what is hidden as the cursor moves, what can be predicted, and what is marked.

Pure functions on view states. While the mode is on, everything from the current part on is hidden.
A token that has been revealed stays known when the cursor goes back to it.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from rnnviz.analysis.turning_token import STAYS, direction, output_before, turning_token
from rnnviz.cursor import part_of
from rnnviz.lessons.predictions import WITHIN, AnswerKey, MarkedPrediction, Prediction
from rnnviz.tui.view.lesson_state import answered_output
from rnnviz.tui.view.predict_first import without_answer
from rnnviz.tui.view.predict_session import PredictQuestion, PredictSession
from rnnviz.tui.view.view_state import ViewState, scale

# -- what is hidden -------------------------------------------------------------------------------


def followed(before: ViewState, after: ViewState) -> ViewState:
    """The state after a change, with what predict mode hides, and with predictions marked."""
    if after.predictions.on:
        after = _hidden(before, after)
    elif before.predictions.on:
        part = len(after.layer.parts) - 1 if before.part_hidden else after.cursor.part
        cursor = replace(after.cursor, part=part)
        after = replace(after, cursor=cursor, hidden=False, revealed=False)
    return settled(after)


def _hidden(before: ViewState, after: ViewState) -> ViewState:
    session, cursor, order = after.predictions, after.cursor, after.layer.order
    at, last = order.index(cursor.t), len(after.layer.parts) - 1
    begun = not before.predictions.on
    # What has been revealed says nothing about another trace, or about another layer.
    read = [now.trace.source or now.trace for now in (before, after)]  # in any notation
    other = begun or read[0] is not read[1] or cursor.layer != before.cursor.layer
    frontier = at if other else max(session.frontier, at)
    revealed = at < frontier
    if begun:
        # The current token is usually shown as a whole; of a part in its middle the rest is hidden.
        part = 0 if cursor.part == last else cursor.part
    elif other or cursor.t != before.cursor.t:
        part = last if revealed else 0
    else:
        part = cursor.part
    whole = frontier == len(order) and order[-1] == len(order) - 1
    return replace(
        after,
        cursor=replace(cursor, part=part),
        hidden=not whole,
        revealed=revealed,
        predictions=replace(session, frontier=frontier),
    )


def revealed(view_state: ViewState) -> ViewState:
    """The state with the current token revealed to its last part."""
    at = view_state.layer.order.index(view_state.cursor.t)
    cursor = replace(view_state.cursor, part=len(view_state.layer.parts) - 1)
    session = replace(view_state.predictions, frontier=at + 1)
    return replace(view_state, cursor=cursor, predictions=session)


# -- what can be predicted ------------------------------------------------------------------------


def questions(view_state: ViewState) -> list[PredictQuestion]:
    """What can be predicted at the cursor: only what is hidden, and has not been marked."""
    if not view_state.part_hidden:
        return []
    seen, query, cursor = without_answer(view_state), view_state.query, view_state.cursor
    t, label = cursor.t, seen.shown_class()
    found = []
    writes, last = view_state.trace.head.writes, len(view_state.trace.tokens) - 1
    if writes:
        found += [PredictQuestion(query, "next", t)] if t < last else []
    elif not view_state.prediction_known(t):
        if output_before(seen.trace, t, label) is not None:
            found.append(PredictQuestion(query, "direction", t, label))
        found.append(PredictQuestion(query, "output", t, label))
    if view_state.trace.series is None and not writes and t < last:
        found.append(_word_question(view_state, PredictQuestion(query, "word", t, label)))
    names = [name for name in view_state.quantities if scale(seen.layer, name)[0]]
    for name in names or [view_state.layer.states[0]]:
        if part_of(view_state.layer, name) >= cursor.part:
            found.append(
                PredictQuestion(
                    query, "value", t, 0, cursor.layer, cursor.unit, name, view_state.notation
                )
            )  # fmt: skip
    return [question for question in found if question not in view_state.predictions.marked]


def _word_question(view_state: ViewState, new: PredictQuestion) -> PredictQuestion:
    """The question for the word that turns the prediction: the one already answered, or a new."""
    asked = (q for q in view_state.predictions.made if (q.query, q.topic) == (new.query, "word"))
    return next(asked, new)


def within(view_state: ViewState) -> float:
    """The error that counts as right: .1; for a series a tenth of its standard deviation."""
    series = view_state.trace.series
    if series is None:
        return WITHIN
    tenth = WITHIN * series.std[series.target]
    return round(tenth, -math.floor(math.log10(tenth))) if tenth > 0 else WITHIN


def stays(view_state: ViewState) -> float:
    """The change from which on the output rises or falls."""
    return STAYS if view_state.trace.series is None else within(view_state) / 2


def limits(view_state: ViewState, question: PredictQuestion) -> tuple[float, float] | None:
    """The least and the largest number that the answer can be; None if any."""
    if question.topic == "output":
        return None if view_state.trace.head.is_number else (0.0, 1.0)
    return (0.0, 1.0) if scale(view_state.layer, question.name)[0] else None


# -- what is right --------------------------------------------------------------------------------


def is_known(view_state: ViewState, question: PredictQuestion) -> bool:
    """Whether the answer is on the screen."""
    if question.query != view_state.query:
        return False
    if question.topic == "value":
        here = (view_state.cursor.layer, view_state.notation)
        return (question.layer, question.notation) == here and view_state.known(
            question.t, question.name
        )
    last = len(view_state.trace.tokens) - 1
    return view_state.prediction_known(last if question.topic == "word" else question.t)


def answer(view_state: ViewState, question: PredictQuestion) -> AnswerKey:
    """What is right; the trace has to be that of the question."""
    trace, t, label = view_state.trace, question.t, question.label
    if question.topic == "value":
        values = trace.layers[question.layer].values[question.name]
        return AnswerKey("number", float(values[t, question.unit]), WITHIN)
    if question.topic == "next":
        return AnswerKey("choice", trace.ids[t + 1] + 1)
    if question.topic == "word":
        return AnswerKey("word", turning_token(trace, label, t) + 1)
    if question.topic == "direction":
        return AnswerKey("choice", observed(view_state, t, label) or 0)
    return AnswerKey("number", float(view_state.readout[t, label]), within(view_state))


def observed(view_state: ViewState, t: int, label: int) -> int | None:
    """1 the output rose at token t, 2 it stayed, 3 it fell; None if nothing is before it."""
    before = before_token(view_state, t, label)
    if before is None:
        return None
    return direction(before, float(view_state.readout[t, label]), stays(view_state))


def before_token(view_state: ViewState, t: int, label: int) -> float | None:
    """The output before token t, as the screen shows it."""
    value, series = output_before(view_state.trace, t, label), view_state.trace.series
    if value is None or series is None:
        return value
    return float(np.asarray(series.restored(value)))


def settled(view_state: ViewState) -> ViewState:
    """The state with every prediction marked whose answer is on the screen."""
    session = view_state.predictions
    for question, made in session.made.items():
        if is_known(view_state, question):
            mark = MarkedPrediction(made, answer(view_state, question))
            session = session.with_mark(question, mark)
    changed = session is not view_state.predictions
    return replace(view_state, predictions=session) if changed else view_state


# -- what was seen --------------------------------------------------------------------------------


def asks_what_was_seen(view_state: ViewState) -> bool:
    """Whether "what did you see?" waits for an answer: something here was predicted and shown."""
    session, t = view_state.predictions, view_state.cursor.t
    if not session.on or view_state.part_hidden or (view_state.query, t) in session.seen:
        return False
    if view_state.trace.head.writes:
        return False  # what came is in the text
    outputs = [q for q in session.at(view_state.query, t) if q in session.marked]
    label = view_state.shown_class()
    return bool(outputs) and observed(view_state, t, label) is not None


def with_seen(view_state: ViewState, seen: int) -> PredictSession:
    """The predictions with what was seen at the cursor; 0 if the question was skipped."""
    session, place = view_state.predictions, (view_state.query, view_state.cursor.t)
    return replace(session, seen={**session.seen, place: seen})


# -- marks beside the curve -----------------------------------------------------------------------


def committed_levels(view_state: ViewState, t: int) -> list[tuple[float, int]]:
    """Where marks stand beside the output of token t: (level, 0 for a number or the direction).

    A number stands at its own level, a direction at the output before the token.
    """
    session, answered = view_state.predictions, answered_output(view_state, t)
    found = [] if answered is None else [(answered, 0)]
    if not session.on or not (session.made or session.marked):
        return found
    k = view_state.shown_class()
    for question, prediction in session.at(view_state.query, t).items():
        if question.label != k or question.topic in ("value", "next"):
            continue
        if question.topic == "output":
            found.append((made_of(prediction).answer, 0))
        elif (before := before_token(view_state, t, k)) is not None:
            found.append((before, int(made_of(prediction).answer)))
    return found


def turning_word(view_state: ViewState) -> int | None:
    """The token that was said to turn the prediction; None if none was."""
    session = view_state.predictions
    if not session.on:
        return None
    every: dict[PredictQuestion, Prediction | MarkedPrediction] = {**session.marked, **session.made}
    for question, prediction in every.items():
        if question.query == view_state.query and question.topic == "word":
            return int(made_of(prediction).answer) - 1
    return None


def made_of(prediction: Prediction | MarkedPrediction) -> Prediction:
    """What was committed to."""
    return prediction if isinstance(prediction, Prediction) else prediction.prediction
