"""What the gradients of a trace are of."""

from __future__ import annotations

import numpy as np

from rnnviz.arrays import Array
from rnnviz.engine import losses
from rnnviz.errors import UsageError, nearest
from rnnviz.model_files import StoredModel
from rnnviz.toy_net.number_text import number_literal
from rnnviz.tracer.model_input import ModelInput


def objective_of(
    stored: StoredModel, logits: Array, model_input: ModelInput, target: int
) -> tuple[str, float, Array]:
    """What the gradients are of: its name, its value, and its gradient at the ``logits`` (1, K).

    For a class its log-loss. For a forecast its absolute error in deviations, as the net was
    trained; where the true value is not known, the forecast itself. For a net by hand its squared
    error.
    """
    label, kind = stored.labels[target], stored.model.spec.head.kind
    truth = model_input.truth
    if kind == "linear" and truth is None:
        name = label if model_input.squared is not None else f"forecast of {label}"
        return name, float(logits[0, target]), np.ones_like(logits)
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


def target_class(stored: StoredModel, output: Array, label: str | None) -> int:
    """The class number of a label; without one, of the predicted class."""
    if label is None and stored.model.spec.head.kind == "linear":
        return 0
    if label is None:
        return int(output.argmax())
    if label not in stored.labels:
        raise UsageError(
            f"Unknown target {label!r} for {stored.name}.{nearest(label, stored.labels)} "
            f"Use one of: {', '.join(stored.labels)}."
        )
    return stored.labels.index(label)
