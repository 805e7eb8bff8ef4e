"""Training in a separate process, so that a screen never waits for a batch.

``parent`` starts the process and receives its events; ``worker`` is what runs in it.
"""

from __future__ import annotations

from rnnviz.background.parent import TrainingProcess

__all__ = ["TrainingProcess"]
