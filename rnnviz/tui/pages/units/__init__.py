"""What does a unit respond to? Its places in a corpus, the same pattern elsewhere, stuck gates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from rich.segment import Segment

from rnnviz.analysis.units import (
    CorpusStates,
    UnitQuestion,
    active_units,
    extremes,
    matches,
    most_saturated,
)
from rnnviz.display import visible
from rnnviz.equations import number, symbol
from rnnviz.tui.pages.units.word_context import coloured, flow, in_context, swatch
from rnnviz.tui.render.segments import Line, cut, fit, heading, length, trimmed, window, wrapped
from rnnviz.tui.render.theme import ViewTheme
from rnnviz.tui.view import second_sentence
from rnnviz.tui.view.page import Change, Page, PageKey, Prompt
from rnnviz.tui.view.page_state import PageState
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import CellPicked

#: Thresholds above which a unit counts as on, in the order the key goes through them.
THRESHOLDS = (0.3, 0.2, 0.1, 0.05, 0.7, 0.5)
#: Columns of a value, of an overlap, between the two lists; columns of the names of gates.
VALUE, OVERLAP, GAP, GATE = 7, 11, 2, 18
#: Units named in a list at most.
NAMED = 6


@dataclass(frozen=True)
class UnitsLayout:
    """How many lines each part gets; ``first`` is the first line of the text in sight."""

    text: int
    first: int
    contexts: int
    matches: int


@dataclass(frozen=True)
class UnitsState(PageState):
    """The threshold above which a unit counts as active."""

    page: ClassVar[str] = "units"
    threshold: float = THRESHOLDS[0]


class UnitsPage(Page):
    """The text by one unit, its contexts, matching places, saturated gates."""

    name = "units"
    alone = True
    keys = (PageKey("threshold", ("g",), "g"),)

    @classmethod
    def applies(cls, moment: ViewState) -> bool:
        return not (moment.trace.series or moment.query.hand)

    def questions(self, moment: ViewState) -> Sequence[UnitQuestion]:
        query = moment.query
        if query.hand is not None:
            return ()
        return (UnitQuestion(query.model, moment.cursor.layer, query.random),)

    def press(self, moment: ViewState, key: str) -> Change | Prompt | None:
        at = (THRESHOLDS.index(self._threshold(moment)) + 1) % len(THRESHOLDS)
        return Change(UnitsState(THRESHOLDS[at]))

    def lines(self, moment: ViewState, width: int, height: int) -> list[Line]:
        heard = self._heard(moment)
        plan = self._plan(moment, heard, width, height)
        lines = [self.head(moment, width, self._note(moment, heard))]
        lines += self._text(moment, plan, width)
        if heard is None:
            look = moment.look
            told = wrapped(self._why(moment), width - 2)
            return [*lines, [], *([Segment(" " + line, look.dim)] for line in told)]
        lines += self._contexts(moment, heard, plan, width)
        lines += self._matches(moment, heard, plan, width)
        return lines + self._gates(moment, heard, width)

    def picked(self, moment: ViewState, x: int, y: int) -> CellPicked | None:
        width, height = self.size
        plan = self._plan(moment, self._heard(moment), width, height)
        line = y - 2 + plan.first
        for word in flow(moment.trace.tokens, width - 1):
            inside = word.x <= x <= word.x + len(word.text)
            if 0 <= y - 2 < plan.text and word.line == line and inside:
                return CellPicked(word.t)
        return None

    # -- what is known ------------------------------------------------------------------------

    def _threshold(self, moment: ViewState) -> float:
        return moment.page_state(UnitsState).threshold

    def _heard(self, moment: ViewState) -> CorpusStates | None:
        return next((moment.answers.get(q) for q in self.questions(moment)), None)

    def _why(self, moment: ViewState) -> str:
        """Why there is no corpus yet."""
        for question in self.questions(moment):
            reason = moment.failures.get(question)
            return self.say(moment, "computing") if reason is None else visible(reason)
        return self.say(moment, "hand")

    def _note(self, moment: ViewState, heard: CorpusStates | None) -> str:
        n, H = moment.cursor.unit, moment.layer.units
        keys = "" if moment.paper else " (↑ ↓)"
        if heard is None:
            return self.say(moment, "note_alone", n=n, H=H, keys=keys)
        places = f"{len(heard.h):,}"
        return self.say(moment, "note", n=n, H=H, keys=keys, source=heard.source, places=places)

    def _plan(
        self, moment: ViewState, heard: CorpusStates | None, width: int, height: int
    ) -> UnitsLayout:
        words = flow(moment.trace.tokens, width - 1)
        most = max(2, height // 6)
        text = min(most, words[-1].line + 1)
        first = window(words[-1].line + 1, words[moment.cursor.t].line, text)
        gates = max(1, len(heard.right_saturated)) if heard else 1
        # A heading for each of the five parts, and one line that names the units that are on.
        rest = max(2, height - 6 - text - gates)
        contexts = max(1, rest * 11 // 20)
        return UnitsLayout(text, first, contexts, max(1, rest - contexts))

    # -- how it is drawn ----------------------------------------------------------------------

    def _text(self, moment: ViewState, plan: UnitsLayout, width: int) -> list[Line]:
        look, t, unit = moment.look, moment.cursor.t, moment.cursor.unit
        note = ""
        if moment.known(t, "h"):
            value = number(float(moment.layer.values["h"][t, unit]), 3, True)
            token = cut(visible(moment.trace.tokens[t]), 20)
            h = symbol("h", t + 1)
            note = self.say(moment, "value", h=h, value=value, token=token)
            note = f"{note}  {second_sentence.beside(moment, 'h')}".rstrip()
        title = heading(self.say(moment, "text", n=unit), "", width, look, note)
        words = flow(moment.trace.tokens, width - 1)
        return [title, *coloured(moment, words, plan.first, plan.text)]

    def _contexts(
        self, moment: ViewState, heard: CorpusStates, plan: UnitsLayout, width: int
    ) -> list[Line]:
        """The highest places at the left, the lowest at the right."""
        look, half = moment.look, (width - GAP) // 2
        lists = []
        for name, highest in (("highest", True), ("lowest", False)):
            column: list[Line] = [heading(self.say(moment, name), "", half, look)]
            for place in extremes(heard, moment.cursor.unit, plan.contexts, highest):
                column.append(_in_corpus(heard, place, moment.cursor.unit, half, look))
            column += [[] for _ in range(plan.contexts + 1 - len(column))]
            lists.append(column)
        gap = Segment(" " * GAP, look.ink)
        both = zip(*lists, strict=True)
        return [[*trimmed(a, half, look.ink), gap, *trimmed(b, half, look.ink)] for a, b in both]

    def _matches(
        self, moment: ViewState, heard: CorpusStates, plan: UnitsLayout, width: int
    ) -> list[Line]:
        look, t, H = moment.look, moment.cursor.t, moment.layer.units
        threshold, title = self._threshold(moment), self.say(moment, "pattern")
        limit = number(threshold, 2)
        lines: list[Line]
        if not moment.known(t, "h"):
            lines = [heading(title, "", width, look), self._dim(moment, "not_yet")]
        else:
            state = moment.layer.values["h"][t]
            here = active_units(state, threshold)
            note = self.say(moment, "on", threshold=limit, count=len(here), H=H)
            lines = [heading(title, "", width, look, note)]
            found = matches(heard, tuple(map(float, state)), threshold, plan.matches)
            if not here:
                key = "none_on_paper" if moment.paper else "none_on"
                lines.append(self._dim(moment, key, threshold=limit))
            else:
                names = cut(" " + " ".join(map(str, here)), width - 1)
                lines.append([Segment(names, look.source)])
            if here and not found:
                lines.append(self._dim(moment, "nowhere"))
            for match in found:
                before, token, after = heard.context(match.place)
                share = f" {number(match.overlap, 2)} {match.both}/{match.either}"
                word = Segment(cut(visible(token), 20), look.source)
                line = in_context(before, word, after, width - OVERLAP, look)
                lines.append([Segment(fit(share, OVERLAP), look.now), *line])
        return lines + [[] for _ in range(plan.matches + 2 - len(lines))]

    def _dim(self, moment: ViewState, key: str, **values: object) -> Line:
        return [Segment(" " + self.say(moment, key, **values), moment.look.dim)]

    def _gates(self, moment: ViewState, heard: CorpusStates, width: int) -> list[Line]:
        look, unit = moment.look, moment.cursor.unit
        about = self.say(moment, "gates_about")
        lines = [heading(self.say(moment, "gates"), about, width, look)]
        if not heard.right_saturated:
            return [*lines, self._dim(moment, "no_gates")]
        half = (width - GATE) // 2
        for gate in heard.right_saturated:
            words = moment.word("name", gate)
            line: Line = [Segment(fit(f" {gate} {words}", GATE), look.source)]
            for side in ("right", "left"):
                shares = heard.right_saturated if side == "right" else heard.left_saturated
                own = float(shares[gate][unit])
                line += self._saturation(
                    moment, side, unit, own, most_saturated(heard, gate, side, NAMED), half
                )
            lines.append(line)
        return lines

    def _saturation(
        self,
        moment: ViewState,
        side: str,
        unit: int,
        own: float,
        found: tuple[tuple[int, float], ...],
        width: int,
    ) -> Line:
        """The units that are saturated most often, the chosen one first."""
        look = moment.look
        name = self.say(moment, "open" if side == "right" else "shut")
        line: Line = [Segment(f"{name} ", look.dim)]
        line.append(Segment(f"▸{unit} {number(own)} ", look.now))
        for other, share in found:
            piece = Segment(f" {other} {number(share)}", look.ink)
            if other != unit and length([*line, piece]) < width:
                line.append(piece)
        return trimmed(line, width, look.ink)


@lru_cache(maxsize=512)
def _in_corpus(heard: CorpusStates, place: int, unit: int, width: int, look: ViewTheme) -> Line:
    """A place in its context, with the unit's value; it stays while the cursor moves."""
    value = float(heard.h[place, unit])
    before, token, after = heard.context(place)
    word = swatch(cut(visible(token), max(10, width // 3)), value, look)
    said = Segment(fit(" " + number(value, 2, True), VALUE), look.now)
    return [said, *in_context(before, word, after, width - VALUE, look)]
