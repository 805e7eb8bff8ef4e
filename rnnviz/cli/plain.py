"""A trace as lines of text: one fact a line, the most important first, nothing to draw.

For screen readers, pipes and terminals that cannot move the cursor. The numbers are those of the
JSON, rounded.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rnnviz.display import visible
from rnnviz.equations import number, numbers, symbols
from rnnviz.texts import text
from rnnviz.trace import LayerTrace, Trace


def lines(trace: Trace, unit: int, lang: str) -> Iterator[str]:
    """Tokens, prediction after each, gradients; then gates and arithmetic of one unit."""
    layer, head = trace.layers[-1], trace.head
    tokens = [visible(token) for token in trace.tokens]
    T, best = len(tokens), int(np.argmax(head.output))
    yield text(
        "plain.model", lang, name=visible(trace.model), cell=layer.title, units=layer.units,
        about=visible(trace.about),
    )  # fmt: skip
    yield text("plain.sentence", lang, tokens=" ".join(tokens))
    if any(trace.unknown):
        unknown = ", ".join(w for w, u in zip(tokens, trace.unknown, strict=True) if u)
        yield text("plain.unknown", lang, tokens=unknown)
    label, p = visible(head.labels[best]), number(head.output[best])
    yield text("plain.prediction", lang, label=label, p=p)
    objective = text("objective.log_loss", lang, label=visible(head.target))
    yield text("plain.objective", lang, objective=objective, loss=number(head.loss))
    grads = np.linalg.norm(trace.layers[0].grads["x"], axis=1)
    for t, token in enumerate(tokens):
        leading = int(np.argmax(head.readout[t]))
        yield text(
            "plain.after", lang, t=t + 1, T=T, token=token, label=visible(head.labels[leading]),
            p=number(head.readout[t, leading]), grad=number(grads[t]),
            reach=number(layer.reach[t]),
        )  # fmt: skip
    for each in trace.layers:
        yield from _unit(trace, each, min(unit, each.units - 1), tokens, lang)


def _unit(
    trace: Trace, layer: LayerTrace, unit: int, tokens: list[str], lang: str
) -> Iterator[str]:
    yield text("plain.unit", lang, unit=unit, units=layer.units, layer=layer.name)
    shown = [name for name in layer.recorded if name != "x"]
    for t in layer.order:
        values = ", ".join(f"{n} {number(layer.values[n][t, unit], signed=True)}" for n in shown)
        yield text("plain.values", lang, t=t + 1, token=tokens[t], values=values)
        for line in layer.lines:
            arithmetic = numbers(line.formula, layer.at(t), unit)
            said = "".join(s for s, _ in symbols(f"{line.formula}", t + 1))
            name = "".join(s for s, _ in symbols(line.name, t + 1))
            yield f"{name} = {said} = {arithmetic.text}"
        grads = ", ".join(f"∂L/∂{n} {number(layer.grads[n][t, unit], signed=True)}" for n in shown)
        yield text("plain.gradients", lang, t=t + 1, token=tokens[t], values=grads)
