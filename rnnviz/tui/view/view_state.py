"""What every view is given: the trace, the cursor, and how it is being looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, TypeVar

import numpy as np

from rnnviz import i18n
from rnnviz.analysis.series import forecasts
from rnnviz.arrays import Array
from rnnviz.cursor import Cursor, known, part_of
from rnnviz.display import visible
from rnnviz.equations import Line, TokenNumber, inputs, is_weight, number
from rnnviz.query import Query, Question
from rnnviz.trace import LayerTrace, Trace
from rnnviz.tui.render.segments import page
from rnnviz.tui.render.theme import ViewTheme
from rnnviz.tui.view.page_state import PageState

S = TypeVar("S", bound=PageState)

#: Of a picture that no query led to.
NOTHING = Query("", "")


@dataclass(frozen=True, eq=False)
class Reach:
    """The reach of one cell over the sentence: one line of the comparison."""

    title: str
    values: Array  # (T)


@dataclass(frozen=True, eq=False)
class ViewState:
    """One picture of one trace; a new one is set down for every change."""

    trace: Trace
    cursor: Cursor
    theme: ViewTheme
    lang: str = "en"
    backward: bool = False  # the equation panel walks back
    hidden: bool = False  # predict first: what comes at this token is not shown
    paper: bool = False  # to be printed: no keys are named, since none can be pressed
    seconds: float | None = None  # how long a step is shown, while playing
    first: int = 0  # the token of the first row, where not all tokens have one
    others: tuple[str, ...] = ()  # the models that can be compared
    reaches: Mapping[str, Reach] = field(default_factory=dict)  # by model, what has been compared
    comparing: bool = False
    status: str = ""
    failed: bool = False  # the status says what did not work
    query: Query = NOTHING  # what the trace is the answer to
    page: str = ""  # the page that is open; "" for the panels
    answers: Mapping[Question, Any] = field(default_factory=dict)  # to the page's questions
    failures: Mapping[Question, str] = field(default_factory=dict)  # why there is no answer
    page_states: Mapping[str, PageState] = field(default_factory=dict)  # by page

    def page_state(self, kind: type[S]) -> S:
        """The state of a page, by its class; the default state until a key changes it."""
        state = self.page_states.get(kind.page)
        return state if isinstance(state, kind) else kind()

    @cached_property
    def layer(self) -> LayerTrace:
        """The layer the cursor is in."""
        return self.trace.layers[self.cursor.layer]

    @cached_property
    def step(self) -> TokenNumber:
        """The present token as formulas write it."""
        return self.layer.step(self.cursor.t)

    @cached_property
    def part(self) -> str:
        """What is computed now."""
        return self.layer.parts[self.cursor.part]

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """The lines computed now."""
        return tuple(line for line in self.layer.lines if line.part == self.part)

    @cached_property
    def back(self) -> tuple[Line, ...]:
        """The lines that undo this part."""
        return tuple(line for line in self.layer.back if line.part == self.part)

    @cached_property
    def sources(self) -> frozenset[str]:
        """The values that are read now, apart from those made now: what is lit."""
        made = {line.name for line in self.lines}
        if self.part == "predict":
            return frozenset({"h"})
        return frozenset(n for line in self.lines for n in inputs(line) if n not in made)

    @cached_property
    def quantities(self) -> tuple[str, ...]:
        """The values with a heatmap of their own, in the order they are computed."""
        layer = self.layer
        told = [line.name for line in layer.lines if not line.name.startswith("a_")]
        return tuple(dict.fromkeys(told))

    def visible_tokens(self, room: int) -> range:
        """The tokens in ``room`` rows: they stand still while the chosen one is among them."""
        T, t, first = len(self.trace.tokens), self.cursor.t, self.first
        if room >= T:
            first = 0
        elif not first <= t < first + room:  # the size or the text has changed since it was set
            first = page(T, t, room)
        return range(first, min(T, first + max(0, room)))

    def text(self, key: str, **values: object) -> str:
        """The text of a key in the chosen language."""
        return i18n.text(key, self.lang, **values)

    def word(self, section: str, name: str) -> str:
        """The word for a part or a value, or its symbol where there is none."""
        return i18n.word(section, name, self.lang)

    def known(self, t: int, name: str) -> bool:
        """Has this value been computed, as far as the eye can tell? On paper all have."""
        if self.paper:
            return True
        if self.hidden and t == self.cursor.t and part_of(self.layer, name) >= self.cursor.part:
            return False
        return known(self.cursor, self.trace, t, name)

    def prediction_known(self, t: int) -> bool:
        """Has the prediction after token t been made? It follows the text, as readers do."""
        here = t == self.cursor.t and self.cursor.part == len(self.layer.parts) - 1
        return t < self.cursor.t or (here and not self.hidden)

    def value(self, name: str) -> float | None:
        """A value of the chosen unit at the chosen token; None where it has no such component."""
        layer, t, unit = self.layer, self.cursor.t, self.cursor.unit
        if name.endswith("_prev"):
            return float(layer.state_before(t, name.removesuffix("_prev"))[unit])
        if name in layer.values and name != "x":
            return float(layer.values[name][t, unit])
        return None

    def objective(self) -> str:
        """What the gradients are of, in the chosen language."""
        head, series = self.trace.head, self.trace.series
        if series is not None:
            free = "_free" if series.truth is None else ""
            return self.text(f"page.series.objective{free}", label=head.target)
        if head.kind == "linear":
            return head.objective
        return self.text("view.objective", target=head.target)

    def loss(self) -> str:
        """What the gradients are of, and its value: that tells the prediction, too."""
        if self.hidden:
            return "L = ?"
        value = number(self.trace.head.loss)
        return self.text("view.loss", objective=visible(self.objective()), value=value)

    @property
    def readout(self) -> Array:
        """What is said after each token, (T, K): probabilities, or forecasts in their own unit."""
        trace = self.trace
        return trace.head.readout if trace.series is None else forecasts(trace)[:, None]

    def shown_class(self) -> int:
        """The class whose probability is followed: of two the second, else the target's."""
        head = self.trace.head
        if len(head.labels) == 2 or head.target not in head.labels:
            return min(1, int(head.readout.shape[1]) - 1)
        return head.labels.index(head.target)


@lru_cache(maxsize=8)
def saliency(trace: Trace) -> Array:
    """|∂L/∂x| of each token, (T): over all directions that read the words themselves."""
    bottom = trace.layers[0]
    total = bottom.grads["x"].astype(np.float64)
    for layer in trace.layers[1:]:
        x = layer.values["x"]
        if x.shape == bottom.values["x"].shape and np.array_equal(x, bottom.values["x"]):
            total = total + layer.grads["x"]
    return np.asarray(np.linalg.norm(total, axis=1))


@lru_cache(maxsize=64)
def scale(layer: LayerTrace, name: str) -> tuple[bool, float]:
    """Is it a gate (0 to 1), and the value at the end of its scale.

    What comes out of σ is a gate, what comes out of tanh and the state that is handed on lie
    between −1 and 1, everything else has its own range.
    """
    formula = next((line.formula for line in layer.lines if line.name == name), "")
    if formula.startswith("sigmoid("):
        return True, 1.0
    values = layer.values[name]
    top = float(np.abs(values).max()) if values.size else 1.0
    if formula.startswith("tanh(") or (name == layer.states[0] and top <= 1):
        return False, 1.0
    return False, top or 1.0


def weight_names(line: Line) -> tuple[str, ...]:
    """The trained matrices a line multiplies with, in reading order."""
    from rnnviz.equations import names

    return tuple(n for n in names(line.formula) if is_weight(n) and not n.startswith("b"))
