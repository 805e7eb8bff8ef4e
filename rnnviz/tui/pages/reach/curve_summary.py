"""The curves of the reach page summarised in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rnnviz.analysis.reach import keep_gate, keep_gate_product, last_faded
from rnnviz.display import visible
from rnnviz.equations import number
from rnnviz.trace import LayerTrace, Trace
from rnnviz.tui.render.segments import cut

#: The key of a text of the page, and the values to fill in.
Sentence = tuple[str, dict[str, object]]
LEVELS = ((0.01, "1/100"), (0.1, "1/10"))
LONGEST = 20


@dataclass(frozen=True, eq=False)
class ReachFacts:
    """The layers and the token that the sentences are about."""

    trace: Trace
    layer: LayerTrace
    t: int
    trained: Mapping[str, LayerTrace]  # by title of the cell
    untrained: Mapping[str, LayerTrace]
    gate: str  # the word for the keep gate, "" without one

    def token(self, t: int) -> str:
        """A token, safe to print and truncated."""
        return cut(visible(self.trace.tokens[t]), LONGEST)


def sentences(facts: ReachFacts) -> Iterator[Sentence]:
    """Yield the sentences, the most important first."""
    t, layer = facts.t, facts.layer
    here = float(layer.reach[t])
    token = facts.token(t)
    if t == layer.order[-1]:
        yield "say_end", {"token": token}
    else:
        key = "say_less" if here < 1 else "say_more"
        yield key, {"token": token, "value": number(here)}
    yield from _vanishing(facts)
    yield from _untrained(facts)
    yield from _gates(facts)
    yield from _stretch(facts)
    yield from _order("say_order", facts.trained, t)
    yield from _order("say_order_untrained", facts.untrained, t)


def _vanishing(facts: ReachFacts) -> Iterator[Sentence]:
    """Whether a gated cell keeps the gradient from the first word to the end; numbers of both."""
    layer, gate = facts.layer, keep_gate(facts.layer)
    if len(layer.order) < 2 or facts.layer is not facts.trained.get(layer.title, layer):
        return
    first = layer.order[0]
    value = float(layer.reach[first])
    trend = "fades" if value < 1 else "grows"
    kind = "plain" if gate is None else "gated"
    values: dict[str, object] = {
        "cell": layer.title, "gate": gate or "", "value": number(value),
        "token": facts.token(first),
    }  # fmt: skip
    yield f"say_vanish_{kind}_{trend}", values
    plain = next((la for la in facts.trained.values() if keep_gate(la) is None), None)
    if gate is None or plain is None:
        return
    other = float(plain.reach[first])
    if number(other) != number(value):
        key = "say_keeps_more" if value > other else "say_keeps_less"
        yield key, {"other": plain.title, "value": number(other)}


def _stretch(facts: ReachFacts) -> Iterator[Sentence]:
    """The stretch at the start with a small reach, or that there is none."""
    if len(facts.layer.order) < 3:
        return
    for level, written in LEVELS:
        last = last_faded(facts.layer, level)
        if last is not None:
            yield "say_faded", {"token": facts.token(last), "t": last + 1, "level": written}
            return
    earlier = facts.layer.order[:-1]
    least = min(earlier, key=lambda t: float(facts.layer.reach[t]))
    value = float(facts.layer.reach[least])
    level, written = LEVELS[-1]
    if value >= level:
        yield (
            "say_nowhere",
            {"level": written, "value": number(value), "token": facts.token(least)},
        )


def _gates(facts: ReachFacts) -> Iterator[Sentence]:
    if keep_gate(facts.layer) is None or facts.t == facts.layer.order[-1]:
        return
    passed, value = keep_gate_product(facts.layer)[facts.t], float(facts.layer.reach[facts.t])
    mean, top = float(passed.mean()), float(passed.max())
    key = "say_above" if value > top else "say_below"
    numbers = {"mean": number(mean), "top": number(top), "value": number(value)}
    if key == "say_above" and numbers["value"] == numbers["top"]:
        key = "say_below"
    yield key, {"gate": facts.gate, **numbers}


def _untrained(facts: ReachFacts) -> Iterator[Sentence]:
    """The reach with untrained weights, unless they are the ones on the screen."""
    other = facts.untrained.get(facts.layer.title)
    if other is None or other is facts.layer or facts.t == facts.layer.order[-1]:
        return
    yield "say_untrained", {"value": number(float(other.reach[facts.t]))}


def _order(key: str, layers: Mapping[str, LayerTrace], t: int) -> Iterator[Sentence]:
    """The cells with the largest and the smallest reach, if the printed numbers differ."""
    if len(layers) < 3:
        return
    by_reach = sorted(layers, key=lambda title: float(layers[title].reach[t]))
    low, high = (number(float(layers[by_reach[k]].reach[t])) for k in (0, -1))
    if low != high:
        yield key, {"most": by_reach[-1], "high": high, "least": by_reach[0], "low": low}
