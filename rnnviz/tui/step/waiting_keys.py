"""Keys that were pressed before the answer they need: they run in order when it is there."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

#: The most keys that wait; a key held down adds some thirty a second.
MOST: Final = 200


class WaitingKeys:
    """A queue of keys, first in, first out."""

    def __init__(self) -> None:
        self._keys: deque[Callable[[], bool]] = deque()

    def __bool__(self) -> bool:
        return bool(self._keys)

    def add(self, key: Callable[[], bool]) -> bool:
        """Add a key, which says when it runs whether it still waits; False: there is no room."""
        if len(self._keys) >= MOST:
            return False
        self._keys.append(key)
        return True

    def run(self) -> None:
        """Run keys until one of them waits."""
        while self._keys:
            key = self._keys[0]
            if key():
                return
            if self._keys and self._keys[0] is key:  # it may have cleared the queue
                self._keys.popleft()

    def clear(self) -> None:
        """Drop all keys."""
        self._keys.clear()
