"""The input of a program that runs an exported net, and what the net says of it here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array
from rnnviz.engine import losses
from rnnviz.engine.model import Model
from rnnviz.engine.spec import EmbeddingSpec, SeriesSpec

#: Steps of the example of a net that reads measurements of no fixed number of steps.
STEPS = 24


@dataclass(frozen=True, eq=False)
class ProgramExample:
    """One sequence: ids (T), or measurements as a line of code, and the net's output here.

    ``remark`` says what is read.
    """

    inputs: Array  # (T) or (T, D)
    outputs: Array  # (K), or (T, K) of a head that reads every step
    remark: str

    def code(self, batch: bool) -> str:
        """The inputs as an expression: (1, T) or (1, T, D), without the 1 unless ``batch``."""
        if self.inputs.ndim == 1:
            ids = _ids(self.inputs.tolist())
            return f"np.array([{ids}])" if batch else f"np.array({ids})"
        steps, width = self.inputs.shape
        shape = f"{'1, ' if batch else ''}{steps}, {width}"
        return f"np.linspace(-1, 1, {steps * width}, dtype=np.float32).reshape({shape})"

    @property
    def expected(self) -> str:
        """The outputs here, of every step in its own brackets."""
        return np.array2string(
            self.outputs.astype(np.float64), precision=6, separator=", ", threshold=60,
            max_line_width=10_000, suppress_small=False,
        ).replace("\n", "")  # fmt: skip


def _ids(ids: Sequence[int]) -> str:
    """A list, a long run of padding in front or at the end written as a product."""
    front = next((n for n, each in enumerate(ids) if each), len(ids))
    if front > 4:
        return f"[0] * {front} + {list(ids[front:])}"
    end = next((n for n, each in enumerate(reversed(ids)) if each), 0)
    return f"{list(ids[: len(ids) - end])} + [0] * {end}" if end > 4 else str(list(ids))


def program_example(model: Model, ids: Sequence[int] | None, text: str) -> ProgramExample:
    """The net's answer to these ids; without them to numbers from -1 to 1, or to ids from 1."""
    source = model.spec.source
    if isinstance(source, EmbeddingSpec):
        inputs = np.array(ids or [1 + n % (source.vocabulary - 1) for n in range(5)], np.int64)
        remark = text if ids else "ids of no text"
        logits = model.logits(inputs[:, None])
    else:
        assert isinstance(source, SeriesSpec)
        steps = source.steps or STEPS
        inputs = np.linspace(-1, 1, steps * source.width, dtype=np.float32)
        inputs = inputs.reshape(steps, source.width)
        remark = f"{steps} steps of {source.width} numbers"
        logits = model.logits(inputs[:, None])
    outputs = losses.outputs(model.spec.head.kind, logits)
    steps_read = model.spec.head.reads == "steps"  # then (T, 1, K), else (1, K)
    return ProgramExample(inputs, outputs[:, 0] if steps_read else outputs[0], remark)
