"""A trace as lines of text: one fact a line, the most important first.

For screen readers, pipes and terminals that cannot move the cursor. The numbers are those of the
JSON, rounded.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rnnviz.analysis import next_tokens, toy_net
from rnnviz.analysis import series as series_analysis
from rnnviz.analysis.interventions import OutputsWithout, changes
from rnnviz.analysis.readout import shown_class
from rnnviz.display import visible
from rnnviz.equations import number, numbers, symbol
from rnnviz.i18n import is_imported, model_name, text, units, word
from rnnviz.trace import LayerTrace, SeriesTrace, Trace, in_time
from rnnviz.trace.notation import written_clamp


def lines(
    trace: Trace, unit: int, lang: str, without: OutputsWithout | None = None
) -> Iterator[str]:
    """Tokens, prediction after each, gradients; then gates and arithmetic of one unit.

    ``without``: the outputs at the end without each token.
    """
    imported = is_imported(trace.about)
    trace = trace.localized(lang)
    tokens = [visible(token) for token in trace.tokens]
    if trace.series:
        yield from _series(trace, trace.series, lang)
    else:
        yield model_line(trace, lang, imported=imported)
        yield from _words(trace, tokens, lang)
        yield from _changes(trace, tokens, lang, without)
    for each in trace.layers:
        yield from _unit(trace, each, min(unit, each.units - 1), tokens, lang)


def model_line(trace: Trace, lang: str, *, imported: bool) -> str:
    """The model, and what it was trained on or where it is from."""
    layer = trace.layers[-1]
    return text(
        "plain.model_imported" if imported else "plain.model", lang,
        name=visible(model_name(trace.model, lang)),
        cell=layer.title, units=units(layer.units, lang), about=visible(trace.about),
    )  # fmt: skip


def _words(trace: Trace, tokens: list[str], lang: str) -> Iterator[str]:
    layer, head = trace.layers[-1], trace.head
    # Of numbers the one that the gradients are of; of classes the likeliest.
    T, best = len(tokens), shown_class(head) if head.is_number else int(np.argmax(head.output))
    yield text("plain.sentence", lang, tokens=" ".join(tokens))
    if any(trace.unknown):
        unknown = ", ".join(w for w, u in zip(tokens, trace.unknown, strict=True) if u)
        yield text("plain.unknown", lang, tokens=unknown)
    label, p = visible(head.labels[best]), number(head.output[best])
    if head.is_number:
        value = number(head.output[best], 6)
        yield text("page.hand.plain_output", lang, label=label, value=value)
        objective, key = visible(head.objective), "page.hand.plain_objective"
    else:
        yield text("plain.prediction", lang, label=label, p=p)
        key = "plain.objective"
        name = "view.objective_next" if head.writes else "objective.log_loss"
        objective = text(name, lang, label=visible(head.target), target=visible(head.target))
    yield from _clamps(trace, lang)
    yield text(key, lang, objective=objective, loss=number(head.loss))
    grads = np.linalg.norm(trace.layers[0].grads["x"].astype(np.float64), axis=1)
    for t, token in enumerate(tokens):
        if head.writes:
            yield _next_token(trace, t, token, float(grads[t]), lang)
            continue
        leading = best if head.is_number else int(np.argmax(head.readout[t]))
        yield text(
            "plain.after", lang, t=t + 1, T=T, token=token, label=visible(head.labels[leading]),
            p=number(head.readout[t, leading]), grad=number(grads[t]),
            reach=number(layer.reach[t]),
        )  # fmt: skip


def _next_token(trace: Trace, t: int, token: str, grad: float, lang: str) -> str:
    """What follows a token in the text and how likely it was; after the last one the likeliest."""
    head, best = trace.head, next_tokens.likeliest(trace, t)
    values = {
        "t": t + 1, "T": len(trace.tokens), "token": token, "label": visible(head.labels[best]),
        "p": number(head.readout[t, best]), "grad": number(grad),
        "reach": number(trace.layers[-1].reach[t]),
    }  # fmt: skip
    if not next_tokens.comes(trace, t):
        return text("plain.after", lang, **values)
    return text(
        "plain.after_next", lang, next=visible(trace.tokens[t + 1]),
        own=number(float(next_tokens.next_probabilities(trace)[t])),
        bits=number(float(next_tokens.surprises(trace)[t])), **values,
    )  # fmt: skip


def _changes(
    trace: Trace, tokens: list[str], lang: str, without: OutputsWithout | None
) -> Iterator[str]:
    """What each token did to the prediction, and where the text ends without it."""
    if trace.head.writes and len(tokens) > 1:
        each_bits = next_tokens.surprises(trace)[:-1]
        bits = float(each_bits.mean())
        yield text(
            "plain.surprise", lang, bits=number(bits), n=len(each_bits),
            perplexity=number(2**bits),
        )  # fmt: skip
    k = shown_class(trace.head)
    label = visible(trace.head.labels[k])
    name = label if trace.head.is_number else text("view.believes", lang, label=label)
    deltas = changes(trace, k)
    each = [
        f"{token} {number(float(delta), 2, signed=True)}"
        for token, delta in zip(tokens, deltas, strict=True)
        if np.isfinite(delta)
    ]
    if each and not trace.head.writes:
        yield text("plain.changes", lang, name=name, list=", ".join(each))
    if without is not None and without.possible.any():
        each = [
            f"{token} {number(float(output[k]), 2)}"
            for token, output, possible in zip(
                tokens, without.outputs, without.possible, strict=True
            )
            if possible
        ]
        end = number(float(trace.head.output[k]), 2)
        yield text("plain.without", lang, name=name, list=", ".join(each), end=end)


def _clamps(trace: Trace, lang: str) -> Iterator[str]:
    """The clamps, and the prediction without them."""
    free, series = trace.head.unclamped, trace.series
    if free is None:
        return
    best = int(np.argmax(free))
    output = number(free[best]) if series is None else number(series.restored(free)[best], 2)
    written = (written_clamp(clamp, trace) for clamp in (trace.source or trace).clamps)
    clamps = ", ".join(each.counted(trace.tokens, len(trace.layers) > 1) for each in written)
    yield text(
        "page.clamp.plain_held", lang, clamps=clamps,
        label=visible(trace.head.labels[best]), said=output,
    )  # fmt: skip


def _series(trace: Trace, series: SeriesTrace, lang: str) -> Iterator[str]:
    """The window, the forecast and the true value, in the unit of the forecast; then each hour."""

    def line(key: str, **values: object) -> str:
        return text(f"page.series.plain_{key}", lang, **values)

    layer, head, T = trace.layers[-1], trace.head, len(trace.tokens)
    as_now = series_analysis.naive_name(trace, lang)
    forecasts, column = (
        series_analysis.forecasts(trace),
        series_analysis.readings(trace)[:, series.target],
    )
    forecast, today, label = float(forecasts[-1]), float(column[trace.latest]), visible(head.target)
    yield line(
        "model", name=visible(model_name(trace.model, lang)), cell=layer.title,
        units=units(layer.units, lang), about=visible(trace.about),
    )  # fmt: skip
    first, last = sorted((series.times[0], series.times[-1]), key=in_time)
    yield line("window", T=T, first=first, last=last, source=visible(series.source))
    yield line(
        "forecast", label=label, time=series.foreseen, value=number(forecast, 2),
        naive=as_now, today=number(today, 2),
    )  # fmt: skip
    yield from _clamps(trace, lang)
    if series.truth is None:
        yield line("open", time=series.foreseen)
    else:
        error, naive = (number(abs(value - series.truth), 2) for value in (forecast, today))
        truth = number(series.truth, 2)
        yield line("truth", truth=truth, error=error, naive=as_now, today=naive)
    if series.test is not None:
        yield line(
            "span", months=series.test.months, error=number(series.test.forecast, 2),
            naive=as_now, today=number(series.test.as_today, 2),
        )  # fmt: skip
    free = "_free" if series.truth is None else ""
    objective = text(f"page.series.objective{free}", lang, label=label)
    yield line("objective", objective=objective, loss=number(head.loss))
    grads = np.linalg.norm(series_analysis.gradients(trace).astype(np.float64), axis=1)
    for t in range(T):
        yield line(
            "after", t=t + 1, T=T, time=series.times[t], label=label, value=number(column[t], 2),
            aim=series_analysis.time_at(trace, series_analysis.forecast_index(trace, t)),
            forecast=number(forecasts[t], 2),
            grad=number(grads[t]), reach=number(layer.reach[t]),
        )  # fmt: skip


def _unit(
    trace: Trace, layer: LayerTrace, unit: int, tokens: list[str], lang: str
) -> Iterator[str]:
    yield text("plain.unit", lang, unit=unit, units=layer.units, layer=layer.name)
    shown = [name for name in layer.recorded if name != "x"]
    for t in layer.order:
        values = ", ".join(
            f"{layer.symbol(n)} {number(layer.values[n][t, unit], signed=True)}" for n in shown
        )
        yield text("plain.values", lang, t=t + 1, token=tokens[t], values=values)
        for line in layer.lines:
            name = layer.symbol(line.name, layer.step(t))
            clamped = layer.clamped_value(line.name, t, unit)
            if clamped is not None:
                yield f"{name}: " + text("page.clamp.held_at", lang, value=number(clamped))
                continue
            arithmetic = numbers(line.formula, layer.at(t), unit)
            formula = "".join(s for s, _ in layer.symbols(line.formula, layer.step(t)))
            yield f"{name} = {formula} = {arithmetic.text}"
        grads = ", ".join(
            f"{layer.symbol(f'd_{n}')} {number(layer.grads[n][t, unit], signed=True)}"
            for n in shown
        )
        yield text("plain.gradients", lang, t=t + 1, token=tokens[t], values=grads)


def toy_net_lines(trace: Trace, lang: str) -> Iterator[str]:
    """The weights and the whole arithmetic of a net by hand; nothing for any other trace."""
    hand = toy_net.toy_net_of(trace)
    if hand is None:
        return
    for line in (word("net_title", hand.form.title, lang), hand.form.source):
        if line:
            yield visible(line)
    names = [entry for name in hand.names for entry in hand.entries(name)]
    weights = ", ".join(f"{hand.written(e)} = {toy_net.full_literal(hand.value(e))}" for e in names)
    form = (
        text(f"page.hand.{key}", lang, **values) for key, values in toy_net.convention_texts(trace)
    )
    yield text("page.hand.plain_form", lang, form="; ".join(form))
    yield text("page.hand.plain_weights", lang, weights=weights)
    if hand.units > 1:
        yield text("page.hand.plain_index", lang)
    for t, token in enumerate(trace.tokens):
        for unit in range(hand.units):
            yield text("page.hand.plain_unit", lang, t=t + 1, token=token, unit=unit)
            yield from _toy_net_arithmetic(trace, t, unit, lang)


def _toy_net_arithmetic(trace: Trace, t: int, unit: int, lang: str) -> Iterator[str]:
    """The whole arithmetic of a unit at a token; the prediction's after the last unit."""
    layer, values = trace.layers[0], toy_net.values_at(trace, t)
    for line in toy_net.lines_at(trace, t):
        if toy_net.is_head_line(line):
            if unit == layer.units - 1:
                worked = toy_net.written_out(line.formula, values, 0)
                yield f"{symbol(line.name, t + 1)} = {worked.text}"
            continue
        clamped = layer.clamped_value(line.name, t, unit)
        if clamped is not None:
            value = text("page.hand.held", lang, value=number(clamped))
            yield f"{symbol(line.name, t + 1)}: {value}"
        else:
            worked = toy_net.written_out(line.formula, values, unit)
            yield f"{symbol(line.name, t + 1)} = {worked.text}"
