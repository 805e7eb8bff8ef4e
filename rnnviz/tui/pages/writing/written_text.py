"""The text of the page: what was written, where the cursor is, and the branches beside it.

A text grows ahead of its trace: each token takes a millisecond, the trace of a long text many.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import ClassVar, NamedTuple

import numpy as np

from rnnviz.analysis.writing import NextTokens, NextTokensQuestion, draw, drawing_probabilities
from rnnviz.arrays import Array
from rnnviz.cursor import Cursor, to_token
from rnnviz.tui.view.page_state import PageState
from rnnviz.tui.view.view_state import ViewState

#: A place in a text whose tokens are not counted yet: its end.
END = 10**6
#: The steps of the temperature.
TEMPERATURES = (0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5, 2.0, 3.0)
#: What the text is coloured by: nothing, the surprise, a state of the cursor's unit.
COLOURS = ("", "surprise", "h", "c")


class Branch(NamedTuple):
    """A text that was written, the stream of random numbers that goes on with it, and its start."""

    text: str
    stream: int = 0
    start: int = END


@dataclass(frozen=True)
class WritingState(PageState):
    """The text on the page, as long as the query is the one it was written from.

    ``base`` is the text of that query. Draws are of the page's ``seed``; a branch has a stream of
    its own, so that the same seed and the same choices write the same text. ``start`` is the
    number of tokens before the first one that was written. ``ended`` is the text that the mark of
    the end was chosen after.
    """

    page: ClassVar[str] = "write"
    base: str = ""
    text: str = ""
    at: int = 0
    start: int = END
    stream: int = 0
    branches: tuple[Branch, ...] = ()
    temperature: float = 1.0
    seed: int = 0
    colour: str = ""
    ended: str = ""

    @classmethod
    def of(cls, base: str, text: str) -> WritingState:
        """A text of which the trace has the beginning, with the cursor at its end."""
        return cls(base=base, text=text, at=END)


def current(view_state: ViewState) -> WritingState:
    """The state of the page; begun anew where another text is on the screen."""
    state, latest = view_state.page_state(WritingState), view_state.latest_query.text
    if not state.text or latest not in (state.base, state.text):
        at = view_state.cursor.t if view_state.query.text == latest else END
        return replace(
            state, base=latest, text=latest, at=at, start=END, stream=0, branches=()
        )  # fmt: skip
    return replace(state, at=view_state.cursor.t) if in_trace(view_state, state) else state


def counted(found: NextTokens, state: WritingState) -> WritingState:
    """With the places that were left open, now that the tokens of the text are counted."""
    T = len(found.tokens)
    start = T if state.start == END else state.start
    return replace(state, at=min(state.at, T - 1), start=start)


def in_trace(view_state: ViewState, state: WritingState) -> bool:
    """Whether the trace on the screen is that of the text."""
    return view_state.query.text == state.text


def question(view_state: ViewState, state: WritingState) -> NextTokensQuestion:
    """What follows each token of the text."""
    query = replace(view_state.latest_query, text=state.text, target=None)
    return NextTokensQuestion(query)


def known(view_state: ViewState, state: WritingState) -> NextTokens | None:
    """The answer, or that of the text before, as long as the newest one is computed."""
    found = view_state.answers.get(question(view_state, state))
    return found if isinstance(found, NextTokens) else None


def latest_known(view_state: ViewState, state: WritingState) -> NextTokens | None:
    """The answer of the longest text known that the text goes on from."""
    if (found := known(view_state, state)) is not None:
        return found
    asked = question(view_state, state).query
    for each, answer in reversed(list(view_state.answers.items())):
        if isinstance(each, NextTokensQuestion) and isinstance(answer, NextTokens):
            same = replace(each.query, text=asked.text) == asked
            if same and asked.text.startswith(each.query.text):
                return answer
    return None


def tokens_of(found: NextTokens, state: WritingState) -> tuple[str, ...]:
    """The tokens of the text; of those that were written since from the text itself."""
    rest = state.text[len(found.source) :]
    return (*found.tokens, *(rest.split() if found.separator else rest))


def probabilities(found: NextTokens, state: WritingState) -> Array:
    """The probabilities (K) of the token after the cursor, at the temperature of the page."""
    t = min(state.at, len(found.tokens) - 1)
    return drawing_probabilities(found.drawable(t), state.temperature)


def drawn(found: NextTokens, state: WritingState) -> int:
    """The token that the seed draws after the cursor.

    In the middle of the text the numbers are those of a new branch: those of its own would draw
    what is there already.
    """
    stream = state.stream
    if state.at < len(found.tokens) - 1:
        stream = next_stream(state)
    seed = [state.seed, stream] if stream else state.seed
    n = max(0, state.at + 1 - state.start)
    return draw(probabilities(found, state), seed, n)


def next_stream(state: WritingState) -> int:
    """The stream of the next branch."""
    return 1 + max([state.stream, *(branch.stream for branch in state.branches)])


def has_ended(found: NextTokens, state: WritingState) -> bool:
    """Whether the cursor is at the end of a text that the mark of the end was chosen after."""
    at_end = state.at == len(found.tokens) - 1
    return found.end is not None and at_end and state.ended == state.text


def anew(state: WritingState) -> WritingState:
    """The state with the cursor on the mark that the next text begins with."""
    return replace(state, at=0, ended="")


def with_tokens(
    found: NextTokens, state: WritingState, tokens: Sequence[str], *, over: bool = True
) -> WritingState:
    """The state with more tokens after the cursor; in the middle of the text it is a branch.

    ``over``: tokens that follow there already are gone over.
    """
    T, at, n = len(found.tokens), state.at, 0
    while over and n < len(tokens) and at + 1 < T and found.tokens[at + 1] == tokens[n]:
        at, n = at + 1, n + 1
    rest, before = tokens[n:], found.text(at + 1)
    state = replace(state, at=at + len(rest))
    if not rest:
        return state
    text = found.separator.join([before, *rest] if before else rest)
    state = replace(state, text=text)
    if at + 1 == T:
        return state
    return replace(
        state, stream=next_stream(state), start=min(state.start, at + 1),
        branches=(*state.branches, Branch(found.text(T), state.stream, state.start)),
    )  # fmt: skip


def other_branch(found: NextTokens, state: WritingState, step: int) -> WritingState:
    """The next text (1) or the one before (−1), with the cursor where the two part."""
    own = Branch(state.text, state.stream, state.start)
    every = [*state.branches, own] if step > 0 else [own, *state.branches]
    chosen, *others = every if step > 0 else reversed(every)
    others = others if step > 0 else others[::-1]
    pairs = zip(state.text, chosen.text, strict=False)
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    count = len(chosen.text[:same].split()) if found.separator else same
    at = max(0, found.first + count - 1)
    return replace(
        state, text=chosen.text, stream=chosen.stream, start=chosen.start,
        branches=tuple(others), at=at,
    )  # fmt: skip


def moved(view_state: ViewState, state: WritingState, at: int) -> Cursor | None:
    """The cursor of the screen at a token of the text; None while the text has no trace."""
    if not in_trace(view_state, state):
        return None
    return to_token(view_state.cursor, view_state.trace, at)


def best(p: Array, count: int) -> Sequence[int]:
    """The likeliest tokens, the likeliest first."""
    order: list[int] = np.argsort(-p, kind="stable")[:count].tolist()
    return order
