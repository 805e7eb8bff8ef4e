"""The functions of claim expressions: what a net computes for the text of a step.

Tokens count from 1 and layers from 1, units from 0, as on the screen. Every function that reads a
text takes ``text``, ``model``, ``clamp``, ``cell``, ``random``, ``target``, ``weight`` and
``against``: a variant of what the step reads. Without them it is what the step reads.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from rnnviz import i18n
from rnnviz.analysis.gradient_check import GradientCheck
from rnnviz.analysis.learning import Learning, LearningQuestion, first_lasting
from rnnviz.analysis.net_summary import NetQuestion, NetSummary
from rnnviz.analysis.padding import PaddingMode, PaddingQuestion
from rnnviz.analysis.readout import saliency, shown_class
from rnnviz.analysis.series import forecasts, readings, series_of
from rnnviz.analysis.writing import NextTokens, NextTokensQuestion, drawing_probabilities, surprises
from rnnviz.errors import UsageError, nearest
from rnnviz.files import read_json
from rnnviz.lessons.expressions import evaluate
from rnnviz.lessons.plain_functions import PLAIN
from rnnviz.lessons.reader import with_change
from rnnviz.lookup import locate
from rnnviz.messages import _
from rnnviz.query import Explorer, Query
from rnnviz.toy_net import is_toy_net
from rnnviz.toy_net.default_nets import for_model
from rnnviz.trace import LayerTrace, SeriesTrace, Trace

#: Traces that are cached: a step with its variants.
_CACHED = 64


class Evaluator:
    """Evaluates claims with an explorer, which reads each text once."""

    def __init__(self, explorer: Explorer) -> None:
        self.explorer = lru_cache(maxsize=_CACHED)(explorer)

    def value(self, expression: str, query: Query, against: str = "") -> Any:
        """The value of an expression for what a step reads; UsageError if it has none."""
        return evaluate(expression, _Functions(self.explorer, query, against).table)

    def holds(self, claim: str, query: Query, against: str = "") -> bool:
        """Whether a claim is true; UsageError if it is not a comparison, or has no value."""
        value = self.value(claim, query, against)
        if not isinstance(value, bool | np.bool_):
            raise UsageError(
                _("{claim}: a claim is true or false, not {value}.").format(
                    claim=claim, value=value
                )
            )
        return bool(value)


#: Recorded values that are functions of their own: f(4, 27) is value("f", 4, 27).
_VALUES = ("f", "i", "g", "o", "c", "h", "z", "r", "q", "x", "a", "a_f", "a_i", "a_g", "a_o",
           "a_z", "a_r")  # fmt: skip


@dataclass(frozen=True)
class _Functions:
    """The functions of one step."""

    explorer: Explorer
    query: Query
    against: str

    @cached_property
    def table(self) -> Mapping[str, Callable[..., Any]]:
        """Every function by name."""
        own = {
            name: getattr(self, f"_{name}")
            for name in (
                "p", "value", "grad", "saliency", "reach", "T", "tokens", "token", "has", "label",
                "loss", "params", "units", "history", "best_epoch", "metric", "published",
                "without", "bag", "gradient_error", "padded", "turn", "truth", "as_today",
                "test_error", "onset", "settled", "bits", "drawn",
            )
        }  # fmt: skip
        return {**PLAIN, **{name: self._of_name(name) for name in _VALUES}, **own}

    # -- what is read -------------------------------------------------------------------------

    def _variant(
        self, *, text: str | None = None, model: str | None = None, cell: str | None = None,
        clamp: str | Sequence[str] = (), random: int | None = None, target: str | None = None,
        weight: str | Sequence[str] = (), against: bool = False,
    ) -> Query:  # fmt: skip
        query = self.query
        if against:
            if not self.against:
                raise UsageError(_("against=True needs a second sentence: against = … of a step."))
            query = replace(query, text=self.against)
        if model is not None:
            hand = for_model(query.hand, model) if is_toy_net(model) else None
            query = replace(query, model=model, hand=hand, clamps=())
        if text is not None:
            query = with_change(query, "text", text)
        if cell is not None:
            query = with_change(query, "cell", cell)
        for kind, typed in (("clamp", clamp), ("weight", weight)):
            for each in [typed] if isinstance(typed, str) else typed:
                query = with_change(query, kind, each)
        if random is not None:
            query = replace(query, random=random)
        return query if target is None else replace(query, target=target)

    def _trace(self, **variant: Any) -> Trace:
        names = ("text", "model", "cell", "clamp", "random", "target", "weight", "against")
        for name in variant:
            if name not in names:
                raise UsageError(
                    _("there is no keyword {name!r}.{hint}").format(
                        name=name, hint=nearest(name, names)
                    )
                )
        trace: Trace = self.explorer(self._variant(**variant))
        return trace

    @staticmethod
    def _index(trace: Trace, t: int | None) -> int:
        T = len(trace.tokens)
        if t is None:
            return T - 1
        if not isinstance(t, int) or not 1 <= t <= T:
            raise UsageError(_("token {t}: this text has tokens 1 to {T}.").format(t=t, T=T))
        return t - 1

    @staticmethod
    def _layer(trace: Trace, layer: int) -> LayerTrace:
        if not 1 <= layer <= len(trace.layers):
            raise UsageError(
                _("layer {layer}: this net has layers 1 to {count}.").format(
                    layer=layer, count=len(trace.layers)
                )
            )
        return trace.layers[layer - 1]

    # -- predictions --------------------------------------------------------------------------

    def _p(self, t: int | None = None, label: str | None = None, **variant: Any) -> float:
        """The probability of the shown class after token t; of a series the forecast."""
        trace = self._trace(**variant)
        at = self._index(trace, t)
        if trace.series is not None:
            return float(forecasts(trace)[at])
        head = trace.head
        if label is None:
            return float(head.readout[at, shown_class(head)])
        found = i18n.label_number(label, head.labels)
        if found is None:
            raise UsageError(_no_label(label, head.labels))
        return float(head.readout[at, found])

    def _label(self, **variant: Any) -> str:
        head = self._trace(**variant).head
        return head.labels[int(np.argmax(head.output))]

    def _loss(self, **variant: Any) -> float:
        return float(self._trace(**variant).head.loss)

    def _turn(self, **variant: Any) -> int:
        """The token, from 1, at which the prediction moves most."""
        trace = self._trace(**variant)
        values = trace.head.readout[:, shown_class(trace.head)]
        return int(np.argmax(np.abs(np.diff(values)))) + 2

    def _without(self, t: int, **variant: Any) -> float:
        """The last prediction of the text without token t."""
        trace = self._trace(**variant)
        left = [*trace.tokens]
        del left[self._index(trace, t)]
        return self._p(**{**variant, "text": " ".join(left)})

    def _bag(self, **variant: Any) -> float:
        """The mean of the predictions of each word read alone: a reader without order."""
        tokens = self._trace(**variant).tokens
        alone = sorted(self._p(**{**variant, "text": token}) for token in tokens)
        return float(np.mean(alone))

    def _padded(self, pads: int | None = None, side: str = "front", masked: bool = False) -> float:
        """The last prediction with padding; ``pads`` None: as many as in training."""
        comparison = self.explorer(PaddingQuestion(self.query, pads))
        if side not in ("front", "end"):
            raise UsageError(_("side={side!r} is neither 'front' nor 'end'.").format(side=side))
        output = comparison.by_mode[PaddingMode("front" if side == "front" else "end", masked)]
        return float(output.output[min(1, len(output.output) - 1)])

    # -- a net that writes --------------------------------------------------------------------

    def _next_tokens(self, **variant: Any) -> NextTokens:
        answer: NextTokens = self.explorer(NextTokensQuestion(self._variant(**variant)))
        return answer

    def _bits(self, t: int | None = None, **variant: Any) -> float:
        """−log₂ of the probability that token t had; without t the mean of those of the text."""
        trace, found = self._trace(**variant), surprises(self._next_tokens(**variant))
        if t == 1 or len(found) == 1:
            raise UsageError(_("nothing is read before the first token, so it has no bits."))
        return float(found[1:].mean() if t is None else found[self._index(trace, t)])

    def _drawn(self, t: int, token: str, temperature: float, **variant: Any) -> float:
        """The probability that a token is drawn with after token t, at a temperature from 0 on."""
        trace, found = self._trace(**variant), self._next_tokens(**variant)
        if token not in found.labels:
            raise UsageError(_no_label(token, found.labels))
        if not temperature >= 0:
            raise UsageError(_("a temperature is not below 0."))
        p = drawing_probabilities(found.logits[self._index(trace, t)], temperature)
        return float(p[found.labels.index(token)])

    # -- values and gradients -----------------------------------------------------------------

    def _of_name(self, name: str) -> Callable[..., Any]:
        def function(t: int, unit: int | None = None, layer: int = 1, **variant: Any) -> Any:
            return self._value(name, t, unit, layer, **variant)

        return function

    def _value(
        self, name: str, t: int, unit: int | None = None, layer: int = 1, **variant: Any
    ) -> Any:
        """A recorded value: a number, or without a unit the vector."""
        trace = self._trace(**variant)
        return _component(self._layer(trace, layer).values, name, self._index(trace, t), unit)

    def _grad(
        self, name: str, t: int, unit: int | None = None, layer: int = 1, **variant: Any
    ) -> Any:
        """The gradient of the loss at a recorded value."""
        trace = self._trace(**variant)
        return _component(self._layer(trace, layer).grads, name, self._index(trace, t), unit)

    def _saliency(self, t: int | None = None, **variant: Any) -> Any:
        """|∂L/∂x| of token t, or of all tokens."""
        trace = self._trace(**variant)
        return saliency(trace) if t is None else float(saliency(trace)[self._index(trace, t)])

    def _reach(self, t: int, layer: int = 1, **variant: Any) -> float:
        """The norm of ∂(last states)/∂(states after token t)."""
        trace = self._trace(**variant)
        return float(self._layer(trace, layer).reach[self._index(trace, t)])

    def _gradient_error(self, of: str = "", **variant: Any) -> float:
        """The largest relative error of the gradient check.

        ``of`` "backward" or "original" is one of its comparisons; "" the larger of both.
        """
        found = self.explorer(GradientCheck(self._variant(**variant)))
        if of not in ("", "backward", "original"):
            raise UsageError(
                _("gradient_error({of!r}): 'backward', 'original' or nothing.").format(of=of)
            )
        errors = {"": found.largest_error, "backward": found.backward_error}
        return float(errors[of] if of in errors else found.original_error)

    # -- the text -----------------------------------------------------------------------------

    def _tokens(self, **variant: Any) -> list[str]:
        return [*self._trace(**variant).tokens]

    def _token(self, t: int, **variant: Any) -> str:
        trace = self._trace(**variant)
        return trace.tokens[self._index(trace, t)]

    def _has(self, word: str, **variant: Any) -> bool:
        return word in self._trace(**variant).tokens

    def _T(self, **variant: Any) -> int:
        return len(self._trace(**variant).tokens)

    # -- a training -----------------------------------------------------------------------------

    def _learning(self, **variant: Any) -> Learning:
        query = self._variant(**variant)
        answer: Learning = self.explorer(LearningQuestion(query.model, query.text))
        return answer

    def _onset(self, t: int, **variant: Any) -> float:
        """The update from which on word t matters for the shown class; infinite if never."""
        trace, learning = self._trace(**variant), self._learning(**variant)
        found = learning.onset(self._index(trace, t), shown_class(trace.head))
        return math.inf if found is None else float(learning.steps[found])

    def _settled(self, **variant: Any) -> float:
        """The update from which on the last prediction is on the side of 0.5 where it ends."""
        trace, learning = self._trace(**variant), self._learning(**variant)
        high = learning.outputs[:, -1, shown_class(trace.head)] >= 0.5
        return float(learning.steps[first_lasting(np.where(high, 1.0, -1.0), 1.0) or 0])

    # -- a series -----------------------------------------------------------------------------

    def _series(self, **variant: Any) -> SeriesTrace:
        return series_of(self._trace(**variant))

    def _truth(self, **variant: Any) -> float:
        """The true value that a forecast is for."""
        truth = self._series(**variant).truth
        if truth is None:
            raise UsageError(_("the table ends before the time of the forecast."))
        return truth

    def _as_today(self, **variant: Any) -> float:
        """The naive forecast: the last reading of the target column."""
        trace = self._trace(**variant)
        return float(readings(trace)[trace.latest, series_of(trace).target])

    def _test_error(self, *, naive: bool = False, **variant: Any) -> float:
        """The mean absolute error in the test part of the table, of the net or naive."""
        test = self._series(**variant).test
        if test is None:
            raise UsageError(_("there is no test part of this table."))
        return test.as_today if naive else test.forecast

    # -- the net and its training -------------------------------------------------------------

    def _units(self, layer: int = 1, **variant: Any) -> int:
        return self._layer(self._trace(**variant), layer).units

    def _params(self, model: str | None = None, layer: int | None = None) -> int:
        """The number of parameters of a net, or of a layer, from 1: the embedding is the first."""
        query = self._variant(model=model)
        summary: NetSummary = self.explorer(NetQuestion(query.model, query.hand))
        if layer is None:
            return summary.total
        if not 1 <= layer <= len(summary.layers):
            raise UsageError(
                _("layer {layer}: the net has layers 1 to {count}.").format(
                    layer=layer, count=len(summary.layers)
                )
            )
        return summary.layers[layer - 1].count

    def _history(self, model: str, metric: str = "accuracy", split: str = "valid") -> list[float]:
        """A metric of each epoch of a model's training."""
        epochs = _record(model)["training"]["history"]
        return [float(epoch[split][metric]) for epoch in epochs]

    def _best_epoch(self, model: str, metric: str = "accuracy", split: str = "valid") -> int:
        """The epoch, from 1, with the largest value, or of a loss or an error the smallest."""
        values = self._history(model, metric, split)
        best = np.argmin(values) if metric in ("loss", "mae") else np.argmax(values)
        return int(best) + 1

    def _metric(self, model: str, name: str) -> float:
        """A number of a model's record: "test_accuracy"."""
        return float(_record(model)["metrics"][name])

    def _published(self, model: str) -> float:
        """The published number that the training of a model reproduces."""
        return float(_record(model)["published"]["value"])


def _no_label(label: str, labels: Sequence[str]) -> str:
    return _("there is no label {label!r}.{hint}").format(label=label, hint=nearest(label, labels))


def _component(values: Mapping[str, Any], name: str, t: int, unit: int | None) -> Any:
    if name not in values:
        raise UsageError(
            _("there is no value {name!r}.{hint}").format(name=name, hint=nearest(name, values))
        )
    vector = values[name][t]
    if unit is None:
        return vector
    if not 0 <= unit < len(vector):
        raise UsageError(
            _("unit {unit}: there are units 0 to {last}.").format(unit=unit, last=len(vector) - 1)
        )
    return float(vector[unit])


@lru_cache(maxsize=32)
def _record(model: str) -> Mapping[str, Any]:
    """The JSON of a model."""
    record: Mapping[str, Any] = read_json(Path(locate(model)[0]))
    return record


def names() -> tuple[str, ...]:
    """The names of all functions."""
    return tuple(_Functions(lambda _: None, Query("", ""), "").table)
