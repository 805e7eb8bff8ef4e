"""A batch computed in two halves, the second in a process of its own where there is a processor.

The sequences are dealt out alternately, so that both halves have texts of the same lengths and stay
in their order. Each half's gradients are computed by themselves and the sums added, always the
first half's first: whether one process computes both or two compute one each, the numbers are the
same to the last bit. So the second process may come late or die; only the time is different.

Two threads would wait for each other between the short calls of the loops over time.
"""

from __future__ import annotations

from rnnviz.training.halves.choice import begun, usual_parts
from rnnviz.training.halves.compute import Compute, Halves, Whole, logits

__all__ = ["Compute", "Halves", "Whole", "begun", "logits", "usual_parts"]
