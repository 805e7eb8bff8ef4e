"""Texts of a net whose vocabulary is not known: the ids themselves, as they are typed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np

from rnnviz.data.vocabulary import Encoding
from rnnviz.errors import UsageError, shortened
from rnnviz.messages import _

#: What may stand between ids, as lists of numbers are printed.
_BETWEEN: Final = re.compile(r"[\s,;|\[\](){}]+")
_ID: Final = re.compile(r"#?(\d{1,9})", re.ASCII)
#: The number of ids of an example.
_EXAMPLE_LENGTH: Final = 8


@dataclass(frozen=True)
class TokenIds:
    """Texts like "14 20 16": ids from 0 up to, not including, ``size``; shown as #14 #20 #16.

    It takes the place of a :class:`~rnnviz.data.vocabulary.Vocabulary`. ``length`` and ``padding``
    are those of an :class:`~rnnviz.data.vocabulary.Encoding`.
    """

    size: int
    length: int | None = None
    padding: Literal["front", "end"] = "end"

    def __len__(self) -> int:
        """V, the number of ids."""
        return self.size

    @property
    def encoding(self) -> Encoding:
        """Without an unknown id and a start."""
        return Encoding(
            "spaces", unknown=None, padding=self.padding, length=self.length, special=()
        )

    @property
    def example(self) -> str:
        """Eight ids drawn at random (seed 0), without 0, which may be the padding."""
        ids = np.random.default_rng(0).integers(min(1, self.size - 1), self.size, _EXAMPLE_LENGTH)
        return " ".join(map(str, ids.tolist()))

    def encode(self, tokens: Iterable[str]) -> list[int]:
        """The ids of tokens like ``14`` or ``#14``; UsageError for any other."""
        return [self._id(token) for token in tokens]

    def tokenize(self, text: str) -> list[str]:
        """The tokens of a text, ``#14``; UsageError for anything but ids."""
        return self.decode(self.encode(part for part in _BETWEEN.split(text) if part))

    def read(self, text: str) -> tuple[list[str], list[int]]:
        """The tokens and ids of a text; UsageError for anything but ids."""
        ids = self.encode(part for part in _BETWEEN.split(text) if part)
        return self.decode(ids), ids

    def known(self, token: str) -> bool:
        """Whether a token is one of the ids."""
        found = _ID.fullmatch(token)
        return found is not None and int(found[1]) < self.size

    def decode(self, ids: Iterable[int]) -> list[str]:
        """``#14`` for 14."""
        return [f"#{n}" for n in ids]

    def to_json(self) -> dict[str, Any]:
        """The fields as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: object) -> TokenIds:
        """Read what ``to_json`` wrote; ValueError if it is invalid."""
        size, length, padding = (
            value.get(name) if isinstance(value, dict) else None
            for name in ("size", "length", "padding")
        )
        if type(size) is not int or not 1 <= size <= 10_000_000:
            raise ValueError(_("ids: expected a size of at least 1"))
        if length is not None and (type(length) is not int or not 1 <= length < 10**9):
            raise ValueError(_("ids: expected a length of at least 1"))
        return cls(size, length, "front" if padding == "front" else "end")

    def _id(self, token: str) -> int:
        found = _ID.fullmatch(token)
        if found is None:
            raise UsageError(
                _(
                    "{token!r} is no id. This net reads ids from 0 to {last:,}, since it has no "
                    'vocabulary: type for example "{example}".\n'
                    "If you have its words: --vocab FILE"
                ).format(token=shortened(token, 60), last=self.size - 1, example=self.example)
            )
        if int(found[1]) >= self.size:
            raise UsageError(
                _("The id {id} is too large: this net has ids from 0 to {last:,}.").format(
                    id=found[1], last=self.size - 1
                )
            )
        return int(found[1])
