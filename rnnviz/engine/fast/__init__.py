"""The loops over time that training runs: the results of ``recurrent.py``, several times as fast.

Same meaning, same signature as :func:`rnnviz.engine.recurrent.scan` and ``unscan``; the tests hold
them equal. What makes them fast:

* the loops that ``program.py`` writes from the cell's lines: in place, few calls a step;
* time in chunks small enough for the cache; everything that does not depend on the state is one
  call a chunk;
* only what differs is computed. Unmasked padding in front is the *same* input for every sequence,
  so their states are equal until the first word: one sequence stands for all that have not begun,
  and a sequence that begins takes over its state. Walking back, the gradients of sequences that
  end (in time: begin) are added into that one; exact, since the gradient is linear. Under a mask
  a padded step does nothing, so sequences that are only padding in a chunk are left out of it.
* what a step reads stands in one array, (h_prev, 1, x) below each other, so that one matrix
  product makes the sums of all gates; arrays begin on lines of the cache;
* chunks are long while no sequence begins, and short where many do.

Both want the sequences in order, longest first; any order is right, that one is quick.
"""

from __future__ import annotations

from rnnviz.engine.fast.back import FastUnscan, unscan
from rnnviz.engine.fast.chunks import FastScan, Lookup
from rnnviz.engine.fast.forward import able, scan

__all__ = ["FastScan", "FastUnscan", "Lookup", "able", "scan", "unscan"]
