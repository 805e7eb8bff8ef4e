"""One sentence read with every snapshot of a training, and when each of its words began to matter.

A word matters if leaving it out changes the prediction. Whether it does is not read off a gradient:
every snapshot reads the sentence again without the word.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rnnviz.arrays import Array
from rnnviz.lookup import SNAPSHOTS

#: A word matters if leaving it out changes the last output by at least this much.
LEAST = 0.2
#: Longest sentence: every snapshot reads it once without each of its words.
LONGEST = 200


@dataclass(frozen=True)
class LearningQuestion:
    """A text read with every snapshot of the run that a model belongs to.

    ``model`` is a run, or one of its snapshots (``RUN@STEP`` or its file): the answer is the same.
    """

    model: str
    text: str


@dataclass(frozen=True, eq=False)
class Learning:
    """The answer, a row for each of S snapshots in the order of training.

    A snapshot is named by its step, the number of optimizer updates before it.
    """

    run: str  # the name of the run, as in a query; a snapshot is ``run@step``
    steps: tuple[int, ...]  # (S), ascending; 0 is before training
    epochs: tuple[float, ...]  # (S) done: 1.5 is the middle of the second one
    tokens: tuple[str, ...]  # (T)
    labels: tuple[str, ...]  # (K)
    outputs: Array  # (S, T, K) after each token
    without: Array  # (S, T, K) at the end, without token t; NaN where it cannot be left out
    #: By layer, as a trace names it: gates, candidates and states, each (S, T, H).
    values: Mapping[str, Mapping[str, Array]]
    #: As what the weights are stored: those in float16 are rounded, and so differ from the weights
    #: that were trained.
    dtype: str = "float32"

    @property
    def is_rounded(self) -> bool:
        """Whether the weights are not to the bit those of the training."""
        return self.dtype != "float32"

    def model(self, snapshot: int) -> str:
        """The name of the model of a snapshot, by its index."""
        return f"{self.run}@{self.steps[snapshot]}"

    def step_of(self, model: str) -> int | None:
        """The step of a model that is a snapshot of this run; None for the run itself."""
        if model == self.run:
            return None
        file = Path(model)
        step = file.stem if file.parent.name == SNAPSHOTS else model.rpartition("@")[2]
        return int(step) if step.isdecimal() else None

    def index(self, step: int | None) -> int:
        """The index of the last snapshot up to a step, or of the first; None: the last of all."""
        if step is None:
            return len(self.steps) - 1
        return max(0, int(np.searchsorted(self.steps, step, side="right")) - 1)

    def effects(self, k: int) -> Array:
        """What each word does to output k at the end, (S, T): with the word minus without it."""
        return np.asarray(self.outputs[:, -1:, k] - self.without[:, :, k])

    def onset(self, t: int, k: int, least: float = LEAST) -> int | None:
        """The index of the snapshot at which word t begins to matter for output k.

        It is the first one from which on, up to the last one, the word moves the last output by at
        least ``least`` in the direction that it has at the end. None if the word does not move it
        so far at the end, or cannot be left out.
        """
        return first_lasting(self.effects(k)[:, t], least)


def first_lasting(effects: Array, least: float) -> int | None:
    """The first index from which on all effects are at least ``least`` in the last one's direction.

    None if the last one is smaller, or NaN.
    """
    last = float(effects[-1])
    if not abs(last) >= least:
        return None
    short = np.flatnonzero(~(np.sign(last) * effects >= least))
    return int(short[-1]) + 1 if len(short) else 0
