"""Who may vote: tokens that the server issues, and how many an address gets.

A token is a random id and a keyed hash of it (HMAC-SHA-256), so that the server knows its own
tokens again without a table, also after it was started anew with the same key.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import Counter

from rnnviz.classroom.votes import MOST_DEVICES

#: Bytes of an id and of its hash; characters of a token.
_ID, _HASH = 9, 16
LENGTH = 2 * (_ID + _HASH)


class TokenIssuer:
    """Issues at most ``most`` tokens, and at most ``per_address`` to an address."""

    def __init__(self, key: bytes, per_address: int, most: int = MOST_DEVICES) -> None:
        self.per_address, self.most = per_address, most
        self.issued = 0
        self._key = key
        self._by_address: Counter[str] = Counter()

    def issue(self, address: str) -> str | None:
        """A new token; None if this address, or the class, has as many as it gets."""
        if self.issued >= self.most or self._by_address[address] >= self.per_address:
            return None
        self.issued += 1
        self._by_address[address] += 1
        name = secrets.token_hex(_ID)
        return name + self._hash(name)

    def voter(self, token: str) -> str | None:
        """The voter of a token; None for one that was not issued here."""
        if len(token) != LENGTH or not token.isascii():
            return None
        name = token[: 2 * _ID]
        return name if hmac.compare_digest(token[2 * _ID :], self._hash(name)) else None

    def _hash(self, name: str) -> str:
        return hmac.new(self._key, name.encode(), hashlib.sha256).hexdigest()[: 2 * _HASH]
