"""One workload in several frameworks: the measurements, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rnnviz.bench.process import COMPILED, OURS
from rnnviz.bench.timing import BenchResult, TimingTask, measure
from rnnviz.bench.workloads import Workload, write
from rnnviz.engine import compiled
from rnnviz.errors import RnnvizError
from rnnviz.messages import _, translated

#: The largest difference of the first losses of equal nets.
LOSS_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Comparison:
    """The results of one workload by framework, ours first."""

    workload: Workload
    results: tuple[BenchResult, ...]

    @property
    def fastest_peer(self) -> BenchResult | None:
        """The peer with the lowest median; None if none ran."""
        peers = [r for r in self.results if r.peer not in (OURS, COMPILED)]
        ran = [r for r in peers if r.ms is not None and not r.error]
        return min(ran, key=lambda r: r.ms or 0.0, default=None)

    def ratio(self, result: BenchResult) -> float | None:
        """Its median divided by that of the fastest peer; None without one."""
        best = self.fastest_peer
        return result.ms / best.ms if best and best.ms and result.ms else None

    def different_nets(self) -> list[str]:
        """Peers whose first loss differs from ours: they run another net.

        With dropout, which is random in each, the losses cannot be compared: an empty list.
        """
        ours = self.results[0].loss
        if ours is None or any(x.dropout or x.recurrent_dropout for x in self.workload.spec.layers):
            return []
        losses = {r.peer: r.loss for r in self.results if r.loss is not None}
        return [peer for peer, loss in losses.items() if not abs(loss - ours) < LOSS_TOLERANCE]

    def to_json(self) -> dict[str, Any]:
        """All measurements; ``ms`` are medians."""
        best = self.fastest_peer
        return {
            "name": self.workload.name,
            "net": self.workload.about,
            "steps": self.workload.steps,
            "batch": self.workload.batch,
            "optimizer": self.workload.optimizer,
            "fastest_peer": best.peer if best else None,
            "different_net": self.different_nets(),
            "results": [
                asdict(r) | {"ms": r.ms, "ratio": self.ratio(r)} for r in self.results
            ],
        }  # fmt: skip

    @property
    def title(self) -> str:
        """What is measured."""
        return f"{self.workload.name}: {translated(self.workload.about)}; {self.workload.shape}"

    def rows(self) -> list[tuple[str, ...]]:
        """A table: the headings, and a row for each framework that ran."""
        head = (
            "", _("ms a step"), _("lowest–highest"), _("to the fastest peer"), _("peak MB"),
            _("start s"), _("processes"),
        )  # fmt: skip
        return [head, *(self._row(r) for r in self.results if not r.error)]

    def notes(self) -> list[str]:
        """The frameworks that did not run, and those that ran another net."""
        return [r.error for r in self.results if r.error] + [
            _("{peer} has another loss on the first batch: it does not run the same net.").format(
                peer=peer
            )
            for peer in self.different_nets()
        ]

    def _row(self, r: BenchResult) -> tuple[str, ...]:
        spread = f"{min(r.rounds):.1f}–{max(r.rounds):.1f}" if r.rounds else ""
        numbers = (
            f"{r.ms:.1f}" if r.ms is not None else "",
            spread,
            _or_dash(self.ratio(r), ".2f"),
        )
        return (
            f"{r.peer} {r.version}".rstrip(),
            *numbers,
            _or_dash(r.peak_mb, ".0f"),
            _or_dash(r.start_s, ".1f"),
            str(r.processes),
        )


def _or_dash(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def compare(
    workload: Workload,
    peers: Sequence[str],
    python: str,
    rounds: int,
    folder: Path,
    say: Callable[[str], None] = lambda text: None,
) -> Comparison:
    """Time a workload in ours and in the peers; the batches pass through a file in ``folder``.

    A peer that fails is in the result with its error; RnnvizError if ours fails.
    """
    ours = (OURS, COMPILED) if compiled.available() else (OURS,)
    job = folder / f"{workload.name}.npz"
    write(workload, job)
    try:
        results = measure([TimingTask(name, job) for name in (*ours, *peers)], python, rounds, say)
    finally:
        job.unlink()
    if results[0].error:
        raise RnnvizError(results[0].error)
    return Comparison(workload, tuple(results))
