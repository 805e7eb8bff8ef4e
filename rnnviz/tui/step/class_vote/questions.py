"""The questions of lessons and of predict mode as a class is asked them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from rnnviz.errors import RnnvizError
from rnnviz.events import BallotEvent
from rnnviz.i18n import LANGUAGES
from rnnviz.lessons.lesson import QuestionKind, Step
from rnnviz.lessons.predictions import AnswerKey, Prediction
from rnnviz.tui.view import predict_mode
from rnnviz.tui.view.lesson_state import place_cursor, with_open_question
from rnnviz.tui.view.predict_first import without_answer
from rnnviz.tui.view.predict_notice import DIRECTIONS, SEEN, output_name, value_name, word_of
from rnnviz.tui.view.predict_session import PredictQuestion
from rnnviz.tui.view.view_state import ViewState

if TYPE_CHECKING:
    from rnnviz.tui.step.screen import StepScreen

#: The likeliest next tokens to choose from.
CHOICES = 5
#: Characters of what stands for a question in the results.
_NAME = 60


@dataclass(frozen=True)
class ClassQuestion:
    """A question to a class.

    ``t`` and ``is_direction`` as in VoteState. ``find_key`` gives what is right, if ``slow`` in a
    thread. ``is_over``: the screen has gone on, so that no vote may be open. ``is_known``: the
    screen shows what is right. ``is_past``: what was answered is about something else than what
    the screen shows. ``commit`` takes what the class says as the answer; None: nothing.
    """

    ballot: BallotEvent
    find_key: Callable[[], AnswerKey | None]
    commit: Callable[[float | None], None]
    is_over: Callable[[ViewState], bool]
    is_known: Callable[[ViewState], bool]
    is_past: Callable[[ViewState], bool]
    t: int = -1
    is_direction: bool = False
    slow: bool = False

    @property
    def id(self) -> str:
        """The question's id."""
        return self.ballot.question


# -- lessons --------------------------------------------------------------------------------------


def lesson_question(screen: StepScreen) -> ClassQuestion | None:
    """The open question of the lesson; None without one, or while its text is being read."""
    view_state = screen.view_state
    state = view_state.lesson
    if state is None or state.player.phase != "ask" or not state.player.can_answer:
        return None
    player = state.player
    step, question = player.step, player.step.question
    if question is None or player.scene.query != view_state.query:
        return None
    of_curve = question.kind == "number" and question.of.startswith("p(")
    bounded = of_curve and not view_state.trace.head.is_number
    name = output_name(view_state, view_state.shown_class())
    texts = {
        lang: {"said": each.say, "options": _options(each), "curve": name}
        for lang, each in _translations(screen, step).items()
    }
    # A question that was open when the class began is on the screen before its place is.
    place = place_cursor(player.scene.place, view_state.trace, view_state)
    known = curve(with_open_question(replace(view_state, cursor=place))) if of_curve else ()
    t = min(len(known), len(view_state.trace.tokens) - 1)
    ballot = BallotEvent(
        step.id, 1, question.kind, texts, tuple(view_state.trace.tokens), 1,
        known, 0.0 if bounded else None, 1.0 if bounded else None, question.why, player.lesson.id,
    )  # fmt: skip

    def is_over(now: ViewState) -> bool:
        at = None if now.lesson is None else now.lesson.player
        return at is None or at.step.id != step.id or at.phase not in ("ask", "committed")

    def is_known(now: ViewState) -> bool:
        return now.lesson is not None and step.id in now.lesson.player.revealed

    def is_past(now: ViewState) -> bool:
        return is_over(now) and is_known(now) and (
            now.lesson is None or now.lesson.player.step.id != step.id
        )  # fmt: skip

    return ClassQuestion(
        ballot, partial(screen.lesson.answers.answer_key, step),
        partial(screen.lesson.answer, step.id), is_over, is_known, is_past,
        t if of_curve else -1, slow=bool(question.of),
    )  # fmt: skip


def _options(step: Step) -> list[str]:
    return [] if step.question is None else list(step.question.options)


def _form(step: Step) -> tuple[object, ...]:
    """What of a question has to be the same in all languages."""
    asked = step.question
    return () if asked is None else (asked.kind, len(asked.options), asked.right, asked.of)


def _translations(screen: StepScreen, step: Step) -> dict[str, Step]:
    """The step in every language that has the same question; the language of the screen first.

    A lesson may read another text with another net in another language, and ask something else.
    """
    lang, session = screen.view_state.lang, screen.lesson.session
    found = {lang: step}
    for other in LANGUAGES:
        if other == lang or session is None:
            continue
        try:
            lesson = session.read(other)
        except (OSError, RnnvizError):
            continue
        same = lesson.steps[lesson.index(step.id)]
        if (same.id, same.query) == (step.id, step.query) and _form(same) == _form(step):
            found[other] = same
    return found


def curve(view_state: ViewState) -> tuple[float, ...]:
    """The outputs that are on the screen, from the first token on."""
    if view_state.trace.head.writes:
        return ()
    k, known = view_state.shown_class(), []
    for t in range(len(view_state.trace.tokens)):
        if not view_state.prediction_known(t):
            break
        known.append(round(float(view_state.readout[t, k]), 4))
    return tuple(known)


# -- predict mode ---------------------------------------------------------------------------------


def predict_question(screen: StepScreen, asked: PredictQuestion) -> ClassQuestion:
    """A question of predict mode."""
    view_state = screen.view_state
    choices: Sequence[int] = _likeliest(view_state, asked.t) if asked.topic == "next" else ()
    limits = predict_mode.limits(view_state, asked) if asked.topic in ("output", "value") else None
    texts: dict[str, object] = {}
    for lang in _languages(screen):
        texts[lang] = _texts(replace(view_state, lang=lang), asked, choices)
    kind: QuestionKind = "choice" if asked.topic in ("direction", "next") else "number"
    kind = "word" if asked.topic == "word" else kind
    ballot = BallotEvent(
        _id(view_state, asked), 1, kind,
        texts,
        tuple(view_state.trace.tokens), asked.t + 1,
        curve(without_answer(view_state)) if asked.topic != "value" else (),
        None if limits is None else limits[0], None if limits is None else limits[1],
        True, f"{view_state.trace.model}: {view_state.query.text}"[:200],
    )  # fmt: skip

    def find_key() -> AnswerKey | None:
        now = screen.view_state
        if now.query != asked.query:
            return None
        key = predict_mode.answer(now, asked)
        if not choices:
            return key
        token = int(key.right) - 1
        return replace(key, right=choices.index(token) + 1.0 if token in choices else 0.0)

    def commit(value: float | None) -> None:
        if value is None:
            return
        answer = value if not choices else choices[int(value) - 1] + 1.0
        session = screen.view_state.predictions.committed(asked, Prediction(answer))
        screen.show(predictions=session, status="", failed=False)

    def is_known(now: ViewState) -> bool:
        return predict_mode.is_known(now, asked)

    def is_over(now: ViewState) -> bool:
        return not now.predictions.on or now.query != asked.query or is_known(now)

    def is_past(now: ViewState) -> bool:
        return not now.predictions.on or now.query != asked.query or now.cursor.t != asked.t

    of_curve = asked.topic in ("direction", "output")
    return ClassQuestion(
        ballot, find_key, commit, is_over, is_known, is_past, asked.t if of_curve else -1,
        asked.topic == "direction",
    )  # fmt: skip


def _languages(screen: StepScreen) -> list[str]:
    lang = screen.view_state.lang
    return [lang, *(other for other in LANGUAGES if other != lang)]


def _id(view_state: ViewState, asked: PredictQuestion) -> str:
    """What stands for the question in the results: "4 not direction"."""
    what = f"{asked.name}[{asked.unit}]" if asked.topic == "value" else asked.topic
    return f"{asked.t + 1} {view_state.trace.tokens[asked.t]} {what}"[:_NAME]


def _texts(
    view_state: ViewState, asked: PredictQuestion, choices: Sequence[int]
) -> dict[str, object]:
    """What a phone says in the language of a view state."""
    say, name = view_state.text, output_name(view_state, asked.label)
    word = word_of(view_state, asked.t)
    options: list[str] = []
    if asked.topic == "direction":
        before = predict_mode.before_token(view_state, asked.t, asked.label)
        now = "" if before is None else f"{before:.2f}"
        said = say("predict.title_before", word=word, name=name, before=now)
        options = [say(f"predict.{each}") for each in DIRECTIONS]
    elif asked.topic == "next":
        said = say("predict.title_next", word=word)
        options = [view_state.trace.head.labels[k] for k in choices]
    elif asked.topic == "word":
        two = len(view_state.trace.head.labels) <= 2
        said = say("predict.title_word" if two else "predict.title_word_most", name=name)
    elif asked.topic == "value":
        said = say(
            "predict.value", symbol=value_name(view_state, asked), unit=asked.unit,
            name=view_state.word("name", asked.name),
        )  # fmt: skip
    else:
        said = say("predict.title", word=word, name=name)
    return {"said": said, "options": options, "curve": name}


def _likeliest(view_state: ViewState, t: int) -> list[int]:
    """The likeliest next tokens, in an order that says nothing."""
    head = view_state.trace.head
    order = np.argsort(-head.readout[t], kind="stable")[:CHOICES].tolist()
    return [k for _, k in sorted((head.labels[k], k) for k in order if head.labels[k])]


def seen_question(screen: StepScreen) -> ClassQuestion:
    """What was seen when the token of the cursor was revealed."""
    view_state = screen.view_state
    query, t, label = view_state.query, view_state.cursor.t, view_state.shown_class()
    texts: dict[str, object] = {}
    for lang in _languages(screen):
        own = replace(view_state, lang=lang)
        texts[lang] = {
            "said": own.text("predict.title_seen", word=word_of(own, t)),
            "options": [own.text(f"predict.{each}") for each in SEEN],
        }
    ballot = BallotEvent(
        f"{t + 1} {view_state.trace.tokens[t]} seen"[:_NAME], texts=texts,
        lesson=f"{view_state.trace.model}: {view_state.query.text}"[:200],
    )  # fmt: skip

    def find_key() -> AnswerKey | None:
        right = predict_mode.observed(screen.view_state, t, label)
        return None if right is None else AnswerKey("choice", right)

    def commit(value: float | None) -> None:
        seen = 0 if value is None else int(value)
        screen.show(predictions=predict_mode.with_seen(screen.view_state, seen))

    def is_past(now: ViewState) -> bool:
        return not now.predictions.on or now.query != query or now.cursor.t != t

    return ClassQuestion(ballot, find_key, commit, is_past, lambda now: True, is_past)
