"""Page of a net that writes: its text, what may come next, and the branches that were not taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
from rich.cells import cell_len
from rich.segment import Segment

from rnnviz.analysis.writing import NextTokens, NextTokensQuestion, surprises
from rnnviz.cursor import Cursor, fitted
from rnnviz.display import visible
from rnnviz.equations import number
from rnnviz.trace import Trace
from rnnviz.tui.pages.writing import drawing
from rnnviz.tui.pages.writing.drawing import WritingView
from rnnviz.tui.pages.writing.written_text import (
    COLOURS,
    TEMPERATURES,
    WritingState,
    anew,
    best,
    counted,
    current,
    drawn,
    has_ended,
    in_trace,
    known,
    latest_known,
    moved,
    next_stream,
    other_branch,
    probabilities,
    question,
    tokens_of,
    with_tokens,
)
from rnnviz.tui.render.segments import Line, cut, trimmed, wrapped
from rnnviz.tui.view.conclusion import Clause
from rnnviz.tui.view.page import Change, Page, Prompt
from rnnviz.tui.view.token_text import typed_text
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import CellPicked

#: Lines above the text.
TOP = 3
#: Columns of the bars beside the text: a share of the width, within these limits.
BARS = (28, 60)
#: Lines of the page from which on the surprise has a curve, and its lines.
CURVE_FROM, CURVE = 18, 3
#: Most lines of the list of branches.
BRANCHES = 4


class WritingPage(Page):
    """The text with the cursor, and the likeliest next tokens at the cursor."""

    name: ClassVar[str] = "write"
    full_screen = True
    reveals = True
    actions = (
        "likeliest", "lower", "raise", "next", "previous", "type", "colour_text", "next_seed",
    )  # fmt: skip
    overrides = (
        "token_back", "token_on", "first", "last", "play", "zoom_in",
        *(f"model_{n}" for n in range(1, 10)),
    )  # fmt: skip

    @classmethod
    def applies(cls, view_state: ViewState) -> bool:
        return view_state.trace.head.writes

    @classmethod
    def overridden(cls, view_state: ViewState) -> tuple[str, ...]:
        """None with a net that does not write."""
        return cls.overrides if cls.applies(view_state) else ()

    def questions(self, view_state: ViewState) -> Sequence[NextTokensQuestion]:
        if not self.applies(view_state) or not view_state.query.model:
            return ()
        return (question(view_state, current(view_state)),)

    def cursor_on_open(self, view_state: ViewState) -> Cursor:
        """The end of the text, unless a token has been chosen or what comes is hidden."""
        if view_state.hidden or view_state.cursor.t or not self.applies(view_state):
            return view_state.cursor
        last = len(view_state.trace.tokens) - 1
        return fitted(replace(view_state.cursor, t=last, part=10**6), view_state.trace)

    def cursor_in(self, trace: Trace, before: ViewState) -> Cursor | None:
        """The place of the page's own cursor."""
        state = before.page_state(WritingState)
        if state.text != before.latest_query.text:
            return None
        return fitted(replace(before.cursor, t=state.at, part=10**6), trace)

    # -- keys -------------------------------------------------------------------------------------

    def press(self, view_state: ViewState, key: str) -> Change | Prompt | None:
        """Write, choose, move, go to another branch, or change how it is written or coloured."""
        if not self.applies(view_state):
            return None
        state, found = current(view_state), known(view_state, current(view_state))
        state = state if found is None else counted(found, state)
        if key in ("raise", "lower"):
            return self._warmer(view_state, state, 1 if key == "raise" else -1)
        if key == "colour_text":
            return self._recoloured(view_state, state)
        if key == "next_seed":
            seed = state.seed + 1
            said = self.page_text(view_state, "seeded", seed=seed)
            return Change(replace(state, seed=seed), message=said)
        if key == "type":
            return Prompt(self.page_text(view_state, "ask"), self._typed, label_above=True)
        if key in ("token_back", "token_on", "first", "last"):
            return self._moved(view_state, state, key)
        if view_state.part_hidden and key != "play":
            word = visible(view_state.trace.tokens[view_state.cursor.t])
            return Change(message=view_state.text("predict.hint_next", word=word))
        if found is None:
            return self._wait(view_state, state)
        if key in ("next", "previous"):
            return self._other(view_state, found, state, 1 if key == "next" else -1)
        if key == "play" and state.at < len(found.tokens) - 1:
            return self._moved(view_state, state, "token_on")
        return self._chosen(view_state, found, state, key)

    def _chosen(
        self, view_state: ViewState, found: NextTokens, state: WritingState, key: str
    ) -> Change | None:
        """Write one token: drawn, the likeliest, or one of the likeliest by its number.

        After the end of a text the next one begins.
        """
        ended = has_ended(found, state)
        if ended and key in ("play", "zoom_in"):
            state = anew(state)
        k = self._choice(found, state, key)
        if ended and k == found.end:
            state = anew(state)
            if key != "likeliest":  # what it begins with is chosen from the bars
                return Change(state, moved(view_state, state, state.at))
            k = self._choice(found, state, key)
        if k is None:
            return None
        if k == found.end:
            said = self.page_text(view_state, "ended")
            if not state.at:  # a text without tokens
                return Change(replace(state, stream=next_stream(state)), message=said)
            return Change(replace(state, ended=state.text), message=said)
        over = not ended or state.at > 0
        return self._with(view_state, with_tokens(found, state, found.labels[k : k + 1], over=over))

    def _choice(self, found: NextTokens, state: WritingState, key: str) -> int | None:
        """The token that a key stands for; None if there is none."""
        if key in ("play", "zoom_in"):
            return drawn(found, state)
        order = best(probabilities(found, state), 9)
        n = 0 if key == "likeliest" else int(key.removeprefix("model_")) - 1
        return order[n] if n < len(order) else None

    def _wait(self, view_state: ViewState, state: WritingState) -> Change:
        """Wait for the probabilities; if there will be none, go back to the text before."""
        reason = view_state.failures.get(question(view_state, state))
        if reason is None:
            return Change(state, waits=True)
        if (found := latest_known(view_state, state)) is not None:
            state = replace(state, text=found.source, at=min(state.at, len(found.tokens) - 1))
        return Change(state, message=visible(reason), failed=True)

    def _with(self, view_state: ViewState, state: WritingState) -> Change:
        """Another text or another place in it; its trace follows when no key is pressed."""
        if (reason := view_state.failures.get(question(view_state, state))) is not None:
            return Change(message=visible(reason), failed=True)
        state = replace(state, base=view_state.latest_query.text)
        if state.text == view_state.query.text == state.base:
            return Change(state, moved(view_state, state, state.at))
        query = replace(view_state.latest_query, text=state.text)
        return Change(state, query=query, later=True)

    def _typed(self, view_state: ViewState, typed: str) -> Change:
        """Write what was typed."""
        state, found = current(view_state), known(view_state, current(view_state))
        if found is None:
            return self._wait(view_state, state)
        state = counted(found, state)
        typed = typed_text(typed)
        tokens = typed.split() if found.separator else list(typed)
        ends = found.end is not None and tokens[-1:] == [found.labels[found.end]]
        for token in tokens[: len(tokens) - ends]:
            if token not in found.labels or found.labels.index(token) == found.end:
                said = view_state.text("next.unknown", token=visible(token))
                return Change(message=said, failed=True)
        state = with_tokens(found, state, tokens[: len(tokens) - ends])
        change = self._with(view_state, state)
        if not ends:
            return change
        said = self.page_text(view_state, "ended")
        return replace(change, state=replace(state, ended=state.text), message=said)

    def _moved(self, view_state: ViewState, state: WritingState, key: str) -> Change:
        found = latest_known(view_state, state)
        tokens = view_state.trace.tokens if found is None else tokens_of(found, state)
        last = len(tokens) - 1
        here = min(state.at, last)
        goal = {"token_back": here - 1, "token_on": here + 1, "first": 0, "last": last}
        at = min(max(goal[key], 0), last)
        return Change(replace(state, at=at), moved(view_state, state, at))

    def _other(
        self, view_state: ViewState, found: NextTokens, state: WritingState, step: int
    ) -> Change:
        if not state.branches:
            return Change(message=self.page_text(view_state, "no_branch"))
        return self._with(view_state, other_branch(found, state, step))

    def _warmer(self, view_state: ViewState, state: WritingState, step: int) -> Change:
        at = min(range(len(TEMPERATURES)), key=lambda n: abs(TEMPERATURES[n] - state.temperature))
        warm = TEMPERATURES[min(max(at + step, 0), len(TEMPERATURES) - 1)]
        return Change(replace(state, temperature=warm))

    def _recoloured(self, view_state: ViewState, state: WritingState) -> Change:
        own = [c for c in COLOURS if c in ("", "surprise") or c in view_state.layer.states]
        at = own.index(state.colour) if state.colour in own else 0
        return Change(replace(state, colour=own[(at + 1) % len(own)]))

    def picked(self, view_state: ViewState, x: int, y: int) -> CellPicked | None:
        """A token of the text, once it has a trace."""
        view = self._view(view_state) if self.applies(view_state) else None
        if view is None or not in_trace(view_state, view.state):
            return None
        left, room, _below = self._plan(view, *self.size)
        inside = TOP <= y < TOP + room and x < left
        t = drawing.token_at(view, left, room, x, y - TOP) if inside else None
        return None if t is None else CellPicked(t=t)

    # -- the sentence at the end ------------------------------------------------------------------

    def conclusion(self, view_state: ViewState) -> Sequence[Clause]:
        """How many bits a token takes, and where the surprise is largest."""
        view = self._view(view_state) if self.applies(view_state) else None
        if view is None or view_state.hidden or len(view.found.tokens) < 2:
            return ()
        bits = surprises(view.found)[1:]
        most = int(np.argmax(bits)) + 1
        mean = float(bits.mean())
        values = {
            "bits": number(mean, 2), "n": len(bits), "perplexity": number(2**mean, 2),
            "word": visible(view.found.tokens[most]), "most": number(float(bits[most - 1]), 2),
            "before": visible(view.found.tokens[most - 1]), "t": most + 1,
        }  # fmt: skip
        return [
            Clause(tuple(self.page_text(view_state, f"{key}{form}", **values) for form in forms))
            for key, forms in (("close", ("", "_short")), ("close_most", ("", "_short")))
        ]

    # -- drawing ----------------------------------------------------------------------------------

    def lines(self, view_state: ViewState, width: int, height: int) -> list[Line]:
        if not self.applies(view_state):
            return self._paragraph(view_state, width, self.page_text(view_state, "not"))
        view = self._view(view_state)
        if view is None:
            reason = view_state.failures.get(question(view_state, current(view_state)))
            said = self.page_text(view_state, "computing") if reason is None else visible(reason)
            return self._paragraph(view_state, width, said)
        head = [
            self.head(view_state, width, self._note(view_state, view.state)),
            self._moment(view, width),
            self._hint(view_state, width),
        ]
        left, room, below = self._plan(view, width, height)
        return [*head, *self._body(view, left, width - left, room), *below]

    def _view(self, view_state: ViewState) -> WritingView | None:
        """The text with what is known of it; None before anything is."""
        state = current(view_state)
        found = latest_known(view_state, state)
        if found is None:
            return None
        tokens = tokens_of(found, state)
        return WritingView(
            view_state, replace(state, at=min(state.at, len(tokens) - 1)), found, tokens
        )

    def _plan(self, view: WritingView, width: int, height: int) -> tuple[int, int, list[Line]]:
        """The columns of the text, its lines, and the lines below it."""
        view_state, below = view.view_state, list[Line]()
        room = 0 if view_state.hidden else BRANCHES if height >= CURVE_FROM else 2
        branches = drawing.branch_lines(view, width, room)
        if height >= CURVE_FROM and not view_state.part_hidden:
            below = [[], *drawing.curve(view, width, CURVE + 2 * (height >= 30))]
        if branches:
            title = self.page_text(view_state, "branches", n=len(view.state.branches) + 1)
            below += [[Segment(f" {title}", view_state.theme.dim)], *branches]
        right = min(max(BARS[0], width * 2 // 5), BARS[1])
        return width - right, max(3, height - TOP - len(below)), below

    def _body(self, view: WritingView, left: int, right: int, room: int) -> list[Line]:
        ink = view.view_state.theme.ink
        one = drawing.text(view, left, room)
        other = drawing.bars(view, right, min(room, 16))
        one += [[]] * (room - len(one))
        other += [[]] * (room - len(other))
        return [[*trimmed(a, left, ink), *b] for a, b in zip(one, other, strict=True)]

    def _hint(self, view_state: ViewState, width: int) -> Line:
        """Keys for which the key bar has no room."""
        said = self.page_text(view_state, "hint")
        if view_state.keyless or cell_len(said) + 2 > width:
            return []
        return [Segment(f" {said}", view_state.theme.dim)]

    def _note(self, view_state: ViewState, state: WritingState) -> str:
        """The temperature, the seed, and what the colours show."""
        texts = [self.page_text(view_state, "drawn", T=f"{state.temperature:g}", seed=state.seed)]
        if state.colour == "surprise":
            texts.append(self.page_text(view_state, "by_surprise", most=drawing.MOST_BITS))
        elif state.colour:
            symbol, unit = view_state.symbol(state.colour), view_state.cursor.unit
            texts.append(self.page_text(view_state, "by_unit", symbol=symbol, unit=unit))
        return " · ".join(texts)

    def _moment(self, view: WritingView, width: int) -> Line:
        """What stands at the cursor, what follows, and what the net would have written."""
        theme, found, at = view.view_state.theme, view.found, view.state.at
        values = {"word": visible(view.tokens[at]), "t": at + 1, "T": len(view.tokens)}
        if view.view_state.part_hidden:
            said = [self.page_text(view.view_state, "hidden", **values)]
        elif not view.is_known:
            reason = view.view_state.failures.get(question(view.view_state, view.state))
            said = [visible(reason) if reason else self.page_text(view.view_state, "computing")]
        else:
            p = probabilities(found, view.state)
            k = int(np.argmax(p))
            values |= {"best": visible(found.labels[k]), "q": number(float(p[k]), 2)}
            said = self._follows(view, values)
        text = next((each for each in said if cell_len(each) < width - 1), said[-1])
        return [Segment(" " + cut(text, width - 1), theme.ink)]

    def _follows(self, view: WritingView, values: dict[str, object]) -> list[str]:
        found, at, view_state = view.found, view.state.at, view.view_state
        if has_ended(found, view.state):
            return [self.page_text(view_state, key, **values) for key in ("over", "ended")]
        if view.comes is None or at + 1 >= len(found.tokens):
            return [self.page_text(view_state, key, **values) for key in ("end", "end_short")]
        bits = float(surprises(found)[at + 1])
        values |= {
            "next": visible(view.comes), "bits": number(bits, 2), "p": number(2.0**-bits, 2),
        }  # fmt: skip
        key = "same" if values["next"] == values["best"] else "came"
        return [self.page_text(view_state, form, **values) for form in (key, f"{key}_short")]

    def _paragraph(self, view_state: ViewState, width: int, said: str) -> list[Line]:
        lines: list[Line] = [self.head(view_state, width), []]
        texts = wrapped(said, max(10, width - 2))
        return [*lines, *([Segment(f" {line}", view_state.theme.ink)] for line in texts)]
