"""Training on a card: the data lies there, a step is launched and not waited for.

The generator stays on the host and draws what it draws anywhere: which examples, in which order,
what dropout drops. So a seed gives the same training on every device, to rounding.
"""

from __future__ import annotations

from rnnviz.training.cuda.examples import there
from rnnviz.training.cuda.steps import Steps

__all__ = ["Steps", "there"]
