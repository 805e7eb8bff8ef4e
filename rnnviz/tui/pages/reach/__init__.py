"""Page of the reach: Jacobian norms of three cells, trained and untrained, and gate products."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment

from rnnviz.analysis.model_family import query_for, trio_with
from rnnviz.analysis.reach import (
    JacobianSpectra,
    SpectrumQuestion,
    block_of,
    keep_gate,
    keep_gate_product,
    keep_share,
)
from rnnviz.arrays import Array
from rnnviz.display import visible
from rnnviz.equations import MINUS, number
from rnnviz.query import Query, Question
from rnnviz.trace import Trace
from rnnviz.tui.pages.cell_marks import hue, place
from rnnviz.tui.pages.reach.curve_summary import ReachFacts, sentences
from rnnviz.tui.pages.reach.reach_chart import GUTTER, PRODUCT, ReachCurve, chart, reach_curve
from rnnviz.tui.render.braille_plot import (
    MAX_STEP,
    centres,
    level_bar,
)
from rnnviz.tui.render.segments import Line, fit, page, trimmed, wrapped
from rnnviz.tui.render.theme import ViewTheme
from rnnviz.tui.view.conclusion import Clause
from rnnviz.tui.view.page import Change, Page
from rnnviz.tui.view.page_state import PageState
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import CellPicked

#: Which untrained nets are drawn.
NONE, THIS, ALL = "none", "this", "all"
SEED = 0
NAME = 11
#: Most bars of the spectrum.
MOST = 16


@dataclass(frozen=True)
class ReachState(PageState):
    """Which curves are drawn."""

    page: ClassVar[str] = "reach"
    untrained: str = THIS
    gates: bool = True


class ReachPage(Page):
    """The reach of every token on a logarithmic scale, and the spectrum at the cursor."""

    name: ClassVar[str] = "reach"
    actions = ("untrained", "gate_product")

    def questions(self, view_state: ViewState) -> Sequence[Question]:
        if not view_state.query.model:
            return ()
        queries: list[Question] = [q for q, _ in self._curves(view_state) if q is not None]
        return [*queries, self._spectrum(view_state)]

    def press(self, view_state: ViewState, key: str) -> Change | None:
        state = self._state(view_state)
        if key == "gate_product":
            state = replace(state, gates=not state.gates)
            key_text = "gates_on" if state.gates else "gates_off"
        else:
            modes = (NONE, THIS, ALL) if len(self._models(view_state)) > 1 else (NONE, THIS)
            # The chosen mode may not exist for another sentence.
            at = modes.index(state.untrained) + 1 if state.untrained in modes else 0
            state = replace(state, untrained=modes[at % len(modes)])
            key_text = f"shown_{state.untrained}"
        return Change(state, message=self.page_text(view_state, key_text, seed=_seed(view_state)))

    def lines(self, view_state: ViewState, width: int, height: int) -> list[Line]:
        if view_state.hidden:
            hidden = wrapped(self.page_text(view_state, "hidden"), width - 2)
            lines = [[Segment(f" {line}", view_state.theme.dim)] for line in hidden]
            return [self.head(view_state, width), *lines]
        known = self._known_curves(view_state)
        rows = max(1, height - 1)
        beside_it = _beside(width)
        # Numbers at the left: a line is sent from its start to its last change.
        numbers = self._numbers(view_state, known, beside_it, rows)
        curves = chart(view_state, known, width - beside_it - 1, rows)
        body = [[*left, *right] for left, right in zip(numbers, curves, strict=True)]
        last, t = view_state.layer.order[-1] + 1, view_state.cursor.t + 1
        note = f"‖∂{view_state.symbol('s', last)}/∂{view_state.symbol('s', t)}‖"
        return [self.head(view_state, width, note), *body]

    # -- the curves -----------------------------------------------------------------------------

    def _state(self, view_state: ViewState) -> ReachState:
        return view_state.page_state(ReachState)

    def _models(self, view_state: ViewState) -> tuple[str, ...]:
        return trio_with(view_state.query.model, view_state.others)

    def _spectrum(self, view_state: ViewState) -> SpectrumQuestion:
        block = block_of(view_state.layer, view_state.cursor.t)
        return SpectrumQuestion(view_state.query, view_state.cursor.layer, block)

    def _curves(self, view_state: ViewState) -> list[tuple[Query | None, str]]:
        """The query and kind of every curve; no query for the trace on the screen."""
        own, state = view_state.query, self._state(view_state)
        result: list[tuple[Query | None, str]] = []
        for untrained in (True, False):
            for model in self._models(view_state):
                is_own = model == own.model
                if (
                    untrained
                    and state.untrained != ALL
                    and not (is_own and state.untrained == THIS)
                ):
                    continue
                seed = _seed(view_state) if untrained else None
                kind = "untrained" if untrained else "trained"
                if is_own and seed == own.random:
                    result.append((None, kind))
                elif is_own:
                    result.append((replace(own, random=seed, target=None), kind))
                else:
                    result.append((query_for(own, model, seed), kind))
        return result

    def _known_curves(self, view_state: ViewState) -> tuple[ReachCurve, ...]:
        """The curves that are known; that of the chosen cell is last, so that it is on top."""
        T, curves = len(view_state.trace.tokens), []
        for query, kind in self._curves(view_state):
            trace: Trace | None = (
                view_state.trace if query is None else view_state.answers.get(query)
            )
            if trace is None or len(trace.tokens) != T:
                continue
            layer = trace.layers[min(view_state.cursor.layer, len(trace.layers) - 1)]
            curves.append(reach_curve(layer, kind))
        if self._state(view_state).gates and keep_gate(view_state.layer):
            curves.append(reach_curve(view_state.layer, "gates"))
        return tuple(
            sorted(curves, key=lambda c: c.layer is view_state.layer and c.kind != "gates")
        )

    # -- numbers at the left --------------------------------------------------------------------

    def _numbers(
        self, view_state: ViewState, curves: tuple[ReachCurve, ...], width: int, rows: int
    ) -> list[Line]:
        theme, token = view_state.theme, visible(view_state.trace.tokens[view_state.cursor.t])
        table = self._table(view_state, curves, width)
        title = [Segment(" " + self.page_text(view_state, "at", token=token), theme.now)]
        spectrum = self._bars(view_state, width, rows - 1 - len(table))
        lines = [title, *table, *spectrum][:rows]
        return [trimmed(line, width, theme.ink) for line in [*lines, *([[]] * (rows - len(lines)))]]

    def _table(
        self, view_state: ViewState, curves: tuple[ReachCurve, ...], width: int
    ) -> list[Line]:
        """A line per cell: name, trained and untrained reach; then the product of the gates."""
        theme, t, lines = view_state.theme, view_state.cursor.t, []
        by_title = {c.layer.title: c.layer.cell for c in curves}
        for title, cell in sorted(by_title.items(), key=lambda item: place(item[1])):
            own = title == view_state.layer.title
            line = [
                Segment(
                    fit(f"{'▸' if own else ' '}{title}", NAME), theme.bold if own else theme.dim
                )
            ]
            for kind in ("trained", "untrained"):
                each = next((c for c in curves if (c.layer.title, c.kind) == (title, kind)), None)
                text = "" if each is None else f"{each.mark(theme)} {_value(each, t)}"
                style = hue(cell, theme, kind == "untrained")
                line.append(Segment(fit(text, 10 if kind == "trained" else 9), style))
            lines.append(line)
        lines += self._missing(view_state, width)
        gate = keep_gate(view_state.layer)
        if self._state(view_state).gates and gate is not None:
            passed = keep_gate_product(view_state.layer)[t]
            for key, value in (("mean", passed.mean()), ("top", passed.max())):
                name = self.page_text(view_state, key, gate=_keep_symbol(view_state))
                mark = PRODUCT[theme.ascii] if key == "mean" else " "
                left = [Segment(f" {fit(name, NAME + 9)}{mark} ", theme.dim)]
                lines.append([*left, Segment(number(float(value)), theme.ink)])
        return lines

    def _missing(self, view_state: ViewState, width: int) -> list[Line]:
        theme, queries = view_state.theme, [q for q, _ in self._curves(view_state) if q is not None]
        failed = [q for q in queries if q in view_state.failures]
        if failed:
            reason = view_state.failures[failed[0]].rstrip(".")
            text = self.page_text(
                view_state, "failed", name=visible(failed[0].model), reason=visible(reason)
            )
            return [[Segment(f" {line}", theme.wrong)] for line in wrapped(text, width - 1)[:2]]
        waiting = any(q not in view_state.answers for q in queries)
        return (
            [[Segment(f" {self.page_text(view_state, 'computing')}", theme.dim)]] if waiting else []
        )

    def _bars(self, view_state: ViewState, width: int, rows: int) -> list[Line]:
        """The singular values at the cursor, and the norm of the token's own Jacobian."""
        theme, question = view_state.theme, self._spectrum(view_state)
        if rows < 2:
            return []
        if question in view_state.failures:
            reason = wrapped(visible(view_state.failures[question]), width)
            return [[Segment(line, theme.wrong)] for line in reason[:rows]]
        answer: JacobianSpectra | None = view_state.answers.get(question)
        if answer is None:
            waiting = self.page_text(view_state, "computing") if view_state.query.model else ""
            return [[Segment(f" {waiting}", theme.dim)]]
        values, step = answer.at(view_state.cursor.t)
        t = view_state.step
        short = f"‖∂{view_state.symbol('s', t)}/∂{view_state.symbol('s_prev', t)}‖"
        name = f"{self.page_text(view_state, 'step')} {short}"
        name = name if cell_len(name) + 9 <= width else short
        own = [Segment(f" {name} ", theme.dim), Segment(number(step), theme.ink)]
        count = self.page_text(view_state, "directions", n=int((values > 0.1).sum()), S=len(values))
        notes = [[Segment(f" {line}", theme.dim)] for line in wrapped(count, width - 1)]
        room = rows - 1 - len(notes)
        if rows >= 8:
            last = view_state.symbol("s", view_state.layer.order[-1] + 1)
            name = self.page_text(view_state, "spectrum", J=f"∂{last}/∂{view_state.symbol('s', t)}")
            notes.append([Segment(f" {name}", theme.dim)])
            room -= 1
        return [own, *notes, *_spectrum_bars(theme, values, width, room)]

    def picked(self, view_state: ViewState, x: int, y: int) -> CellPicked | None:
        start = _beside(self.size.width) + GUTTER
        room, T = max(2, self.size.width - 1 - start), len(view_state.trace.tokens)
        count = min(T, room)
        apart = [abs(x - start - at) for at in centres(count, room)]
        near = apart.index(min(apart))
        inside = y > 0 and x >= start and apart[near] <= MAX_STEP // 2
        return CellPicked(t=page(T, view_state.cursor.t, count) + near) if inside else None

    # -- the sentence at the end ------------------------------------------------------------------

    def conclusion(self, view_state: ViewState) -> Sequence[Clause]:
        """The summary in whole sentences, the most important first."""
        curves = self._known_curves(view_state)
        trained = {c.layer.title: c.layer for c in curves if c.kind == "trained"}
        untrained = {c.layer.title: c.layer for c in curves if c.kind == "untrained"}
        gate = keep_gate(view_state.layer)
        word = view_state.word("name", gate).split()[0] if gate else ""
        felt = ReachFacts(
            view_state.trace, view_state.layer, view_state.cursor.t, trained, untrained, word
        )
        return [
            Clause((self.page_text(view_state, key, **values),), rank=n)
            for n, (key, values) in enumerate(sentences(felt))
        ]

    def conclusion_rows(self, width: int, height: int) -> int:
        return 2 if height < 24 else 3 if height < 34 else 4


def _keep_symbol(view_state: ViewState) -> str:
    """The share of the old state that the gate keeps: ``f``, or ``(1 − z)`` where z renews."""
    share = keep_share(view_state.layer)
    if share is None:
        return ""
    gate = view_state.symbol(share.gate)
    return f"(1{MINUS}{gate})" if share.rest else gate


def _beside(width: int) -> int:
    """Columns of the numbers at the left."""
    return 30 if width < 100 else 40 if width < 160 else 52


def _seed(view_state: ViewState) -> int:
    """The seed of the untrained nets: that of the net on the screen if it is untrained."""
    return SEED if view_state.query.random is None else view_state.query.random


def _value(curve: ReachCurve, t: int) -> str:
    return number(float(curve.values[t]))


def _spectrum_bars(theme: ViewTheme, values: Array, width: int, rows: int) -> list[Line]:
    """A bar for each of the largest singular values, scaled to the largest."""
    top, lines = max(1.0, float(values[0])), []
    for k, value in enumerate(values[: min(max(0, rows), MOST)], 1):
        text = number(float(value)) if value else "0"
        room = width - 15
        lines.append([
            Segment(f"{k:>3} ", theme.dim),
            Segment(level_bar(float(value) / top, room), theme.source),
            Segment(f" {text}", theme.ink),
        ])  # fmt: skip
    return lines
