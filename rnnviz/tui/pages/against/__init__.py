"""What did not change? Two sentences aligned token by token, and every difference between them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment

from rnnviz.analysis.difference import (
    THRESHOLD,
    TraceDifference,
    compare,
    largest_change,
    logit_contributions,
    value_changes,
)
from rnnviz.display import visible
from rnnviz.equations import number
from rnnviz.errors import UsageError
from rnnviz.query import Query
from rnnviz.tui.pages.against.aligned_strips import curves, known, places, strips
from rnnviz.tui.pages.shared_gradients import blocks
from rnnviz.tui.panels.arrangement import NUMBER, cell_width
from rnnviz.tui.render.segments import Line, fit, heading, heat, page, short, window, wrapped
from rnnviz.tui.render.theme import ViewTheme
from rnnviz.tui.view import second_sentence
from rnnviz.tui.view.page import Change, Page, PageKey, Prompt
from rnnviz.tui.view.page_state import PageOptions
from rnnviz.tui.view.second_sentence import SecondSentence
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import CellPicked

#: Columns of a probability, of a distance, of the longest word in the table.
P, D, WORD = 7, 8, 16
#: A bar has at least so many columns; heatmaps stand so far apart.
BAR, GAP = 6, 2
#: Lines of the curves and of the units: the least, and the most where there is room.
CURVE, UNITS = (3, 11), (2, 12)
#: Pairs that are seen at once before the curves get any line.
ROWS = 12


@dataclass(frozen=True)
class AgainstLayout:
    """Which lines the parts of the page get, and which columns those of the table."""

    curve: int
    units: int
    rows: range
    word: int
    bar: int
    wide: int
    first: int
    count: int
    beside: tuple[str, ...]  # further quantities whose difference is drawn

    @property
    def top(self) -> int:
        """The line of the first pair."""
        return 4 + self.curve

    @property
    def heat(self) -> int:
        """The column of the first unit."""
        return 3 + 2 * (self.word + 1) + 2 * P + D + self.bar + NUMBER + 1


class AgainstPage(Page):
    """Two strips, a table of pairs, the units responsible, and a sentence in words."""

    name = "against"
    alone = True
    keys = (
        PageKey("other", ("o",), "o"),
        PageKey("without", ("m",), "m"),
        PageKey("quantity", ("g",), "g"),
        PageKey("swap", ("x",), "x"),
    )

    @classmethod
    def applies(cls, moment: ViewState) -> bool:
        return bool(second_sentence.state(moment).text)

    @classmethod
    def initial_state(cls, options: PageOptions) -> SecondSentence | None:
        return None if options.against is None else SecondSentence(options.against)

    def questions(self, moment: ViewState) -> Sequence[Query]:
        asked = second_sentence.asked(moment)
        return () if asked is None else (asked,)

    def press(self, moment: ViewState, key: str) -> Change | Prompt | None:
        own = second_sentence.state(moment)
        if key == "other":
            filled = own.text or moment.query.text
            return Prompt(self.say(moment, "prompt"), self._typed, filled)
        if key == "without":
            return self._without(moment)
        if key == "quantity":
            names = moment.quantities
            at = names.index(own.quantity) if own.quantity in names else -1
            return Change(replace(own, quantity=names[(at + 1) % len(names)]))
        if not own.text:
            return None
        swapped = replace(own, text=moment.query.text)
        return Change(swapped, query=replace(moment.query, text=own.text))

    def lines(self, moment: ViewState, width: int, height: int) -> list[Line]:
        look, asked = moment.look, second_sentence.asked(moment)
        answer = None if asked is None else moment.answers.get(asked)
        if answer is None:
            told = [Segment(" " + line, look.dim) for line in wrapped(self._why(moment), width - 2)]
            return [self.head(moment, width), *([piece] for piece in told)]
        try:
            found = compare(moment.trace, answer)
        except UsageError as error:
            return [self.head(moment, width), [Segment(f" {error}", look.wrong)]]
        told = [Segment(" " + line, look.ink) for line in self._words(moment, found, width)]
        plan = self._plan(moment, found, width, height)
        first = found.anchors[plan.rows.start]
        self.sight = range(first, bisect_left(found.row_of_token, plan.rows.stop))
        shown = places(moment, found, width)
        lines = [self.head(moment, width, self._note(moment, found))]
        lines += strips(moment, found, shown)
        lines += curves(moment, found, shown, width, plan.curve) if plan.curve else []
        lines.append(self._columns(moment, found, plan))
        lines += [self._row(moment, found, plan, row) for row in plan.rows]
        lines += self._units(moment, found, plan, width)
        return [*lines, *([piece] for piece in told)]

    def picked(self, moment: ViewState, x: int, y: int) -> CellPicked | None:
        asked = second_sentence.asked(moment)
        answer = None if asked is None else moment.answers.get(asked)
        if answer is None:
            return None
        found = compare(moment.trace, answer)
        plan = self._plan(moment, found, *self.size)
        at = y - plan.top
        if not 0 <= at < len(plan.rows):
            return None
        unit = (x - plan.heat) // plan.wide + plan.first
        inside = x >= plan.heat and unit < plan.first + plan.count
        return CellPicked(found.anchors[plan.rows[at]], unit if inside else None)

    # -- what is kept and asked ---------------------------------------------------------------

    def _typed(self, moment: ViewState, said: str) -> Change:
        if not said:
            return Change(message=self.say(moment, "none"), failed=True)
        second = replace(second_sentence.state(moment), text=said)
        return Change(second, question=replace(moment.query, text=said))

    def _without(self, moment: ViewState) -> Change:
        words = [w for w in moment.trace.tokens if not w.startswith("[")]
        chosen = moment.trace.tokens[moment.cursor.t]
        at = sum(not w.startswith("[") for w in moment.trace.tokens[: moment.cursor.t])
        rest = words if chosen.startswith("[") else words[:at] + words[at + 1 :]
        if not rest:
            return Change(message=self.say(moment, "one_word"), failed=True)
        return Change(replace(second_sentence.state(moment), text=" ".join(rest)))

    def _why(self, moment: ViewState) -> str:
        """Why there is nothing to draw."""
        asked = second_sentence.asked(moment)
        if asked is None:
            return self.say(moment, "none")
        reason = moment.failures.get(asked)
        if reason is not None:
            return visible(reason)
        return self.say(moment, "computing", text=visible(asked.text))

    def _quantity(self, moment: ViewState) -> str:
        name = second_sentence.state(moment).quantity
        return name if name in moment.quantities else "h"

    # -- how it is drawn ----------------------------------------------------------------------

    def _plan(
        self, moment: ViewState, found: TraceDifference, width: int, height: int
    ) -> AgainstLayout:
        pairs = len(found.pairs)
        # The words at the foot get the room of their last state: nothing jumps while one steps.
        told = len(wrapped(self._whole(moment, found), width - 2))
        curve, units = _shared(height - 5 - told, pairs, len(moment.trace.head.W))
        room = max(1, height - 5 - told - curve - units)
        first = _first_row(moment, found, room)
        longest = max(cell_len(visible(w)) for w in (*found.a.tokens, *found.b.tokens))
        H, wide = moment.layer.units, cell_width(moment.layer.units)
        fixed = 3 + 2 + 2 * P + D + NUMBER + 1
        word = min(WORD, max(6, min(longest, (width - fixed - H * wide) // 2)))
        count = min(H, max(1, (width - fixed - 2 * word) // wide))
        spare = width - fixed - 2 * word - count * wide
        bar = min(24, spare) if spare >= BAR else 0
        rows = range(first, min(first + room, pairs))
        begin = window(H, moment.cursor.unit, count)
        beside = self._beside(moment, (spare - bar) // (count * wide + GAP) if count == H else 0)
        return AgainstLayout(curve, units, rows, word, bar, wide, begin, count, beside)

    def _beside(self, moment: ViewState, most: int) -> tuple[str, ...]:
        """The quantities after the chosen one that have room beside it."""
        names = moment.quantities
        at = names.index(self._quantity(moment)) + 1
        return (*names[at:], *names[: at - 1])[:most]

    def _note(self, moment: ViewState, found: TraceDifference) -> str:
        name = self._quantity(moment)
        words = moment.word("name", name)
        said = name if words == name else f"{name} {words}"
        scale = f"±{number(largest_change(found, moment.cursor.layer, name), 2)}"
        return self.say(moment, "note", name=said, scale=scale)

    def _columns(self, moment: ViewState, found: TraceDifference, plan: AgainstLayout) -> Line:
        look = moment.look
        head, k = moment.trace.head, moment.shown_class()
        label = visible(head.labels[k])
        what = moment.text("view.believes", label=label) if head.kind != "linear" else label
        left = [
            Segment("   ", look.dim), Segment(fit("a", plan.word + 1), look.bold),
            Segment(fit("b", plan.word + 1), look.source), Segment(fit(what, 2 * P), look.dim),
            Segment(fit(self.say(moment, "distance"), D + plan.bar + NUMBER + 1), look.dim),
        ]  # fmt: skip
        line = [*left, *self._arrow(moment, plan)]
        for name in plan.beside:
            scale = number(largest_change(found, moment.cursor.layer, name), 2)
            said = fit(f"{name} ±{scale}", plan.count * plan.wide)
            line.append(Segment(" " * GAP + said, look.dim))
        return line

    def _arrow(self, moment: ViewState, plan: AgainstLayout) -> Line:
        unit = moment.cursor.unit
        at = (unit - plan.first) * plan.wide + (plan.wide - 1) // 2
        said = str(unit)
        # The number stands on the side where there is room for it.
        right = at + 1 + len(said) <= plan.count * plan.wide
        text = f"▼{said}" if right else f"{said}▼"
        before = at if right else at - len(said)
        after = plan.count * plan.wide - before - len(text)
        return [
            Segment(" " * before), Segment(text, moment.look.now), Segment(" " * after)
        ]  # fmt: skip

    def _row(
        self, moment: ViewState, found: TraceDifference, plan: AgainstLayout, row: int
    ) -> Line:
        look, here = moment.look, row == found.row_of_token[moment.cursor.t]
        mark, read = found.mark(row), known(moment, found, row)
        lit = look.above if mark != "=" else None
        line: Line = [Segment("▸" if here else " ", look.now), Segment(f"{mark} ", lit or look.dim)]
        sides = zip((found.a, found.b), found.pairs[row], (look.bold, look.source), strict=True)
        beliefs: Line = []
        k = moment.shown_class()
        for trace, t, style in sides:
            word = "" if t is None else visible(trace.tokens[t])
            ink = look.chosen if here and t is not None else look.dim if not read else lit or style
            line += [Segment(fit(word, plan.word), ink), Segment(" ", look.ink)]
            said = "" if t is None else number(float(trace.head.readout[t, k]), 3) if read else "·"
            said = "?" if t is not None and not read and here and moment.hidden else said
            beliefs.append(Segment(fit(said, P), style if read else look.rule))
        return [*line, *beliefs, *self._far(moment, found, plan, row, read),
                *self._heat(moment, found, plan, row)]  # fmt: skip

    def _far(
        self, moment: ViewState, found: TraceDifference, plan: AgainstLayout, row: int, read: bool
    ) -> Line:
        look, far = moment.look, found.distances[row]
        if far is None or not read:
            said = self.say(moment, "missing") if far is None and read else "·"
            return [Segment(fit(said, D + plan.bar), look.rule)]
        if far <= THRESHOLD:
            return [Segment(fit(self.say(moment, "same"), D + plan.bar), look.dim)]
        top = max(d for d in found.distances if d is not None)
        bar = blocks(far / top, max(0, plan.bar - 1))
        return [Segment(fit(number(far), D), look.now), Segment(fit(bar, plan.bar), look.above)]

    def _heat(
        self, moment: ViewState, found: TraceDifference, plan: AgainstLayout, row: int
    ) -> Line:
        """The chosen unit's difference as a number, and a cell a unit for each quantity."""
        look, unit, name = moment.look, moment.cursor.unit, self._quantity(moment)
        if None in found.pairs[row]:
            return []
        here = row == found.row_of_token[moment.cursor.t]
        read = moment.known(found.anchors[row], name)
        value = float(value_changes(found, moment.cursor.layer, name)[row, unit])
        said = fit(short(value) if read else "", NUMBER + 1)
        line = [Segment(said, look.now if here else look.dim)]
        for n, each in enumerate((name, *plan.beside)):
            line += [Segment(" " * GAP)] if n else []
            line += self._cells(moment, found, plan, row, each)
        return line

    def _cells(
        self, moment: ViewState, found: TraceDifference, plan: AgainstLayout, row: int, name: str
    ) -> Line:
        look, wide = moment.look, plan.wide
        if not moment.known(found.anchors[row], name):
            dots = fit("·", max(4, wide)) * plan.count
            return [Segment(dots[: wide * plan.count], look.rule)]
        sight = (plan.first, plan.first + plan.count)
        return _painted(
            found, moment.cursor.layer, name, row, sight, wide, moment.cursor.unit, look
        )

    def _units(
        self, moment: ViewState, found: TraceDifference, plan: AgainstLayout, width: int
    ) -> list[Line]:
        look, k = moment.look, moment.shown_class()
        row = self._last_row(moment, found)
        title, question = self.say(moment, "units"), self.say(moment, "who")
        told = logit_contributions(found, row, k)
        if not known(moment, found, row) or told is None:
            ready = told is None and None not in found.last_read[row]
            why = self.say(moment, "no_share" if ready else "not_yet")
            return [heading(title, question, width, look), [Segment(" " + why, look.dim)],
                    *[[] for _ in range(plan.units - 1)]]  # fmt: skip
        label, total = (
            visible(moment.trace.head.labels[k]),
            number(float(told.values.sum()), 3, True),
        )
        note = self.say(
            moment, "share_end" if told.whole_text else "share", label=label, value=total
        )
        lines = [heading(title, question, width, look, note)]
        places = told.largest(plan.units)
        top = abs(float(told.values[places[0]])) or 1.0
        for place in places:
            value = float(told.values[place])
            done = told.arithmetic(place)
            style = look.above if value > 0 else look.below
            bar = blocks(abs(value) / top, 24)
            name = fit(" " + self._unit(moment, place), 12)
            sum_of = f"(h_a − h_b) · W = {done.text}"
            spare = width - 13 - 8 - len(sum_of) - 2
            line = [Segment(name, look.source), Segment(fit(done.result, 9), look.now)]
            line += [Segment(fit(bar, 25), style)] if width >= 60 + len(sum_of) else []
            line += [Segment(sum_of if spare >= 0 else "", look.dim)]
            lines.append(line)
        return lines

    def _unit(self, moment: ViewState, place: int) -> str:
        top = moment.trace.layers[-1]
        if top.direction != "backward":
            return self.say(moment, "unit", n=place)
        side = "←" if place >= top.units else "→"
        return self.say(moment, "unit", n=f"{place % top.units}{side}")

    def _last_row(self, moment: ViewState, found: TraceDifference) -> int:
        """The pair whose reading is explained: at the last word of a, all of b is read too."""
        last = moment.cursor.t == len(found.a.tokens) - 1
        return len(found.pairs) - 1 if last else found.row_of_token[moment.cursor.t]

    def _words(self, moment: ViewState, found: TraceDifference, width: int) -> list[str]:
        """What is the same and where they part, as far as it was read."""
        first, row = found.first_edit, self._last_row(moment, found)
        read = known(moment, found, row)
        at_end = read and row == len(found.pairs) - 1
        if first is None and at_end:
            return wrapped(self.say(moment, "never"), width - 2)
        if first is None or first > row or (first == row and not read):
            return wrapped(self.say(moment, "so_far"), width - 2)
        said = self._whole(moment, found) if at_end else self._parting(moment, found, first)
        return wrapped(said, width - 2)

    def _whole(self, moment: ViewState, found: TraceDifference) -> str:
        """Everything there is to say at the end."""
        if found.first_edit is None:
            return self.say(moment, "never")
        return self._parting(moment, found, found.first_edit) + " " + self._end(moment, found)

    def _parting(self, moment: ViewState, found: TraceDifference, first: int) -> str:
        if found.first_divergence is not None and found.first_divergence < first:
            return self.say(moment, "backward")
        i, j = found.pairs[first]
        a, b = (
            "" if t is None else visible(trace.tokens[t])
            for trace, t in ((found.a, i), (found.b, j))
        )
        kind = {"−": "only_a", "+": "only_b", "≠": "other"}[found.mark(first)]
        change = self.say(moment, kind, a=a, b=b)
        if first == 0:
            return self.say(moment, "first", change=change)
        before = visible(found.a.tokens[found.pairs[first - 1][0] or 0])
        return self.say(moment, "until", before=before, change=change)

    def _end(self, moment: ViewState, found: TraceDifference) -> str:
        k, head = moment.shown_class(), found.a.head
        label = visible(head.labels[k])
        what = moment.text("view.believes", label=label) if head.kind != "linear" else label
        same = sum(found.is_equal(row) for row in range(len(found.pairs)))
        return self.say(
            moment, "end", same=same, pairs=len(found.pairs), distance=number(found.final_distance),
            what=what, pa=number(float(head.output[k])), pb=number(float(found.b.head.output[k])),
        )  # fmt: skip


def _first_row(moment: ViewState, found: TraceDifference, room: int) -> int:
    """The first pair in so many rows: they stand still while the chosen one is among them."""
    pairs, here = len(found.pairs), found.row_of_token[moment.cursor.t]
    if room >= pairs:
        return 0
    first = second_sentence.first_row(found, min(moment.first, len(found.row_of_token) - 1))
    if first <= here < first + room:
        return first
    first = page(pairs, here, room)
    whole = second_sentence.first_row(found, found.anchors[first])
    return whole if here < whole + room else first


@lru_cache(maxsize=1024)
def _painted(
    found: TraceDifference,
    layer: int,
    name: str,
    row: int,
    sight: tuple[int, int],
    wide: int,
    unit: int,
    look: ViewTheme,
) -> Line:
    """The cells of one pair: a step changes two rows, the others are painted already."""
    values = value_changes(found, layer, name)[row, slice(*sight)]
    top = largest_change(found, layer, name)
    return heat(values, top, False, look, wide, unit - sight[0])


def _shared(lines: int, pairs: int, reads: int) -> tuple[int, int]:
    """Lines of the curves, an odd number or none, and of the units; the table has the rest."""
    most = min(CURVE[1], (lines - min(pairs, ROWS)) // 2)
    curve = most - 1 + most % 2 if most >= CURVE[0] else 0
    least = UNITS[0] if curve <= CURVE[0] else 2 * UNITS[0]
    return curve, min(reads, max(least, min(UNITS[1], lines - curve - pairs)))
