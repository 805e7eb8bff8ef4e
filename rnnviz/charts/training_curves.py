"""Charts of a metric of training and validation over the epochs, as in the lecture."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from rnnviz.charts.axes import usable
from rnnviz.charts.chart import Chart, ChartLine, Level, Spot, Values
from rnnviz.messages import _


@dataclass(frozen=True)
class ChartText:
    """The texts of a chart of a training; templates for ``str.format``.

    Those that are not given are in the language of the process.
    """

    title: str = field(default_factory=lambda: _("Training and validation {metric}"))
    training: str = field(default_factory=lambda: _("training"))
    validation: str = field(default_factory=lambda: _("validation"))
    epoch: str = field(default_factory=lambda: _("epoch"))
    published: str = field(default_factory=lambda: _("published {value}"))
    best: str = field(default_factory=lambda: _("best {value}, epoch {epoch}"))


def learning_curves(
    metric: str,
    epochs: Values,
    train: Values,
    valid: Values,
    *,
    better: Literal["high", "low"] = "low",
    published: float | None = None,
    texts: ChartText | None = None,
) -> Chart:
    """A chart with training as dots, validation as a line, its best epoch and a published value.

    ``epochs``, ``train`` and ``valid`` are (N); NaN means not measured. If all of ``train`` is NaN,
    there are no dots.
    """
    texts = texts or ChartText()
    lines = [ChartLine(texts.validation, epochs, valid, "line", 0)]
    if np.any(~np.isnan(np.asarray(train, dtype=float))):
        lines.insert(0, ChartLine(texts.training, epochs, train, "dots", 0))
    marks: list[Level | Spot] = []
    if published is not None:
        marks.append(Level(published, texts.published.format(value=f"{published:g}")))
    if (best := best_of(valid, better)) is not None:
        epoch, value = float(epochs[best]), float(valid[best])
        label = texts.best.format(value=f"{value:.4g}", epoch=f"{epoch:g}")
        marks.append(Spot(epoch, value, label))
    return Chart(texts.title.format(metric=metric), lines, texts.epoch, metric, marks)


def best_of(values: Values, better: Literal["high", "low"]) -> int | None:
    """The index of the best value, the first of equal ones; None if none is finite."""
    found = np.asarray(values, dtype=float)
    fit = np.flatnonzero(usable(found))
    if not fit.size:
        return None
    choose = np.argmax if better == "high" else np.argmin
    return int(fit[choose(found[fit])])
