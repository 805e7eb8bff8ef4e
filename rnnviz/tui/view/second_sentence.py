"""The second sentence: where it differs from the one on the screen, and its values there.

All views draw the first sentence; these functions give what they mark or add from the second.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar

import numpy as np

from rnnviz.analysis.difference import TraceDifference, compare, value_changes
from rnnviz.arrays import Array
from rnnviz.display import visible
from rnnviz.equations import number
from rnnviz.errors import UsageError
from rnnviz.query import Query
from rnnviz.tui.render.marks import SECOND_SENTENCE
from rnnviz.tui.view.page_state import PageState
from rnnviz.tui.view.view_state import ViewState, scale

#: A value has changed if it differs by more than this share of its scale.
CHANGED = 0.1
#: Precedes the values of the second sentence.
MARK = SECOND_SENTENCE


@dataclass(frozen=True)
class SecondSentence(PageState):
    """The second sentence and how it is shown."""

    page: ClassVar[str] = "against"
    text: str = ""  # "" if there is none
    quantity: str = "h"  # the quantity whose differences the page draws
    highlighted: bool = True  # all views mark the differences


def state(view_state: ViewState) -> SecondSentence:
    """The second sentence; one without a text if there is none."""
    return view_state.page_state(SecondSentence)


def sentence_query(view_state: ViewState) -> Query | None:
    """The query that reads the second sentence; None without one."""
    text = state(view_state).text
    return replace(view_state.query, text=text) if text else None


def difference(view_state: ViewState) -> TraceDifference | None:
    """Both traces compared; None without a second sentence, or while it is switched off."""
    if not state(view_state).highlighted:
        return None
    query = sentence_query(view_state)
    answer = None if query is None else view_state.answers.get(query)
    if answer is None:
        return None
    try:
        return compare(view_state.trace, answer)
    except UsageError:
        return None  # another net; the page that compares the sentences reports it


def first_row(found: TraceDifference, t: int) -> int:
    """The first pair of token t, including tokens before it that only the second sentence has."""
    return found.row_of_token[t - 1] + 1 if t else 0


def _rows(found: TraceDifference, t: int) -> range:
    last = t == len(found.row_of_token) - 1
    return range(first_row(found, t), len(found.pairs) if last else found.row_of_token[t] + 1)


def mark(view_state: ViewState, t: int) -> str:
    """≠ another word, − no word, + one more word; "" for the same word."""
    found = difference(view_state)
    return "" if found is None else mark_of(found, t)


def mark_of(found: TraceDifference, t: int) -> str:
    """:func:`mark` of token t of a comparison."""
    own = found.mark(found.row_of_token[t])
    return own if own != "=" else "+" if len(_rows(found, t)) > 1 else ""


@lru_cache(maxsize=2048)
def words(found: TraceDifference, t: int) -> str:
    """The second sentence at token t: "=" the same, "≠bad" another word, "+not" one more."""
    texts = []
    for row in _rows(found, t):
        j = found.pairs[row][1]
        other = "" if j is None or found.is_equal(row) else visible(found.b.tokens[j])
        texts.append(found.mark(row) + other)
    return " ".join(texts)


def aligned_token(view_state: ViewState, t: int) -> tuple[TraceDifference, int] | None:
    """The comparison, and the token of the second sentence aligned with token t; None if none."""
    found = difference(view_state)
    j = None if found is None else found.pairs[found.row_of_token[t]][1]
    return None if found is None or j is None else (found, j)


def value(view_state: ViewState, name: str) -> float | None:
    """A value of the chosen unit in the second sentence; None without such a component."""
    at = None if view_state.part_hidden else aligned_token(view_state, view_state.cursor.t)
    if at is None:
        return None
    (found, j), unit = at, view_state.cursor.unit
    layer = found.b.layers[view_state.cursor.layer]
    if name.endswith("_prev"):
        return float(layer.state_before(j, name.removesuffix("_prev"))[unit])
    if name not in layer.values or name == "x":
        return None
    return float(layer.values[name][j, unit])


def value_text(view_state: ViewState, name: str) -> str:
    """A value of the chosen unit in the second sentence as text, or ""."""
    found = value(view_state, name)
    return "" if found is None else f"{MARK} {number(found, 3, True)}"


def symbol_at_aligned(view_state: ViewState, name: str) -> str:
    """The symbol of a value at the aligned token of the second sentence."""
    at = aligned_token(view_state, view_state.cursor.t)
    if at is None:
        return view_state.symbol(name)
    layer = at[0].b.layers[view_state.cursor.layer]
    return layer.symbol(name, layer.step(at[1]))


def changed_units(view_state: ViewState, name: str, t: int) -> Array | None:
    """Which units differ by more than :data:`CHANGED`, (H,) bool; None without an aligned token."""
    at = aligned_token(view_state, t)
    if at is None:
        return None
    found, n = at[0], view_state.cursor.layer
    return _moved(found, n, name, found.row_of_token[t], threshold(view_state, name))


def threshold(view_state: ViewState, name: str) -> float:
    """The least difference that counts as a change."""
    return CHANGED * scale(view_state.layer, name)[1]


@lru_cache(maxsize=4096)
def _moved(found: TraceDifference, layer: int, name: str, row: int, least: float) -> Array:
    return np.abs(value_changes(found, layer, name)[row]) > least
