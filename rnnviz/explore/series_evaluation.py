"""A model of a series on a table of numbers: its forecasts beside the naive ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from rnnviz.arrays import Array
from rnnviz.data.batches import Windows
from rnnviz.data.folders import sha256
from rnnviz.data.series import Scaling
from rnnviz.errors import UsageError
from rnnviz.messages import _
from rnnviz.model_files import StoredModel
from rnnviz.tracer.model_cache import cached_model
from rnnviz.tracer.series import Table, given_table

#: Windows that are computed together.
_BATCH: Final = 256


class WindowError(NamedTuple):
    """The forecast after a window, in the unit of its column."""

    window: int  # its number, from 1
    moment: str  # when the forecast is made
    forecast: float
    truth: float
    error: float  # absolute
    naive_error: float


@dataclass(frozen=True, eq=False)
class SeriesEvaluation:
    """The forecasts after all windows whose true value is in the table."""

    model: str
    column: str
    table: Table
    lookback: int
    forecasts: Array  # (N) in the unit of the column
    truths: Array  # (N)
    naive: Array  # (N) the last value of each window
    remarks: tuple[str, ...]

    @property
    def errors(self) -> Array:
        """Absolute errors, (N)."""
        return np.abs(self.forecasts - self.truths)

    @property
    def naive_errors(self) -> Array:
        """Absolute errors of the naive forecast, (N)."""
        return np.abs(self.naive - self.truths)

    def quantiles(self, shares: Sequence[float]) -> list[float]:
        """The errors below which these shares of them are."""
        return [float(value) for value in np.quantile(self.errors, shares)]

    def worst(self, count: int) -> list[WindowError]:
        """The windows with the largest errors, the largest first."""
        errors, naive = self.errors, self.naive_errors
        return [
            WindowError(
                n + 1, self.table.time_text(self.lookback + n), float(self.forecasts[n]),
                float(self.truths[n]), float(errors[n]), float(naive[n]),
            )
            for n in map(int, np.argsort(-errors, kind="stable")[:count])
        ]  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """All measures as a JSON object."""
        return {
            "column": self.column,
            "windows": len(self.truths),
            "mae": float(self.errors.mean()),
            "naive_mae": float(self.naive_errors.mean()),
            "error_quantiles": dict(
                zip(("50", "90", "99"), self.quantiles((0.5, 0.9, 0.99)), strict=True)
            ),
        }


def evaluate_series(model: str, path: Path) -> SeriesEvaluation:
    """Forecast after every window of a table.

    UsageError for a table that is too short or lacks columns, InvalidFileError for a damaged one.
    """
    stored = cached_model(model)
    assert isinstance(stored.encoder, Scaling)
    table, remarks = given_table(stored, path)
    scaling = table.scaling(stored.encoder)
    data = np.stack([table.column(name) for name in scaling.columns], axis=1)
    rows = np.arange(scaling.lookback, table.rows - scaling.delay)
    if len(rows) < 1:
        raise UsageError(
            _(
                "{table} has {rows:,} rows, too few for a window of {lookback:,} "
                "and the value {after:,} rows after it."
            ).format(
                table=table.name,
                rows=table.rows,
                lookback=scaling.lookback,
                after=scaling.delay + 1,
            )
        )
    windows = Windows(
        scaling.apply(data), scaling.lookback, scaling.step, scaling.delay, scaling.target, rows,
        reverse=scaling.reverse,
    )  # fmt: skip
    target = data[:, scaling.target]
    record = stored.record.get("data") or stored.record.get("training", {}).get("data")
    if isinstance(record, dict) and sha256(path) in record.values():
        warning = _(
            "Warning: {model} was trained on rows of this file, so these errors are smaller than "
            "those on rows it has not seen"
        )
        remarks = (*remarks, warning.format(model=stored.name))
    return SeriesEvaluation(
        stored.name, scaling.columns[scaling.target], table, scaling.lookback,
        scaling.restore(_forecasts(stored, windows)).astype(np.float64),
        target[rows + scaling.delay], target[rows + windows.offsets.max()], remarks,
    )  # fmt: skip


def _forecasts(stored: StoredModel, windows: Windows) -> Array:
    model = stored.model
    found = [model.logits(np.ascontiguousarray(x))[:, 0] for x, _, _ in windows.batches(_BATCH)]
    return np.concatenate(found).astype(np.float64)
