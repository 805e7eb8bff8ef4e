"""Keys that were pressed before the answer they need: they run in order when it is there."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

#: The most keys that wait; a key held down adds some thirty a second.
MOST: Final = 1000


class WaitingKeys:
    """A queue of keys, first in, first out."""

    def __init__(self) -> None:
        self._keys: deque[Callable[[], bool]] = deque()
        self._left_out = 0

    def __bool__(self) -> bool:
        return bool(self._keys)

    def add(self, key: Callable[[], bool]) -> None:
        """Add a key, which returns whether it still waits; without room it is left out."""
        if len(self._keys) < MOST:
            self._keys.append(key)
        else:
            self._left_out += 1

    def take_left_out(self) -> int:
        """How many keys were left out since the last call; 0 while others wait."""
        if self._keys:
            return 0
        count, self._left_out = self._left_out, 0
        return count

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
        self._left_out = 0
