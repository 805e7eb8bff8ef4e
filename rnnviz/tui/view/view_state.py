"""The view state: everything that views of the step screen draw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, TypeVar

import numpy as np

from rnnviz import i18n
from rnnviz.analysis.next_tokens import next_ids
from rnnviz.analysis.readout import shown_class
from rnnviz.analysis.series import forecasts
from rnnviz.arrays import Array
from rnnviz.cursor import Cursor, Zoom, known, part_of
from rnnviz.display import visible
from rnnviz.equations import (
    DEFAULT_NOTATION,
    Line,
    SymbolNames,
    TokenNumber,
    inputs,
    is_weight,
    number,
)
from rnnviz.equations.functions import TANHS, is_gate, outer_function
from rnnviz.query import Query, Question
from rnnviz.trace import LayerTrace, Trace
from rnnviz.tui.keymap import DEFAULT_KEYMAP, Keymap
from rnnviz.tui.render.segments import page
from rnnviz.tui.render.theme import ViewTheme
from rnnviz.tui.view.lesson_state import LessonState
from rnnviz.tui.view.page_state import PageState
from rnnviz.tui.view.predict_session import NO_PREDICTIONS, PredictSession
from rnnviz.tui.view.query_history import QueryHistory
from rnnviz.tui.view.vote_state import VoteState

S = TypeVar("S", bound=PageState)

#: What presenter mode shows, one at a time and in this order, and the zoom level of each.
THINGS: Mapping[str, Zoom] = {
    "belief": "sentence", "cell": "cell", "units": "cell", "equation": "equation",
}  # fmt: skip
#: The query of a view state that no query led to.
NOTHING = Query("", "")


@dataclass(frozen=True, eq=False)
class Reach:
    """The reach of one model over the sentence: one line of the comparison."""

    title: str
    values: Array  # (T)


@dataclass(frozen=True, eq=False)
class ViewState:
    """A trace, a cursor and how both are shown; immutable, replaced at every change."""

    trace: Trace
    cursor: Cursor
    theme: ViewTheme
    lang: str = "en"
    backward: bool = False  # the equation panel shows the backward pass
    hidden: bool = False  # predict first: what comes from the current part on is hidden
    revealed: bool = False  # while hidden: the current token is shown, what comes after it is not
    predictions: PredictSession = NO_PREDICTIONS  # what was predicted, and the score
    notice: str = ""  # shown in place of an empty status
    paper: bool = False  # for print: all values are known, no keys are shown
    still: bool = False  # a picture of one moment: no keys are shown
    seconds: float | None = None  # the time of a step while playing; None: paused
    first: int = 0  # the token of the first row, if not all tokens fit
    others: tuple[str, ...] = ()  # the models that can be compared
    reaches: Mapping[str, Reach] = field(default_factory=dict)  # by model
    comparing: bool = False
    status: str = ""
    failed: bool = False  # the status is an error message
    query: Query = NOTHING  # the query of the trace
    notation: str = DEFAULT_NOTATION  # the symbols; that of the traces
    page: str = ""  # the open page; "" for the panels
    answers: Mapping[Question, Any] = field(default_factory=dict)  # to the questions of pages
    failures: Mapping[Question, str] = field(default_factory=dict)  # reasons why there is no answer
    page_states: Mapping[str, PageState] = field(default_factory=dict)  # by page
    keymap: Keymap = DEFAULT_KEYMAP
    travel: float | None = None  # the time of numbers that travel, 0 to 1; None: they do not
    presenter: str = ""  # presenter mode: the thing chosen last; "" outside of the mode
    history: QueryHistory | None = None  # None: of the query alone
    lesson: LessonState | None = None  # the lesson that is on
    vote: VoteState | None = None  # of a class that answers from its phones

    @property
    def message(self) -> str:
        """The message above the keys."""
        return self.status or self.notice

    @property
    def keyless(self) -> bool:
        """Whether no keys are shown: there is nobody to press them."""
        return self.paper or self.still

    @cached_property
    def queries(self) -> QueryHistory:
        """The queries that can be undone and redone."""
        return self.history or QueryHistory.start(self.query)

    @property
    def latest_query(self) -> Query:
        """The latest query that was asked; its trace may not be there yet."""
        return self.queries.current.query

    def page_state(self, kind: type[S]) -> S:
        """The state of a page, by its class; the default state until a key changes it."""
        state = self.page_states.get(kind.page)
        return state if isinstance(state, kind) else kind()

    @property
    def thing(self) -> str:
        """What presenter mode shows: one of THINGS; "" for a page, and outside of the mode.

        A thing belongs to a zoom level; where the cursor has another one, that decides.
        """
        zoom = self.cursor.zoom
        if not self.presenter or self.page or THINGS[self.presenter] == zoom:
            return "" if self.page else self.presenter
        return next(name for name, own in THINGS.items() if own == zoom)

    @cached_property
    def layer(self) -> LayerTrace:
        """The layer of the cursor."""
        return self.trace.layers[self.cursor.layer]

    @cached_property
    def step(self) -> TokenNumber:
        """The number of the current token, as formulas write it."""
        return self.layer.step(self.cursor.t)

    @cached_property
    def part(self) -> str:
        """The current part."""
        return self.layer.parts[self.cursor.part]

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """The lines of the current part."""
        return tuple(line for line in self.layer.lines if line.part == self.part)

    @cached_property
    def back(self) -> tuple[Line, ...]:
        """The backward lines of the current part."""
        return tuple(line for line in self.layer.back if line.part == self.part)

    @cached_property
    def sources(self) -> frozenset[str]:
        """The values that the current part reads, without those it computes itself."""
        computed = {line.name for line in self.lines}
        if self.part == "predict":
            return frozenset({"h"})
        return frozenset(n for line in self.lines for n in inputs(line) if n not in computed)

    @cached_property
    def quantities(self) -> tuple[str, ...]:
        """The values that have a heat map, in the order of computation."""
        layer = self.layer
        names = [line.name for line in layer.lines if not line.name.startswith("a_")]
        return tuple(dict.fromkeys(names))

    def visible_tokens(self, room: int) -> range:
        """The tokens in ``room`` rows; scrolls only to keep the current token visible."""
        T, t, first = len(self.trace.tokens), self.cursor.t, self.first
        if room >= T:
            first = 0
        elif not first <= t < first + room:  # the size or the text has changed
            first = page(T, t, room)
        return range(first, min(T, first + max(0, room)))

    def symbol(self, name: str, t: int | None = None) -> str:
        """How a name of the layer's lines is written in its notation."""
        return self.layer.symbol(name, t)

    def text(self, key: str, **values: object) -> str:
        """The text of a key in the chosen language and notation."""
        return self.keymap.text(key, self.lang, sym=SymbolNames(self.layer.table), **values)

    def word(self, section: str, name: str) -> str:
        """The word for a part or a value; its symbol if there is none."""
        return i18n.word(section, name, self.lang)

    def known(self, t: int, name: str) -> bool:
        """Whether a value is computed and not hidden; for print every value is."""
        if self.paper:
            return True
        here = t == self.cursor.t
        if self.part_hidden and here and part_of(self.layer, name) >= self.cursor.part:
            return False
        return known(self.cursor, self.trace, t, name)

    def prediction_known(self, t: int) -> bool:
        """Whether the prediction after token t is computed, in the order of the text."""
        here = t == self.cursor.t and self.cursor.part == len(self.layer.parts) - 1
        return t < self.cursor.t or (here and not self.part_hidden)

    @property
    def part_hidden(self) -> bool:
        """Whether the current part itself is hidden, not only what comes after this token."""
        return self.hidden and not self.revealed

    def value(self, name: str) -> float | None:
        """A value of the current unit at the current token; None if it has no such component."""
        layer, t, unit = self.layer, self.cursor.t, self.cursor.unit
        if name.endswith("_prev"):
            return float(layer.state_before(t, name.removesuffix("_prev"))[unit])
        if name in layer.values and name != "x":
            return float(layer.values[name][t, unit])
        return None

    def objective(self) -> str:
        """What the gradients are derivatives of, in the chosen language."""
        head, series = self.trace.head, self.trace.series
        if series is not None:
            free = "_free" if series.truth is None else ""
            return self.text(f"page.series.objective{free}", label=head.target)
        if self.trace.hand is not None and head.is_number:
            return head.objective
        if head.writes:
            return self.text("view.objective_next", target=visible(head.target))
        key = "view.output" if head.is_number else "view.objective"
        steps = self.text("view.at_last_token") if head.reads == "steps" else ""
        return self.text(key, target=head.target) + steps

    def loss(self) -> str:
        """The objective and its value, which is hidden with the prediction."""
        if self.hidden:
            return "L = ?"
        value = number(self.trace.head.loss)
        return self.text("view.loss", objective=visible(self.objective()), value=value)

    @property
    def readout(self) -> Array:
        """The output after each token, (T, K): probabilities, or forecasts in their own unit."""
        trace = self.trace
        return trace.head.readout if trace.series is None else forecasts(trace)[:, None]

    def output(self, t: int) -> float:
        """The output that is shown below token t: of a net that writes that of the next token."""
        writes = self.trace.head.writes
        k = next_ids(self.trace)[t] if writes else self.shown_class()
        return float(self.readout[t, k])

    def class_at_end(self) -> int:
        """The class whose probability after the last token is shown."""
        writes = self.trace.head.writes
        return shown_class(self.trace.head) if writes else self.shown_class()

    def shown_class(self) -> int:
        """The class whose probability is shown; of a net that writes the next token."""
        if self.trace.head.writes:
            return next_ids(self.trace)[self.cursor.t]
        asked = self.predictions.label(self.query, self.cursor.t)
        if asked is not None and asked < self.trace.head.readout.shape[1]:
            return asked  # the mark of what was predicted stays beside it
        return shown_class(self.trace.head)


@lru_cache(maxsize=64)
def scale(layer: LayerTrace, name: str) -> tuple[bool, float]:
    """Whether a value is a gate (0 to 1), and the value at the end of its scale.

    What comes out of σ, hard or not, is a gate; what comes out of tanh, its like and the state that
    is handed on lie between −1 and 1; everything else has its own range.
    """
    formula = next((line.formula for line in layer.lines if line.name == name), "")
    if is_gate(formula):
        return True, 1.0
    values = layer.values[name]
    top = float(np.abs(values).max()) if values.size else 1.0
    if outer_function(formula) in TANHS or (name == layer.states[0] and top <= 1):
        return False, 1.0
    return False, top or 1.0


def weight_names(line: Line) -> tuple[str, ...]:
    """The weight matrices in a line, in reading order."""
    from rnnviz.equations import names

    return tuple(n for n in names(line.formula) if is_weight(n) and not n.startswith("b"))
