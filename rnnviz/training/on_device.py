"""Examples in the memory of the device that reads them."""

from __future__ import annotations

from rnnviz.data.batches import Examples
from rnnviz.engine.backend import Backend


class DeviceExamples:
    """Copies examples to a model's device, and keeps the latest copy for the next epoch."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._latest: tuple[Examples, Examples] | None = None

    def of(self, examples: Examples) -> Examples:
        """The same examples on the device."""
        if self.backend.on_host:
            return examples
        from rnnviz.training.cuda import to_device

        return to_device(self.backend, examples)

    def latest(self, examples: Examples) -> Examples:
        """The same; copied only if they are not the examples of the last call."""
        if self._latest is None or self._latest[0] is not examples:
            self._latest = examples, self.of(examples)
        return self._latest[1]
