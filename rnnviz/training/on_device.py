"""Where examples lie: as they are, or on the card of the model that reads them."""

from __future__ import annotations

from rnnviz.data.batches import Examples
from rnnviz.engine.backend import Backend


class DeviceExamples:
    """Examples for a model; what is on the card already stays there from epoch to epoch."""

    def __init__(self, loops: Backend) -> None:
        self.loops = loops
        self._latest: tuple[Examples, Examples] | None = None

    def of(self, examples: Examples) -> Examples:
        """The same examples where the model is."""
        if self.loops.on_host:
            return examples
        from rnnviz.training.cuda import there

        return there(self.loops, examples)

    def latest(self, examples: Examples) -> Examples:
        """The same; moved only if they are others than the last time."""
        if self._latest is None or self._latest[0] is not examples:
            self._latest = examples, self.of(examples)
        return self._latest[1]
