"""What did not change? Two sentences aligned token by token, and every difference between them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace

from rich.segment import Segment

from rnnviz.analysis.difference import (
    compare,
)
from rnnviz.display import visible
from rnnviz.errors import UsageError
from rnnviz.query import Query
from rnnviz.tui.pages.compare_sentences.aligned_strips import curves, places, strips
from rnnviz.tui.pages.compare_sentences.explanation import contributions, summary
from rnnviz.tui.pages.compare_sentences.pair_table import header, layout, note, pair_row
from rnnviz.tui.render.segments import Line, wrapped
from rnnviz.tui.view import second_sentence
from rnnviz.tui.view.page import Change, Page, PageKey, Prompt
from rnnviz.tui.view.page_state import PageOptions
from rnnviz.tui.view.second_sentence import SecondSentence
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import CellPicked


class CompareSentencesPage(Page):
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
        told = [Segment(" " + line, look.ink) for line in summary(moment, found, width)]
        plan = layout(moment, found, width, height)
        first = found.anchors[plan.rows.start]
        self.sight = range(first, bisect_left(found.row_of_token, plan.rows.stop))
        shown = places(moment, found, width)
        lines = [self.head(moment, width, note(moment, found))]
        lines += strips(moment, found, shown)
        lines += curves(moment, found, shown, width, plan.curve) if plan.curve else []
        lines.append(header(moment, found, plan))
        lines += [pair_row(moment, found, plan, row) for row in plan.rows]
        lines += contributions(moment, found, plan.units, width)
        return [*lines, *([piece] for piece in told)]

    def picked(self, moment: ViewState, x: int, y: int) -> CellPicked | None:
        asked = second_sentence.asked(moment)
        answer = None if asked is None else moment.answers.get(asked)
        if answer is None:
            return None
        found = compare(moment.trace, answer)
        plan = layout(moment, found, *self.size)
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
