"""Training on a GPU: the data is there, and updates are launched without waiting for results.

Random numbers (which examples, in which order, dropout) come from the same generator on the host,
so a seed gives the same training on every device, to rounding.
"""

from __future__ import annotations

from rnnviz.training.cuda.examples import to_device
from rnnviz.training.cuda.updater import CudaUpdater

__all__ = ["CudaUpdater", "to_device"]
