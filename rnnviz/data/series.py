"""How a series becomes the input of a net: columns, scaling and windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np

from rnnviz.arrays import Array
from rnnviz.messages import _


@dataclass(frozen=True)
class Scaling:
    """The transform from measurements to inputs and from forecasts to measurements.

    Inputs are (value − mean) / std by column. A window consists of every ``step``-th of
    ``lookback`` rows; its target is column ``target``, ``delay`` rows after its end. Rows are
    ``interval`` minutes apart.
    """

    columns: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    lookback: int
    step: int
    delay: int
    target: int
    reverse: bool = False
    interval: int = 10

    def __post_init__(self) -> None:
        """Check that the fields agree."""
        D = len(self.columns)
        if not D or len(self.mean) != D or len(self.std) != D:
            raise ValueError(_("a scaling needs a name, a mean and a deviation for every column"))
        usual = all(abs(m) <= 1e30 for m in self.mean) and all(1e-20 <= s <= 1e30 for s in self.std)
        if not usual:
            raise ValueError(_("means must be finite and deviations greater than zero"))
        lengths = self.step >= 1 and self.lookback >= self.step and self.delay >= 0
        if not 0 <= self.target < D or not lengths or self.interval < 1:
            raise ValueError(_("a scaling's window is invalid"))

    def __len__(self) -> int:
        """D, the number of measurements at a step."""
        return len(self.columns)

    @classmethod
    def of(cls, data: Array, columns: Sequence[str], **window: Any) -> Scaling:
        """The scaling that standardizes the training rows ``data``, (N, D).

        Raises ValueError, naming the column, if all values of a column are equal.
        """
        mean, std = data.mean(axis=0), data.std(axis=0)
        for name, values in zip(columns, data.T, strict=True):
            if (values == values[0]).all():
                raise ValueError(
                    _("{name} is {value:g} in all training rows and cannot be scaled").format(
                        name=name, value=values[0]
                    )
                )
        return cls(tuple(columns), tuple(mean.tolist()), tuple(std.tolist()), **window)

    def apply(self, data: Array) -> Array:
        """Scale measurements (N, D) to float32 inputs of the same shape."""
        return ((data - np.array(self.mean)) / np.array(self.std)).astype(np.float32)

    def restore(self, forecast: Array) -> Array:
        """Convert scaled forecasts to the unit of the target column."""
        return forecast * self.std[self.target] + self.mean[self.target]

    def at_interval(self, interval: int) -> Scaling:
        """The same window over rows that are ``interval`` minutes apart.

        ValueError if the readings of a window do not fall on rows.
        """
        if interval == self.interval:
            return self
        lengths = [n * self.interval for n in (self.lookback, self.step, self.delay)]
        if any(minutes % interval for minutes in lengths):
            raise ValueError(
                _(
                    "a window with a reading every {minutes} minutes cannot be cut from rows "
                    "{interval} minutes apart"
                ).format(minutes=lengths[1], interval=interval)
            )
        lookback, step, delay = (minutes // interval for minutes in lengths)
        return replace(self, lookback=lookback, step=step, delay=delay, interval=interval)

    @property
    def steps(self) -> int:
        """T, the number of steps in a window."""
        return -(-self.lookback // self.step)

    def to_json(self) -> dict[str, Any]:
        """The fields as a JSON object."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    @classmethod
    def from_json(cls, value: object) -> Scaling:
        """Read what ``to_json`` wrote; ValueError if it is invalid."""
        if isinstance(value, dict):
            value = {"interval": cls.interval, **value}  # older files do not have it
        if not isinstance(value, dict) or set(value) != {f.name for f in fields(cls)}:
            raise ValueError(
                _("a scaling must have {names}").format(
                    names=", ".join(f.name for f in fields(cls))
                )
            )
        lists = {key: value[key] for key in ("columns", "mean", "std")}
        if not all(isinstance(entry, list) for entry in lists.values()):
            raise ValueError(_("a scaling's columns, means and deviations must be lists"))
        if not all(isinstance(name, str) for name in value["columns"]):
            raise ValueError(_("a scaling's columns must be names"))
        whole = [value[key] for key in ("lookback", "step", "delay", "target", "interval")]
        if not all(type(n) is int for n in whole) or type(value["reverse"]) is not bool:
            raise ValueError(
                _("a scaling's window must be whole numbers, and reverse true or false")
            )
        try:
            return cls(**value | {key: tuple(entry) for key, entry in lists.items()})
        except TypeError as error:
            raise ValueError(_("not a scaling: {reason}").format(reason=error)) from None


def sequential_rows(first: int, end: int, size: int, count: int) -> Array:
    """The rows of ``count`` consecutive batches of ``size`` from ``first`` on, (count · size).

    A batch that would reach ``end`` starts at ``first`` again, as in the lecture's generator
    (``if i + batch_size >= max_index``), so rows can repeat.
    """
    batches, at = [], first
    for _batch in range(count):
        if at + size >= end:
            at = first
        batch = np.arange(at, min(at + size, end))
        batches.append(batch)
        at += len(batch)
    return np.concatenate(batches) if batches else np.zeros(0, np.int64)
