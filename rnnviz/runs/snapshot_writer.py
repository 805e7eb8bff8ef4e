"""Snapshots: the weights of a run at chosen moments, in ``snapshots/STEP.safetensors``.

STEP is the number of optimizer updates done: 0 before training, the last one at the end. They are
the weights that are validated and saved (averaged where the recipe averages), spaced about
logarithmically, since a net changes most in its first updates. All of a run take at most MAX_BYTES.
Where float32 is too large for that, they are stored in float16, as exported models are, and where
that is too large as well, there are fewer.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from rnnviz.arrays import Values
from rnnviz.engine.parameters import shapes
from rnnviz.engine.spec import FitSpec, ModelSpec
from rnnviz.errors import UsageError
from rnnviz.lookup import snapshot_files
from rnnviz.messages import _
from rnnviz.runs.directory import Directory
from rnnviz.runs.snapshot_files import SCHEMA
from rnnviz.training.state import State

#: The snapshots that a run keeps unless it is told another number, and the most it may be told.
COUNT, MOST = 24, 1_000
#: The most bytes of all snapshots of a run.
MAX_BYTES = 20_000_000
#: The spacing is even up to about this share of the updates, and logarithmic beyond it.
EVEN_SHARE = 0.02
#: The most bytes that a file of few arrays has besides them, and those that an array's entry takes.
_HEADER, _HEADER_ENTRY = 8_192, 128


def snapshot_steps(total: int, count: int) -> tuple[int, ...]:
    """``count`` distinct numbers of updates from 0 to ``total``; all if there are not more.

    With s = EVEN_SHARE total, number k of n is s ((1 + total / s)^(k / (n - 1)) - 1), rounded, and
    moved where two would be equal. One alone is the last.
    """
    n = min(count, total + 1)
    if n <= 1:
        return (total,) * n
    s = EVEN_SHARE * total
    steps: list[int] = []
    for k in range(n):
        step = round(s * ((1 + total / s) ** (k / (n - 1)) - 1))
        least = steps[-1] + 1 if steps else 0
        steps.append(min(max(step, least), total - (n - 1 - k)))
    return tuple(steps)


def snapshot_plan(spec: ModelSpec | None, asked: int | None) -> dict[str, Any]:
    """The field "snapshots" of spec.json: how many are kept of a net, and in which precision.

    "asked" is the number that was asked for, where there is not room for so many. UsageError if it
    is not one from 0 to MOST.
    """
    count = COUNT if asked is None else asked
    if type(count) is not int or not 0 <= count <= MOST:
        raise UsageError(
            _("--snapshots {count!r}: it takes a whole number from 0 to {most:,}.").format(
                count=count, most=MOST
            )
        )
    if spec is None:
        return {"count": 0, "dtype": "float32"}
    if count <= _most(spec, "float32"):
        return {"count": count, "dtype": "float32"}
    most = _most(spec, "float16")
    if count <= most:
        return {"count": count, "dtype": "float16"}
    # One alone would show nothing of the training.
    return {"count": most if most > 1 else 0, "dtype": "float16", "asked": count}


def shortage(plan: Mapping[str, Any]) -> str:
    """That there is not room for as many snapshots as were asked for; "" if there is."""
    if "asked" not in plan:
        return ""
    if not plan["count"]:
        return _(
            "This net is so large that no snapshots of its weights are kept: all of a run take at "
            "most {most} MB."
        ).format(most=MAX_BYTES // 1_000_000)
    return _(
        "{count} snapshots of the weights are kept instead of {asked}: all of a run take at most "
        "{most} MB."
    ).format(count=plan["count"], asked=plan["asked"], most=MAX_BYTES // 1_000_000)


def _most(spec: ModelSpec, dtype: str) -> int:
    """The number of snapshots that MAX_BYTES hold."""
    sizes = [math.prod(shape) for shape in shapes(spec).values()]
    header = max(_HEADER, _HEADER_ENTRY * len(sizes))
    return MAX_BYTES // (sum(sizes) * np.dtype(dtype).itemsize + header)


class SnapshotWriter:
    """Writes the snapshots of a run that is begun or resumed."""

    def __init__(
        self, directory: Directory, spec: ModelSpec, fit: FitSpec, state: State,
        plan: Mapping[str, Any] | None,
    ) -> None:  # fmt: skip
        """``plan`` is a result of ``snapshot_plan``; runs of earlier versions have none."""
        self.directory, self.fit, self.state = directory, fit, state
        self.count = int((plan or {}).get("count", 0))
        self.dtype = str((plan or {}).get("dtype", "float32"))
        self._steps = lru_cache(snapshot_steps)
        self._kept = set(snapshot_files(directory.path))
        if self.count:
            self._make_room(_most(spec, self.dtype))

    def _make_room(self, most: int) -> None:
        """Remove snapshots, one by one, while those that are coming would not have room.

        A run has more of them than at first planned when it is resumed for more epochs. Which one
        is next depends on those that are left alone: if it is killed meanwhile, the same remain.
        """
        steps = self._steps(self._total, self.count)
        coming = sum(step not in self._kept for step in steps if step >= self.state.progress.step)
        while len(self._kept) + coming > most and len(self._kept) > 1:
            step = _densest(sorted(self._kept), self._total)
            self.directory.remove_snapshot(step)
            self._kept.remove(step)

    @property
    def _total(self) -> int:
        """The updates of the whole training; 0 until the first batch."""
        return self.state.progress.batches * self.fit.epochs

    def is_due(self, step: int) -> bool:
        """Whether the weights after ``step`` updates are to be written and are not yet."""
        if self.count < 2 or step in self._kept:  # one alone is that of the end
            return False
        return step in self._steps(self._total, self.count)

    def write(self) -> Values:
        """Write the current weights; a copy of them on the host."""
        state, began = self.state, time.perf_counter()
        progress, params = state.progress, state.copy_eval_params()
        done = progress.batch / progress.batches if progress.batches else 0.0
        about = {
            "schema": SCHEMA, "step": progress.step, "epoch": progress.epoch - 1 + done,
            "dtype": self.dtype,
        }  # fmt: skip
        self.directory.add_snapshot(progress.step, _stored(params, self.dtype), about)
        self._kept.add(progress.step)
        progress.snapshot_seconds += time.perf_counter() - began
        return params

    def write_last(self) -> None:
        """Write the weights at the end, which may be earlier than planned."""
        if self.count and self.state.progress.step not in self._kept:
            self.write()


def _densest(steps: Sequence[int], total: int) -> int:
    """The step, not the first, whose neighbours are closest on the scale of ``snapshot_steps``."""
    s = EVEN_SHARE * total
    places = [math.log1p(step / s) for step in steps]
    gaps = [after - before for before, after in zip(places, places[2:], strict=False)]
    return steps[1 + gaps.index(min(gaps))] if gaps else steps[-1]


def _stored(params: Values, dtype: str) -> Values:
    """The weights as they are stored; numbers beyond float16 stay float32."""
    if dtype == "float32":
        return params
    most = np.finfo(dtype).max
    return {n: a.astype(dtype) if (np.abs(a) <= most).all() else a for n, a in params.items()}
