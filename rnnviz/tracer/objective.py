"""What the gradients of a trace are of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnnviz import i18n
from rnnviz.arrays import Array
from rnnviz.display import visible
from rnnviz.engine import losses
from rnnviz.engine.spec import NUMERIC_KINDS
from rnnviz.errors import UsageError, nearest
from rnnviz.messages import _, language
from rnnviz.model_files import StoredModel
from rnnviz.toy_net.number_text import number_literal
from rnnviz.tracer.model_input import ModelInput

#: Labels that a message lists.
MOST_LABELS = 20


def objective_of(
    stored: StoredModel, logits: Array, model_input: ModelInput, target: int
) -> tuple[str, float, Array]:
    """What the gradients are of: its name, its value, and its gradient at the ``logits`` (1, K).

    For a class its log-loss; for one label of several sigmoids its own. For a forecast its absolute
    error in deviations, as the net was trained; where the true value is not known, the forecast
    itself, as for every other number. For a net by hand its squared error. Of logits of every step
    (T, 1, K) the objective is that of the last; for a net that writes it is the sum of
    :func:`step_losses`.
    """
    if stored.writes:
        rows, y = logits[:, 0], next_tokens(model_input, target)
        loss = float(losses.losses("softmax", rows, y).sum())
        return "log-loss of every next token", loss, losses.d_logits("softmax", rows, y)[:, None]
    if logits.ndim == 3:
        name, loss, d_last = objective_of(stored, logits[-1], model_input, target)
        d_steps = np.zeros_like(logits)
        d_steps[-1] = d_last
        return f"{name} at the last token", loss, d_steps
    label, kind = stored.labels[target], stored.model.spec.head.kind
    truth = model_input.truth
    if kind in NUMERIC_KINDS and truth is None:
        name = label if model_input.series is None else f"forecast of {label}"
        output = losses.outputs(kind, logits)
        d_logits = np.zeros_like(logits)
        d_logits[:, target] = losses.ELEMENTWISE[kind].slope(output[:, target])
        return name if kind == "linear" else label, float(output[0, target]), d_logits
    if kind == "sigmoid" and logits.shape[1] > 1:
        d_logits = np.zeros_like(logits)
        own, right = logits[:, [target]], np.ones(1)
        d_logits[:, [target]] = losses.d_logits(kind, own, right)
        loss = float(losses.losses(kind, own, right)[0])
        return f"log-loss of '{label}'", loss, d_logits
    if truth is None:
        name, y = f"log-loss of '{label}'", np.array([target])
    else:
        name = f"absolute error of {label}, in deviations"
        y = np.array([truth], logits.dtype)
    if model_input.squared is not None and truth is not None:
        factor, (errors, d_logits) = model_input.squared, losses.squared(logits, y)
        name = f"{'' if factor == 1 else '½'}({label} − {number_literal(truth)})²"
        return name, factor * float(errors[0]), factor * d_logits
    loss = float(losses.losses(kind, logits, y)[0])
    return name, loss, losses.d_logits(kind, logits, y)


def next_tokens(model_input: ModelInput, target: int) -> Array:
    """The token that follows each token of the input (T); ``target`` after the last one."""
    return np.array([*model_input.ids[1:], target])


def step_losses(
    stored: StoredModel, logits: Array, model_input: ModelInput, target: int
) -> Array | None:
    """The log-loss of each next token (T), of a net that writes; None for others."""
    if not stored.writes:
        return None
    return losses.losses("softmax", logits[:, 0], next_tokens(model_input, target))


def target_class(stored: StoredModel, output: Array, label: str | None) -> int:
    """The class number of a label; without one, of the predicted class.

    A label of a shipped model may be in a language of the screens: positive, olumlu. One of white
    space may be written as its sign: ↵.
    """
    if label is None and stored.model.spec.head.kind in NUMERIC_KINDS:
        return 0
    if label is None:
        return int(output.argmax())
    found = i18n.label_number(label, stored.labels)
    if found is None:
        found = i18n.label_number(label, [visible(each) for each in stored.labels])
    if found is None:
        shown = [i18n.label(each, language()) for each in stored.labels if each]
        raise UsageError(
            _("Unknown target {label!r} for {model}.{hint} Use one of: {labels}.").format(
                label=label,
                model=stored.name,
                hint=nearest(label, [*shown, *stored.labels]),
                labels=_some(shown),
            )
        )
    return found


def _some(labels: Sequence[str]) -> str:
    """The labels, or the first of many, as they can be printed."""
    more = len(labels) - MOST_LABELS
    return ", ".join(map(visible, labels[:MOST_LABELS])) + (
        _(" and {more:,} others").format(more=more) if more > 0 else ""
    )
