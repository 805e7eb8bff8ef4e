"""A gradient check: what a backward pass says, beside finite differences of the net that runs."""

from __future__ import annotations

from dataclasses import dataclass

from rnnviz.query import Query

#: Half the distance of the two points of a finite difference, in float64.
EPSILON = 1e-5
#: A relative error up to here counts as agreement: rounding alone leaves some 1e-8.
AGREES = 1e-5
#: Gradients below this size are compared as if they had it: there rounding is all there is.
FLOOR = 1e-6


@dataclass(frozen=True)
class GradientCheck:
    """Check the gradients of a query's loss, an entry of every trained array.

    Of a copy with a bug the backward pass is that of its original's equations, at the values that
    the copy computes, and its gradients are also compared with those that the original has.
    """

    query: Query


@dataclass(frozen=True)
class CheckedEntry:
    """One entry of a trained array, and its gradient found in two or three ways.

    It is the entry of the array with the largest gradient.
    """

    name: str  # as in formulas: "U_f"; "W", "b" of the head; "E" of the embedding
    index: tuple[int, ...]
    layer: int | None  # in ``Trace.layers``; None for the head and the embedding
    word: str | None  # whose row of the embedding it is
    backward: float  # what the backward pass says
    difference: float  # (L(w + ε) − L(w − ε)) / 2ε of the net that runs
    original: float | None  # in the net that this is a copy of

    @property
    def error(self) -> float:
        """The relative error of the backward pass."""
        return relative_error(self.backward, self.difference)

    @property
    def original_error(self) -> float | None:
        """The relative error of the original's gradient; None where there is no original."""
        return None if self.original is None else relative_error(self.original, self.difference)

    @property
    def largest_error(self) -> float:
        """The larger of the two."""
        return max(self.error, self.original_error or 0.0)


@dataclass(frozen=True)
class CheckedGradients:
    """The entries that were checked, and the loss whose gradients they are."""

    entries: tuple[CheckedEntry, ...]  # embedding, layers from bottom to top, head
    loss: float
    bug: str = ""  # the name of a copy's bug
    original: str = ""  # the model that it is a copy of
    original_loss: float | None = None

    @property
    def largest_error(self) -> float:
        """The largest relative error of any comparison."""
        return max(entry.largest_error for entry in self.entries)

    @property
    def backward_error(self) -> float:
        """The largest relative error of the backward pass alone."""
        return max(entry.error for entry in self.entries)

    @property
    def original_error(self) -> float:
        """The largest relative error of the original's gradients; 0 where there is no original."""
        return max(entry.original_error or 0.0 for entry in self.entries)

    @property
    def passes(self) -> bool:
        """Whether every comparison agrees."""
        return self.largest_error <= AGREES


def relative_error(a: float, b: float) -> float:
    """|a − b| as a share of the larger size, which counts as FLOOR where it is less."""
    return abs(a - b) / max(abs(a), abs(b), FLOOR)
