"""What the page shows of a training, and the columns of its snapshots."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rnnviz.analysis.learning import Learning
from rnnviz.analysis.next_tokens import next_ids
from rnnviz.tui.view.view_state import ViewState

#: Columns of a word or a gate, of its number, of the bar, and of the step it matters from.
LABEL, VALUE, BAR, ONSET = 14, 6, 10, 9
#: The same in a narrow terminal; from this width on there is room for the others.
NARROW_LABEL, NARROW_BAR, ROOMY = 11, 4, 110
#: The most columns of a snapshot.
WIDEST = 8
#: Lines of the chart: least and most.
CHART = 4, 28


@dataclass(frozen=True, eq=False)
class LearningView:
    """The snapshots of a run at one view state."""

    view_state: ViewState
    learning: Learning
    snapshot: int  # the index of the one that is shown
    last: int  # the index of the last one that is not hidden

    @cached_property
    def label(self) -> int:
        """The class whose probability is shown, at the end of the sentence."""
        return min(self.view_state.class_at_end(), self.learning.outputs.shape[2] - 1)

    def label_after(self, t: int) -> int:
        """The class whose probability after word t is shown: of a net that writes what follows."""
        trace = self.view_state.trace
        return next_ids(trace)[t] if trace.head.writes else self.label

    @cached_property
    def range(self) -> tuple[float, float]:
        """The ends of the scale of the outputs."""
        if not self.view_state.trace.head.is_number:
            return 0.0, 1.0
        values = self.learning.outputs[: self.last + 1, :, self.label]
        low, high = float(values.min()), float(values.max())
        return low, high if high > low else low + 1

    def shares(self, t: int) -> np.ndarray:
        """The output after word t as a share of its scale, of each snapshot; NaN if hidden."""
        low, high = self.range
        outputs = self.learning.outputs[:, t, self.label_after(t)].astype(np.float64)
        found = (outputs - low) / (high - low)
        return found if self.knows(t) else np.full(len(found), np.nan)

    def knows(self, t: int) -> bool:
        """Whether what comes of word t is not hidden."""
        return not self.view_state.hidden or self.view_state.prediction_known(t)

    def onset(self, t: int) -> int | None:
        """The index of the snapshot from which on word t matters; None also if it is hidden."""
        if self.view_state.hidden or self.view_state.trace.head.is_number:
            return None
        return self.learning.onset(t, self.label)


@dataclass(frozen=True)
class LearningLayout:
    """Columns and lines of the page's parts; the strips of all rows begin at one column."""

    label: int
    bar: int
    room: int  # columns of a strip, at most
    onset: int  # columns of the step that a word matters from
    tokens: range  # the words with a row
    chart: int  # lines of the chart; 0 for none
    gates: int  # lines of the gates, with their title

    @property
    def start(self) -> int:
        """The first column of the strips."""
        return self.label + VALUE + self.bar + 1


def layout(view: LearningView, width: int, height: int) -> LearningLayout:
    """The plan of a page of this size."""
    roomy = width >= ROOMY
    label, bar = (LABEL, BAR) if roomy else (NARROW_LABEL, NARROW_BAR)
    onset = 0 if view.view_state.trace.head.is_number else ONSET if roomy else ONSET - 2
    room = max(8, width - label - VALUE - bar - 2 - onset)
    # The head, the moment, the marker, and the axis.
    rest = max(2, height - 4)
    gates = min(len(view.view_state.quantities) + 1, rest // 2)
    tokens = view.view_state.visible_tokens(max(1, min(rest - gates, rest * 2 // 3)))
    chart = min(CHART[1], rest - gates - len(tokens))
    return LearningLayout(label, bar, room, onset, tokens, chart if chart >= CHART[0] else 0, gates)


@dataclass(frozen=True)
class SnapshotColumns:
    """The snapshots that have a column, by index, and the width of each."""

    shown: tuple[int, ...]
    wide: int
    current: int  # the position of the snapshot that is chosen

    @property
    def width(self) -> int:
        """The columns of all of them."""
        return len(self.shown) * self.wide

    def position(self, snapshot: int) -> int:
        """The position of a snapshot, or of the last one before it that has a column."""
        return max(0, bisect_right(self.shown, snapshot) - 1)


def columns(count: int, chosen: int, plan: LearningLayout) -> SnapshotColumns:
    """All snapshots side by side, or as many as there is room for, among them the chosen one."""
    wide = max(1, min(WIDEST, plan.room // count))
    shown = tuple(range(count))
    if count > plan.room:
        spread = {round(k * (count - 1) / (plan.room - 1)) for k in range(plan.room)}
        shown = tuple(sorted(spread))
    return SnapshotColumns(shown, wide, max(0, bisect_right(shown, chosen) - 1))
