"""Page of clamps: values that are set instead of computed, and their effects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from rich.cells import cell_len

from rnnviz import i18n
from rnnviz.analysis.clamp_effects import is_comparable
from rnnviz.clamps import Clamp, ClampTarget, parse_counted, resolve_clamp
from rnnviz.display import visible
from rnnviz.equations import number
from rnnviz.errors import UsageError, one_line
from rnnviz.query import Query, Question
from rnnviz.trace import Trace
from rnnviz.trace.notation import read_clamp, turned_value, written_clamp
from rnnviz.tui.pages.clamp import difference_table, overview
from rnnviz.tui.pages.clamp.explanation import outcome
from rnnviz.tui.pages.conclusions import checked, end, read, shown_output, texts
from rnnviz.tui.panels.belief import output_name
from rnnviz.tui.render.segments import Line, cut, wrapped
from rnnviz.tui.view.conclusion import Clause
from rnnviz.tui.view.off_screen import off_rows
from rnnviz.tui.view.page import Change, Page, Prompt
from rnnviz.tui.view.page_state import PageState
from rnnviz.tui.view.view_state import NOTHING, ViewState, scale
from rnnviz.tui.view.widget import CellPicked

Clamps = tuple[Clamp, ...]


@dataclass(frozen=True)
class ClampState(PageState):
    """The quantity that is drawn."""

    page: ClassVar[str] = "clamp"
    quantity: str = "h"


class ClampPage(Page):
    """The list of clamps, the predictions with and without them, and the differences."""

    name: ClassVar[str] = "clamp"
    actions = ("shut_gate", "open_gate", "type", "next", "cut_unit", "take_away")

    @classmethod
    def applies(cls, view_state: ViewState) -> bool:
        return bool(view_state.trace.clamps)

    def questions(self, view_state: ViewState) -> Sequence[Query]:
        return () if view_state.query == NOTHING else (self._free_query(view_state),)

    def press(self, view_state: ViewState, key: str) -> Change | Prompt | None:
        if key == "next":
            names, state = view_state.quantities, view_state.page_state(ClampState)
            at = names.index(self.quantity(view_state))
            return Change(replace(state, quantity=names[(at + 1) % len(names)]))
        reason = self._why(view_state)
        if reason:
            return Change(message=reason, failed=True)
        if key == "type":
            return Prompt(self._prompt(view_state), self._typed)
        if key == "take_away":
            return self._hold(view_state, ()) if view_state.latest_query.clamps else None
        if key == "cut_unit":
            return self._toggle(view_state, Clamp("h", 0.0, None, view_state.cursor.unit))
        gate = self.gate(view_state)
        if gate is None:
            return Change(
                message=self.page_text(view_state, "no_gate", cell=view_state.layer.title),
                failed=True,
            )
        clamp = Clamp(gate, float(key == "open_gate"), layer=self._layer(view_state))
        return self._toggle(view_state, turned_value(clamp, view_state.trace))

    def lines(self, view_state: ViewState, width: int, height: int) -> list[Line]:
        free, reason = self._free(view_state), self._why(view_state)
        if free is None or reason:
            text = reason or self.page_text(view_state, "computing")
            paragraph = wrapped(visible(text), width - 2)
            return [self.head(view_state, width), *overview.plain(paragraph, view_state)]
        name = self.quantity(view_state)
        above = overview.above(view_state, free, name, width, height - 3)
        rows = height - 3 - len(above)
        self.visible_tokens = difference_table.rows(view_state, rows)
        note = overview.note(view_state, free, name)
        away = off_rows(view_state, self.visible_tokens, width // 4)
        return [
            self.head(view_state, width, f"{note} · {away}" if away else note), *above,
            *difference_table.table(view_state, free, name, width, rows + 1),
            *([] if view_state.keyless else [self._hint(view_state, width)]),
        ]  # fmt: skip

    def picked(self, view_state: ViewState, x: int, y: int) -> CellPicked | None:
        free = self._free(view_state)
        if free is None or self._why(view_state):
            return None
        width, height = self.size
        name = self.quantity(view_state)
        top = 2 + len(overview.above(view_state, free, name, width, height - 3))
        tokens, plan = (
            difference_table.rows(view_state, height - 1 - top),
            difference_table.plan(view_state, width),
        )
        unit = (x - plan.heat) // plan.wide + plan.first
        row = (y - top) // difference_table.row_height(view_state, plan, height - top)
        return CellPicked(
            t=tokens[row] if 0 <= row < len(tokens) else None,
            unit=unit if x >= plan.heat and unit < plan.first + plan.count else None,
        )

    def quantity(self, view_state: ViewState) -> str:
        """The quantity that is drawn."""
        name = view_state.page_state(ClampState).quantity
        return name if name in view_state.quantities else "h"

    def gate(self, view_state: ViewState) -> str | None:
        """The gate that 0 and 1 clamp: the drawn quantity if it is a gate, else this part's.

        Else the gate that scales the previous state: f of an LSTM, z of a GRU.
        """
        gates = [name for name in view_state.quantities if scale(view_state.layer, name)[0]]
        computed = [line.name for line in view_state.lines]
        named = [name for name in (self.quantity(view_state), *computed) if name in gates]
        own = [line for line in view_state.layer.lines if line.name in view_state.layer.states]
        keeps = [g for g in gates for line in own if f"{g} * {line.name}_prev" in line.formula]
        return next(iter([*named, *keeps, *gates]), None)

    # -- the sentence at the end ------------------------------------------------------------------

    def conclusion(self, view_state: ViewState) -> Sequence[Clause]:
        """What the clamps do to the prediction, and what the last one adds to the others."""
        free, clamps = self._free(view_state), view_state.query.clamps
        if free is None or self._why(view_state):
            return ()
        if not clamps:
            k = view_state.class_at_end()
            values = {"name": output_name(view_state, k), "value": number(end(view_state), 2)}
            return [texts(view_state, self.name, ("free",), **values)]
        found = [Clause(outcome(view_state, free), (self._free_query(view_state),))]
        fewer = self._fewer_query(view_state)
        trace = read(view_state, fewer)
        if fewer is not None and trace is not None:
            layered = len(view_state.trace.layers) > 1
            last = clamps[-1].counted(view_state.trace.tokens, layered)
            value = number(shown_output(view_state, trace), 2)
            clause = texts(view_state, self.name, ("last", "last_short"), clamp=last, value=value)
            found.append(checked(clause, (fewer,), 1))
        return found

    def conclusion_questions(self, view_state: ViewState) -> Sequence[Question]:
        fewer = self._fewer_query(view_state)
        return () if fewer is None else (fewer,)

    def _fewer_query(self, view_state: ViewState) -> Query | None:
        """The query without the last of several clamps."""
        clamps = view_state.query.clamps
        return replace(view_state.query, clamps=clamps[:-1]) if len(clamps) > 1 else None

    # -- changes of the clamps --------------------------------------------------------------------

    def _free_query(self, view_state: ViewState) -> Query:
        return replace(view_state.query, clamps=())

    def _free(self, view_state: ViewState) -> Trace | None:
        """The trace of the sentence without clamps, once it is read."""
        return view_state.answers.get(self._free_query(view_state))

    def _why(self, view_state: ViewState) -> str:
        """The reason why clamps are not possible here, or ""."""
        query = self._free_query(view_state)
        if view_state.query == NOTHING or query in view_state.failures:
            reason = view_state.failures.get(query, "")
            return f"{self.page_text(view_state, 'cannot')} {reason}".strip()
        free = self._free(view_state)
        if free is not None and not is_comparable(view_state.trace, free):
            name = i18n.model_name(view_state.trace.model, view_state.lang)
            return self.page_text(view_state, "other_net", model=name)
        return ""

    def _layer(self, view_state: ViewState) -> str | None:
        """The layer name of a clamp; None in a net with one layer."""
        return view_state.layer.name if len(view_state.trace.layers) > 1 else None

    def _prompt(self, view_state: ViewState) -> str:
        """The value that a number is for, and examples of whole clamps."""
        cursor, tokens = view_state.cursor, view_state.trace.tokens
        name, word = self.quantity(view_state), visible(tokens[cursor.t])
        gate = view_state.symbol(self.gate(view_state) or name)
        return self.page_text(
            view_state, "prompt", name=view_state.symbol(name), t=cursor.t + 1, token=word,
            unit=cursor.unit,
            example=f"{gate} {cursor.t + 1} = 0, {gate} {cut(word, 12)} = 0, {gate} * = 1",
        )  # fmt: skip

    def _typed(self, view_state: ViewState, text: str) -> Change:
        """Parse a whole clamp, or a number for the chosen value."""
        cursor, tokens = view_state.cursor, view_state.trace.tokens
        here = f"{self.quantity(view_state)} {cursor.t + 1} {cursor.unit} = "
        typed = text if "=" in text else here + text
        layers = [
            ClampTarget(
                la.name, la.title, {la.symbol(n): la.values[n].shape[1] for n in la.recorded}
            )
            for la in view_state.trace.layers
        ]
        try:
            clamp = parse_counted(typed, tokens)
            clamp = replace(clamp, layer=clamp.layer or self._layer(view_state))
            clamp = read_clamp(clamp, view_state.trace)
            resolve_clamp(written_clamp(clamp, view_state.trace), layers, tokens, typed)
        except UsageError as error:
            return Change(message=one_line(error), failed=True)
        return self._hold(view_state, (*self._others(view_state, clamp), clamp))

    def _others(self, view_state: ViewState, clamp: Clamp) -> Clamps:
        """The clamps of other values."""
        clamps = view_state.latest_query.clamps
        return tuple(c for c in clamps if replace(c, value=clamp.value) != clamp)

    def _toggle(self, view_state: ViewState, clamp: Clamp) -> Change:
        """Add the clamp, or remove it if it is there already."""
        clamp = replace(clamp, layer=self._layer(view_state))
        others = self._others(view_state, clamp)
        return self._hold(
            view_state, others if clamp in view_state.latest_query.clamps else (*others, clamp)
        )

    def _hold(self, view_state: ViewState, clamps: Clamps) -> Change:
        return Change(query=replace(view_state.latest_query, clamps=clamps))

    def _hint(self, view_state: ViewState, width: int) -> Line:
        """Keys that the key bar does not explain, as many as fit."""
        gate, text = self.gate(view_state), ""
        word = view_state.word("name", gate) if gate else ""
        hints = (
            [self.page_text(view_state, "hint_gates", gate=view_state.symbol(gate), word=word)]
            if gate
            else []
        )
        hints.append(self.page_text(view_state, "hint_cut", n=view_state.cursor.unit))
        hints += [self.page_text(view_state, "hint_reset"), self.page_text(view_state, "hint_undo")]
        for each in hints:
            longer = f"{text} · {each}" if text else each
            if cell_len(longer) < width:
                text = longer
        return overview.plain([text], view_state)[0]
