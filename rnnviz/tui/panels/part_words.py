"""What a part of the cell does with the chosen unit at this token, in one sentence.

The sentence follows from the cell's lines: which gate takes a share of what, and where it goes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnviz import i18n
from rnnviz.analysis.layer_stack import reads_one_state
from rnnviz.display import visible
from rnnviz.equations import (
    FUNCTIONS,
    MINUS,
    GateShare,
    argument,
    number,
    origins,
    shares,
    use_of,
)
from rnnviz.equations import Line as Formula
from rnnviz.trace import LayerTrace
from rnnviz.tui.panels.equations import arithmetic, is_top
from rnnviz.tui.view.view_state import ViewState


def part_words(view_state: ViewState, part: str) -> str:
    """What the part does, in words; "" before it is computed, or while it is hidden."""
    at = view_state.layer.parts.index(part)
    if at > view_state.cursor.part or (view_state.part_hidden and at == view_state.cursor.part):
        return ""
    if part == "read":
        return _read(view_state)
    if part == "predict":
        return _predict(view_state)
    said = PartSentence(view_state, part)
    return " ".join(text for text in (said.held(), said.sentence()) if text)


def percent(view_state: ViewState, value: float) -> str:
    """A share in percent: whole numbers, with a decimal near 0 and near 100."""
    share = 100 * value
    digits = 0 if share in (0, 100) or 1 <= abs(share) <= 99 else 1
    text = f"{abs(share):.{digits}f}"
    return view_state.text("words.percent", n=(MINUS if share < 0 else "") + text)


@dataclass(frozen=True)
class PartSentence:
    """The sentence of a part that has lines."""

    view_state: ViewState
    part: str

    @property
    def layer(self) -> LayerTrace:
        """The layer of the cursor."""
        return self.view_state.layer

    @property
    def lines(self) -> list[Formula]:
        """The lines of the part."""
        return [line for line in self.layer.lines if line.part == self.part]

    def held(self) -> str:
        """The clamped values of this part."""
        cursor = self.view_state.cursor
        texts = []
        for line in self.lines:
            value = self.layer.clamped_value(line.name, cursor.t, cursor.unit)
            if value is not None:
                name = self.layer.symbol(line.name, self.view_state.step)
                texts.append(self.view_state.text("words.held", name=name, value=number(value)))
        return " ".join(texts)

    def sentence(self) -> str:
        """What the gate of this part does, or else what its last line comes to."""
        for line in self.lines:
            used = use_of(line.name, self.layer.lines)
            if used is not None and line.name not in self.layer.states:
                return self._gate(line.name, *used)
        last, cursor = self.lines[-1], self.view_state.cursor
        if self.layer.clamped_value(last.name, cursor.t, cursor.unit) is not None:
            return ""
        if last.name in self.layer.states:
            return self._state(last)
        return self._sum(last)

    def _gate(self, gate: str, line: Formula, used: tuple[GateShare, ...]) -> str:
        """A gate keeps of the old state, writes of a new value, or shows of a state."""
        named = self._word(gate)
        kept = [share for share in used if f"{line.name}_prev" in share.reads]
        fresh = [share for share in used if share not in kept]
        if line.name not in self.layer.states:
            part = self.view_state.word("part", line.part)
            return self._text("passes", gate=named, part=part, **self._thing(used[0]))
        if kept and fresh:
            old = self._symbols(kept[0].of)
            return self._text(
                "mixes", gate=named, old=old, share=self._percent(kept[0]),
                taken=self._percent(fresh[0]), new=self._named(fresh[0].of),
                fresh=self._value(fresh[0].of),
            )  # fmt: skip
        if kept:
            return self._text(
                "keeps", gate=named, old=self._symbols(kept[0].of),
                share=self._percent(kept[0]), value=self._value(kept[0].of),
            )  # fmt: skip
        if used[0].reads & set(self.layer.states):
            return self._text("shows", gate=named, **self._thing(used[0]))
        return self._text(
            "writes", gate=named, new=self._named(used[0].of),
            share=self._percent(used[0]), value=self._value(used[0].of),
        )  # fmt: skip

    def _state(self, line: Formula) -> str:
        """What is left of the old state and what is new; or what is shown of an inner state."""
        found, h = shares(line.formula), self._symbols(line.name)
        kept = [share for share in found if f"{line.name}_prev" in share.reads]
        inner = [name for name in self.layer.states if name != self.layer.states[0]]
        outside = line.name == self.layer.states[0]
        if kept and len(found) > 1:
            old, new = kept[0], next(share for share in found if share not in kept)
            text = self._text(
                "summed", old=self._symbols(old.of), kept=self._product(old),
                written=self._product(new), state=h, value=self._value(line.name),
            )  # fmt: skip
            alone = outside and not inner
            return f"{text} {self._text('only_state')}" if alone else text
        if found and inner:
            return self._text("shown", h=h, **self._inside(inner[0]), **self._thing(found[0]))
        text = self._bent(line)
        if inner and outside:
            # An inner state that a weight multiplies is read by the next step.
            read = any(f"{inner[0]}_prev @" in li.formula for li in self.layer.lines)
            key = "other_state" if read else "inside"
            return f"{text} {self._text(key, h=h, **self._inside(inner[0]))}"
        return f"{text} {self._text('only_state')}"

    def _inside(self, state: str) -> dict[str, str]:
        return {"inner": self._symbols(state), "inside": self._value(state)}

    def _bent(self, line: Formula) -> str:
        """A value that a function makes of another one."""
        before = argument(line.formula)
        called = line.formula.partition("(")[0]
        if before is None or called not in FUNCTIONS:
            return f"{self._symbols(line.name)} = {self._value(line.name)}."
        return self._text(
            "bent", function=FUNCTIONS[called].symbol, before=self._value(before),
            h=self._symbols(line.name), value=self._value(line.name),
        )  # fmt: skip

    def _sum(self, line: Formula) -> str:
        """What input, states before and bias add to a weighted sum, and what comes of it."""
        before = argument(line.formula)
        formula = next((n.formula for n in self.layer.lines if n.name == before), line.formula)
        found = origins(formula)
        if found is None:
            return self._bent(line)
        key = "sums" if line.name.startswith("a") else "candidate"
        values = {
            "name": self._word(line.name), "value": self._value(line.name), "x": self._input(),
            "inputs": self._value(found.inputs),
            "bias": self._value(found.bias) if found.bias else number(0.0, 0),
        }  # fmt: skip
        if not found.states:
            return self._text(f"{key}_alone", **values)
        before = " + ".join(dict.fromkeys(self._symbols(name) for name in found.read))
        return self._text(key, states=self._value(found.states), before=before, **values)

    # -- pieces of sentences --------------------------------------------------------------------

    def _text(self, key: str, **values: str) -> str:
        template = i18n.template_of(f"words.{key}", self.view_state.lang)
        for name in {"gate", "name"} & set(values):
            if template.startswith(f"{{{name}}}"):
                values[name] = self._capitalized(values[name])
        return self.view_state.text(f"words.{key}", **values)

    def _capitalized(self, word: str) -> str:
        """The word at the beginning of a sentence; a symbol stays as it is."""
        if word not in (self.view_state.word("name", name) for name in self.layer.values):
            return word
        first = "İ" if word[:1] == "i" and self.view_state.lang == "tr" else word[:1].upper()
        return first + word[1:]

    def _thing(self, share: GateShare) -> dict[str, str]:
        return {
            "share": self._percent(share), "thing": self._symbols(share.of),
            "value": self._value(share.of),
        }  # fmt: skip

    def _percent(self, share: GateShare) -> str:
        cursor = self.view_state.cursor
        value = float(self.layer.values[share.gate][cursor.t, cursor.unit])
        return percent(self.view_state, 1 - value if share.rest else value)

    def _product(self, share: GateShare) -> str:
        factor = f"(1 - {share.gate})" if share.rest else share.gate
        return self._value(f"{factor} * {share.of}")

    def _value(self, formula: str) -> str:
        cursor = self.view_state.cursor
        worked = arithmetic(self.layer, formula, cursor.t, cursor.unit)
        if worked is None:
            return "?"
        return "0" if worked.result == number(0.0, 3, True) else worked.result

    def _symbols(self, formula: str) -> str:
        return "".join(text for text, _ in self.layer.symbols(formula, self.view_state.step))

    def _word(self, name: str) -> str:
        """The word for a value, or its symbol at this token."""
        word = self.view_state.word("name", name)
        return self._symbols(name) if word == name else word

    def _named(self, formula: str) -> str:
        return self._word(formula) if formula in self.layer.values else self._symbols(formula)

    def _input(self) -> str:
        """The word that is read, or x where it is no word."""
        view_state = self.view_state
        if view_state.cursor.layer or view_state.trace.series is not None:
            return view_state.symbol("x", view_state.step)
        return f"“{visible(view_state.trace.tokens[view_state.cursor.t])}”"


def _read(view_state: ViewState) -> str:
    """What comes in: the input, and the states before."""
    layer, t, unit = view_state.layer, view_state.cursor.t, view_state.cursor.unit
    token = visible(view_state.trace.tokens[t])
    key = "words.unknown_numbers" if view_state.trace.unknown[t] else "words.numbers"
    what = view_state.text(key, token=token, D=layer.values["x"].shape[1])
    known = [(s, layer.state_before(t, s)) for s in layer.states]
    if all(not np.any(values) for _, values in known):
        names = ", ".join(
            f"{view_state.symbol(s + '_prev', view_state.step)} = 0" for s, _ in known
        )
        before = view_state.text("words.nothing_before", states=names)
    else:
        names = ", ".join(
            f"{view_state.symbol(s + '_prev', view_state.step)} = "
            f"{number(float(values[unit]), 3, True)}"
            for s, values in known
        )
        before = view_state.text("words.before", states=names)
    x = view_state.symbol("x", view_state.step)
    return view_state.text("words.read", x=x, what=what, before=before)


def _predict(view_state: ViewState) -> str:
    """The most likely class, or the forecast."""
    head, t = view_state.trace.head, view_state.cursor.t
    h = view_state.symbol("h", view_state.step)
    if head.is_number:
        k = view_state.shown_class()
        value = number(float(view_state.readout[t, k]), 2)
        return view_state.text("words.forecast", h=h, label=visible(head.labels[k]), p=value)
    k = int(np.argmax(head.readout[t]))
    p = number(float(head.readout[t, k]), 2)
    one_direction = reads_one_state(view_state.trace) and is_top(view_state)
    key = "words.predict" if one_direction else "words.predict_above"
    return view_state.text(key, h=h, label=visible(head.labels[k]), p=p)
