"""What a terminal sends, as messages to the app: keys, pastes, the mouse.

Uses Textual's private parser of keys.
"""

from __future__ import annotations

import time
from codecs import getincrementaldecoder
from collections.abc import Iterable
from typing import Final

from textual._xterm_parser import XTermParser
from textual.message import Message

#: Seconds after which a paste without an end sequence ends.
_PASTE_TIMEOUT: Final = 1.0
_PASTE_START, _PASTE_END = "\x1b[200~", "\x1b[201~"


class InputParser:
    """Converts bytes from a terminal to messages."""

    def __init__(self, debug: bool) -> None:
        self._debug = debug
        self._decode = getincrementaldecoder("utf-8")("ignore").decode
        self._reset()

    def _reset(self) -> None:
        self._parser = XTermParser(self._debug)
        self._pasting, self._tail = False, ""
        self._read_at = time.monotonic()

    def feed(self, data: bytes) -> Iterable[Message]:
        """The messages of these bytes."""
        text = self._decode(data)
        self._read_at = time.monotonic()
        seen = self._tail + text  # the start or end of a paste may be split between two reads
        self._tail = seen[1 - len(_PASTE_START) :]
        start, end = seen.rfind(_PASTE_START), seen.rfind(_PASTE_END)
        if start != end:
            self._pasting = start > end
        return self._messages(text)

    def tick(self) -> Iterable[Message]:
        """The messages of a pause in the input: the escape key, the end of a paste."""
        if self._pasting and time.monotonic() - self._read_at > _PASTE_TIMEOUT:
            self._pasting = False
            return self._messages(_PASTE_END)
        return self._messages("")

    def close(self) -> None:
        """Release the app: Textual's cache of keys keeps the parser, and that its last message."""
        self._reset()
        XTermParser._parse_extended_key.cache_clear()

    def _messages(self, text: str) -> Iterable[Message]:
        try:
            if text:
                yield from self._parser.feed(text)
            yield from self._parser.tick()
        except Exception:
            # An invalid number or position in a sequence: skip it.
            self._reset()
