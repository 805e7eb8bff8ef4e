"""The two curves of a training: the lecture's plots of loss and accuracy over the epochs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from rnnviz.charts.axes import usable
from rnnviz.charts.parts import Chart, ChartLine, Level, Spot, Values


@dataclass(frozen=True)
class ChartText:
    """What is written in a chart of a training; the parts in braces are filled in."""

    title: str = "Training and validation {metric}"
    training: str = "training"
    validation: str = "validation"
    epoch: str = "epoch"
    published: str = "published {value}"
    best: str = "best {value}, epoch {epoch}"


ENGLISH = ChartText()


def learning(
    metric: str,
    epochs: Values,
    train: Values,
    valid: Values,
    *,
    better: Literal["high", "low"] = "low",
    published: float | None = None,
    words: ChartText = ENGLISH,
) -> Chart:
    """Training as dots, validation as a line, its best epoch, the published number: all (N).

    NaN stands for what was not measured; without any training value there are no dots.
    """
    lines = [ChartLine(words.validation, epochs, valid, "line", 0)]
    if np.any(~np.isnan(np.asarray(train, dtype=float))):
        lines.insert(0, ChartLine(words.training, epochs, train, "dots", 0))
    marks: list[Level | Spot] = []
    if published is not None:
        marks.append(Level(published, words.published.format(value=f"{published:g}")))
    if (best := best_of(valid, better)) is not None:
        epoch, value = float(epochs[best]), float(valid[best])
        label = words.best.format(value=f"{value:.4g}", epoch=f"{epoch:g}")
        marks.append(Spot(epoch, value, label))
    return Chart(words.title.format(metric=metric), lines, words.epoch, metric, marks)


def best_of(values: Values, better: Literal["high", "low"]) -> int | None:
    """The index of the best value, of equals the first; None when none is finite."""
    found = np.asarray(values, dtype=float)
    fit = np.flatnonzero(usable(found))
    if not fit.size:
        return None
    choose = np.argmax if better == "high" else np.argmin
    return int(fit[choose(found[fit])])
