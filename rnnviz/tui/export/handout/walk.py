"""The walk through a text: forward part by part, then back through time, one picture a step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from rnnviz.analysis.shared_weights import walk
from rnnviz.display import visible
from rnnviz.tui.export.handout.inline_svg import PagePicture
from rnnviz.tui.export.handout.scenes import (
    CELL,
    EQUATIONS,
    SENTENCE,
    Studio,
    at_top,
    told,
)
from rnnviz.tui.pages import load
from rnnviz.tui.pages.backward import end
from rnnviz.tui.panels.part_words import part_words
from rnnviz.tui.view.label_translation import localized
from rnnviz.tui.view.view_state import ViewState

#: The most pictures in one direction. A text of more parts is walked word by word, and of one of
#: more words only the last ones are.
MOST = 90
#: Lines of the panels of a picture, which is seen whole on a screen.
ROWS = {"sentence": SENTENCE - 2, "cell": CELL - 1, "equation": EQUATIONS - 3}
#: Lines of the page of the way back.
BACK_ROWS = 34


@dataclass(frozen=True)
class WalkFrame:
    """One picture of the player: its title, what is said, and the group that is skipped at once."""

    title: str
    text: str
    picture: PagePicture
    group: str


def walk_frames(studio: Studio, state: ViewState) -> Iterator[WalkFrame]:
    """Forward through the layer that the head reads, then back."""
    state = at_top(state)
    layer = state.layer
    order = list(layer.order)
    parts = len(layer.parts)
    by_part = len(order) * parts <= MOST
    forward = order if by_part else order[-MOST // 2 :]
    for t in forward:
        for part in range(parts) if by_part else (parts - 1,):
            at = replace(
                state, paper=False, still=True, cursor=replace(state.cursor, t=t, part=part)
            )
            yield _forward(studio, at)
    back = list(walk(layer)) if by_part else list(walk(layer))[: MOST // 2]
    last = end(layer)
    for t in back:
        for part in range(parts - 1, last - 1, -1) if by_part else (last,):
            at = replace(
                state, page="backward", backward=True, cursor=replace(state.cursor, t=t, part=part)
            )
            yield _backward(studio, at)


def _forward(studio: Studio, state: ViewState) -> WalkFrame:
    t, T = state.cursor.t, len(state.trace.tokens)
    title = state.text(
        "handout.forward", t=t + 1, T=T, token=visible(state.trace.tokens[t]),
        part=state.word("part", state.part),
    )  # fmt: skip
    text = part_words(localized(state), state.part)
    return WalkFrame(title, text, studio.panels(state, ROWS, f"{title}. {text}"), f"f{t}")


def _backward(studio: Studio, state: ViewState) -> WalkFrame:
    t, T = state.cursor.t, len(state.trace.tokens)
    title = state.text(
        "handout.backward", t=t + 1, T=T, token=visible(state.trace.tokens[t]),
        part=state.word("part", state.part),
    )  # fmt: skip
    page = load("backward")(state)
    text = told(page.conclusion(localized(state)))
    picture = replace(studio.page(state, BACK_ROWS, alone=True), alt=f"{title}. {text}")
    return WalkFrame(title, text, picture, f"b{t}")
