"""Page of units: extreme states in a corpus, matching patterns, saturated gates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from rich.segment import Segment

from rnnviz.analysis.units import (
    CorpusStates,
    UnitQuestion,
    active_units,
    extremes,
    matches,
    most_saturated,
)
from rnnviz.cursor import Cursor
from rnnviz.display import visible
from rnnviz.equations import number
from rnnviz.query import Question
from rnnviz.trace.notation import turns_z
from rnnviz.tui.pages import conclusions
from rnnviz.tui.pages.units import property_view
from rnnviz.tui.pages.units.property_questions import next_questions
from rnnviz.tui.pages.units.units_state import THRESHOLDS, UnitsState
from rnnviz.tui.pages.units.word_context import coloured, flow, in_context, swatch
from rnnviz.tui.render.segments import Line, cut, fit, heading, length, trimmed, window, wrapped
from rnnviz.tui.render.theme import ViewTheme
from rnnviz.tui.view import second_sentence
from rnnviz.tui.view.conclusion import Clause
from rnnviz.tui.view.page import Change, Page, Prompt
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import CellPicked

#: Columns of a value, of an overlap, between the two lists; columns of the names of gates,
#: and of a share of places.
VALUE, OVERLAP, GAP, GATE, SHARE = 8, 11, 2, 18, 6
#: Most units in a list.
NAMED = 6


@dataclass(frozen=True)
class UnitsLayout:
    """Lines of each part; ``first`` is the first visible line of the text."""

    text: int
    first: int
    contexts: int
    matches: int


class UnitsPage(Page):
    """The text coloured by one unit, its contexts, matching places, and saturated gates.

    Of a net that writes: the text coloured by one unit, and which units tell properties of it.
    """

    name = "units"
    full_screen = True
    actions = ("threshold", *property_view.ACTIONS)
    overrides = property_view.OVERRIDES

    @classmethod
    def applies(cls, view_state: ViewState) -> bool:
        return not (view_state.trace.series or view_state.query.hand)

    @classmethod
    def available(cls, view_state: ViewState) -> tuple[str, ...]:
        return property_view.ACTIONS if view_state.trace.head.writes else ("threshold",)

    @classmethod
    def help_texts(cls, view_state: ViewState) -> tuple[str, ...]:
        if view_state.trace.head.writes:
            return ("help_writes", "help_writes_keys")
        return ("help", "help_keys")

    @classmethod
    def overridden(cls, view_state: ViewState) -> tuple[str, ...]:
        return cls.overrides if view_state.trace.head.writes else ()

    def cursor_on_open(self, view_state: ViewState) -> Cursor:
        if view_state.trace.head.writes:
            return property_view.cursor_on_open(view_state)
        return view_state.cursor

    def questions(self, view_state: ViewState) -> Sequence[Question]:
        if view_state.trace.head.writes:
            return next_questions(view_state)
        return self._corpus_questions(view_state)

    def _corpus_questions(self, view_state: ViewState) -> Sequence[UnitQuestion]:
        query = view_state.query
        if query.hand is not None:
            return ()
        return (UnitQuestion(query.model, view_state.cursor.layer, query.random),)

    def conclusion(self, view_state: ViewState) -> Sequence[Clause]:
        if view_state.trace.head.writes:
            return property_view.conclusion(view_state)
        return conclusions.units(view_state, self._corpus(view_state))

    def conclusion_questions(self, view_state: ViewState) -> Sequence[Question]:
        if view_state.trace.head.writes:
            return property_view.conclusion_questions(view_state)
        query = conclusions.cut_query(view_state)
        return () if query is None else (query,)

    def press(self, view_state: ViewState, key: str) -> Change | Prompt | None:
        if view_state.trace.head.writes:
            return property_view.press(view_state, key)
        at = (THRESHOLDS.index(self._threshold(view_state)) + 1) % len(THRESHOLDS)
        return Change(replace(view_state.page_state(UnitsState), threshold=THRESHOLDS[at]))

    def lines(self, view_state: ViewState, width: int, height: int) -> list[Line]:
        if view_state.trace.head.writes:
            note = property_view.note(view_state, "" if view_state.keyless else " (↑ ↓)")
            return property_view.lines(
                view_state, self.head(view_state, width, note), width, height
            )
        corpus = self._corpus(view_state)
        plan = self._plan(view_state, corpus, width, height)
        lines = [self.head(view_state, width, self._note(view_state, corpus))]
        lines += self._text(view_state, plan, width)
        if corpus is None:
            theme = view_state.theme
            paragraph = wrapped(self._why(view_state), width - 2)
            return [*lines, [], *([Segment(" " + line, theme.dim)] for line in paragraph)]
        lines += self._contexts(view_state, corpus, plan, width)
        lines += self._matches(view_state, corpus, plan, width)
        return lines + self._gates(view_state, corpus, width)

    def picked(self, view_state: ViewState, x: int, y: int) -> CellPicked | None:
        width, height = self.size
        if view_state.trace.head.writes:
            return property_view.picked(view_state, (width, height), x, y)
        plan = self._plan(view_state, self._corpus(view_state), width, height)
        line = y - 2 + plan.first
        for word in flow(view_state.trace.tokens, width - 1):
            inside = word.x <= x <= word.x + len(word.text)
            if 0 <= y - 2 < plan.text and word.line == line and inside:
                return CellPicked(word.t)
        return None

    # -- corpus -------------------------------------------------------------------------------

    def _threshold(self, view_state: ViewState) -> float:
        return view_state.page_state(UnitsState).threshold

    def _corpus(self, view_state: ViewState) -> CorpusStates | None:
        return next((view_state.answers.get(q) for q in self._corpus_questions(view_state)), None)

    def _why(self, view_state: ViewState) -> str:
        """The reason why there is no corpus, or not yet."""
        trace = view_state.trace
        if trace.series is not None or trace.reads == "vectors":
            return self.page_text(view_state, "no_text")
        if trace.reads == "ids":
            return self.page_text(view_state, "no_vocabulary")
        for question in self._corpus_questions(view_state):
            reason = view_state.failures.get(question)
            return self.page_text(view_state, "computing") if reason is None else visible(reason)
        return self.page_text(view_state, "hand")

    def _note(self, view_state: ViewState, corpus: CorpusStates | None) -> str:
        n, H = view_state.cursor.unit, view_state.layer.units
        keys = "" if view_state.keyless else " (↑ ↓)"
        if corpus is None:
            return self.page_text(view_state, "note_alone", n=n, H=H, keys=keys)
        places = f"{len(corpus.h):,}"
        return self.page_text(
            view_state, "note", n=n, H=H, keys=keys, source=corpus.source, places=places
        )

    def _plan(
        self, view_state: ViewState, corpus: CorpusStates | None, width: int, height: int
    ) -> UnitsLayout:
        words = flow(view_state.trace.tokens, width - 1)
        most = max(2, height // 6)
        text = min(most, words[-1].line + 1)
        first = window(words[-1].line + 1, words[view_state.cursor.t].line, text)
        gates = max(1, len(corpus.right_saturated)) if corpus else 1
        # A heading for each of the five parts, and one line with the active units.
        rest = max(2, height - 6 - text - gates)
        contexts = max(1, rest * 11 // 20)
        return UnitsLayout(text, first, contexts, max(1, rest - contexts))

    # -- drawing ------------------------------------------------------------------------------

    def _text(self, view_state: ViewState, plan: UnitsLayout, width: int) -> list[Line]:
        theme, t, unit = view_state.theme, view_state.cursor.t, view_state.cursor.unit
        note = ""
        if view_state.known(t, "h"):
            value = number(float(view_state.layer.values["h"][t, unit]), 3, True)
            token = cut(visible(view_state.trace.tokens[t]), 20)
            h = view_state.symbol("h", t + 1)
            note = self.page_text(view_state, "value", h=h, value=value, token=token)
            note = f"{note}  {second_sentence.value_text(view_state, 'h')}".rstrip()
        title = heading(self.page_text(view_state, "text", n=unit), "", width, theme, note)
        words = flow(view_state.trace.tokens, width - 1)
        return [title, *coloured(view_state, words, plan.first, plan.text)]

    def _contexts(
        self, view_state: ViewState, corpus: CorpusStates, plan: UnitsLayout, width: int
    ) -> list[Line]:
        """The places with the highest states at the left, with the lowest at the right."""
        theme, half = view_state.theme, (width - GAP) // 2
        lists = []
        for name, highest in (("highest", True), ("lowest", False)):
            column: list[Line] = [heading(self.page_text(view_state, name), "", half, theme)]
            for place in extremes(corpus, view_state.cursor.unit, plan.contexts, highest):
                column.append(_in_corpus(corpus, place, view_state.cursor.unit, half, theme))
            column += [[] for _ in range(plan.contexts + 1 - len(column))]
            lists.append(column)
        gap = Segment(" " * GAP, theme.ink)
        both = zip(*lists, strict=True)
        return [[*trimmed(a, half, theme.ink), gap, *trimmed(b, half, theme.ink)] for a, b in both]

    def _matches(
        self, view_state: ViewState, corpus: CorpusStates, plan: UnitsLayout, width: int
    ) -> list[Line]:
        theme, t, H = view_state.theme, view_state.cursor.t, view_state.layer.units
        threshold, title = self._threshold(view_state), self.page_text(view_state, "pattern")
        limit = number(threshold, 2)
        lines: list[Line]
        if not view_state.known(t, "h"):
            lines = [heading(title, "", width, theme), self._dim(view_state, "not_yet")]
        else:
            state = view_state.layer.values["h"][t]
            here = active_units(state, threshold)
            note = self.page_text(view_state, "on", threshold=limit, count=len(here), H=H)
            lines = [heading(title, "", width, theme, note)]
            matched = matches(corpus, tuple(map(float, state)), threshold, plan.matches)
            if not here:
                key = "none_on_paper" if view_state.keyless else "none_on"
                lines.append(self._dim(view_state, key, threshold=limit))
            else:
                names = cut(" " + " ".join(map(str, here)), width - 1)
                lines.append([Segment(names, theme.source)])
            if here and not matched:
                lines.append(self._dim(view_state, "nowhere"))
            for match in matched:
                before, token, after = corpus.context(match.place)
                share = f" {number(match.overlap, 2)} {match.both}/{match.either}"
                word = Segment(cut(visible(token), 20), theme.source)
                line = in_context(before, word, after, width - OVERLAP, theme)
                lines.append([Segment(fit(share, OVERLAP), theme.now), *line])
        return lines + [[] for _ in range(plan.matches + 2 - len(lines))]

    def _dim(self, view_state: ViewState, key: str, **values: object) -> Line:
        return [Segment(" " + self.page_text(view_state, key, **values), view_state.theme.dim)]

    def _gates(self, view_state: ViewState, corpus: CorpusStates, width: int) -> list[Line]:
        theme, unit = view_state.theme, view_state.cursor.unit
        about = self.page_text(view_state, "gates_about")
        lines = [heading(self.page_text(view_state, "gates"), about, width, theme)]
        if not corpus.right_saturated:
            return [*lines, self._dim(view_state, "no_gates")]
        half = (width - GATE) // 2
        for gate in corpus.right_saturated:
            words = view_state.word("name", gate)
            line: Line = [Segment(fit(f" {view_state.symbol(gate)} {words}", GATE), theme.source)]
            for side in ("right", "left"):
                counted = _turned_side(view_state, gate, side)
                shares = corpus.right_saturated if counted == "right" else corpus.left_saturated
                own = float(shares[gate][unit])
                most = most_saturated(corpus, gate, counted, NAMED)
                line += self._saturation(view_state, side, unit, own, most, half)
            lines.append(line)
        return lines

    def _saturation(
        self,
        view_state: ViewState,
        side: str,
        unit: int,
        own: float,
        most: tuple[tuple[int, float], ...],
        width: int,
    ) -> Line:
        """The units that are saturated most often, the chosen one first."""
        theme = view_state.theme
        name = self.page_text(view_state, "open" if side == "right" else "shut")
        line: Line = [Segment(f"{name} ", theme.dim)]
        line.append(Segment(f"▸{unit} {fit(number(own), SHARE)}", theme.now))
        for other, share in most:
            piece = Segment(f" {other} {fit(number(share), SHARE)}", theme.ink)
            if other != unit and length([*line, piece]) < width:
                line.append(piece)
        return trimmed(line, width, theme.ink)


@lru_cache(maxsize=512)
def _in_corpus(corpus: CorpusStates, place: int, unit: int, width: int, theme: ViewTheme) -> Line:
    """A place in its context with the unit's value, independent of the cursor."""
    value = float(corpus.h[place, unit])
    before, token, after = corpus.context(place)
    word = swatch(cut(visible(token), max(10, width // 3)), value, theme)
    value_segment = Segment(fit(" " + number(value, 2, True, VALUE - 1), VALUE), theme.now)
    return [value_segment, *in_context(before, word, after, width - VALUE, theme)]


def _turned_side(view_state: ViewState, gate: str, side: str) -> str:
    """The side of a gate in the corpus that is shown as ``side``; of z turned it is the other.

    The corpus was read with z as it was computed.
    """
    source = view_state.trace.source
    if gate != "z" or source is None:
        return side
    own = source.layers[view_state.cursor.layer]
    if not turns_z(own, view_state.layer.notation):
        return side
    return "left" if side == "right" else "right"
