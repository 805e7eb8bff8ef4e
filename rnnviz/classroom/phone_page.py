"""The page of a phone: HTML without a framework, written here with every text escaped."""

from __future__ import annotations

import html
from dataclasses import dataclass

from rnnviz import i18n
from rnnviz.classroom.curve_picture import curve_picture
from rnnviz.classroom.votes import (
    LONGEST_REASON,
    PhoneAnswer,
    VoteBox,
    language_of,
    options,
    texts,
)
from rnnviz.display import markup
from rnnviz.events import BallotEvent
from rnnviz.lessons.predictions import quoted, spoken

#: Seconds after which a page without JavaScript looks again by itself, and where it would take
#: away what somebody is typing or setting.
OFTEN, SELDOM = 4, 90
#: Characters of an option or a word on a button.
_BUTTON = 200


@dataclass(frozen=True)
class PhoneView:
    """Whose page it is: the language, the token ("" without one) and the answer so far.

    ``app``: the folder of the app in the browser is served, too.
    """

    lang: str
    token: str = ""
    answer: PhoneAnswer | None = None
    app: bool = False

    def text(self, key: str, **values: object) -> str:
        """A text of the page, escaped."""
        return markup(i18n.text(key, self.lang, **values))


def page(box: VoteBox, view: PhoneView) -> str:
    """The whole page for what is asked now."""
    text = view.text
    other = next(lang for lang in i18n.LANGUAGES if lang != view.lang)
    asks = box.ballot is not None and box.is_open and bool(view.token)
    typed = asks and box.ballot is not None and _is_typed(box.ballot, view)
    seconds = SELDOM if typed else OFTEN
    app = f'<a href="/app/">{text("phone.app")}</a> ' if view.app else ""
    return f"""<!doctype html>
<html lang="{view.lang}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>rnnviz</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/phone.css">
<noscript><meta http-equiv="refresh" content="{seconds}"></noscript>
<script src="/phone.js" defer></script></head>
<body><header><b>rnnviz</b> <nav>{app}<a href="/?lang={other}" hreflang="{other}" lang="{other}">\
{markup(i18n.text("phone.language", other))}</a></nav></header>
<main id="main" data-version="{box.version}">{_content(box, view)}</main></body></html>
"""


def _is_typed(ballot: BallotEvent, view: PhoneView) -> bool:
    """Whether there is a number to set or a reason to type."""
    return ballot.ask == "number" or (ballot.why and view.answer is not None)


def _content(box: VoteBox, view: PhoneView) -> str:
    text, ballot = view.text, box.ballot
    if not view.token:
        return f'<p class="large">{text("phone.full")}</p>'
    if ballot is None:
        return f'<p class="large">{text("phone.wait")}</p>'
    if box.is_open:
        return _question(box, ballot, view)
    return _closed(box, ballot, view)


def _said(ballot: BallotEvent, view: PhoneView) -> str:
    """What is asked, and that it is asked once more."""
    said = markup(str(texts(ballot, view.lang).get("said", "")))
    first = f'<p class="dim">{view.text("phone.again")}</p>' if ballot.vote > 1 else ""
    return f'{first}<h1 lang="{markup(language_of(ballot, view.lang))}">{said}</h1>'


def _question(box: VoteBox, ballot: BallotEvent, view: PhoneView) -> str:
    text, answer = view.text, view.answer
    form = f"""<form method="post" action="/?lang={view.lang}">
<input type="hidden" name="token" value="{markup(view.token)}">
<input type="hidden" name="question" value="{markup(ballot.question)}">
<input type="hidden" name="vote" value="{ballot.vote}">"""
    fields = _number(ballot, view) if ballot.ask == "number" else _buttons(ballot, view)
    parts = [_said(ballot, view), form, fields, "</form>"]
    if answer is not None:
        parts.append(f'<p class="done">✓ {text("phone.yours", answer=name_of(ballot, view))}</p>')
        if ballot.why:
            label, send = text("phone.why"), text("phone.send")
            mark, why = " ✓" if answer.why else "", html.escape(answer.why)
            parts.append(
                f'{form}<label for="why">{label}{mark}</label><input id="why" name="why" '
                f'maxlength="{LONGEST_REASON}" autocomplete="off" value="{why}">'
                f'<button class="send">{send}</button></form>'
            )
        parts.append(f'<p class="dim">{text("phone.change")}</p>')
    return "\n".join(parts)


def _buttons(ballot: BallotEvent, view: PhoneView) -> str:
    """A large button for each option or word; the one that was chosen is marked."""
    words = ballot.ask == "word"
    names = ballot.words if words else options(ballot, view.lang)
    chosen = None if view.answer is None else int(view.answer.value)
    found = []
    for n, name in enumerate(names, 1):
        if words and n < ballot.first:
            found.append(f"<span>{markup(name[:_BUTTON])}</span>")
            continue
        pressed = "true" if n == chosen else "false"
        found.append(
            f'<button name="answer" value="{n}" aria-pressed="{pressed}">'
            f"{markup(name[:_BUTTON])}</button>"
        )
    kind = "words" if words else f'options" lang="{markup(language_of(ballot, view.lang))}'
    return f'<div class="{kind}">{"".join(found)}</div>'


def _number(ballot: BallotEvent, view: PhoneView) -> str:
    """The curve up to the question, and a slider for where it goes; a line where any number can."""
    send = view.text("phone.send")
    before = ballot.curve[-1] if ballot.curve else None
    value = view.answer.value if view.answer is not None else before
    if ballot.low is None or ballot.high is None:
        shown = "" if view.answer is None else f"{view.answer.value:g}"
        return (
            f'<input name="answer" inputmode="decimal" maxlength="20" autocomplete="off" '
            f'pattern="[+\\-−%0-9., ]+" '
            f'value="{shown}" required><button class="send">{send}</button>'
        )
    low, high = ballot.low, ballot.high
    value = (low + high) / 2 if value is None else min(max(value, low), high)
    picture = curve_picture(ballot, value, view.lang)
    return (
        f'{picture}<output id="level">{spoken(value)}</output>'
        f'<input id="slider" type="range" name="answer" min="{low:g}" max="{high:g}" '
        f'step="{(high - low) / 100:g}" value="{value:.4g}" '
        f'aria-label="{view.text("phone.level")}">'
        f'<button class="send">{send}</button>'
    )


def name_of(ballot: BallotEvent, view: PhoneView, value: float | None = None) -> str:
    """An answer as text: a number, or the option or the word it stands for."""
    if value is None:
        value = 0.0 if view.answer is None else view.answer.value
    names = ballot.words if ballot.ask == "word" else options(ballot, view.lang)
    if ballot.ask == "number" or not 1 <= value <= len(names):
        return spoken(value)
    return quoted(names[int(value) - 1])


def _closed(box: VoteBox, ballot: BallotEvent, view: PhoneView) -> str:
    """The vote is over: what was answered, and beside it what is right once that was shown."""
    text, answer = view.text, view.answer
    key = "phone.none" if answer is None else "phone.yours"
    own = text(key, answer=name_of(ballot, view))
    parts = [_said(ballot, view), f'<p class="large">{own}</p>']
    if not box.is_revealed:
        parts.append(f'<p class="dim">{text("phone.closed")}</p>')
    elif box.right is not None:
        right = text("phone.right", right=name_of(ballot, view, box.right))
        parts.append(f'<p class="large">{right}</p>')
        if answer is not None:
            marks = ("predict.right", "done"), ("predict.wrong", "wrong")
            mark, style = marks[0 if box.is_right(answer.value) else 1]
            parts.append(f'<p class="{style}">{text(mark)}</p>')
    return "\n".join(parts)
