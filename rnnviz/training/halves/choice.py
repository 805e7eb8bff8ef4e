"""Whether a net's batches are worth two processes."""

from __future__ import annotations

import os

from rnnviz.cells import CELLS
from rnnviz.engine.spec import ModelSpec

#: Numbers of a step's gates from which on half of them are clearly quicker than all.
WORTH = 4096


def processors() -> int:
    """How many this process may use."""
    usable = getattr(os, "sched_getaffinity", None)
    return len(usable(0)) if usable else os.cpu_count() or 1


def usual_halves(spec: ModelSpec, batch_size: int) -> int:
    """In how many parts (1 or 2) batches of a net are computed unless something else is asked."""
    if processors() < 2 or not hasattr(os, "memfd_create"):
        return 1
    widths = [len(CELLS[layer.cell].gates) * layer.units for layer in spec.layers]
    return 2 if batch_size * max(widths, default=0) >= WORTH else 1
