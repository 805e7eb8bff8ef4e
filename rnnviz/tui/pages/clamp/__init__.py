"""What if the gate stuck? Values held instead of computed, and everything that changes then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from rich.cells import cell_len

from rnnviz.analysis.clamp_effects import is_comparable
from rnnviz.clamps import Clamp, ClampTarget, parse, placed
from rnnviz.display import visible
from rnnviz.errors import UsageError, one_line
from rnnviz.query import Query
from rnnviz.trace import Trace
from rnnviz.tui.pages.clamp import difference_table, overview
from rnnviz.tui.render.segments import Line, wrapped
from rnnviz.tui.view.page import Change, Page, PageKey, Prompt
from rnnviz.tui.view.page_state import PageState
from rnnviz.tui.view.view_state import NOTHING, ViewState, scale
from rnnviz.tui.view.widget import CellPicked

Clamps = tuple[Clamp, ...]


@dataclass(frozen=True)
class ClampState(PageState):
    """The quantity that is drawn, and the clamps to undo and redo."""

    page: ClassVar[str] = "clamp"
    quantity: str = "h"
    past: tuple[Clamps, ...] = ()
    future: tuple[Clamps, ...] = ()


class ClampPage(Page):
    """The list of what is held, the prediction without and with it, and the differences."""

    name: ClassVar[str] = "clamp"
    # 0 and 1 are what the gate is set to; the cell behind 1 is on the palette meanwhile.
    keys: ClassVar[tuple[PageKey, ...]] = (
        PageKey("shut", ("0",), "0"),
        PageKey("open", ("1",), "1"),
        PageKey("hold", ("o",), "o"),
        PageKey("undo", ("z",), "z"),
        PageKey("quantity", ("g",), "g"),
        PageKey("cut", ("x",), "x"),
        PageKey("redo", ("y",), "y"),
        PageKey("reset", ("delete", "backspace"), "del"),
    )

    @classmethod
    def applies(cls, moment: ViewState) -> bool:
        return bool(moment.trace.clamps)

    def questions(self, moment: ViewState) -> Sequence[Query]:
        return () if moment.query == NOTHING else (self._free_query(moment),)

    def press(self, moment: ViewState, key: str) -> Change | Prompt | None:
        if key == "quantity":
            names, state = moment.quantities, moment.page_state(ClampState)
            at = names.index(self.quantity(moment))
            return Change(replace(state, quantity=names[(at + 1) % len(names)]))
        reason = self._why(moment)
        if reason:
            return Change(message=reason, failed=True)
        if key == "hold":
            # A number takes its place, and so does a clamp of another place.
            return Prompt(self.say(moment, "prompt"), self._typed, self._here(moment), True)
        if key in ("undo", "redo"):
            return self._travel(moment, key)
        if key == "reset":
            return self._hold(moment, ()) if moment.query.clamps else None
        if key == "cut":
            return self._toggle(moment, Clamp("h", 0.0, None, moment.cursor.unit))
        gate = self.gate(moment)
        if gate is None:
            return Change(message=self.say(moment, "no_gate", cell=moment.layer.title), failed=True)
        return self._toggle(moment, Clamp(gate, float(key == "open")))

    def lines(self, moment: ViewState, width: int, height: int) -> list[Line]:
        free, reason = self._free(moment), self._why(moment)
        if free is None or reason:
            said = reason or self.say(moment, "computing")
            told = wrapped(visible(said), width - 2)
            return [self.head(moment, width), *overview.plain(told, moment)]
        name = self.quantity(moment)
        above = overview.above(moment, free, name, width, height - 3)
        rows = height - 3 - len(above)
        self.sight = difference_table.rows(moment, rows)
        return [
            self.head(moment, width, overview.note(moment, free, name)), *above,
            *difference_table.table(moment, free, name, width, rows + 1), self._hint(moment, width),
        ]  # fmt: skip

    def picked(self, moment: ViewState, x: int, y: int) -> CellPicked | None:
        free = self._free(moment)
        if free is None or self._why(moment):
            return None
        width, height = self.size
        name = self.quantity(moment)
        top = 2 + len(overview.above(moment, free, name, width, height - 3))
        shown, plan = (
            difference_table.rows(moment, height - 1 - top),
            difference_table.plan(moment, width),
        )
        unit = (x - plan.heat) // plan.wide + plan.first
        return CellPicked(
            t=shown[y - top] if 0 <= y - top < len(shown) else None,
            unit=unit if x >= plan.heat and unit < plan.first + plan.count else None,
        )

    def quantity(self, moment: ViewState) -> str:
        """The quantity whose differences are drawn."""
        name = moment.page_state(ClampState).quantity
        return name if name in moment.quantities else "h"

    def gate(self, moment: ViewState) -> str | None:
        """What 0 and 1 hold: the drawn quantity if it is a gate, else this part's.

        Else the gate that keeps the old state: f of an LSTM, z of a GRU.
        """
        gates = [name for name in moment.quantities if scale(moment.layer, name)[0]]
        made = [line.name for line in moment.lines]
        named = [name for name in (self.quantity(moment), *made) if name in gates]
        own = [line for line in moment.layer.lines if line.name in moment.layer.states]
        keeps = [g for g in gates for line in own if f"{g} * {line.name}_prev" in line.formula]
        return next(iter([*named, *keeps, *gates]), None)

    # -- what is held -----------------------------------------------------------------------------

    def _free_query(self, moment: ViewState) -> Query:
        return replace(moment.query, clamps=())

    def _free(self, moment: ViewState) -> Trace | None:
        """The same sentence with nothing held, as soon as it was read."""
        return moment.answers.get(self._free_query(moment))

    def _why(self, moment: ViewState) -> str:
        """Why nothing can be held here; empty where it can."""
        query = self._free_query(moment)
        if moment.query == NOTHING or query in moment.failures:
            reason = moment.failures.get(query, "")
            return f"{self.say(moment, 'cannot')} {reason}".strip()
        free = self._free(moment)
        if free is not None and not is_comparable(moment.trace, free):
            return self.say(moment, "other_net", model=moment.trace.model)
        return ""

    def _layer(self, moment: ViewState) -> str | None:
        """The name a clamp needs for the cursor's layer; none where there is only one."""
        return moment.layer.name if len(moment.trace.layers) > 1 else None

    def _here(self, moment: ViewState) -> str:
        """The chosen place as it is typed: ``h[3,17]=``."""
        cursor = moment.cursor
        clamp = Clamp(self.quantity(moment), 0, cursor.t, cursor.unit, self._layer(moment))
        return str(clamp).removesuffix("0")

    def _typed(self, moment: ViewState, said: str) -> Change:
        """A whole clamp, or only a value for the chosen place."""
        typed = said if "=" in said else self._here(moment) + said
        layers = [
            ClampTarget(la.name, la.title, {n: la.values[n].shape[1] for n in la.recorded})
            for la in moment.trace.layers
        ]
        try:
            clamp = parse(typed)
            clamp = replace(clamp, layer=clamp.layer or self._layer(moment))
            placed(clamp, layers, len(moment.trace.tokens))
        except UsageError as error:
            return Change(message=one_line(error), failed=True)
        return self._hold(moment, (*self._others(moment, clamp), clamp))

    def _others(self, moment: ViewState, clamp: Clamp) -> Clamps:
        """What is held apart from the same place."""
        clamps = moment.query.clamps
        return tuple(c for c in clamps if replace(c, value=clamp.value) != clamp)

    def _toggle(self, moment: ViewState, clamp: Clamp) -> Change:
        """Hold it; let go of it if it is held so already."""
        clamp = replace(clamp, layer=self._layer(moment))
        others = self._others(moment, clamp)
        return self._hold(moment, others if clamp in moment.query.clamps else (*others, clamp))

    def _hold(self, moment: ViewState, clamps: Clamps) -> Change:
        state = moment.page_state(ClampState)
        state = replace(state, past=(*state.past, moment.query.clamps), future=())
        return Change(state, query=replace(moment.query, clamps=clamps))

    def _travel(self, moment: ViewState, key: str) -> Change:
        """One step back or on in what was held."""
        state, now = moment.page_state(ClampState), moment.query.clamps
        if not (state.past if key == "undo" else state.future):
            return Change(message=self.say(moment, f"no_{key}"))
        if key == "undo":
            *past, clamps = state.past
            state = replace(state, past=tuple(past), future=(now, *state.future))
        else:
            clamps, *future = state.future
            state = replace(state, past=(*state.past, now), future=tuple(future))
        return Change(state, query=replace(moment.query, clamps=clamps))

    def _hint(self, moment: ViewState, width: int) -> Line:
        """What the keys hold that the key bar does not tell, as far as there is room."""
        gate, said = self.gate(moment), ""
        word = moment.word("name", gate) if gate else ""
        told = [self.say(moment, "hint_gates", gate=gate, word=word)] if gate else []
        told.append(self.say(moment, "hint_cut", n=moment.cursor.unit))
        told += [self.say(moment, "hint_reset"), self.say(moment, "hint_redo")]
        for each in told:
            longer = f"{said} · {each}" if said else each
            if cell_len(longer) < width:
                said = longer
        return overview.plain([said], moment)[0]
