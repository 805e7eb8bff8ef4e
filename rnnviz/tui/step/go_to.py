"""Go to: the cursor that a typed line asks for, by word, token, unit or layer."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import replace

from rnnviz.cursor import Cursor, to_layer, to_token
from rnnviz.display import folded, visible
from rnnviz.tui.view.page import Change, Prompt
from rnnviz.tui.view.view_state import ViewState

_NUMBER = re.compile(r"\d{1,9}")
_UNIT = re.compile(r"(?:u|unit|birim)[ .]*(\d{1,9})")
_LAYER = re.compile(r"(?:layer|katman)[ .]*(\d{1,9})")
#: A word or a token, then a unit: "not 17", "4 u 17".
_BOTH = re.compile(r"(.*?\S)[ ,]+(?:(?:u|unit|birim)[ .]*)?(\d{1,9})")


def prompt(view_state: ViewState) -> Prompt:
    """The line to type into; it completes the words of the sentence."""
    layer = view_state.layer
    label = view_state.text("goto.type", T=len(view_state.trace.tokens), last=layer.units - 1)
    words = tuple(dict.fromkeys(view_state.trace.tokens))
    return Prompt(label, change, words=words)


def change(view_state: ViewState, typed: str) -> Change:
    """The new cursor, or a message about what does not exist.

    ``not`` is the next token with this word, ``4`` the fourth token, ``u 17`` a unit, ``layer 2``
    a layer or direction, ``not 17`` a word and a unit. A word that no token has may be the
    beginning of one.
    """
    text = " ".join(typed.split())
    if not text:
        return Change(message=view_state.text("goto.empty"), failed=True)
    cursor = view_state.cursor
    if _find(view_state, text, exact=True) is None:
        if match := _UNIT.fullmatch(folded(text)):
            return _to_unit(view_state, cursor, int(match[1]))
        if match := _LAYER.fullmatch(folded(text)):
            return _to_layer(view_state, int(match[1]))
        match = _BOTH.fullmatch(folded(text))
        if match and _find(view_state, text, exact=False) is None:
            there = _to_token(view_state, text[: match.end(1)])
            if there.cursor is None:
                return there
            return _to_unit(view_state, there.cursor, int(match[2]))
    return _to_token(view_state, text)


def _to_token(view_state: ViewState, text: str) -> Change:
    trace, cursor = view_state.trace, view_state.cursor
    T = len(trace.tokens)
    if _NUMBER.fullmatch(text):
        t = int(text) - 1
        if not 0 <= t < T:
            message = view_state.text("goto.no_token", n=text, T=T)
            return Change(message=message, failed=True)
        return Change(cursor=to_token(cursor, trace, t))
    found = _find(view_state, text, exact=True)
    if found is None:
        found = _find(view_state, text, exact=False)
    if found is None:
        message = view_state.text("goto.no_word", word=visible(text))
        if guess := _nearest(text, trace.tokens):
            message += " " + view_state.text("goto.nearest", word=visible(guess))
        return Change(message=message, failed=True)
    return Change(cursor=to_token(cursor, trace, found))


def _to_unit(view_state: ViewState, cursor: Cursor, unit: int) -> Change:
    units = view_state.layer.units
    if unit >= units:
        message = view_state.text("goto.no_unit", n=unit, last=units - 1)
        return Change(message=message, failed=True)
    return Change(cursor=replace(cursor, unit=unit))


def _to_layer(view_state: ViewState, n: int) -> Change:
    N = len(view_state.trace.layers)
    if not 1 <= n <= N:
        return Change(message=view_state.text("goto.no_layer", n=n, N=N), failed=True)
    return Change(cursor=to_layer(view_state.cursor, view_state.trace, n - 1))


def _find(view_state: ViewState, word: str, *, exact: bool) -> int | None:
    """The next token after the cursor with a word, or beginning with it; goes round the end."""
    tokens, t = view_state.trace.tokens, view_state.cursor.t
    order = [*range(t + 1, len(tokens)), *range(t + 1)]
    if not exact:
        return next((k for k in order if folded(tokens[k]).startswith(folded(word))), None)
    same = next((k for k in order if word in (tokens[k], visible(tokens[k]))), None)
    if same is not None:
        return same
    return next((k for k in order if folded(tokens[k]) == folded(word)), None)


def _nearest(word: str, tokens: Sequence[str]) -> str:
    """The token that is written most like a word; "" if none is."""
    by_fold = {folded(token): token for token in tokens}
    close = difflib.get_close_matches(folded(word), by_fold, 1, 0.5)
    return by_fold[close[0]] if close else ""
