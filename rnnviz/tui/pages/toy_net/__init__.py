"""Page of toy nets: a net of a few short numbers, its complete arithmetic, and edits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment

from rnnviz.analysis import toy_net
from rnnviz.cursor import Cursor
from rnnviz.display import visible
from rnnviz.errors import RnnvizError, UsageError, one_line
from rnnviz.query import Query, Question
from rnnviz.toy_net import (
    EXAMPLE,
    GATES,
    LARGEST,
    MOST,
    ToyNet,
    WeightEntry,
    edits,
    is_toy_net,
    model_of,
    number_text,
)
from rnnviz.toy_net.default_nets import default_net, for_model
from rnnviz.toy_net.net_files import save_net
from rnnviz.trace import Trace
from rnnviz.tui.pages.toy_net.entries import ToyNetView, choices, kind
from rnnviz.tui.pages.toy_net.page_layout import arrange_page
from rnnviz.tui.pages.toy_net.token_strip import TokenStrip
from rnnviz.tui.pages.toy_net.weight_table import values
from rnnviz.tui.panels import conclusion
from rnnviz.tui.render.segments import Line, cut, wrapped
from rnnviz.tui.view.conclusion import Clause
from rnnviz.tui.view.page import Change, Page, Prompt
from rnnviz.tui.view.page_state import PageState
from rnnviz.tui.view.view_state import ViewState

#: Step of the keys + and −.
BY = 0.1
#: Decimals to which the edited numbers are rounded.
DECIMALS = 12
#: Below this height explanations are left out in favour of the arithmetic.
LOW = 26


@dataclass(frozen=True)
class ToyNetState(PageState):
    """The chosen entry, and what is shown."""

    page: ClassVar[str] = "hand"
    chosen: int = 0  # index in the entries that can be chosen at a token
    values: bool = False  # show the values of every unit instead of the weights


class ToyNetPage(Page):
    """The table of weights, the arithmetic of the chosen unit, and keys that edit the net."""

    name = "hand"
    full_screen = True
    actions = (
        "previous",
        "next",
        "raise",
        "lower",
        "type",
        "take_away",
        "unit_count",
        "all_values",
        "save_net",
    )

    @classmethod
    def applies(cls, view_state: ViewState) -> bool:
        return toy_net.toy_net_of(view_state.trace) is not None

    def questions(self, view_state: ViewState) -> Sequence[Question]:
        """The trace of the net before the edits."""
        step = view_state.queries.current
        return () if step.origin == step.query else (step.origin,)

    def conclusion(self, view_state: ViewState) -> Sequence[Clause]:
        return conclusion.clauses(view_state) if self.applies(view_state) else ()

    def conclusion_questions(self, view_state: ViewState) -> Sequence[Question]:
        return conclusion.questions(view_state) if self.applies(view_state) else ()

    def lines(self, view_state: ViewState, width: int, height: int) -> list[Line]:
        net = toy_net.toy_net_of(view_state.trace)
        if net is None:
            text = f"{self.page_text(view_state, 'large')} {self.page_text(view_state, 'begin')}"
            about = _paragraph(view_state, self.page_text(view_state, "help"), width)
            return [self.head(view_state, width), [], *_paragraph(view_state, text, width), [],
                    *about]  # fmt: skip
        every, state = choices(net, view_state.cursor), view_state.page_state(ToyNetState)
        chosen = every[state.chosen % len(every)]
        before = next((view_state.answers.get(q) for q in self.questions(view_state)), None)
        net_view = ToyNetView(
            view_state, net, chosen, before if isinstance(before, Trace) else None
        )
        low = height < LOW
        strip = TokenStrip(net_view, width)
        read, *predicted = strip.lines()
        title = view_state.word("net_title", net.form.title)
        head = self.head(view_state, width, cut(visible(title), width // 2))
        top = [head, *self._about(net_view, width, low), read, *predicted]
        end = self._chosen(net_view, width)[: 1 if low else 2]
        room = height - len(top) - len(end)
        if state.values:
            middle = [[], *values(net_view, width)][:room]
        else:
            middle = arrange_page(net_view, width, room)
        over_tokens = strip.values()
        spare = room - len(middle)
        if spare > len(over_tokens):
            top[-len(predicted) :] = [*over_tokens, *predicted, []]
            spare -= len(over_tokens) + 1
        return [*top, *middle, *([[]] * spare), *end]

    def _about(self, net_view: ToyNetView, width: int, low: bool) -> list[Line]:
        """The conventions of the net, and what it does or how many weights were edited."""
        net, view_state = net_view.net, net_view.view_state
        conventions = [
            net_view.page_text(key, **values)
            for key, values in toy_net.convention_texts(view_state.trace)
        ]
        while low and len(conventions) > 1 and cell_len(" · ".join(conventions)) > width - 2:
            conventions.pop()
        kind = _paragraph(view_state, " · ".join(conventions), width)[:3]
        named = not low or "z" in GATES[net.cell]
        if net_view.changes:
            every = sum(len(net.entries(name)) for name in net.names)
            text = net_view.page_text("changed", n=net_view.changes, all=every)
            keys = "" if view_state.keyless else f": {net_view.page_text('changed_keys')}"
            changed = _paragraph(view_state, f"{text}{keys}.", width)
            return [*kind, *changed] if named else changed
        first = default_net(net.cell, net.units, net.inputs)
        if net != first:
            return kind
        more = " " + net_view.page_text("does_more") if net.units > 1 and not low else ""
        description_key = f"does_{net.cell.partition('-')[0]}"
        description = _paragraph(view_state, net_view.page_text(description_key) + more, width)
        return [*kind, *description] if named else description

    def _chosen(self, net_view: ToyNetView, width: int) -> list[Line]:
        """A description of the chosen entry, and the keys that change it."""
        theme, entry, view_state = net_view.view_state.theme, net_view.chosen, net_view.view_state
        gate = toy_net.gate_of_weight(entry.name)
        text = net_view.page_text(
            self._kind(net_view, entry), entry=net_view.net.written(entry),
            value=toy_net.full_literal(net_view.value(entry)),
            t=entry.row + 1, unit=entry.column, from_unit=entry.row, input=entry.column,
            from_input=entry.row,
            gate=view_state.word("name", gate) if gate else net_view.page_text("sum"),
            state=view_state.word("name", entry.name),
        )  # fmt: skip
        was = net_view.original_value(entry)
        began = (
            f"  ({net_view.page_text('began', value=toy_net.full_literal(was))})"
            if was is not None
            else ""
        )
        line = [
            Segment(cut(f" ▸ {text}", width - len(began)), theme.now),
            Segment(began, theme.dim),
        ]
        keys = "" if view_state.keyless else f" {net_view.page_text('keys')}"
        return [line, [Segment(cut(keys, width), theme.dim)]]

    def _kind(self, net_view: ToyNetView, entry: WeightEntry) -> str:
        """The key of the text that describes an entry; with several inputs it names the input."""
        name = kind(entry)
        return f"{name}_each" if name in ("of_x", "of_W") and net_view.net.inputs > 1 else name

    # -- the keys -------------------------------------------------------------------------------

    def press(self, view_state: ViewState, key: str) -> Change | Prompt | None:
        state, query = view_state.page_state(ToyNetState), net_query(view_state)
        if query.hand is None:
            return self._begin(view_state) if key == "type" else None
        if key == "take_away":
            return Change(query=view_state.queries.current.origin, edit=True)
        if key == "unit_count":
            return self._typed(view_state, "", f"units={query.hand.units % MOST + 1}")
        if key == "all_values":
            return Change(replace(state, values=not state.values))
        if key == "save_net":
            words, filled = self.page_text(view_state, "write"), f"{query.hand.cell}.toml"
            return Prompt(words, self._write, filled)
        every = choices(query.hand, _within(view_state.cursor, query.hand, query.text))
        at = state.chosen % len(every)
        if key in ("previous", "next"):
            at += 1 if key == "next" else -1
            return Change(replace(state, chosen=at % len(every)))
        return self._edit(view_state, query, query.hand, every[at], key)

    def _begin(self, view_state: ViewState) -> Change:
        """Start a toy net in place of a model that is too large, of the same cell if possible."""
        cell = next((c for c in ("rnn", "gru") if c == view_state.layer.cell), "lstm")
        return Change(query=Query(EXAMPLE, model_of(cell), hand=default_net(cell)))

    def _edit(
        self, view_state: ViewState, query: Query, net: ToyNet, entry: WeightEntry, key: str
    ) -> Change | Prompt:
        x = entry.name == "x"
        value = (
            number_text.inputs(query.text, net.inputs)[entry.row][entry.column]
            if x
            else net.value(entry)
        )
        if key == "type":
            name = net.written(entry)
            words = self.page_text(
                view_state, "prompt", entry=name, value=toy_net.full_literal(value)
            )
            return Prompt(words, lambda now, said: self._typed(now, name, said))
        value = round(value + (BY if key == "raise" else -BY), DECIMALS)
        if abs(value) > LARGEST:
            return Change(message=self.page_text(view_state, "at_end"), failed=True)
        net, text = edits.changed(net, query.text, entry, value + 0.0)
        return Change(query=replace(query, hand=net, text=text), edit=True)

    def _typed(self, view_state: ViewState, name: str, typed_text: str) -> Change:
        """Apply a typed line: a value for the chosen entry, or an edit that names its entry."""
        query = net_query(view_state)
        if query.hand is None or not typed_text:
            return Change()
        whole = typed_text if "=" in typed_text else f"{name}={typed_text}"
        try:
            net, text = edits.edited(query.hand, query.text, whole)
        except UsageError as error:
            return Change(message=one_line(error), failed=True)
        # Another head has other classes: drop the chosen target.
        other = net.labels != query.hand.labels or net.form.target != query.hand.form.target
        query = replace(
            query, hand=net, text=text, model=model_of(net.cell),
            target=None if other else query.target,
        )  # fmt: skip
        return Change(query=query, edit=True)

    def _write(self, view_state: ViewState, file_name: str) -> Change:
        """Write the net to the typed file name."""
        net, path = toy_net.net_file_of(view_state.trace), Path(file_name).expanduser()
        if net is None or not file_name:
            return Change()
        try:
            if path.exists():
                return Change(
                    message=self.page_text(view_state, "there", file=visible(file_name)),
                    failed=True,
                )
            save_net(path, net)
        except (OSError, ValueError, RnnvizError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            message = self.page_text(
                view_state, "not_written", file=visible(file_name), reason=reason
            )
            return Change(message=message, failed=True)
        return Change(message=self.page_text(view_state, "written", file=visible(file_name)))


def net_query(view_state: ViewState) -> Query:
    """The latest query, with all numbers of its toy net."""
    query = view_state.latest_query
    if query != view_state.query:  # its trace is not there yet
        toy = query.hand is not None or is_toy_net(query.model)
        return replace(query, hand=for_model(query.hand, query.model)) if toy else query
    net = toy_net.toy_net_of(view_state.trace)
    if net is None:
        return query
    text, model = " ".join(view_state.trace.tokens), model_of(net.cell)
    return replace(query, text=text, model=model, random=None, hand=net)


def _within(cursor: Cursor, net: ToyNet, text: str) -> Cursor:
    """The cursor limited to the edited net: the trace on the screen may still be larger."""
    last = len(number_text.inputs(text, net.inputs)) - 1
    return replace(cursor, t=min(cursor.t, last), unit=min(cursor.unit, net.units - 1))


def _paragraph(view_state: ViewState, text: str, width: int) -> list[Line]:
    return [[Segment(f" {line}", view_state.theme.dim)] for line in wrapped(text, width - 2)]
