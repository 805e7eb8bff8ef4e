"""One-hot inputs: each token is a vector that is 1 at its id and 0 elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnviz.arrays import Array
from rnnviz.data.vocabulary import Vocabulary
from rnnviz.messages import _


@dataclass(frozen=True)
class OneHot:
    """The tokens of a vocabulary as vectors of ``width`` numbers, at least one for each entry."""

    vocabulary: Vocabulary
    width: int

    def __post_init__(self) -> None:
        """Check that every entry has a place."""
        if len(self.vocabulary) > self.width:
            raise ValueError(
                _("the vocabulary has {words:,} entries, a vector {width:,}").format(
                    words=len(self.vocabulary), width=self.width
                )
            )

    def __len__(self) -> int:
        """D, the numbers of a step."""
        return self.width

    def read(self, text: str) -> tuple[list[str], list[int], Array]:
        """The tokens, their ids and the vectors (T, D), float32, of a text."""
        tokens, ids = self.vocabulary.read(text)
        vectors = np.zeros((len(ids), self.width), np.float32)
        vectors[np.arange(len(ids)), ids] = 1
        return tokens, ids, vectors

    def to_json(self) -> dict[str, Any]:
        """The fields as a JSON object."""
        return {
            "width": self.width,
            "vocabulary": self.vocabulary.to_json(),
            "encoding": self.vocabulary.encoding.to_json(),
        }

    @classmethod
    def from_json(cls, value: object) -> OneHot:
        """Read what ``to_json`` wrote; ValueError if it is invalid."""
        if not isinstance(value, dict) or type(value.get("width")) is not int:
            raise ValueError(_("one_hot: expected a width and a vocabulary"))
        words = Vocabulary.from_json(value.get("vocabulary"), value.get("encoding"))
        return cls(words, value["width"])
