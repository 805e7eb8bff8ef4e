"""What the passes of a model computed."""

from __future__ import annotations

from dataclasses import dataclass

from rnnviz.arrays import Array, Values
from rnnviz.engine.backend import ScanOutput
from rnnviz.engine.head import HeadPass
from rnnviz.engine.scan import Scan, ScanGradients


@dataclass(frozen=True, eq=False)
class LayersPass:
    """A training pass up to the last states, and what the gradients of the arrays need."""

    inputs: Array  # (T, B) ids or (T, B, D) measurements
    scans: tuple[tuple[ScanOutput, ...], ...]  # per layer, per direction
    embedding_mask: Array | None  # dropout mask of the embedded words, (T, B, E)
    features_mask: Array | None  # dropout mask of the last states, (B, F)

    @property
    def last_states(self) -> list[list[Values]]:
        """The states after the step read last, (B, H) by name: per layer, per direction."""
        return [[dict(scan.last) for scan in scans] for scans in self.scans]


@dataclass(frozen=True, eq=False)
class ForwardPass:
    """A training pass: the logits, and what the gradients of the trained arrays need."""

    layers: LayersPass
    head: HeadPass

    @property
    def logits(self) -> Array:
        """(B, K), or (T, B, K) where the head reads every step."""
        return self.head.logits


@dataclass(frozen=True, eq=False)
class Recording:
    """A recording pass: every named value of every layer."""

    inputs: Array  # (T, B) ids or (T, B, D) measurements
    scans: tuple[tuple[Scan, ...], ...]  # per layer, per direction
    embedding_mask: Array | None  # dropout mask of the embedded words, (T, B, E)
    head: HeadPass

    @property
    def logits(self) -> Array:
        """(B, K), or (T, B, K) where the head reads every step."""
        return self.head.logits


@dataclass(frozen=True, eq=False)
class RecordedGradients:
    """The gradients of every value of a :class:`Recording`."""

    head: Values  # of the head's arrays
    scans: tuple[tuple[ScanGradients, ...], ...]  # per layer, per direction
    x: Array  # (T, B, D): of the embedded words or the measurements
    reach: tuple[tuple[Array, ...], ...]  # per layer, per direction, (T); empty unless asked for
