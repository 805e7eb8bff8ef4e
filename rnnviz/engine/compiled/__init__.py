"""Scans for training as compiled code (numba), with the interface of
:mod:`rnnviz.engine.packed_scan`.

The code is generated from the cell's lines: ``codegen`` reads them, ``source`` writes them as
arithmetic on SIMD vectors, within the loops over time of ``forward_loop`` and ``backward_loop``.
Sequences are divided into blocks, and one thread reads a block from its first step to its last, so
that weights and states stay in its cache. As in ``packed_scan``, padding at the beginning of all
sequences is computed once, and otherwise a sequence only for the steps that it has.
"""

from __future__ import annotations

from rnnviz.engine.compiled.backward import CompiledScanGradients, scan_backward
from rnnviz.engine.compiled.batch_vocabulary import summed_rows
from rnnviz.engine.compiled.forward import CompiledScan, outputs, scan, supports
from rnnviz.engine.compiled.kernels import available, is_compiled
from rnnviz.engine.compiled.softmax_head import softmax_step
from rnnviz.engine.compiled.update import step
from rnnviz.engine.embedding import Lookup

__all__ = [
    "CompiledScan",
    "CompiledScanGradients",
    "Lookup",
    "available",
    "is_compiled",
    "outputs",
    "scan",
    "scan_backward",
    "softmax_step",
    "step",
    "summed_rows",
    "supports",
]
