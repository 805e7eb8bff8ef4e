"""Predict mode in words: the title's badge, and the line above the keys."""

from __future__ import annotations

from dataclasses import replace

from rnnviz import i18n
from rnnviz.display import visible
from rnnviz.lessons.predictions import MarkedPrediction, Prediction, outcome, spoken, verdict
from rnnviz.tui.render.segments import cut
from rnnviz.tui.view import predict_mode
from rnnviz.tui.view.predict_mode import asks_what_was_seen, observed
from rnnviz.tui.view.predict_session import PredictQuestion
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.vote_state import answer_text

#: Columns of a word, and of a reason.
WORD, REASON = 16, 28

DIRECTIONS = ("rises", "stays", "falls")
SEEN = ("rose", "stayed", "fell")


def followed(before: ViewState, after: ViewState) -> ViewState:
    """The state after a change, with what predict mode hides and its notice."""
    if not (before.predictions.on or after.predictions.on or after.predictions.made):
        return after
    after = predict_mode.followed(before, after)
    return replace(after, notice=notice(after))


def badge(view_state: ViewState) -> str:
    """The mode and the score: "predict first · score 2/3"; "" while the mode is off."""
    session = view_state.predictions
    if not session.on:
        return ""
    key = "predict.badge_score" if session.score.asked else "predict.badge"
    return view_state.text(key, score=session.score)


def notice(view_state: ViewState) -> str:
    """What to press, what was predicted, or how far off it was; "" while the mode is off."""
    session = view_state.predictions
    if not session.on:
        return ""
    # The pane of the class says what its keys do, and what it said before is hidden meanwhile.
    voting = view_state.vote is not None and view_state.vote.is_going
    if view_state.part_hidden:
        return "" if voting else _before_reveal(view_state)
    told = [_told(view_state, q, m) for q, m in session.marked.items() if _is_here(view_state, q)]
    if told:
        told.append("" if voting else _seen(view_state))
        return " · ".join(text for text in told if text)
    if view_state.trace.head.writes:
        return view_state.text("predict.next_token" if view_state.hidden else "predict.end_token")
    return view_state.text("predict.next" if view_state.hidden else "predict.end")


def word_of(view_state: ViewState, t: int) -> str:
    """A token, safe to print."""
    return cut(visible(view_state.trace.tokens[t]), WORD)


def output_name(view_state: ViewState, label: int) -> str:
    """The name of an output: "p(positive)", or the column that is forecast."""
    head = view_state.trace.head
    name = visible(i18n.label(head.labels[label], view_state.lang))
    return name if head.is_number else view_state.text("view.believes", label=name)


def value_name(view_state: ViewState, question: PredictQuestion) -> str:
    """The name of a unit's value: "f[27]"."""
    return f"{view_state.trace.layers[question.layer].symbol(question.name)}[{question.unit}]"


def said(view_state: ViewState, question: PredictQuestion, made: Prediction) -> str:
    """A prediction before it is revealed: "it falls", "p(positive) .30", "f[27] .90"."""
    if question.topic == "direction":
        return view_state.text(f"predict.{DIRECTIONS[int(made.answer) - 1]}")
    if question.topic == "next":
        label = visible(view_state.trace.head.labels[int(made.answer) - 1])
        return view_state.text("predict.comes", next=label)
    if question.topic == "word":
        return view_state.text("predict.turns", word=word_of(view_state, int(made.answer) - 1))
    if question.topic == "value":
        return f"{value_name(view_state, question)} {spoken(made.answer)}"
    return f"{output_name(view_state, question.label)} {spoken(made.answer)}"


def _before_reveal(view_state: ViewState) -> str:
    session, word = view_state.predictions, word_of(view_state, view_state.cursor.t)
    here = session.at(view_state.query, view_state.cursor.t)
    made = {q: p for q, p in here.items() if isinstance(p, Prediction)}
    made |= {q: p for q, p in session.made.items() if _is_word(view_state, q)}
    if not made:
        key = "predict.hint_next" if view_state.trace.head.writes else "predict.hint"
        return view_state.text(key, word=word)
    texts = [said(view_state, q, p) for q, p in made.items()]
    why = [p.why for p in made.values() if p.why][-1:]
    texts += [view_state.text("predict.because", why=cut(visible(w), REASON)) for w in why]
    return answer_text(view_state, "predict.made", said=", ".join(texts))


def _is_word(view_state: ViewState, question: PredictQuestion) -> bool:
    return question.topic == "word" and question.query == view_state.query


def _is_here(view_state: ViewState, question: PredictQuestion) -> bool:
    if question.query != view_state.query:
        return False
    last = len(view_state.trace.tokens) - 1
    return view_state.cursor.t == (last if question.topic == "word" else question.t)


def _told(view_state: ViewState, question: PredictQuestion, marked: MarkedPrediction) -> str:
    """How far off a prediction was: "you .30, the net .18: .12 too high · wrong (±.1)"."""
    names: tuple[str, ...] = ()
    lead = ""
    if question.topic == "direction":
        names = tuple(view_state.text(f"predict.{name}") for name in DIRECTIONS)
    elif question.topic == "next":
        names = tuple(f"“{visible(label)}”" for label in view_state.trace.head.labels)
    elif question.topic == "word":
        names = tuple(cut(visible(token), WORD) for token in view_state.trace.tokens)
        lead = view_state.text("predict.which") + " "
    elif question.topic == "value":
        lead = f"{value_name(view_state, question)}: "
    lang, of_class = view_state.lang, view_state.vote is not None
    told = outcome(marked, lang, names, of_class=of_class)
    return f"{lead}{told} · {verdict(marked, lang)}"


def _seen(view_state: ViewState) -> str:
    """The question what was seen, or whether what was seen is right; "" if it was skipped."""
    if asks_what_was_seen(view_state):
        return view_state.text("predict.ask_seen")
    t = view_state.cursor.t
    seen = view_state.predictions.seen.get((view_state.query, t), 0)
    if not seen:
        return ""
    right = observed(view_state, t, view_state.shown_class())
    key = "predict.seen_right" if seen == right else "predict.seen_wrong"
    now = "" if right is None else view_state.text(f"predict.{SEEN[right - 1]}")
    then = view_state.text(f"predict.{SEEN[seen - 1]}")
    return answer_text(view_state, key, seen=then, right=now)
