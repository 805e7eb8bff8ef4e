"""How the numbers of one token travel through the diagram of the cell; pure functions of time.

Forward, the inputs of a value go along their wires to where they meet, and from there the value
goes to its label. Backward, the same ways lead back, and the numbers are gradients. Every number is
one of the trace. A part of a gradient that the trace has no number for travels as "∂".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil

from rnnviz.equations import Line, inputs, number
from rnnviz.tui.panels.cell_diagram import BARE, Diagram, State
from rnnviz.tui.panels.equations import receives_gradient
from rnnviz.tui.panels.wires import Place, WireGraph
from rnnviz.tui.view.view_state import ViewState

#: The shares of a stage after which the inputs have met and the value has arrived.
MEET, ARRIVE = 0.55, 0.95
#: The word goes ahead of the state that takes the same wire: when each begins and ends.
WORD, STATE = (0.0, 0.3), (0.2, MEET)
#: A gradient that is a part of the one of the trace.
SHARE = "∂"


@dataclass(frozen=True)
class Leg:
    """A value, and the characters of the drawing that it goes along."""

    name: str
    path: tuple[Place, ...]


@dataclass(frozen=True)
class Stage:
    """Values that are computed at the same time: their inputs' ways, and their own."""

    part: int
    values: tuple[str, ...]
    meeting: tuple[Leg, ...]  # of the inputs, to where they meet
    leaving: tuple[Leg, ...]  # of the values, from there to their labels

    @property
    def word(self) -> bool:
        """Whether the word is among the inputs."""
        return any(leg.name == "x" for leg in self.meeting)

    def longest(self, name: str) -> int:
        """The longest way of an input: all its copies are equally fast."""
        return max(len(leg.path) for leg in self.meeting if leg.name == name)


@dataclass(frozen=True)
class Flight:
    """A number on its way: its text, and the character it has reached."""

    name: str
    text: str
    path: tuple[Place, ...]
    at: int  # index of the path

    @property
    def place(self) -> Place:
        """The row and the column it has reached."""
        return self.path[self.at]


@dataclass(frozen=True)
class TravelFrame:
    """One instant: which values are there, which labels wait, and the numbers on their way."""

    stage: int
    states: Mapping[str, State]
    waiting: frozenset[str]  # values whose number has not arrived at their label
    flights: tuple[Flight, ...]


class Travel:
    """The ways of all numbers of a cell through one diagram."""

    def __init__(self, lines: Sequence[Line], states: Sequence[str], plan: Diagram) -> None:
        self.lines = {line.name: line for line in lines}
        self.parts = ("read", *dict.fromkeys(line.part for line in lines), "predict")
        self.states, self.plan = states, plan
        self.graph = WireGraph(plan)
        #: What functions are applied to, printed in their boxes.
        self.boxed = {at.name for at in plan.labels if at.width == BARE}
        self.stages = tuple(self._stages())
        self.uses = self._uses()
        #: The ways of the gradients that the token read next sends back.
        self.arrivals = tuple(Leg(f"{s}_next", self.graph.from_end(s)) for s in states)

    # -- the ways -----------------------------------------------------------------------------

    def drawn(self, name: str) -> bool:
        """Whether the value has a label of its own; that in a box belongs to what comes out."""
        return name in self.graph.labels and name not in self.boxed

    def _inputs(self, name: str) -> tuple[list[str], set[str]]:
        """The values with a label that a value is computed from, and those between without."""
        found: list[str] = []
        between: set[str] = set()
        for each in self.states[:1] if name == "p" else inputs(self.lines[name]):
            if self.drawn(each):
                found.append(each)
            elif each in self.lines:
                more, deeper = self._inputs(each)
                found += more
                between |= {each} | deeper
        return list(dict.fromkeys(found)), between

    def _stages(self) -> Iterator[Stage]:
        given = [n for n in self.graph.labels if n == "x" or n.endswith("_prev")]
        yield Stage(0, tuple(given), (), ())
        done = set(given)
        for part in self.parts[1:]:
            names = [line.name for line in self.lines.values() if line.part == part]
            waiting = [n for n in dict.fromkeys(names) if self.drawn(n)]
            waiting += ["p"] if part == "predict" and self.drawn("p") else []
            while waiting:
                ready = [n for n in waiting if done.issuperset(self._inputs(n)[0])] or waiting[:1]
                yield self._stage(self.parts.index(part), ready)
                done.update(ready)
                waiting = [n for n in waiting if n not in ready]

    def _stage(self, part: int, names: list[str]) -> Stage:
        meeting: list[Leg] = []
        leaving: list[Leg] = []
        for name in names:
            sources, between = self._inputs(name)
            own = {name, *between}
            ways = {s: self.graph.path(s, name, {*own, *sources}) for s in sources}
            ends = []
            for source, way in ways.items():
                if way:
                    k = next(i for i, place in enumerate(way) if self.graph.owner(place) in own)
                    meeting.append(Leg(source, way[: max(k, 1)]))
                    ends.append(way[k:])
            leaving.append(Leg(name, _common_end(ends)))
        return Stage(part, tuple(names), tuple(meeting), tuple(leaving))

    # -- an instant ---------------------------------------------------------------------------

    def frame(self, view_state: ViewState, time: float) -> TravelFrame:
        """What is where at a time from 0 to 1, forward or, in backward mode, backward."""
        time = min(max(time, 0.0), 1.0)
        n, share = self.stage_at(time)
        if view_state.backward:
            return self._backward(view_state, n, share)
        return self._forward(view_state, n, share)

    def stage_at(self, time: float) -> tuple[int, float]:
        """The stage of a time, in the order of travelling, and the share of it that is over.

        At the instant between two stages it is the first one, all of which is over.
        """
        over = round(time * len(self.stages), 9)
        n = max(0, ceil(over) - 1)
        return n, over - n

    def _forward(self, view_state: ViewState, n: int, share: float) -> TravelFrame:
        stage = self.stages[n]
        arrived = {name for each in self.stages[:n] for name in each.values}
        waiting = {name for each in self.stages[n:] for name in each.values}
        if share >= ARRIVE or n == 0:
            arrived, waiting = arrived | set(stage.values), waiting - set(stage.values)
        flights = []
        if n and share < MEET:
            for leg in stage.meeting:
                start, end = WORD if leg.name == "x" else STATE if stage.word else (0, MEET)
                text = value_text(view_state, leg.name)
                done = (share - start) / (end - start)
                flights.append(_flight(leg, text, done, stage.longest(leg.name)))
        elif n and share < ARRIVE:
            for leg in stage.leaving:
                text = value_text(view_state, leg.name)
                flights.append(_flight(leg, text, (share - MEET) / (ARRIVE - MEET)))
        states: dict[str, State] = {}
        sources = {leg.name for leg in stage.meeting}
        for name in set(self.plan.names.values()):
            if name in stage.values:
                states[name] = "now" if share >= MEET or n == 0 else "later"
            elif name in sources:
                states[name] = "source"
            elif name in arrived:
                states[name] = "done"
            else:
                states[name] = "later"
        self._settle_unlabelled(states)
        return TravelFrame(n, states, frozenset(waiting), tuple(f for f in flights if f))

    def _settle_unlabelled(self, states: dict[str, State]) -> None:
        """A value without a label of its own is where the value is that it goes into."""
        for stage in self.stages:
            for name in stage.values:
                if name in self.lines:
                    for each in self._inputs(name)[1] & states.keys():
                        states[each] = states[name]

    def _backward(self, view_state: ViewState, n: int, share: float) -> TravelFrame:
        """Stage n of the way back: the gradient of a value goes to where its inputs met.

        From there it goes on to each input. The first stage brings the gradient of h from the
        head, and those of the states from the token that is read next.
        """
        order, layer, t = self.stages[::-1], view_state.layer, view_state.cursor.t
        stage = order[n]
        over = {name for each in order[: n + (share >= ARRIVE)] for name in each.values}
        known = {name for name, users in self.uses.items() if users <= over}
        flights: list[Flight | None] = []
        turn = 1 - MEET
        if share < turn and "p" not in stage.values:
            for leg in stage.leaving:
                text = gradient_text(view_state, leg.name)
                flights.append(_flight(_turned(leg), text, share / turn))
        elif turn <= share < ARRIVE:
            for leg in stage.meeting:
                text = SHARE
                if "p" in stage.values:
                    text = gradient_text(view_state, "h_out")
                elif len(self.uses[leg.name]) == 1 and leg.name not in self.states:
                    text = gradient_text(view_state, leg.name)
                if "p" not in stage.values or receives_gradient(view_state):
                    done = (share - turn) / (ARRIVE - turn)
                    back = _turned(leg)
                    flights.append(_flight(back, text, done))
        if n == 0 and turn <= share < ARRIVE and layer.order[-1] != t:
            for leg in self.arrivals:
                text = gradient_text(view_state, leg.name)
                flights.append(_flight(leg, text, (share - turn) / (ARRIVE - turn)))
        states: dict[str, State] = {}
        sources = {leg.name for leg in stage.meeting}
        for name in set(self.plan.names.values()):
            if name in stage.values:
                states[name] = "source"
            elif name in sources:
                states[name] = "now" if share >= 1 - MEET else "later"
            else:
                states[name] = "done" if name in known else "later"
        self._settle_unlabelled(states)
        every = {name for name in self.graph.labels if self.drawn(name)}
        return TravelFrame(n, states, frozenset(every - known), tuple(f for f in flights if f))

    def _uses(self) -> dict[str, set[str]]:
        """The values that each value goes into at this token."""
        uses: dict[str, set[str]] = {name: set() for name in self.graph.labels if self.drawn(name)}
        for stage in self.stages:
            for name in stage.values:
                if name == "p" or name in self.lines:
                    for source in self._inputs(name)[0]:
                        uses[source].add(name)
        return uses


def _common_end(ways: list[tuple[Place, ...]]) -> tuple[Place, ...]:
    """The characters that all ways end with."""
    if not ways:
        return ()
    count = 0
    for places in zip(*(way[::-1] for way in ways), strict=False):
        if len(set(places)) > 1:
            break
        count += 1
    longest = max(ways, key=len)
    return longest[len(longest) - max(1, count) :]


def _turned(leg: Leg) -> Leg:
    return Leg(leg.name, leg.path[::-1])


def _flight(leg: Leg, text: str, share: float, longest: int = 0) -> Flight | None:
    """The number after a share of the time; None before it starts and after it has arrived."""
    if not leg.path or not 0 <= share <= 1:
        return None
    at = round(share * (max(longest, len(leg.path)) - 1))
    return Flight(leg.name, text, leg.path, at) if at < len(leg.path) else None


def travel(view_state: ViewState, plan: Diagram) -> Travel:
    """The ways through a diagram of the layer of the cursor; found once for each diagram."""
    layer, names = view_state.layer, tuple(plan.names.items())
    return _travel(layer.lines, layer.states, plan.art, plan.mask, names)


@lru_cache(maxsize=8)
def _travel(
    lines: tuple[Line, ...],
    states: tuple[str, ...],
    art: tuple[str, ...],
    mask: tuple[str, ...],
    names: tuple[tuple[str, str], ...],
) -> Travel:
    return Travel(lines, states, Diagram(art, mask, dict(names)))


# -- what is written ------------------------------------------------------------------------------


def value_text(view_state: ViewState, name: str) -> str:
    """The number of a value of the current token; "?" while it is hidden."""
    t = view_state.cursor.t
    if name == "x":
        return f"“{view_state.trace.tokens[t]}”"
    given = name.endswith("_prev")
    if view_state.hidden and not given and not view_state.known(t, name):
        return "?"
    if name == "p":
        return number(float(view_state.readout[t, view_state.shown_class()]), 2)
    value = view_state.value(name)
    return "?" if value is None else number(value, 3, True)


def gradient_text(view_state: ViewState, name: str) -> str:
    """The number of a gradient of the current token; "?" while the answer is hidden."""
    if name == "x":
        return SHARE
    if view_state.hidden:
        return "?"
    values = view_state.layer.grads[name][view_state.cursor.t]
    return number(float(values[view_state.cursor.unit]), 3, True)


def printed(
    view_state: ViewState, frame: TravelFrame, name: str, large: bool
) -> tuple[str, str] | None:
    """Symbol and number of a label; None for what it has at any time.

    "·" until the number has arrived, "?" while it is hidden. ``large``: the label has letters for
    which there are no subscripts.
    """
    if name == "x":
        return None
    step = None if large else view_state.step
    if view_state.backward:
        sign = "L" if name == "p" else SHARE + view_state.symbol(name, step)
        if name in frame.waiting or name == "p":
            return sign, "·"
        return sign, gradient_text(view_state, name)
    sign = "p" if name == "p" else view_state.symbol(name, step)
    if name in frame.waiting:
        return sign, "·"
    return (sign, "?") if value_text(view_state, name) == "?" else None
