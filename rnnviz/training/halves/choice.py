"""In how many parts a net's batches are computed, and in how many processes."""

from __future__ import annotations

import os

from rnnviz.cells import CELLS
from rnnviz.engine.model import Model
from rnnviz.engine.spec import ModelSpec
from rnnviz.training.halves.compute import Halves

#: Numbers of a step's gates from which on half of them are clearly quicker than all.
WORTH = 4096


def usual_parts(spec: ModelSpec, batch_size: int) -> int:
    """In how many parts (1 or 2) batches of a net are computed unless something else is asked."""
    if not _two_processes():
        return 1
    widths = [len(CELLS[layer.cell].gates) * layer.units for layer in spec.layers]
    return 2 if batch_size * max(widths, default=0) >= WORTH else 1


def begun(model: Model, parts: int, processes: int = 2) -> Halves:
    """What computes the batches of a model: two parts in as many processes as there can be.

    Where a batch is one part, it has nothing to do. To be used in a ``with`` block, which leaves no
    process running.
    """
    halves = Halves()
    if parts == 2 and processes == 2 and _two_processes():
        halves.start(model)
    return halves


def _two_processes() -> bool:
    usable = getattr(os, "sched_getaffinity", None)
    count = len(usable(0)) if usable else os.cpu_count() or 1
    return count > 1 and hasattr(os, "memfd_create")
