"""The loops over time as compiled code: the meaning and the signatures of ``engine.packed``.

Needs the package numba (the optional part ``fast``). What is compiled is written from the cell's
own lines: ``pointwise`` says what they do to one unit, ``source`` writes that as arithmetic on
whole vectors, ``loops`` walks through time around it. Sequences are dealt into blocks, each of
which one thread reads from its first step to its last, so that weights and states stay in the
cache. As in ``engine.packed``, padding that all begin with is read once for all; otherwise every
sequence is computed exactly as long as it lasts.
"""

from __future__ import annotations

from rnnviz.engine.compiled.back import CompiledScanGradients, scan_backward
from rnnviz.engine.compiled.forward import CompiledScan, able, scan
from rnnviz.engine.compiled.kernels import available, ready
from rnnviz.engine.compiled.update import step_rows
from rnnviz.engine.compiled.vocabulary import summed_rows
from rnnviz.engine.embedding import Lookup

__all__ = [
    "CompiledScan",
    "CompiledScanGradients",
    "Lookup",
    "able",
    "available",
    "ready",
    "scan",
    "scan_backward",
    "step_rows",
    "summed_rows",
]  # fmt: skip
