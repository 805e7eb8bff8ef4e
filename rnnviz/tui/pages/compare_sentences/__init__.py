"""Page that compares two sentences, aligned token by token."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace

from rich.segment import Segment

from rnnviz.analysis.difference import (
    compare,
)
from rnnviz.display import in_one_line, visible
from rnnviz.errors import UsageError
from rnnviz.query import Query
from rnnviz.tui.pages.compare_sentences.aligned_strips import places, prediction_bars, strips
from rnnviz.tui.pages.compare_sentences.explanation import contributions, summary
from rnnviz.tui.pages.compare_sentences.pair_table import header, layout, note, pair_row
from rnnviz.tui.render.segments import Line, wrapped
from rnnviz.tui.view import second_sentence
from rnnviz.tui.view.conclusion import Clause
from rnnviz.tui.view.off_screen import off_above_below
from rnnviz.tui.view.page import Change, Page, Prompt
from rnnviz.tui.view.page_state import PageOptions
from rnnviz.tui.view.second_sentence import SecondSentence
from rnnviz.tui.view.token_text import begins_with_mark, joined
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import CellPicked


class CompareSentencesPage(Page):
    """Two strips, a table of token pairs, contributions of units, and a summary in words."""

    name = "against"
    full_screen = True
    actions = ("type", "drop_word", "next", "exchange")

    @classmethod
    def applies(cls, view_state: ViewState) -> bool:
        return bool(second_sentence.state(view_state).text)

    @classmethod
    def initial_state(cls, options: PageOptions) -> SecondSentence | None:
        return None if options.against is None else SecondSentence(options.against)

    def questions(self, view_state: ViewState) -> Sequence[Query]:
        query = second_sentence.sentence_query(view_state)
        return () if query is None else (query,)

    def press(self, view_state: ViewState, key: str) -> Change | Prompt | None:
        own = second_sentence.state(view_state)
        if key == "type":
            filled = own.text or view_state.query.text
            return Prompt(self.page_text(view_state, "prompt"), self._typed, filled)
        if key == "drop_word":
            return self._without(view_state)
        if key == "next":
            names = view_state.quantities
            at = names.index(own.quantity) if own.quantity in names else -1
            return Change(replace(own, quantity=names[(at + 1) % len(names)]))
        if not own.text:
            return None
        swapped = replace(own, text=view_state.query.text)
        return Change(swapped, query=replace(view_state.query, text=own.text))

    def lines(self, view_state: ViewState, width: int, height: int) -> list[Line]:
        theme, query = view_state.theme, second_sentence.sentence_query(view_state)
        answer = None if query is None else view_state.answers.get(query)
        if answer is None:
            paragraph = [
                Segment(" " + line, theme.dim) for line in wrapped(self._why(view_state), width - 2)
            ]
            lines = [self.head(view_state, width), *([piece] for piece in paragraph)]
            return [*lines, *self._what_it_shows(view_state, width)] if query is None else lines
        try:
            diff = compare(view_state.trace, answer)
        except UsageError as error:
            return [self.head(view_state, width), [Segment(f" {error}", theme.wrong)]]
        plan = layout(view_state, diff, width, height)
        first = diff.anchors[plan.rows.start]
        self.visible_tokens = range(first, bisect_left(diff.row_of_token, plan.rows.stop))
        strip_places = places(view_state, diff, width)
        away = off_above_below(
            view_state, plan.rows.start, len(diff.pairs) - plan.rows.stop, width // 4
        )
        title = note(view_state, diff) + (f" · {away}" if away else "")
        lines = [self.head(view_state, width, title)]
        lines += strips(view_state, diff, strip_places)
        if plan.curve:
            lines += prediction_bars(view_state, diff, strip_places, width, plan.curve)
        lines.append(header(view_state, diff, plan))
        lines += [pair_row(view_state, diff, plan, row) for row in plan.rows]
        lines += contributions(view_state, diff, plan.units, width)
        return lines

    def conclusion(self, view_state: ViewState) -> Sequence[Clause]:
        query = second_sentence.sentence_query(view_state)
        answer = None if query is None else view_state.answers.get(query)
        if query is None or answer is None:
            return ()
        try:
            return summary(view_state, compare(view_state.trace, answer), query)
        except UsageError:
            return ()

    def conclusion_rows(self, width: int, height: int) -> int:
        return 3 if width < 100 else 2

    def picked(self, view_state: ViewState, x: int, y: int) -> CellPicked | None:
        query = second_sentence.sentence_query(view_state)
        answer = None if query is None else view_state.answers.get(query)
        if answer is None:
            return None
        diff = compare(view_state.trace, answer)
        plan = layout(view_state, diff, *self.size)
        at = y - plan.top
        if not 0 <= at < len(plan.rows):
            return None
        unit = (x - plan.heat) // plan.wide + plan.first
        inside = x >= plan.heat and unit < plan.first + plan.count
        return CellPicked(diff.anchors[plan.rows[at]], unit if inside else None)

    # -- keys ---------------------------------------------------------------------------------

    def _typed(self, view_state: ViewState, text: str) -> Change:
        if not text:
            return Change(message=self.page_text(view_state, "none"), failed=True)
        second = replace(second_sentence.state(view_state), text=text)
        return Change(second, question=replace(view_state.query, text=text))

    def _what_it_shows(self, view_state: ViewState, width: int) -> list[Line]:
        """Before there is a second sentence: what dropping the word would compare, and what for."""
        theme, rest = view_state.theme, self._rest(view_state)
        lines: list[Line] = [[]]
        if rest and view_state.trace.series is None:
            pairs = (
                ("a", view_state.trace.tokens, theme.bold),
                ("b", rest, theme.source),
            )
            for name, tokens, style in pairs:
                words = wrapped(" ".join(map(visible, tokens)), width - 6)
                marks = [f"   {name}  ", *[" " * 6] * len(words)]
                pieces = zip(marks, words, strict=False)
                lines += [[Segment(mark, theme.dim), Segment(line, style)] for mark, line in pieces]
            lines.append([])
        shown = wrapped(self.page_text(view_state, "help"), width - 2)
        return [*lines, *([Segment(f" {line}", theme.dim)] for line in shown)]

    def _rest(self, view_state: ViewState) -> list[str]:
        """The tokens of the text without the chosen one, and without the mark it begins with."""
        words = [w for w in view_state.trace.tokens if not w.startswith("[")]
        chosen = view_state.trace.tokens[view_state.cursor.t]
        at = sum(not w.startswith("[") for w in view_state.trace.tokens[: view_state.cursor.t])
        rest = words if chosen.startswith("[") else words[:at] + words[at + 1 :]
        return rest[1:] if begins_with_mark(view_state.trace) and at else rest

    def _without(self, view_state: ViewState) -> Change:
        rest = self._rest(view_state)
        if not rest:
            return Change(message=self.page_text(view_state, "one_word"), failed=True)
        return Change(
            replace(second_sentence.state(view_state), text=joined(view_state.trace, rest))
        )

    def _why(self, view_state: ViewState) -> str:
        """The reason why there is no comparison."""
        query = second_sentence.sentence_query(view_state)
        if query is None:
            return self.page_text(view_state, "none")
        reason = view_state.failures.get(query)
        if reason is not None:
            return visible(reason)
        return self.page_text(view_state, "computing", text=in_one_line(query.text))
