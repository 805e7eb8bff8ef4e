"""The events of a recording in words, one sentence each, in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rnnviz import i18n
from rnnviz.display import visible
from rnnviz.errors import shortened
from rnnviz.events import (
    AnswerEvent,
    CursorEvent,
    Event,
    LessonEvent,
    LineEvent,
    PageEvent,
    PageStateEvent,
    QueryEvent,
    QuestionEvent,
    ReachEvent,
    RevealEvent,
    ScreenEvent,
    SizeEvent,
    ViewEvent,
    WindowEvent,
)
from rnnviz.lessons.predictions import spoken
from rnnviz.tui.replay.moments import Moment
from rnnviz.tui.step.view_differences import is_page

#: Characters of a text that is quoted.
_QUOTED = 80


def said(moment: Moment, lang: str) -> Iterator[str]:
    """What happened at a moment; nothing if it was not of interest to people."""
    for event in moment.events:
        text = _said(event, moment, lang)
        if text:
            yield text


def _said(event: Event, moment: Moment, lang: str) -> str:
    def say(key: str, **values: object) -> str:
        shown = {k: visible(v) if isinstance(v, str) else v for k, v in values.items()}
        return i18n.text(f"replay.{key}", lang, **shown)

    match event:
        case CursorEvent():
            return say(
                "said_cursor", t=event.t + 1, T=event.tokens, token=shortened(event.token, 40),
                part=i18n.word("part", event.part, lang), unit=event.unit,
            )  # fmt: skip
        case QueryEvent():
            key = {"undo": "said_undo", "redo": "said_redo"}.get(event.step, "said_query")
            name = i18n.model_name(event.model, lang)
            text = say(key, model=name, text=shortened(event.text, _QUOTED))
            clamps = ", ".join(event.clamps)
            return text if not clamps else text + say("said_clamps", clamps=clamps)
        case PageEvent(page=page):
            return say("said_page", title=_title(page, lang)) if page else say("said_panels")
        case PageStateEvent():
            fields = ", ".join(f"{k}={v}" for k, v in event.state.items() if v not in (None, ""))
            return say("said_page_state", title=_title(event.page, lang), fields=fields)
        case ViewEvent(changes=changes):
            return _switches(dict(changes), lang)
        case ReachEvent():
            return say("said_reach")
        case LessonEvent():
            phase = say(f"phase_{event.phase}") if event.phase in _PHASES else event.phase
            return say("said_lesson", n=event.number, N=event.of, step=event.step, phase=phase)
        case QuestionEvent(question=question):
            return say("said_question", question=question)
        case AnswerEvent():
            return _answer(event, lang)
        case RevealEvent(question=question):
            return say("said_reveal", question=question)
        case SizeEvent(width=width, height=height):
            return say("said_size", width=width, height=height)
        case LineEvent(pieces=pieces):
            typed = "".join(piece[0] for piece in pieces).strip()
            return say("said_line", text=shortened(typed, _QUOTED)) if pieces else ""
        case WindowEvent(open=is_open):
            return say("said_window") if is_open else say("said_no_window")
        case ScreenEvent(changes=changes):
            return _screen(dict(changes), moment, lang)
    return ""


_PHASES = ("say", "ask", "committed", "revealed", "change", "own")
_SWITCHES = ("backward", "hidden", "notation", "presenter", "predict")


def _title(page: str, lang: str) -> str:
    return i18n.text(f"page.{page}.title", lang) if is_page(page) else page


def _switches(changes: dict[str, Any], lang: str) -> str:
    """Those that are on, or that have been switched off."""
    found = []
    for name in _SWITCHES:
        if name in changes:
            value = changes[name]
            state = i18n.text("replay.on" if value else "replay.off", lang)
            shown = value if isinstance(value, str) and value else state
            found.append(f"{i18n.text(f'replay.view_{name}', lang)}: {visible(shown)}")
    return ", ".join(found)


def _answer(event: AnswerEvent, lang: str) -> str:
    if event.answer is None:
        return i18n.text("replay.said_no_answer", lang, question=visible(event.question))
    mark = {True: "right", False: "wrong", None: "unmarked"}[event.correct]
    text = visible(event.text) or spoken(event.answer)
    return i18n.text(
        "replay.said_answer", lang, text=text, mark=i18n.text(f"replay.{mark}", lang)
    )  # fmt: skip


def _screen(changes: dict[str, Any], moment: Moment, lang: str) -> str:
    """Language, theme and messages; other fields are shown by what follows."""
    found = []
    for name in ("lang", "theme"):
        if isinstance(changes.get(name), str) and moment.view_state is not None:
            found.append(i18n.text(f"replay.said_{name}", lang, name=changes[name]))
    if isinstance(changes.get("status"), str) and changes["status"]:
        found.append(i18n.text("replay.said_status", lang, text=visible(changes["status"])))
    return ", ".join(found)
